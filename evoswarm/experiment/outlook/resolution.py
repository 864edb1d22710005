"""Whether a split is large enough to tell recipes apart, as a sample of both says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import ndtr, ndtri

CERTAIN = 1.96
"""Standard errors of a paired difference that tells two recipes apart: one-sided 97.5%."""

ENOUGH = 0.5
"""Of all pairs."""


@dataclass(frozen=True)
class Resolution:
    """How well scores on some items tell recipes apart.

    Attributes:
        recipes: in the sample.
        spread: mean squared difference of two recipes' true accuracies, as far as the sample can tell it from noise.
        noise: mean variance of two recipes' difference on one item.
    """

    recipes: int
    spread: float
    noise: float

    @classmethod
    def of(cls, scores: Sequence[Sequence[float]]) -> Resolution:
        """Estimate from scores, one row per distinct recipe, one column per item.

        A squared difference of means is too large by the noise of a mean; that is taken off.
        """
        rows = np.asarray(scores, dtype=np.float64)
        items = rows.shape[1] if rows.size else 0
        if items < 2 or len(rows) < 2:
            return cls(len(rows), 0.0, 0.0)
        differences = np.array([first - second for first, second in combinations(rows, 2)])
        noise = float(differences.var(axis=1, ddof=1).mean())
        return cls(len(rows), max(0.0, float((differences.mean(axis=1) ** 2).mean()) - noise / items), noise)

    def share(self, items: int) -> float:
        """Of all pairs, those that so many items would tell apart; chance alone gives 5%."""
        error = self.noise / items
        if not self.spread + error:
            return 0.0  # all did the same
        return float(2 * ndtr(-CERTAIN * math.sqrt(error / (self.spread + error))))

    @property
    def items(self) -> int | None:
        """That tell half of the pairs apart; None where the sample shows no difference but noise."""
        if not self.spread:
            return None
        half = float(ndtri(1 - ENOUGH / 2)) ** 2
        return max(1, math.ceil(self.noise * (CERTAIN**2 - half) / (half * self.spread)))

    def warning(self, items: int) -> str | None:
        """In one sentence, that a search split of so many items is too small; None where it is not."""
        share = self.share(items)
        if self.recipes < 2 or share >= ENOUGH:
            return None
        others = self.recipes - 1
        said = (
            f"{items} search items would tell a recipe from about {share * others:.0f} of the {others} others of the "
            "sample (paired, one-sided 97.5%)"
        )
        if self.items is None:
            return f"{said}; the sample shows no difference between them that is more than noise"
        return f"{said}; for half of them it would take about {self.items:,} (splits.search)"
