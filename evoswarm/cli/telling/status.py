"""How a command stands, in words: what it is at, how far it has come, how long that has taken and may still take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evoswarm.experiment.progress import Stage, StageStep
from evoswarm.experiment.wording import duration, how_far

if TYPE_CHECKING:
    from evoswarm.evaluation.advance import Advance

OLD_NEWS = 5.0
"""Seconds without news that are worth a word."""


@dataclass(frozen=True)
class Parts:
    """The parts of a command that has several.

    Attributes:
        done: how many have ended.
        count: how many there are to be.
    """

    done: int
    count: int


@dataclass(frozen=True)
class Status:
    """How a command stands.

    Attributes:
        stage: what it is at.
        seconds: that the stage has taken.
        step: within the stage, where that is known.
        advance: of the decoding within the step, where there is one.
        silent: seconds since there were news of any of these.
        left: seconds that the stage may still take, where an estimate is known.
        left_in_all: likewise, of the whole command.
        parts: how many searches of a comparison, or trials of a study, are done.
    """

    stage: Stage
    seconds: float
    step: StageStep | None = None
    advance: Advance | None = None
    silent: float = 0.0
    left: float | None = None
    left_in_all: float | None = None
    parts: Parts | None = None

    @property
    def times(self) -> list[str]:
        """What time it may still take, and has taken, in parts of a sentence."""
        left = {"in this phase": self.left, "in all": self.left_in_all}
        known = [f"{duration(seconds)} {where}" for where, seconds in left.items() if seconds is not None]
        told = [f"about {known[0]}", *known[1:]] if known else []
        told = [*told[:-1], f"{told[-1]} left"] if told else []
        told.append(f"{duration(self.seconds)} so far")
        if OLD_NEWS <= self.silent < self.seconds - 1:  # or nothing was heard but that it began
            told.append(f"no news for {duration(self.silent)}")
        return told

    def __str__(self) -> str:
        far = [] if self.advance is None else how_far(self.advance)
        return f"  {self.stage.name if self.step is None else self.step}: {', '.join([*far, *self.times])}"


_PART = {"evolving": "search"}
"""What a generation calls the part that a stage is, where it is called otherwise."""


class Expectations:
    """What is left of a command, part by part, as its last generation said."""

    def __init__(self) -> None:
        self._by_part: Mapping[str, float] = {}
        self._told = self._ends = -math.inf

    def expect(self, by_part: Mapping[str, float], seconds: float | None, now: float) -> None:
        """So many seconds are left by part, and in all."""
        self._by_part, self._told, self._ends = by_part, now, now + (seconds or 0.0)

    def left(self, stage: Stage, began: float, now: float) -> float | None:
        """Of a stage; None where nothing is known of it, or it takes longer."""
        part = self._by_part.get(_PART.get(stage.name, stage.name), 0.0)
        left = max(began, self._told) + part - now
        return left if left > 0 else None

    def left_in_all(self, now: float) -> float | None:
        """Of the command; likewise."""
        return self._ends - now if self._ends > now else None
