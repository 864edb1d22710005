"""Finds a task of the harness, if its caller allows the code that it may run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.arrow_tables import quiet
from evoswarm.tasks.harness.settings import HarnessSettings
from evoswarm.trust import Trust
from evoswarm.user_files import expanded, nearby


def load(settings: HarnessSettings, trust: Trust) -> Any:
    """The harness's own object: a ``ConfigurableTask`` with its documents.

    Raises:
        TaskError: the harness is missing, the task is unknown, not allowed, cannot be read, or is none of one kind.
    """
    if find_spec("lm_eval") is None:
        raise TaskError(
            "expected lm_eval to be installed (the evaluation harness), got nothing: pip install 'evoswarm[lm-eval]'",
            Where("", "source"),
        )
    path = settings.benchmark if settings.is_file else settings.include_path
    if path is not None:
        key = "benchmark" if settings.is_file else "include_path"
        _require_allowed(path, trust, key)
        if not Path(expanded(path)).exists():
            raise TaskError(f"expected a file or folder that is there, got {path!r:.100}{nearby(path)}", Where("", key))
    with _silent(), quiet():
        try:
            found = _found(settings)
        except TaskError:
            raise
        except Exception as error:  # a task is anybody's code, and reads anybody's data
            said = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
            words = " ".join(said.split())[:300]
            raise _refusal(f"expected a task that lm_eval can load, got {settings.benchmark!r:.100}: {words}") from None
    return _checked(found, settings)


def _found(settings: HarnessSettings) -> list[Any]:
    """The tasks behind a benchmark.

    Raises:
        TaskError: no task has that name; the harness would read a file of that name, whoever allowed it or not.
    """
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    if settings.is_file:
        described = load_yaml(expanded(settings.benchmark), resolve_func=True)
        described.setdefault("task", settings.name)
        return list(TaskManager(include_defaults=False).load([described])["tasks"].values())
    name = settings.benchmark
    managers: list[Callable[[], Any]] = [_shipped]
    if settings.include_path is not None:
        path = expanded(settings.include_path)
        managers.insert(0, lambda: TaskManager(include_path=path, include_defaults=False))
    for manager in (make() for make in managers):
        if name in manager.all_subtasks:
            return list(manager.load([name])["tasks"].values())
        if name in manager.all_tasks:  # it may be of a hundred, and each would fetch its documents to be counted
            raise _refusal(f"expected one task, got a group ({name!r:.100}): name its tasks (lm-eval ls subtasks does)")
    raise _refusal(f"expected a name that lm_eval knows, or a file ending in .yaml, got {name!r:.100}")


@lru_cache(maxsize=1)
def _shipped() -> Any:
    """The harness's own tasks; finding their thousands of files takes seconds, and a space may name many."""
    from lm_eval.tasks import TaskManager

    return TaskManager()


def _checked(found: list[Any], settings: HarnessSettings) -> Any:
    from lm_eval.api.task import ConfigurableTask

    name = f"{settings.benchmark!r:.100}"
    if len(found) != 1:
        some = ", ".join(one.task_name for one in found[:4])
        raise _refusal(f"expected one task, got a group of {len(found)} ({name}): name each of them ({some}, ...)")
    task = found[0]
    if not isinstance(task, ConfigurableTask) or getattr(task, "MULTIMODAL", False) or task.multiple_input:
        raise _refusal(f"expected a task whose contexts are texts, described by YAML, got {name}")
    if getattr(task, "UNSAFE_CODE", False):
        raise _refusal(f"expected a task that only reads answers, got {name}, whose metric runs them as code")
    return task


def _require_allowed(path: str, trust: Trust, key: str) -> None:
    """Refuse tasks of files that the caller did not allow; nothing of them was read."""
    wanted = Path(expanded(path)).resolve()
    if not any(Path(one).resolve() == wanted for one in trust.scorers):
        raise TaskError(
            "expected a task of the harness's own, or a file that you allow (a task's templates and functions are code,"
            f" which would run), got {path!r:.100}; if you trust it: --allow-scorer {path}, in Python"
            f" Trust(scorers=({path!r},))",
            Where("", key),
        )


def _refusal(message: str) -> TaskError:
    return TaskError(message, Where("", "benchmark"))


@contextmanager
def _silent() -> Iterator[None]:
    """What the harness tells of its defaults is for its own users."""
    logger = logging.getLogger("lm_eval")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
