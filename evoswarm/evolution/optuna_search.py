"""Optuna's samplers as islands: the rivals that the field would reach for.

A sampler sees points of :class:`~evoswarm.evolution.coordinates.Coordinates`. What it has not drawn itself (founders,
random genomes, immigrants) is queued as trials of the study, so that the sampler learns from it as from its own. Trials
are told in the order of ids, whatever order outcomes come in, and a study lives in memory: replaying the outcomes
replays the study.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, TypeVar

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from evoswarm.evolution.coordinates import Coordinates, boxed
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.island import Island, IslandSetup
from evoswarm.evolution.randomness import generator

G = TypeVar("G")


class OptunaSearch(Island[G]):
    """Lets a sampler of Optuna propose genomes; a subclass says which. Failures are told as failed trials, never as
    numbers. The batch is the population of samplers that have one.

    Args:
        place: where it lies; it needs coordinates.
    """

    name: ClassVar[str]
    """Names the operator of what is sampled, and the purpose of the sampler's seed."""

    def __init__(self, place: IslandSetup[G]) -> None:
        super().__init__(place)
        self._coordinates = self._box(boxed(place.coordinates))
        self._distributions: dict[str, BaseDistribution] = {
            one.name: CategoricalDistribution(one.choices) if one.choices else FloatDistribution(0.0, 1.0)
            for one in self._coordinates.dimensions
        }
        self._trials: list[Trial] = []
        self._begin(0)

    @abstractmethod
    def _sampler(self, seed: int) -> BaseSampler:
        """The sampler at the beginning."""

    def _box(self, coordinates: Coordinates[G]) -> Coordinates[G]:
        """What the sampler is to see of the coordinates."""
        return coordinates

    def _begin(self, generation: int) -> None:
        """A new study."""
        several = self.ranking.several
        signs = [objective.maximise for objective in self._place.objectives] if several else [True]
        with _quiet():
            self._study = optuna.create_study(
                directions=["maximize" if maximise else "minimize" for maximise in signs],
                sampler=self._sampler(
                    generator(self._place.seed, self._place.index, generation, self.name).getrandbits(32)
                ),
            )

    def ask(self, generation: int, given: Sequence[Draft[G]]) -> list[Draft[G]]:
        """The queued are tried in the study too: what it is told of them, it learns from."""
        self._trials = []
        drafts = super().ask(generation, given)
        queued = drafts[: len(drafts) - len(self._trials)]
        with _quiet():
            self._trials = [self._queue(draft.genome) for draft in queued] + self._trials
        return drafts

    def tell(self, generation: int, finished: Sequence[Individual[G]]) -> None:
        """Tell the study, then let the sampler learn."""
        with _quiet():
            for individual, trial in zip(finished, self._trials, strict=True):
                self._outcome(trial, individual)
            self._learn()
        super().tell(generation, finished)

    def settle(self, population: Sequence[Individual[G]], arrivals: Sequence[Individual[G]]) -> None:
        """Immigrants become trials with their outcomes."""
        with _quiet():
            for individual in arrivals:
                self._outcome(self._queue(individual.genome), individual)
        super().settle(population, arrivals)

    def restart(self, generation: int) -> None:
        """Begin a new study; it knows the best alone."""
        super().restart(generation)
        self._begin(generation + 1)
        self.settle(self.population, self.population)

    def _queue(self, genome: G) -> Trial:
        """A trial of this very genome."""
        self._study.enqueue_trial(self._coordinates.encode(genome))
        return self._study.ask(self._distributions)

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        with _quiet():
            self._trials = [self._study.ask(self._distributions) for _ in range(count)]
        genomes = [self._coordinates.decode(trial.params) for trial in self._trials]
        return [self._breeder.draft(genome, self.name) for genome in genomes]

    def _outcome(self, trial: Trial, individual: Individual[G]) -> None:
        if not individual.succeeded:
            self._study.tell(trial, state=TrialState.FAIL)
        elif self.ranking.several:
            self._study.tell(trial, individual.objectives)
        else:
            self._study.tell(trial, self.ranking.worth(individual))

    def _learn(self) -> None:
        """What a sampler does beside once a generation has been told; most learn from the study itself."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna neither logs nor says that a sampler is experimental; afterwards it is as talkative as before."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
