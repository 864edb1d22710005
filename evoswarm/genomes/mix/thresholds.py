"""The calibration table, and thresholds in nats from open shares.

"Open at 10% of the steps" means the same for every lead; "0.67 nats" does not. So genes hold shares, recipes hold
nats, and the table of entropies that each possible lead showed on the calibration items stands between them.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evoswarm.canonical import round_significant
from evoswarm.errors import RunError, Where

_TOLERANCE = 1e-9  # of sums of step weights
_DECIMALS = 6  # entropies nearer than this are not told apart


@dataclass(frozen=True)
class Calibration:
    """Entropies of leads that decoded the calibration items alone, greedily.

    Attributes:
        entropies: lead's name -> task's name -> entropies of all steps, nats, sorted. Made by :meth:`of`.
    """

    entropies: Mapping[str, Mapping[str, tuple[float, ...]]]
    _tables: dict[str, tuple[list[float], list[float]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tables", {lead: _cumulated(tasks) for lead, tasks in self.entropies.items()})

    @classmethod
    def of(cls, entropies: Mapping[str, Mapping[str, Iterable[float]]]) -> Calibration:
        """Make a table from what was decoded: lead's name -> task's name -> entropies in any order, nats."""
        return cls(
            {
                lead: {task: tuple(sorted(_clean(value) for value in values)) for task, values in tasks.items()}
                for lead, tasks in entropies.items()
            }
        )

    def threshold(self, lead: str, share: float) -> float | None:
        """The entropy from which on a member speaks, so that it speaks at (at most) this share of the steps.

        It is the midpoint between the two neighbouring distinct entropies at quantile 1 - share, tasks weighted
        equally: a threshold that equals an observed entropy would flip on rounding noise.

        Args:
            lead: name of the lead.
            share: of the steps, in [0, 1].

        Returns:
            Nats, rounded as recipes are; 0 for a share of 1; None (never) for a share of 0, above the largest
            entropy, and for any share below 1 when there is only one distinct entropy.
        """
        if share >= 1:
            return 0.0
        if share <= 0:
            return None
        values, cumulated = self._table(lead)
        place = bisect_left(cumulated, 1 - share - _TOLERANCE)
        for below, above in zip(values[place:], values[place + 1 :], strict=False):
            midpoint = round_significant((below + above) / 2)
            if below < midpoint < above:
                return midpoint
        return None

    def share(self, lead: str, threshold: float | None) -> float:
        """The share of steps at which a member with this threshold speaks: what the gene would have been.

        Args:
            lead: name of the lead.
            threshold: nats; None is never.
        """
        if threshold is None:
            return 0.0
        if threshold <= 0:
            return 1.0
        values, cumulated = self._table(lead)
        place = bisect_left(values, threshold)
        return max(0.0, 1 - (cumulated[place - 1] if place else 0.0))

    def to_json(self) -> str:
        """The table as JSON text, the same bytes for the same table."""
        return json.dumps({lead: dict(tasks) for lead, tasks in self.entropies.items()}, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, file: str = "calibration.json") -> Calibration:
        """Read what :meth:`to_json` wrote.

        Raises:
            RunError: the text is no such table; names the file.
        """
        try:
            return cls.of(json.loads(text))
        except (ValueError, TypeError, AttributeError) as error:
            raise RunError(
                f"expected lead -> task -> entropies (move the file away to have it made anew), got: {error}",
                Where(file),
            ) from None

    def _table(self, lead: str) -> tuple[list[float], list[float]]:
        if lead not in self._tables:
            known = ", ".join(self._tables) or "none"
            raise RunError(f"expected entropies of the lead {lead!r}, got those of: {known}", Where("calibration.json"))
        return self._tables[lead]


def _clean(value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"expected an entropy in nats >= 0, got {value}")
    return round(float(value), _DECIMALS) + 0.0


def _cumulated(tasks: Mapping[str, tuple[float, ...]]) -> tuple[list[float], list[float]]:
    """Distinct entropies in order, and the share of steps at or below each; tasks count equally."""
    asked = [values for values in tasks.values() if values]
    weights: dict[float, list[float]] = {}
    for values in asked:
        for value in values:
            weights.setdefault(value, []).append(1 / (len(values) * len(asked)))
    distinct = sorted(weights)
    cumulated: list[float] = []
    total = 0.0
    for value in distinct:
        total += math.fsum(weights[value])
        cumulated.append(total)
    return distinct, cumulated
