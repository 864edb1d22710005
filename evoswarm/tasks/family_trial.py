"""Whether a family makes questions under settings that a space gives it: tried in a process that can be killed.

A family's own code takes its settings as they come: numbers that are none end in its own errors, huge ones in lists
that fill the memory or loops that never end. The first questions are therefore made where time and memory are limited.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from evoswarm.confined import CallFailed, ConfinedFunction, ResourceLimits
from evoswarm.errors import TaskError, Where
from evoswarm.tasks.families import Form
from evoswarm.tasks.scorers import Contains

_TRIED = 32  # questions; every family makes as many in a fraction of a second under its own settings
_LONGEST = 30_000  # characters of a question
_LIMITS = ResourceLimits(cpu_seconds=2.0, wall_seconds=30.0, memory_bytes=3 << 30)
_SHOWN = 200  # characters of settings within an error


def require_tractable(family: str, config: Mapping[str, Any], form: Form, seed: int) -> None:
    """Refuse settings under which a family raises, or makes its first questions too slowly or too large.

    Raises:
        TaskError: says what happened; its `where` names the setting to blame.
    """
    if config:
        mistake = _mistake(family, json.dumps(config, sort_keys=True, default=str), form, seed)
        if mistake is not None:
            raise TaskError(mistake[1], Where("", mistake[0]))


@lru_cache(maxsize=256)
def _mistake(family: str, config: str, form: Form, seed: int) -> tuple[str, str] | None:
    """The setting to blame and a sentence; None where the questions are fine. A search asks this many times."""
    confined = ConfinedFunction("evoswarm.tasks.family_trial:trial", (), _LIMITS)
    shown = config if len(config) <= _SHOWN else config[:_SHOWN] + "..."
    expected = f"expected settings with which {family} makes questions, got {shown}"
    try:
        path, message = confined(family, config, form, seed)
    except CallFailed as failure:
        return "config", f"{expected}: {failure.message}"
    finally:
        confined.close()
    return (path, message) if message else None


def trial() -> Callable[[str, str, Form, int], tuple[str, str]]:
    """What runs in the child; the library is imported before the time of a call begins to count."""
    import reasoning_gym  # noqa: F401  # slow, and what is timed finds it there

    return _first_questions


def _first_questions(family: str, config: str, form: Form, seed: int) -> tuple[str, str]:
    """Make some; the setting to blame and what is wrong, or two empty texts."""
    from evoswarm.tasks.reasoning_gym import ReasoningGymTask  # which asks for this trial

    task = ReasoningGymTask(
        name=family, family=family, config=json.loads(config), form=form, seed=seed, scorer=_AnyGold()
    )
    try:
        for item in islice(task.questions(), _TRIED):
            if len(item.prompt) > _LONGEST:
                return "config", f"expected questions of at most {_LONGEST:,} characters, got {len(item.prompt):,}"
    except TaskError as error:
        return error.where.path if error.where is not None else "config", error.message
    return "", ""


class _AnyGold(Contains):
    """Whether a gold fits the scorer is asked elsewhere."""

    def check_gold(self, gold: str) -> None:
        """Any will do."""
