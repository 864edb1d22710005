"""Tables that are made of the package itself, so that they cannot fall behind it.

A page asks for one by a line that holds nothing but ``<!-- generated: NAME -->``; ``TABLES`` says which there are.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic import BaseModel, Field, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from evoswarm.cli.commands import app as commands
from evoswarm.cli.telling.events import AnyEvent
from evoswarm.export.described import sentences
from evoswarm.export.tables.page import column_lines
from evoswarm.export.tables.target import PLANS
from evoswarm.export.targets import TARGETS
from evoswarm.fusion.fields import ByParameter
from evoswarm.policies import About, Recipe, Route, Vote
from evoswarm.policies.policy import PolicyModel
from evoswarm.policies.route import PromptCluster
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.settings import StudySettings

PACKAGE = Path(__file__).parents[1] / "evoswarm"
ASKED = re.compile(r"^<!-- generated: ([a-z -]+) -->$", re.MULTILINE)

Row = tuple[str, str, str, str]


def fill_in(_app: object, _page: str, source: list[str]) -> None:
    """Put the tables that a page asks for in their places (Sphinx's ``source-read``)."""
    source[0] = ASKED.sub(lambda asked: TABLES[asked[1]](), source[0])


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[Row]:
    """``(dotted key, type, default, sentence)`` of every key of a model, those of its parts behind it.

    Policies within a policy have a table of their own.
    """
    said = sentences(model)
    for name, field in model.model_fields.items():
        if name == "parameters" and issubclass(model, ByParameter):
            yield from keys(model.keys(), prefix)
            continue
        key = prefix + (field.alias or name)
        yield key, _words(field.annotation, field.metadata), _default(field), said.get(name, field.description or "")
        for part, suffix in _parts(field.annotation):
            if not issubclass(part, PolicyModel):
                yield from keys(part, f"{key}{suffix}.")


def _parts(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """Models inside a type, with what stands for "each of a list" before their keys."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
        return
    many = {tuple: "[]", dict: ".*"}.get(get_origin(annotation), "")
    if get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            for part, suffix in _parts(inner):
                yield part, many + suffix


def _words(annotation: Any, metadata: list[Any]) -> str:
    """A type in words: ``number > 0``, ``list of text``, ``bytes | tokens``."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(inner[0], [*inner[1:], *metadata])
    if origin is Literal:
        return " \\| ".join(f"`{value}`" for value in inner)
    if origin in (Union, UnionType):
        words = [_words(one, metadata) for one in inner if one is not type(None)]
        return " or ".join(dict.fromkeys([*words, *(["null"] if type(None) in inner else [])]))
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return f"list of {_words(inner[0], [])}"
        return f"[{', '.join(_words(one, []) for one in inner)}]"
    if origin is dict:
        return "map"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "map"
    if annotation is str and (known := TypeAdapter(Annotated[str, Field(), *metadata]).json_schema().get("enum")):
        return " \\| ".join(f"`{value}`" for value in known)
    plain = {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(annotation, "any")
    return " ".join([plain, *_bounds(metadata)])


def _bounds(metadata: list[Any]) -> list[str]:
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    flat = [inner for one in metadata for inner in (one.metadata if isinstance(one, FieldInfo) else [one])]
    return [
        f"{sign} {'2^63' if getattr(one, name) == 2**63 else format(getattr(one, name), 'g')}"
        for one in flat
        for name, sign in signs.items()
        if isinstance(getattr(one, name, None), int | float)
    ]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or value is PydanticUndefined:
        return ""
    return f"`{_yaml(value)}`" if _yaml(value).strip() else "`''`"


def _yaml(value: Any) -> str:
    """A default as it would stand in the file."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    named = {None: "null", True: "true", False: "false"}
    if isinstance(value, str):
        return value.replace("\n", "\\n")
    return named[value] if value is None or isinstance(value, bool) else str(value)


def _table(model: type[BaseModel]) -> str:
    rows = [f"| `{key}` | {kind} | {default} | {said} |" for key, kind, default, said in _joined(keys(model))]
    return "\n".join(["| key | type | default | |", "| --- | --- | --- | --- |", *rows])


def _joined(rows: Iterator[Row]) -> list[Row]:
    """The same key of several kinds of one thing (sources of tasks) stands once where it says the same."""
    return list(dict.fromkeys((key, kind, default, _cell(said)) for key, kind, default, said in rows))


def command_pages() -> str:
    """Every command with its arguments and options, from the command line's own definitions."""
    return "\n\n".join(_commands(typer.main.get_command(commands), "evoswarm"))


def _commands(command: Any, name: str) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is not None:
        for each in sorted(inner):
            yield from _commands(inner[each], f"{name} {each}")
        return
    rows = [f"| {_usage(one)} | {_cell(getattr(one, 'help', ''))} |" for one in command.params]
    table = ["| argument or option | |", "| --- | --- |", *rows] if rows else ["It takes no options."]
    yield "\n".join([f"## `{name}`", "", command.help or "", "", *table])


def _usage(parameter: Any) -> str:
    """How an argument or an option is written."""
    if parameter.param_type_name == "argument":
        return f"`{_cell(parameter.metavar or parameter.name.upper())}`"
    value = "" if parameter.is_flag else " " + (parameter.metavar or parameter.name.upper())
    return " / ".join(f"`{one}{_cell(value)}`" for one in [*parameter.opts, *parameter.secondary_opts])


def _cell(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").replace("|", "\\|")


def house() -> str:
    """The folders of the package as a tree, each with the first sentence that it says of itself."""
    rows = []
    for folder in sorted(path.parent for path in PACKAGE.rglob("__init__.py")):
        parts = folder.relative_to(PACKAGE).parts
        if parts:
            rows.append((2 * (len(parts) - 1), f"{parts[-1]}/", first_sentence(folder / "__init__.py")))
    modules = sorted(path for path in PACKAGE.glob("*.py") if not path.name.startswith("__"))
    rows += [(0, module.name, first_sentence(module)) for module in modules]
    width = max(indent + len(name) for indent, name, _ in rows) + 2
    lines = [f"  {' ' * indent}{name:<{width - indent}}{text}".rstrip() for indent, name, text in rows]
    return "\n".join(["```text", "evoswarm/", *lines, "```"])


def first_sentence(file: Path) -> str:
    """What a module says that it is, up to the first full stop."""
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return re.sub(r"\s+", " ", said).split(". ")[0].removesuffix(".").replace("``", "")


def event_pages() -> str:
    """Every event that ``--json`` prints: what it says, and its keys."""
    pages = []
    for model in get_args(AnyEvent):
        names = get_args(model.model_fields["event"].annotation)
        said = re.sub(r"\s+", " ", inspect.cleandoc(model.__doc__ or "").partition("Attributes:")[0]).strip()
        pages.append("\n".join([f"### {' and '.join(f'`{name}`' for name in names)}", "", said, "", _table(model)]))
    return "\n\n".join(pages)


def export_table() -> str:
    """Every target of an export: what one gets, of what, what it needs, and the command."""
    rows = []
    for name, target in TARGETS.items():
        takes = "run" if target.takes == "run" else ", ".join(f"`{kind}`" for kind in target.kinds)
        needs = f"`{target.extra}`" if target.extra else ""
        command = _cell(target.made_by)
        rows.append(f"| [{name}](export-{name}.md) | {_cell(target.title)} | {takes} | {needs} | `{command}` |")
    return "\n".join(["| target | what you get | of | extra | command |", "| --- | --- | --- | --- | --- |", *rows])


def exported_tables() -> str:
    """Every table that a run is exported as, with its columns."""
    pages = [[f"### `{plan.name}`", "", plan.says, "", *column_lines(plan.columns)] for plan in PLANS]
    return "\n\n".join("\n".join(page) for page in pages)


TABLES: dict[str, Callable[[], str]] = {
    "events": event_pages,
    "space keys": lambda: _table(SearchSpace),
    "mix keys": lambda: _table(Recipe),
    "vote keys": lambda: _table(Vote),
    "route keys": lambda: _table(Route),
    "cluster keys": lambda: _table(PromptCluster),
    "about keys": lambda: _table(About),
    "study keys": lambda: _table(StudySettings),
    "commands": command_pages,
    "exports": export_table,
    "exported tables": exported_tables,
    "house": house,
}
