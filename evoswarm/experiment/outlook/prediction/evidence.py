"""What a few items show of a pool: who is right on which of them, alone and mixed, and what that speaks for.

Whatever is chosen or fitted on the items that judge it looks better than it is. So the items are taken in parts, and
what is said of each part was chosen and fitted on the others (cross-validation, Stone 1974).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evoswarm.statistics.by_task import fold_places
from evoswarm.statistics.intervals import Vector

PARTS = 4
"""That the items are taken in."""

PRIOR_ITEMS = 2.0
"""Items that all differ, one each way, added where a spread is estimated: that few items agree is no certainty."""


@dataclass(frozen=True)
class PilotScores:
    """Scores of greedy policies on the same few items.

    Attributes:
        tasks: ``[items]`` whose each item is.
        weights: ``[items]`` what each counts; they sum to 1.
        alone: ``[members, items]`` scores of the members.
        mixed: ``[mixes, items]`` of mixes of all of them: the uniform one first, then fitted ones, each on items that
            were left out of its fit.
        alone_lead: ``[members, items]`` nats by which the right text leads where it is in most danger (negative where
            another text wins); None where no texts are known that alone are right.
        mixed_lead: ``[mixes, items]`` likewise.
    """

    tasks: tuple[str, ...]
    weights: Vector
    alone: Vector
    mixed: Vector
    alone_lead: Vector | None = None
    mixed_lead: Vector | None = None

    @property
    def items(self) -> int:
        """How many."""
        return len(self.weights)

    @cached_property
    def best(self) -> float:
        """Accuracy of the best member."""
        return float((self.alone @ self.weights).max())

    @cached_property
    def ceiling(self) -> float:
        """Accuracy of whoever could tell for every item which member is right: the oracle router."""
        return float(self.alone.max(0) @ self.weights)

    @cached_property
    def disagreement(self) -> float:
        """Mean squared difference of the uniform mix's score on an item from the best member's."""
        return float((self.mixed[0] - self.alone[self._champion(self.alone)]) ** 2 @ self.weights)

    @cached_property
    def correlation(self) -> float:
        """Of two members' errors on an item, mean over pairs; 1 where all err alike, and where nobody errs."""
        errors = 1.0 - self.alone
        centred = errors - (errors @ self.weights)[:, None]
        covariance = (centred * self.weights) @ centred.T
        spread = np.sqrt(np.diag(covariance))
        pairs = [
            covariance[one, other] / (spread[one] * spread[other])
            for one in range(len(errors))
            for other in range(one)
            if spread[one] > 0 and spread[other] > 0
        ]
        return float(np.mean(pairs)) if pairs else 1.0

    @cached_property
    def parts(self) -> list[NDArray[np.int64]]:
        """Places of the items, in parts that every task is spread over; see `fold_places`."""
        return fold_places(self.tasks, PARTS)

    def gain(self, rival: Vector) -> tuple[float, float]:
        """Of the best mix over a rival on the same items, and its standard error.

        Args:
            rival: ``[items]`` scores.
        """
        differences = self.best_mix - rival
        mean = float(differences @ self.weights)
        spread = float((differences - mean) ** 2 @ self.weights)
        count = 1.0 / float((self.weights**2).sum())  # of equal items that would say as much
        smoothed = (spread * count + PRIOR_ITEMS) / (count + PRIOR_ITEMS)
        return mean, math.sqrt(smoothed / count)

    @cached_property
    def best_mix(self) -> Vector:
        """``[items]`` scores of the mix that is best on the other parts."""
        return self._following(self.mixed, self.mixed)

    def rival(self, router: bool) -> Vector:
        """``[items]`` scores of who does without mixing: the member, or of every task the member, best on other parts.

        Args:
            router: whether it may be another member for every task.
        """
        return self._following(self.alone, self.alone, apart=router)

    def soft_gain(self, router: bool) -> float | None:
        """The gain of the best mix over a rival where a lead counts little by little; None without leads.

        Smoother than right or wrong, it differs less from items to items.

        Args:
            router: see `rival`.
        """
        if self.alone_lead is None or self.mixed_lead is None:
            return None
        mix = self._following(self.mixed, _smooth(self.mixed_lead))
        rival = self._following(self.alone, _smooth(self.alone_lead), apart=router)
        return float((mix - rival) @ self.weights)

    def _following(self, scores: Vector, values: Vector, apart: bool = False) -> Vector:
        """``[items]`` values of the row that has the best scores on the other parts; ``apart``, there on that task."""
        found, every, names = np.empty(self.items), np.arange(self.items), np.array(self.tasks)
        for part in self.parts:
            rest = np.setdiff1d(every, part) if len(self.parts) > 1 else part
            for task in dict.fromkeys(self.tasks) if apart else [None]:
                here = part if task is None else part[names[part] == task]
                there = rest if task is None else rest[names[rest] == task]
                found[here] = values[self._champion(scores, there if len(there) else rest)][here]
        return found

    def _champion(self, scores: Vector, items: NDArray[np.int64] | None = None) -> int:
        """The best row on some items; of equals the first."""
        places = np.arange(self.items) if items is None else items
        return int((scores[:, places] @ self.weights[places]).round(9).argmax())


def _smooth(lead: Vector) -> Vector:
    """From a lead in nats to a share of being right: 1/2 where nothing is decided."""
    found: Vector = 1.0 / (1.0 + np.exp(-np.clip(lead, -30.0, 30.0)))
    return found
