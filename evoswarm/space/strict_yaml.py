"""YAML, read strictly: plain data in, a place for every value, and every oddity refused by name."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from evoswarm.errors import SpaceError, Where, show
from evoswarm.settings import KeyPath
from evoswarm.space.source_map import SourceMap, dotted
from evoswarm.user_files import MIB, decoded

LARGEST = MIB
"""Bytes of a file of YAML."""

_MOST_VALUES = 20_000  # aliases of aliases can stand for billions
_MOST_LEVELS = 40
_COLUMN = re.compile(r"\{\s*\w+\s*\}")  # not {key: value}
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def read_yaml(file: str, content: bytes, overrides: tuple[str, ...] = ()) -> tuple[dict[str, Any], SourceMap]:
    """Read a mapping and apply overrides to it.

    Args:
        file: the name that errors show.
        content: of the file.
        overrides: ``path.to.key=value``, the value in YAML.

    Returns:
        Plain dicts, lists and scalars, and where they came from.

    Raises:
        SpaceError: the text is no YAML, no mapping, or holds something that plain data has no place for.
    """
    node = _parse(decoded(content, raises=SpaceError, where=Where(file)), file)
    if node is None:
        raise SpaceError("expected a mapping (key: value), got an empty file", Where(file))
    if not isinstance(node, CommentedMap):
        raise SpaceError(f"expected a mapping (key: value), got {show(_short(node))}", Where(file, "", 1, 1))
    reader = _Reader(file)
    data: dict[str, Any] = reader.plain(node, (), Where(file, "", 1, 1))
    for override in overrides:
        _override(data, reader.places, override)
    return data, SourceMap(file, reader.places)


def _short(node: Any) -> Any:
    """A node fit to be shown, which a node that holds itself is not."""
    return "a list" if isinstance(node, CommentedSeq) else node


class _Composer(Composer):
    """Counts the nodes and their levels while they are made, not when all of them are there."""

    _made = 0
    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Make a node and what is in it."""
        self._made += 1
        if self._made > 2 * _MOST_VALUES or self._depth > _MOST_LEVELS:  # a key is a node too
            raise _TooMany
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _TooMany(Exception):
    """Nodes or levels."""


def _parse(text: str, file: str, numbered: bool = True) -> Any:
    yaml = YAML(typ="rt", pure=True)
    yaml.Composer = _Composer
    try:
        return yaml.load(text)
    except _TooMany:
        message = f"expected at most {_MOST_VALUES:,} values and {_MOST_LEVELS} levels, got more"
        raise SpaceError(message, Where(file)) from None
    except MarkedYAMLError as error:
        raise _syntax_error(error, file, numbered) from None
    except YAMLError as error:  # a character that YAML has no place for
        raise SpaceError(f"expected YAML, got {_one_line(error)}", Where(file)) from None
    except (ValueError, AttributeError, TypeError) as error:  # ruamel on impossible dates, numbers and merges
        raise SpaceError(f"expected YAML that makes sense, got: {_one_line(error)}", Where(file)) from None


def _syntax_error(error: MarkedYAMLError, file: str, numbered: bool) -> SpaceError:
    mark = (error.problem_mark or error.context_mark) if numbered else None
    where = Where(file) if mark is None else Where(file, "", mark.line + 1, mark.column + 1)
    problem = " ".join(str(error.problem).split())
    if "duplicate key" in problem:
        name = problem.split('"')[1]
        return SpaceError(
            f"expected every key once, got the key {name!r} twice", Where(file, name, where.line, where.column)
        )
    if "'\\t'" in problem:
        return SpaceError("expected spaces (YAML is not indented by tabs), got a tab", where)
    while_doing = f" ({error.context})" if error.context else ""
    return SpaceError(f"expected YAML, got a syntax error: {problem}{while_doing}", where)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:150] or type(error).__name__


@dataclass
class _Reader:
    """Turns ruamel's nodes into plain data and notes where each stood."""

    file: str
    numbered: bool = True
    places: dict[KeyPath, Where] = field(default_factory=dict)

    def plain(self, node: Any, path: KeyPath, place: Where) -> Any:
        self.places[path] = place
        if len(self.places) > _MOST_VALUES or len(path) > _MOST_LEVELS:
            raise SpaceError(
                f"expected at most {_MOST_VALUES:,} values and {_MOST_LEVELS} levels (an alias may stand for many), "
                "got more",
                self._at(place, path[:1]),
            )
        tag = getattr(getattr(node, "tag", None), "value", None)
        if tag is not None:
            raise SpaceError(f"expected plain YAML, got the tag {tag}", self._at(place, path))
        if isinstance(node, CommentedMap):
            return {
                self._key(key, path, place): self.plain(node[key], (*path, key), self._entry(node, key, place))
                for key in node
            }
        if isinstance(node, CommentedSeq):
            return [
                self.plain(entry, (*path, index), self._entry(node, index, place)) for index, entry in enumerate(node)
            ]
        if isinstance(node, ScalarBoolean):
            return bool(node)
        if isinstance(node, str):
            return self._encodable(node, path, place)
        for kind in (bool, int, float):  # ruamel's own numbers are children of these, as its texts are of str
            if isinstance(node, kind):
                return kind(node)
        if node is None:
            return None
        raise SpaceError(
            f"expected a number, a text, a list or a mapping, got a {type(node).__name__}: {show(node)} (a text "
            f"goes into quotes)",
            self._at(place, path),
        )

    def _key(self, key: Any, path: KeyPath, place: Where) -> str:
        if not isinstance(key, str):
            raise SpaceError(f"expected a text as a key, got {show(key)}", self._at(place, path))
        return self._encodable(key, path, place)

    def _encodable(self, text: str, path: KeyPath, place: Where) -> str:
        """A text without halves of characters, which YAML's escapes can spell."""
        try:
            text.encode()
        except UnicodeEncodeError:
            message = f"expected a text that UTF-8 can encode, got {text!a:.60}"
            raise SpaceError(message, self._at(place, path)) from None
        return str(text)

    def _entry(self, node: CommentedMap | CommentedSeq, key: Any, around: Where) -> Where:
        position = (node.lc.data or {}).get(key) if self.numbered else None  # a merged key stands elsewhere
        return around if position is None else Where(self.file, "", position[0] + 1, position[1] + 1)

    def _at(self, place: Where, path: KeyPath) -> Where:
        return Where(place.file, dotted(path), place.line, place.column)


def _override(data: dict[str, Any], places: dict[KeyPath, Where], override: str) -> None:
    """Set one value in place."""
    origin = f"--set {override}"
    name, equals, text = override.partition("=")
    path = tuple(int(part) if part.isdecimal() else part for part in name.strip().split("."))
    if not equals or not all(part != "" for part in path):
        raise SpaceError(f"expected path=value (such as evolution.generations=20), got {show(override)}", Where(origin))
    where = Where(origin, dotted(path))
    node = _override_node(text, name, origin, where)
    value = _Reader(origin, numbered=False).plain(node, path, Where(origin))
    target: Any = data
    for depth, part in enumerate(path[:-1]):
        if isinstance(target, dict) and target.get(part) is None:
            target[part] = {}
            places[path[: depth + 1]] = where
        target = _step(target, part, path[:depth], where)
    _check_step(target, path[-1], path[:-1], where)
    target[path[-1]] = value
    for known in [known for known in places if known[: len(path)] == path]:
        del places[known]
    places[path] = where


def _override_node(text: str, name: str, origin: str, where: Where) -> Any:
    """The value of an override; a text with a {column}, which YAML takes for a mapping, gets a hint."""
    quoted = shlex.quote(f"{name}={json.dumps(text, ensure_ascii=False)}")
    message = f"expected quotes around a text with braces (--set {quoted}), got {show(text)}"
    has_column = _COLUMN.search(_QUOTED.sub("", text)) is not None
    try:
        node = _parse(text, origin, numbered=False)
    except SpaceError:
        if has_column:
            raise SpaceError(message, where) from None
        raise
    if has_column and not isinstance(node, str):
        raise SpaceError(message, where)
    return node


def _step(target: Any, part: str | int, so_far: KeyPath, where: Where) -> Any:
    _check_step(target, part, so_far, where)
    return target[part]


def _check_step(target: Any, part: str | int, so_far: KeyPath, where: Where) -> None:
    place = dotted(so_far) or "the top"
    if isinstance(target, list):
        if not isinstance(part, int) or part >= len(target):
            last = len(target) - 1
            raise SpaceError(
                f"expected an index from 0 to {last} (the list at {place} is so long), got {part!r}", where
            )
    elif not isinstance(target, dict):
        raise SpaceError(f"expected a mapping or a list at {place} (to set something in it), got {show(target)}", where)
