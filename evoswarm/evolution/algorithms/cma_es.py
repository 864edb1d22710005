"""CMA-ES as Optuna has it, over numbers alone."""

from __future__ import annotations

from typing import TypeVar

from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler
from optuna.trial import TrialState

from evoswarm.evolution.coordinates import Choice, Coordinate, Coordinates, Point
from evoswarm.evolution.optuna_search import OptunaSearch

G = TypeVar("G")

_LEAST_POPULATION = 4  # half of it are parents
_LEAST_SOURCES = 10  # it begins around the best tenth of them


class CmaEsSearch(OptunaSearch[G]):
    """CMA-ES (Hansen 2016), warm-started from the first batch (Nomura et al. 2021); one objective only.

    It knows no categories: Optuna would draw them at random, so each becomes a number from 0 to 1 cut into equal parts.
    Immigrants count among what it begins from; later ones live on the island, but Optuna's CMA-ES learns from its own
    trials alone.
    """

    name = "cmaes"

    def _box(self, coordinates: Coordinates[G]) -> Coordinates[G]:
        return Relaxed(coordinates)

    def _sampler(self, seed: int) -> BaseSampler:
        """Random until there is a batch to start from."""
        self._sampler_seed = seed
        return RandomSampler(seed=seed)

    def _learn(self) -> None:
        """Begin as soon as there are enough successes to begin from; a generation of CMA-ES is a batch."""
        known = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if isinstance(self._study.sampler, RandomSampler) and len(known) >= _LEAST_SOURCES:
            self._study.sampler = CmaEsSampler(
                source_trials=known,
                popsize=max(_LEAST_POPULATION, self.settings.population),
                seed=self._sampler_seed,
                warn_independent_sampling=False,
            )


class Relaxed(Coordinates[G]):
    """The same box for algorithms that know no categories: each is a number from 0 to 1, cut into equal parts.

    Args:
        coordinates: with categories.
    """

    def __init__(self, coordinates: Coordinates[G]) -> None:
        self._coordinates = coordinates
        self._choices = {one.name: one.choices for one in coordinates.dimensions if one.choices}
        self._dimensions = tuple(Coordinate(one.name) for one in coordinates.dimensions)

    @property
    def dimensions(self) -> tuple[Coordinate, ...]:
        """As many as before, all of them numbers."""
        return self._dimensions

    def encode(self, genome: G) -> dict[str, Choice | float]:
        """The point of a genome; a category is the middle of its part."""
        point = self._coordinates.encode(genome)
        for name, choices in self._choices.items():
            point[name] = (choices.index(point[name]) + 0.5) / len(choices)
        return point

    def decode(self, point: Point) -> G:
        """The genome of a point."""
        whole = dict(point)
        for name, choices in self._choices.items():
            whole[name] = choices[min(int(float(whole[name]) * len(choices)), len(choices) - 1)]
        return self._coordinates.decode(whole)
