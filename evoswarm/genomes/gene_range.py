"""A continuous gene: its range, its scale, the values in it that mean something special, and how it varies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

from evoswarm.canonical import round_significant
from evoswarm.evolution.deap_operators import polynomial_mutation, simulated_binary_crossover

T = TypeVar("T")

Scale = Literal["linear", "log", "squash"]

CROSSOVER_ETA = 8.0  # of simulated binary crossover: children stay near their parents
MUTATION_ETA = 4.0  # of polynomial mutation: a typical step is a tenth of the range


@dataclass(frozen=True)
class GeneRange:
    """The values a continuous gene may take.

    Attributes:
        low: smallest value; ``-inf`` on the ``squash`` scale.
        high: largest value, ``low`` to pin the gene; ``inf`` on the ``squash`` scale.
        scale: on which draws are uniform and steps are taken; ``squash`` is x / (1 + |x|).
        atoms: (value, probability) pairs of single values that draws shall hit exactly.
    """

    low: float
    high: float
    scale: Scale = "linear"
    atoms: tuple[tuple[float, float], ...] = ()

    @property
    def pinned(self) -> bool:
        """Whether there is only one value, rounded as recipes are."""
        return round_significant(self.low) == round_significant(self.high)

    def nearest(self, value: float) -> float:
        """The allowed value nearest to this one."""
        if not self.pinned and self.is_atom(value):
            return value
        return min(max(value, self.low), self.high)

    def is_atom(self, value: float) -> bool:
        """Whether this is one of the special values."""
        return any(value == atom for atom, _ in self.atoms)

    def draw(self, rng: Random) -> float:
        """A random value: an atom with its probability, else uniform on the scale."""
        if self.pinned:
            return self.low
        dice = rng.random()
        for atom, probability in self.atoms:
            if dice < probability:
                return atom
            dice -= probability
        return self.from_scale(rng.uniform(*self.ends))

    def at(self, quantile: float) -> float:
        """The value below which this share of all draws lies, from 0 to 1: a uniform quantile is a draw."""
        if self.pinned:
            return self.low
        start = 0.0
        for value, share in self._parts():
            if quantile < start + share:
                low, high = self.ends
                return self.from_scale(low + (high - low) * (quantile - start) / share) if value is None else value
            start += share
        return self.high

    def quantile(self, value: float) -> float:
        """Where a value stands among draws; an atom in the middle of its interval. Undoes `at`, up to rounding."""
        if self.pinned:
            return 0.5
        start = 0.0
        for atom, share in self._parts():
            if atom is None and not self.is_atom(value):
                low, high = self.ends
                return start + share * min(1.0, max(0.0, (self.to_scale(value) - low) / (high - low)))
            if atom == value:
                return start + share / 2
            start += share
        raise ValueError(f"expected a value of the range, got {value}")

    def _parts(self) -> list[tuple[float | None, float]]:
        """Atoms and the range between them (None), in order, with their shares of all draws."""
        below = [(atom, share) for atom, share in self.atoms if atom <= self.low]
        above = [(atom, share) for atom, share in self.atoms if atom > self.low]
        rest = 1.0 - sum(share for _, share in self.atoms)
        return [*sorted(below), (None, rest), *sorted(above)]

    def mutate(self, value: float, rng: Random) -> float:
        """Another value: one polynomial step, or a jump to or from an atom. The same only if the gene is pinned."""
        if self.pinned:
            return value
        jumps = self.is_atom(value) or rng.random() < sum(probability for _, probability in self.atoms)
        mutant = value
        for _ in range(8):
            mutant = self.draw(rng) if jumps else self._step(value, rng)
            if round_significant(mutant) != round_significant(value):
                return mutant
        while round_significant(mutant) == round_significant(value):
            mutant = self.draw(rng)
        return mutant

    def share_of_range(self, first: float, second: float) -> float:
        """How far two values are apart, from 0 to 1; an atom is far from everything else."""
        if first == second:
            return 0.0
        if self.is_atom(first) or self.is_atom(second):
            return 1.0
        low, high = self.ends
        return min(1.0, abs(self.to_scale(first) - self.to_scale(second)) / (high - low))

    @property
    def ends(self) -> tuple[float, float]:
        """The range on the scale on which steps are taken."""
        return self.to_scale(self.low), self.to_scale(self.high)

    def to_scale(self, value: float) -> float:
        """Where a value stands on that scale."""
        if self.scale == "log":
            return math.log(value)
        if self.scale == "squash":
            return value / (1 + abs(value)) if math.isfinite(value) else math.copysign(1.0, value)
        return value

    def from_scale(self, place: float) -> float:
        """The value at a place of that scale, within the range."""
        if self.scale == "log":
            value = math.exp(place)
        elif self.scale == "squash":
            value = place / (1 - abs(place)) if abs(place) < 1 else math.copysign(math.inf, place)
        else:
            value = place
        return min(max(value, self.low), self.high)

    def _step(self, value: float, rng: Random) -> float:
        low, high = self.ends
        place = min(max(self.to_scale(value), low), high)
        return self.from_scale(polynomial_mutation(place, MUTATION_ETA, low, high, rng))


def some_of(loci: Sequence[T], mean: float, rng: Random) -> list[T]:
    """At least one of the places where a mutation can strike, ``mean`` of them on average."""
    others = len(loci) - 1
    chance = min(1.0, max(0.0, (mean - 1) / others)) if others else 0.0
    return rng.sample(loci, 1 + sum(rng.random() < chance for _ in range(others)))


def cross(
    ranges: Sequence[GeneRange], first: Sequence[float], second: Sequence[float], rng: Random
) -> tuple[list[float], list[float]]:
    """Two children of two rows of genes: simulated binary crossover, but atoms are handed on as they are.

    Args:
        ranges: of each gene.
        first: one parent's values.
        second: the other's.
        rng: where all chance comes from.
    """
    one, two = list(first), list(second)
    blended = []
    for place, allowed in enumerate(ranges):
        if allowed.is_atom(one[place]) or allowed.is_atom(two[place]):
            if rng.random() < 0.5:
                one[place], two[place] = two[place], one[place]
        elif one[place] != two[place]:
            blended.append(place)
    if not blended:
        return one, two
    rows = [[ranges[place].to_scale(row[place]) for place in blended] for row in (one, two)]
    untouched = [dict(zip(pair, (one[place], two[place]), strict=True)) for place, pair in _pairs(blended, rows)]
    low, high = zip(*(ranges[place].ends for place in blended), strict=True)
    simulated_binary_crossover(rows[0], rows[1], CROSSOVER_ETA, low, high, rng)
    for (place, (a, b)), known in zip(_pairs(blended, rows), untouched, strict=True):
        one[place] = known[a] if a in known else ranges[place].from_scale(a)
        two[place] = known[b] if b in known else ranges[place].from_scale(b)
    return one, two


def _pairs(places: Sequence[int], rows: Sequence[Sequence[float]]) -> list[tuple[int, tuple[float, float]]]:
    return [(place, (a, b)) for place, a, b in zip(places, *rows, strict=True)]
