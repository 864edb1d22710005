"""A user's own scorer: ``module:function``, imported from the working directory or from what is installed.

    def score(text: str, item: evoswarm.tasks.task.Item) -> float:  # in [0, 1]; a bool will do

If the function has an attribute ``extract`` (a function of the text), votes count what it returns.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.task import Item

FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class UserScorer:
    """Calls a user's function; its errors and its results out of range become `TaskError`s."""

    reference: str
    id: str
    function: Callable[[str, Item], Any]

    @classmethod
    def load(cls, reference: str) -> UserScorer:
        """Import ``module:function``.

        Raises:
            TaskError: it cannot be imported, or is no function.
        """
        if not FORM.fullmatch(reference):
            raise _refusal(reference, f"expected module:function, got {reference!r}")
        module_name, function_name = reference.split(":")
        module = _import(module_name)
        function = getattr(module, function_name, None)
        if not callable(function):
            got = "no such name" if function is None else f"a {type(function).__name__}"
            raise _refusal(reference, f"expected a function {function_name!r} in the module {module_name!r}, got {got}")
        return cls(reference, f"{reference} {_source_digest(module)}", function)

    def extract(self, text: str) -> str:
        """What the function's own `extract` returns, or the text without white space around it."""
        own = getattr(self.function, "extract", None)
        if own is None:
            return text.strip()
        try:
            return str(own(text))
        except Exception as error:  # whatever a user's code raises belongs to the user, named
            raise _refusal(
                self.reference, f"expected {self.reference}.extract to return a text, got {_say(error)}"
            ) from error

    def check_gold(self, gold: str) -> None:
        """What a gold may be is the user's business."""

    def score(self, item: Item, text: str) -> float:
        """What the function returns.

        Raises:
            TaskError: it raised, or returned something else than a number in [0, 1].
        """
        try:
            result = self.function(text, item)
        except Exception as error:  # as above
            raise _refusal(self.reference, f"expected {self.reference} to return a score, got {_say(error)}") from error
        if not isinstance(result, bool | int | float) or not 0 <= result <= 1:  # nan fails the comparison
            raise _refusal(
                self.reference, f"expected {self.reference} to return a number in [0, 1], got {result!r:.60}"
            )
        return float(result)


def _import(name: str) -> ModuleType:
    try:
        with _working_directory_first():
            return importlib.import_module(name)
    except Exception as error:  # importing runs the user's code
        raise _refusal(
            name, f"expected a module {name!r} (in the working directory or installed), got {_say(error)}"
        ) from error


@contextmanager
def _working_directory_first() -> Iterator[None]:
    directory = os.getcwd()
    sys.path.insert(0, directory)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(directory)


def _source_digest(module: ModuleType) -> str:
    """Changes when the user's code does, so that old scores are not taken for new ones."""
    file = getattr(module, "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if file else "built-in"


def _say(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _refusal(reference: str, message: str) -> TaskError:
    return TaskError(message, Where(reference, "scorer.kind"))
