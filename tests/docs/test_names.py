"""Whatever the pages write in ``code`` and looks like a name of ours is one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from evoswarm.cli.commands import app
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.settings import StudySettings
from tests.docs.pages import BESIDE, DOCS, PAGES, ROOT, inline_code, name_of

PACKAGE = ROOT / "evoswarm"
TREES = [PACKAGE, ROOT / "tests", ROOT / "tools"]
FOREIGN = frozenset(
    ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "enable_thinking"]
)
"""Of other libraries, of checkpoints' files, of the shell."""
FOREIGN_OPTIONS = frozenset(
    ["--env-manager", "--model", "--model_args", "--use_cache", "--apply_chat_template", "--tasks"]
)
"""Of a command line that one of ours hands on to, or that reads what ours writes."""

METRICS = ("accuracy/", "front/", "islands/", "problems/", "speed/", "work/", "rivals/", "spoken/")
"""Sections of metrics in MLflow."""
NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*(?:\(\))?")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")


@cache
def vocabulary() -> frozenset[str]:
    """Every identifier, every short text and every file name of the package and what stands beside it."""
    found: set[str] = set()
    for tree in TREES:
        for file in tree.rglob("*"):
            if "members" not in file.parts and "__pycache__" not in file.parts:
                found |= {file.name, file.stem}
        for file in tree.rglob("*.py"):
            if file.parent == Path(__file__).parent:
                continue
            nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
            said = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings may be out of date
            for node in nodes:
                match node:
                    case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                        found.add(name)
                    case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                        found.add(name)
                    case ast.keyword(arg=str(name)) | ast.alias(name=name):
                        found.update(name.split("."))
                    case ast.Constant(value=str(text)) if len(text) < 400 and id(node) not in said:
                        found.update(re.findall(r"[\w.-]+", text))
    found |= {path.name for path in (PACKAGE / "zoo" / "members").iterdir()}
    found |= {path.name for path in ROOT.iterdir()} | {path.name for path in (ROOT / "search_spaces").rglob("*")}
    return frozenset(found | schema_keys())


@cache
def schema_keys() -> frozenset[str]:
    found: set[str] = set()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            found.update(part.get("properties", ()))
            found.update(str(one) for one in [*part.get("enum", ()), part.get("const", "")])
            for one in part.values():
                walk(one)
        elif isinstance(part, list):
            for one in part:
                walk(one)

    for schema in (SearchSpace.json_schema(), Recipe.json_schema(), StudySettings.model_json_schema()):
        walk(schema)
    return frozenset(found)


@cache
def commands() -> dict[str, set[str]]:
    """By command its options."""
    found: dict[str, set[str]] = {}

    def walk(command: Any, name: str) -> None:
        found[name] = {option for one in command.params for option in [*one.opts, *one.secondary_opts]} | {"--help"}
        for inner in getattr(command, "commands", {}):
            walk(command.commands[inner], f"{name} {inner}")

    walk(typer.main.get_command(app), "evoswarm")
    return found


def mistake(text: str) -> str | None:
    """What is wrong with a piece of code; None where nothing is."""
    if text.startswith("evoswarm "):
        return _wrong_command(text)
    if text.startswith("make "):
        target = text.split()[1]
        return None if re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) else "no such target"
    if text.startswith("--"):
        option = re.split(r"[ =]", text)[0]
        known = option in FOREIGN_OPTIONS or any(option in options for options in commands().values())
        return None if known else "no command has this option"
    if re.fullmatch(r"[\w-]+-(seed\d+(-\d+)?|seeds(-\d+)+/)", text):
        return None  # a run directory, or what is said over the runs of several seeds
    if "/" in text and PATH.fullmatch(text):
        return None if _is_path(text) else "no such file or folder"
    if NAME.fullmatch(text):
        return _wrong_name(text)
    return None


def _wrong_command(text: str) -> str | None:
    words = text.split()
    known = [name for name in commands() if words[: len(name.split())] == name.split()]
    name = max(known, key=len)
    rest = words[len(name.split()) :]
    if name in ("evoswarm", "evoswarm zoo") and rest and not rest[0].startswith("-"):
        return "no such command"
    options = [re.split(r"[=/]", word.strip("[]"))[0] for word in rest if word.strip("[").startswith("--")]
    wrong = [one for one in options if one not in commands()[name] | FOREIGN_OPTIONS]
    return f"it has no option {wrong[0]}" if wrong else None


def _is_path(text: str) -> bool:
    made = ("runs/", "Qwen/", "recipes/", "members/", "models/", "mlartifacts/", "build/", *METRICS)
    if text.startswith(made):
        return True  # made by a search or an export (the last are sections of metrics in MLflow), or the user's
    roots = [ROOT, PACKAGE, PACKAGE / "decoding", PACKAGE / "evaluation", PACKAGE / "genomes", ROOT / "tests", DOCS]
    roots.append(ROOT / "search_spaces")
    return any((root / text).exists() for root in roots)


def _wrong_name(text: str) -> str | None:
    bare = text.removesuffix("()")
    if bare in FOREIGN or bare in vocabulary():
        return None
    missing = [part for part in bare.split(".") if part not in vocabulary() and part not in FOREIGN]
    return f"nothing is called {missing[0]!r}" if missing else None


@pytest.mark.parametrize("page", [*PAGES, *BESIDE], ids=name_of)
def test_names_exist(page: Path) -> None:
    wrong = [f"{name_of(page)}:{line}: `{text}`: {why}" for line, text in inline_code(page) if (why := mistake(text))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "evoswarm serch SPACE",
        "evoswarm search SPACE --fast",
        "make pudding",
        "--fast",
        "decoding/loops.py",
        "Swarmling",
        "certificate.marjin",
        "open_shares_of_everybody()",
    ],
)
def test_mistakes_are_found(text: str) -> None:
    assert mistake(text)
