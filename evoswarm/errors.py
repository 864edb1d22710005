"""Everything evoswarm raises on purpose: one tree, so that a caller can catch one class.

A message says what was expected (and why, where that is not plain), what came, and where. Failures *of an
evaluation* (out of memory, a non-finite distribution, ...) are values, not exceptions: see
``evoswarm.recipe.Failure``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """A place in a file: which file, which field of it, and line and column where they are known (from 1)."""

    file: str
    path: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        position = "" if self.line is None else f":{self.line}" + ("" if self.column is None else f":{self.column}")
        return f"{self.file}{position}" + (f": {self.path}" if self.path else "")


class EvoswarmError(Exception):
    """Base of all errors that evoswarm raises on purpose; the command line shows them without a traceback."""

    def __init__(self, message: str, where: Where | None = None) -> None:
        self.message = message
        self.where = where
        super().__init__(message if where is None else f"{where}: {message}")


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
