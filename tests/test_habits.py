"""Habits that no tool checks: how docstrings open, that a class name means one thing, how long a module may be."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "evoswarm"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "members" not in path.parts)
TESTS = [
    path for path in sorted(Path(__file__).parent.rglob("*.py")) if not {"benchmarks", "studies"} & set(path.parts)
]
CLOCKS = {"monotonic", "perf_counter", "time"}
LONGEST = 360  # lines
SECTIONS = ("Args:", "Attributes:", "Example:", "Examples:", "Raises:", "Returns:", "Yields:")

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_docstring_opens_with_a_sentence(path: Path) -> None:
    for node in nodes(path):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        if text is None:
            continue
        first, _, rest = text.partition("\n\n")
        where = f"{name_of(path)}: {getattr(node, 'name', 'module')}"
        assert not first.startswith(SECTIONS), f"{where} has no sentence before its sections"
        assert first.rstrip().endswith((".", "?", "!", ":")), f"{where} opens with half a sentence: {first!r}"
        assert not rest.startswith("\n"), f"{where} has two blank lines behind its first sentence"


def test_a_class_name_means_one_thing() -> None:
    names = Counter(node.name for path in MODULES for node in nodes(path) if isinstance(node, ast.ClassDef))
    assert sum(names.values()) > 200
    assert [name for name, count in names.items() if count > 1] == []


def test_an_alias_means_one_thing() -> None:
    """Names of types that are written like classes, and that other modules may import."""
    meanings: dict[str, set[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.Assign):
                continue
            name = getattr(node.targets[0], "id", "")
            if name[:1].isupper() and not name.isupper():
                meanings.setdefault(name, set()).add(ast.unparse(node.value))
    assert len(meanings) > 20
    assert [name for name, found in meanings.items() if len(found) > 1] == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_enough_for_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(PACKAGE.parent).as_posix())
def test_no_test_asserts_how_late_it_is(path: Path) -> None:
    """What machine runs it, and what else that does, decides nothing."""
    for node in nodes(path):
        if isinstance(node, ast.Assert):
            called = {
                one.func.attr
                for one in ast.walk(node)
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)
            }
            assert not called & CLOCKS, f"line {node.lineno}"
