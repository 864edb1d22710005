"""The house stands: no import runs upstairs, rooms of one floor do not know each other, heavy libraries stay in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "evoswarm"

FLOORS = [
    {"errors", "trust", "failure", "canonical", "statistics", "pareto", "spreadsheets"},
    {"user_files", "settings"},
    {"durable"},
    {"run_directory", "confined", "member_spec"},
    {"fusion"},
    {"policies", "tasks", "evolution"},
    {"zoo", "checkpoint", "chat"},
    {"model_files"},
    {"space"},
    {"decoding", "genomes"},
    {"evaluation"},
    {"gold"},
    {"rivals"},
    {"certificate", "tracking"},
    {"report"},
    {"experiment"},
    {"study", "answering"},
    {"serving"},
    {"export"},
    {"cli"},
]
DECODING = [
    "request",
    "decoder",
    "beside",
    "reader",
    "waves",
    "compiled",
    "text",
    "forward",
    "member",
    "pool",
    "memory",
    "views",
    "step",
    "loop",
    "along",
    "fused",
    "collector",
    "known_texts",
    "drafts",
    "lane",
    "continuous",
    "swarm",
]  # likewise, one by one
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
EXEMPT = {"evoswarm/__init__.py", "evoswarm/__main__.py"}
OWNERS = {
    "torch": {"decoding", "gold", "export"},
    "transformers": {"decoding", "export"},
    "filelock": {"durable"},
    "jinja2": {"chat"},
    "deap": {"evolution", "pareto"},
    "mlflow": {"tracking", "export"},
    "optuna": {"study", "evolution", "export"},
    "cmaes": {"evolution"},
    "sklearn": {"statistics"},
    "datasets": {"tasks"},
    "pyarrow": {"tasks", "export"},
    "fastapi": {"serving"},
    "uvicorn": {"serving"},
    "prometheus_client": {"serving"},
    "lm_eval": {"export", "tasks"},
    "reasoning_gym": {"tasks"},
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "members" not in path.parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    found: list[str] = []
    nodes = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue  # what only a type checker reads is never imported
        nodes += ast.iter_child_nodes(node)  # type: ignore[arg-type]
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            bare = node.module == "evoswarm"
            found += [f"evoswarm.{alias.name}" for alias in node.names] if bare else [node.module]
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_from_floors_below(path: Path) -> None:
    if path.relative_to(PACKAGE.parent).as_posix() in EXEMPT:
        return
    room = room_of(path)
    assert room in FLOOR, f"{room} is no room of the house"
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "evoswarm" and len(parts) > 1 and parts[1] != room and not parts[1].startswith("__"):
            assert FLOOR[parts[1]] < FLOOR[room], f"{path} imports {name}, which is not below {room}"
        owners = OWNERS.get(parts[0])
        assert owners is None or room in owners, f"{path} imports {name}, which belongs to {owners}"


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE / "decoding").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", [path for path in modules() if room_of(path) == "decoding"], ids=part_of)
def test_within_decoding_too(path: Path) -> None:
    part = part_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[:2] == ["evoswarm", "decoding"] and parts[2] != part:
            assert DECODING.index(parts[2]) < DECODING.index(part), f"{path} imports {name}, which is not below {part}"


def test_every_room_is_inhabited_or_named() -> None:
    assert {room_of(path) for path in modules()} - {"__init__", "__main__"} <= set(FLOOR)
