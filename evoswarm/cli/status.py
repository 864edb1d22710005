"""How a command stands, in words: what it is at, how far it has come, how long that has taken and may still take."""

from __future__ import annotations

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
    """

    stage: Stage
    seconds: float
    step: StageStep | None = None
    advance: Advance | None = None
    silent: float = 0.0
    left: float | None = None
    left_in_all: float | None = None

    def __str__(self) -> str:
        parts = [] if self.advance is None else [how_far(self.advance)]
        if self.left is not None and (self.advance is None or self.advance.seconds_left is None):
            parts.append(f"about {duration(self.left)} left")
        parts.append(f"{duration(self.seconds)} so far")
        if OLD_NEWS <= self.silent < self.seconds - 1:  # or nothing was heard but that it began
            parts.append(f"no news for {duration(self.silent)}")
        if self.left_in_all is not None:
            parts.append(f"about {duration(self.left_in_all)} left in all")
        return f"  {self.stage.name if self.step is None else self.step}: {', '.join(parts)}"


class Expectations:
    """What parts of a command may take, as the last generation said.

    Attributes:
        by_stage: seconds, by the name of the stage.
    """

    def __init__(self) -> None:
        self.by_stage: Mapping[str, float] = {}
        self._ends: float | None = None

    def expect(self, by_stage: Mapping[str, float], seconds: float | None, now: float) -> None:
        """So long per stage, and in all from now on."""
        self.by_stage = by_stage
        self._ends = None if not seconds else now + seconds

    def left(self, stage: Stage, seconds: float) -> float | None:
        """Of a stage that has taken so long; None where nothing is known, or it takes longer."""
        left = self.by_stage.get(stage.name, 0.0) - seconds
        return left if left > 0 else None

    def left_in_all(self, now: float) -> float | None:
        """Of the command; likewise."""
        return None if self._ends is None or self._ends <= now else self._ends - now
