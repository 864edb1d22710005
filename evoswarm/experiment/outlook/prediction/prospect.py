"""Whether mixing will pay, in numbers and in words: over the best member, and over the best way without mixing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evoswarm.experiment.outlook.prediction.evidence import PilotScores
from evoswarm.experiment.outlook.prediction.forecast import Forecast, forecast
from evoswarm.experiment.wording import duration

WORTH = 0.005
"""A gain below this is none that anybody would search for."""

_SOME = 0.01
"""A gain from which on it is likely where its interval reaches less far below 0 than it lies above: 84% and more."""


@dataclass(frozen=True)
class Prospect:
    """What a few items foretell of a search.

    Attributes:
        items: how many there were.
        seconds: that it took to ask and read what nobody had asked before.
        along: whether members were read along right answers; else their own answers are all that is known.
        best: accuracy of the best member on the items.
        uniform: of the uniform mix.
        ceiling: of whoever knew which member is right.
        correlation: of members' errors, mean over pairs.
        disagreement: of the uniform mix and the best member: mean squared difference on an item.
        over_member: the gain of the best mix over the best member.
        over_router: over asking the best member of every task; with one task the same.
    """

    items: int
    seconds: float
    along: bool
    best: float
    uniform: float
    ceiling: float
    correlation: float
    disagreement: float
    over_member: Forecast
    over_router: Forecast

    @classmethod
    def of(cls, evidence: PilotScores, seconds: float = 0.0) -> Prospect:
        """What the evidence comes to."""
        over_member = forecast(evidence, "member")
        return cls(
            items=evidence.items,
            seconds=seconds,
            along=evidence.alone_lead is not None,
            best=evidence.best,
            uniform=float(evidence.mixed[0] @ evidence.weights),
            ceiling=evidence.ceiling,
            correlation=evidence.correlation,
            disagreement=evidence.disagreement,
            over_member=over_member,
            over_router=over_member if len(set(evidence.tasks)) == 1 else forecast(evidence, "router"),
        )

    @property
    def verdict(self) -> str:
        """In a few words."""
        said = _likely(self.over_member)
        if said is None:
            return f"cannot be told from {self.items} items"
        if self.several and said.endswith("pay") and self.over_router.high < WORTH:
            return f"{said}, but less than asking the best member of every task"
        return said

    @property
    def several(self) -> bool:
        """Whether there are several tasks, so that a router by task is another rival than the best member."""
        return self.over_router != self.over_member

    def lines(self) -> list[str]:
        """In words."""
        basis = "along right answers" if self.along else "by answers alone: no text is known to be the only right one"
        router = f"; {_range(self.over_router)} over asking the best one of every task" if self.several else ""
        return [
            f"{self.verdict}: {_range(self.over_member)} over the best member{router}",
            f"of {self.items} items the best member has {self.best:.0%} right, the uniform mix {self.uniform:.0%}, "
            f"some member {self.ceiling:.0%}; errors correlate by {self.correlation:.2f} ({basis}; "
            f"{duration(self.seconds)})",
        ]

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        figures: Mapping[str, Any] = {
            name: getattr(self, name)
            for name in ("items", "seconds", "along", "best", "uniform", "ceiling", "correlation", "disagreement")
        }
        return {
            "verdict": self.verdict,
            **figures,
            "over_member": self.over_member.as_dict(),
            "over_router": self.over_router.as_dict(),
        }


def _likely(gain: Forecast) -> str | None:
    """What an interval says of a gain; None where it says nothing."""
    if gain.high < WORTH:
        return "not worth a search"
    if gain.low > 0:
        return "mixing will pay"
    if gain.gain >= _SOME and gain.low > -gain.gain:
        return "mixing will probably pay"
    if gain.gain <= -_SOME and gain.high < -gain.gain:
        return "mixing will probably not pay"
    return None


def _range(gain: Forecast) -> str:
    """A gain with its 95% interval, in points."""
    mean, low, high = (f"{100 * value:+.1f}" for value in (gain.gain, gain.low, gain.high))
    return f"{mean} points ({low} to {high})"
