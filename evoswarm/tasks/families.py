"""Families of reasoning-gym: found by name, made with settings, refused in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from evoswarm.errors import TaskError, Where

Form = Literal["compact", "question"]
"""In few symbols, or in reasoning-gym's own words."""

_SIZE = 1000  # families that make all their items at once make so many; most are endless whatever is asked for


def unknown_family(family: str, known: Mapping[str, Any], what: str) -> TaskError:
    """The error for a family that is not there."""
    near = difflib.get_close_matches(family, known, n=3, cutoff=0.5)
    listed = f"did you mean {' or '.join(near)}?" if near else f"such as {', '.join(sorted(known)[:8])}"
    return TaskError(f"expected {what} ({listed}), got {family!r}", Where("", "family"))


def make_family(family: str, config: Mapping[str, Any], seed: int) -> Any:
    """A family under settings, for any number of items.

    Raises:
        TaskError: it is unknown, or refuses a setting; the path of its `where` is the key to blame.
    """
    from reasoning_gym.factory import DATASETS

    if family not in DATASETS:
        raise unknown_family(family, DATASETS, "a reasoning-gym family")
    for key in ("seed", "size"):
        if key in config:
            message = f"expected settings of {family} without {key!r} (the task has its own), got {config[key]!r}"
            raise TaskError(message, Where("", "config"))
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}
    try:
        return create(family, plain, seed, _SIZE)
    except ValueError as error:
        raise TaskError(str(error), Where("", "config")) from None


def create(family: str, config: Mapping[str, Any], seed: int, size: int) -> Any:
    """A data set of reasoning-gym.

    Raises:
        ValueError: it refuses a setting.
    """
    import reasoning_gym

    try:
        return reasoning_gym.create_dataset(family, seed=seed, size=size, **config)
    except (AssertionError, TypeError, ValueError) as error:  # its ways to refuse a setting
        expected = f"expected settings that reasoning-gym's {family} accepts, got {dict(config)}"
        raise ValueError(f"{expected}: {one_line(error)}") from None


def one_line(error: BaseException) -> str:
    """What an error says, in one line and not too long; its kind where it says nothing."""
    return " ".join(str(error).split())[:300] or type(error).__name__
