"""Everything evoswarm raises on purpose: one tree, so that a caller can catch one class.

A message says what was expected (and why, where that is not plain), what came, and where. Failures *of an
evaluation* (out of memory, a non-finite distribution, ...) are values, not exceptions: see
``evoswarm.failure.Failure``.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_NO_ROOM = (  # how libraries say it that have no type for it: allocators, loaders, thread pools
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "could not allocate",
    "unable to allocate",
    "memory allocation",
    "bad_alloc",
    "bad allocation",
    "failed to map segment",
    "can't start new thread",
    "thread creation failed",
    "threadpoolbuilderror",
    "error return without exception set",  # not even the exception could be made
    "returned null without setting an exception",  # the same, as newer interpreters say it
)
_NO_ROOM_TYPES = frozenset({"OutOfMemoryError", "_ArrayMemoryError"})  # torch's and numpy's: neither is imported here


@dataclass(frozen=True)
class Where:
    """A place in a file: which file, which field of it, and line and column where they are known (from 1)."""

    file: str
    path: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        position = "" if self.line is None else f":{self.line}" + ("" if self.column is None else f":{self.column}")
        return f"{_named(self.file)}{position}" + (f": {self.path}" if self.path else "")


def _named(file: str, limit: int = 300) -> str:
    """A file's name as a message shows it: a very long one without its middle."""
    return file if len(file) <= limit else f"{file[: limit // 2]}...{file[-limit // 2 :]}"


def show(value: Any, limit: int = 60) -> str:
    """A value as an error shows it: in one line, shortened, in YAML's words."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    if isinstance(value, dict):
        keys = ", ".join(str(key)[:limit] for key in islice(value, limit))
        return f"a mapping with {keys}"[:limit] if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return (
            "an empty list" if not value else _cut(f"[{', '.join(show(entry, 20) for entry in value[:limit])}]", limit)
        )
    if isinstance(value, str):
        value = value[: 2 * limit]
    return _cut(repr(value) if isinstance(value, str | int | float) else " ".join(str(value).split()), limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


class EvoswarmError(Exception):
    """Base of all errors that evoswarm raises on purpose; the command line shows them without a traceback.

    Example:
        >>> try:
        ...     SearchSpace.from_yaml("nowhere.yaml")
        ... except EvoswarmError as error:
        ...     print(error)
        nowhere.yaml: expected a readable file, got: No such file or directory
    """

    def __init__(self, message: str, where: Where | None = None) -> None:
        self.message = message
        self.where = where
        super().__init__(message if where is None else f"{where}: {message}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross the borders of processes, whatever their kind is made of."""
        return _remade, (type(self), self.message, self.where), self.__dict__


def _remade(kind: type[EvoswarmError], message: str, where: Where | None) -> EvoswarmError:
    error = kind.__new__(kind)
    EvoswarmError.__init__(error, message, where)
    return error


class SpaceError(EvoswarmError):
    """A search space is malformed or contradicts itself."""


class RecipeError(EvoswarmError):
    """A recipe is malformed, or asks for something its members cannot do."""


class MemberError(EvoswarmError):
    """A model or its tokenizer cannot be loaded or cannot take part."""


class TaskError(EvoswarmError):
    """A source of items cannot be read, or its items do not fit the task."""


class RunError(EvoswarmError):
    """A run directory cannot be written, continued or read."""


class OutOfMemory(EvoswarmError):
    """There was no memory left for what had to be done; what was written before is kept.

    Args:
        doing: what there was no room for, such as ``to load member 'a'``.
        cause: what the library said.
        where: the place in a file that asked for it, if one did.
    """

    def __init__(self, doing: str, cause: BaseException | None = None, where: Where | None = None) -> None:
        said = "" if cause is None or not str(cause).strip() else f" ({' '.join(str(cause).split())[:120]})"
        super().__init__(
            f"expected enough memory {doing}, got none that was left{said}: everything written before is kept; "
            "give it more memory and run the same command to go on",
            where,
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or one that led to it, says that memory (or room for a thread) ran out.

    Python has `MemoryError` for it; torch's allocators on a CPU raise `RuntimeError`, a library that cannot be mapped
    into memory is an `ImportError`, the system says ``ENOMEM``.
    """
    return any(_lacks_memory(one) for one in _chain(error))


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or any(kind.__name__ in _NO_ROOM_TYPES for kind in type(error).__mro__):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    if isinstance(error, EvoswarmError):
        return isinstance(error, OutOfMemory)  # others may quote what a user wrote
    text = str(error).lower()
    return any(sign in text for sign in _NO_ROOM)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it; each once."""
    seen: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is not None and not any(one is other for other in seen):
            seen.append(one)
            yield one
            todo += [one.__cause__, None if one.__suppress_context__ else one.__context__]
