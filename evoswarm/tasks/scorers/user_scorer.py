"""A user's own scorer: ``module:function``, run in a confined child process, and only where the caller allows it.

    def score(text: str, item: evoswarm.tasks.task.Item) -> float:  # in [0, 1]; a bool will do

If the function has an attribute ``extract`` (a function of the text), votes count what it returns. The child has no
network and limits of time and memory; files and other programs are its own business, since the caller allowed it.
What it prints goes nowhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from evoswarm.canonical import sha256
from evoswarm.confined import CallFailed, ConfinedFunction, ResourceLimits
from evoswarm.errors import TaskError, Where
from evoswarm.tasks.scorers.scorer import Scorer
from evoswarm.tasks.task import Item
from evoswarm.trust import Trust

REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def function_limits(seconds: float = 5.0, memory_gb: float = 4.0) -> ResourceLimits:
    """What a user's function may take for one answer.

    Args:
        seconds: of processor time; the clock ends it at 4 times as many, at least 60.
        memory_gb: of address space.
    """
    return ResourceLimits(
        cpu_seconds=seconds,
        wall_seconds=max(60.0, 4 * seconds),
        memory_bytes=int(memory_gb * 2**30),
        files=True,
        processes=True,
    )


@dataclass(frozen=True)
class UserScorer(Scorer):
    """Calls a user's function; its failures and its results out of range become `TaskError`s.

    Attributes:
        reference: ``module:function``.
        digest: of the module's source.
        function: takes ``"extract", text`` or ``"score", text, item``.
        extracts: whether the user's function says what votes count.
    """

    reference: str
    digest: str
    function: Callable[..., Any]
    extracts: bool = False

    @classmethod
    def load(cls, reference: str, trust: Trust, limits: ResourceLimits | None = None) -> UserScorer:
        """Import ``module:function``, in the child.

        Args:
            reference: of the function.
            trust: whose functions may score.
            limits: of every call; None is those of `function_limits`.

        Raises:
            TaskError: the caller does not allow it, it cannot be imported, or is no function of (text, item).
        """
        if not REFERENCE.fullmatch(reference):
            raise _refusal(reference, f"expected module:function, got {reference!r}")
        module, name = reference.split(":")
        file = _allowed(reference, module, trust)
        served = "evoswarm.tasks.scorers.user_scorer:served"
        function = ConfinedFunction(served, (module, name, file), limits or function_limits())
        try:
            about = function("about")
        except CallFailed as error:
            raise _refusal(reference, f"expected a module {module!r} ({_place(file)}), got {error.message}") from None
        if "refusal" in about:
            raise _refusal(reference, str(about["refusal"]))
        return cls(reference, str(about["digest"]), function, bool(about["extracts"]))

    @property
    def id(self) -> str:
        """The reference, and the digest of the module's source."""
        return f"{self.reference} {self.digest}"

    def extract(self, text: str) -> str:
        """What the function's own `extract` returns, or the text without white space around it."""
        return str(self._call(".extract", "a text", "extract", text)) if self.extracts else text.strip()

    def score(self, item: Item, text: str) -> float:
        """What the function returns.

        Raises:
            TaskError: it raised, took more than it may, or returned something else than a number in [0, 1].
        """
        result = self._call("", "a score", "score", text, item)
        if not isinstance(result, bool | int | float) or not 0 <= result <= 1:  # nan fails the comparison
            raise _refusal(
                self.reference, f"expected {self.reference} to return a number in [0, 1], got {result!r:.60}"
            )
        return float(result)

    def _call(self, part: str, wanted: str, *arguments: Any) -> Any:
        try:
            return self.function(*arguments)
        except CallFailed as error:
            raise _refusal(
                self.reference, f"expected {self.reference}{part} to return {wanted}, got {error.message}"
            ) from error


def served(module: str, name: str, file: str | None) -> Callable[..., Any]:
    """What a confined child serves for a user's function; see `UserScorer`. Nothing of it runs in the parent.

    Args:
        module: its name.
        name: of the function.
        file: the module's file, as the caller allowed it; None imports by name, from the working directory first.
    """
    found = _import(module, file)
    function = getattr(found, name, None)

    def serve(what: str, *arguments: Any) -> Any:
        if what == "about":
            return _about(found, name, function)
        if function is None:
            raise ValueError("there is no such function")
        if what == "extract":
            return str(function.extract(*arguments))
        result = function(*arguments)
        return result if isinstance(result, bool | int | float) else repr(result)[:60]

    return serve


def _about(module: ModuleType, name: str, function: Any) -> Mapping[str, Any]:
    reference = f"{module.__name__}:{name}"
    if not callable(function):
        got = "no such name" if function is None else f"a {type(function).__name__}"
        return {"refusal": f"expected a function {name!r} in the module {module.__name__!r}, got {got}"}
    try:
        signature = inspect.signature(function)
        signature.bind("text", "item")
    except ValueError:  # some built-in functions say nothing of what they take
        pass
    except TypeError:
        parameters = ", ".join(signature.parameters)
        return {"refusal": f"expected a function that takes (text, item), got '{reference}({parameters})'"}
    return {"digest": _source_digest(module), "extracts": callable(getattr(function, "extract", None))}


def _import(name: str, file: str | None) -> ModuleType:
    sys.path.insert(0, os.getcwd() if file is None else str(Path(file).parent))
    if file is None:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _source_digest(module: ModuleType) -> str:
    """Changes when the user's code does, so that old scores are not taken for new ones."""
    file = getattr(module, "__file__", None)
    return sha256(Path(file).read_bytes())[:16] if file else "built-in"


def _allowed(reference: str, module: str, trust: Trust) -> str | None:
    """The file that the caller allows for a module; None where it is allowed by its name.

    Raises:
        TaskError: it is not allowed; nothing was imported.
    """
    for one in trust.scorers:
        if one == module:
            return None
        path = Path(one)
        if path.suffix == ".py" and path.stem == module:
            if not path.is_file():
                raise _refusal(reference, f"expected a file to import {module!r} from, got none at {one!r}")
            return str(path.resolve())
    raise _refusal(
        reference,
        f"expected a scorer of ours, or a module that you allow (its code would run), got {reference!r}; if you trust "
        f"it: --allow-scorer {module} (or its file, {module}.py), in Python Trust(scorers=({module!r},))",
    )


def _place(file: str | None) -> str:
    return "in the working directory or installed" if file is None else file


def _refusal(reference: str, message: str) -> TaskError:
    return TaskError(message, Where(reference, "scorer.kind"))
