"""From what a few items show to a gain with an interval: what was seen, drawn towards what such pools came to.

On 64 items a difference of two accuracies has a standard error of some five points, so what was seen is drawn towards
what a regression over other pools expects of such signs, by the weights of Fay and Herriot (1979, "Estimates of income
for small places"), and by no more than a standard error (Efron and Morris 1972, "Limiting the risk of Bayes and
empirical Bayes estimators"): a pool like none of those keeps what it shows. Where no right texts are known, nothing can
be fitted, and the uniform mix alone is seen; how far the best mix is from it, only the regression tells. The interval
is as many standard errors wide as covered 95% of other pools (conformal prediction, Lei et al. 2018).

The numbers are in ``coefficients.json``, made by ``python -m tests.studies.coefficients`` from pools of small fresh
members (the study ``prediction``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from evoswarm.experiment.outlook.prediction.evidence import PilotScores

COEFFICIENTS = Path(__file__).with_name("coefficients.json")

Rival = Literal["member", "router"]
"""Who does without mixing: the best member, or for every task the best one."""

MOST_MOVED = 1.0
"""Standard errors by which what was seen is moved at most."""

_LEAST_ERROR = 1e-9


@dataclass(frozen=True)
class Signs:
    """What a few items say of a gain.

    Attributes:
        seen: the gain on the items, chosen and fitted on others; in [-1, 1]. Without leads, of the uniform mix.
        error: its standard error.
        soft: the same by leads in place of right and wrong; None where they are not known.
        headroom: of the oracle router over the best member.
        correlation: of members' errors.
    """

    seen: float
    error: float
    soft: float | None
    headroom: float
    correlation: float

    @classmethod
    def of(cls, evidence: PilotScores, rival: Rival) -> Signs:
        """Of a gain over a rival."""
        router = rival == "router"
        seen, error = evidence.gain(evidence.rival(router))
        headroom = evidence.ceiling - evidence.best
        return cls(seen, error, evidence.soft_gain(router), headroom, evidence.correlation)

    @property
    def row(self) -> dict[str, float]:
        """What a regression has of it, by name."""
        found = {"constant": 1.0, "headroom": self.headroom, "independence": self.headroom * (1.0 - self.correlation)}
        return found | ({"seen": self.seen} if self.soft is None else {"soft": self.soft})


@dataclass(frozen=True)
class Regression:
    """What other pools came to.

    Attributes:
        coefficients: of a row of `Signs`, by name.
        spread: standard deviation of most pools' true gains around it.
        width: half an interval, in standard errors of what was seen; by answers alone, in spreads.
    """

    coefficients: Mapping[str, float]
    spread: float
    width: float

    def expected(self, signs: Signs) -> float:
        """Of such pools."""
        return sum(self.coefficients[name] * value for name, value in signs.row.items())

    def gain(self, signs: Signs) -> float:
        """Of this pool."""
        expected = self.expected(signs)
        if signs.soft is None:
            return expected
        error = max(signs.error, _LEAST_ERROR)
        moved = error**2 / (self.spread**2 + error**2) * (expected - signs.seen)
        most = MOST_MOVED * error
        return signs.seen + min(max(moved, -most), most)

    def uncertainty(self, signs: Signs) -> float:
        """The unit that intervals are measured in."""
        return self.spread if signs.soft is None else max(signs.error, _LEAST_ERROR)

    def forecast(self, signs: Signs) -> Forecast:
        """The gain with its interval, within what accuracies can differ by."""
        gain, half = self.gain(signs), self.width * self.uncertainty(signs)
        return Forecast(*(max(-1.0, min(1.0, gain + side * half)) for side in (0.0, -1.0, 1.0)))


@dataclass(frozen=True)
class Forecast:
    """A gain as it is expected on many items, in [-1, 1], with its 95% interval."""

    gain: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """As JSON data."""
        return asdict(self)


@cache
def _numbers() -> Any:
    return json.loads(COEFFICIENTS.read_text("utf-8"))


def regression(rival: Rival, signs: Signs) -> Regression:
    """That of a rival, and of pools of which as much is known: with leads along right texts, or by answers alone."""
    found = _numbers()[rival]["answers" if signs.soft is None else "leads"]
    return Regression(found["coefficients"], found["spread"], found["width"])


def forecast(evidence: PilotScores, rival: Rival) -> Forecast:
    """The gain of the best mix over a rival, as it is expected on many items."""
    signs = Signs.of(evidence, rival)
    return regression(rival, signs).forecast(signs)
