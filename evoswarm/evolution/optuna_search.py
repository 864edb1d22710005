"""Optuna's samplers behind the ask/tell of evolution: the rivals that the field would reach for.

A sampler sees points of :class:`~evoswarm.evolution.coordinates.Coordinates`. The first batch, founders and random
genomes, is queued as trials of the study, so that the sampler learns from it as from its own. Trials are told in the
order of ids, whatever order outcomes come in, and a study lives in memory: replaying the outcomes replays the study.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Self, TypeVar

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.algorithms import Setup
from evoswarm.evolution.batch_search import BatchSearch
from evoswarm.evolution.coordinates import Coordinates
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.settings import Objective

G = TypeVar("G")


class OptunaSearch(BatchSearch[G]):
    """Lets a sampler of Optuna propose genomes; a subclass says which. Failures are told as failed trials, never as
    numbers.

    Args:
        representation: of the genomes.
        coordinates: of the genomes.
        objectives: what individuals are measured by.
        seed: of the search.
        batch: individuals per generation; the population of samplers that have one.
    """

    name: ClassVar[str]
    """Names the operator of what is sampled, and the purpose of the sampler's seed."""

    def __init__(
        self,
        representation: Representation[G],
        coordinates: Coordinates[G],
        objectives: Sequence[Objective],
        seed: int,
        batch: int = 48,
    ) -> None:
        super().__init__(representation, objectives, seed, batch)
        self._coordinates = coordinates
        self._distributions: dict[str, BaseDistribution] = {
            one.name: CategoricalDistribution(one.choices) if one.choices else FloatDistribution(0.0, 1.0)
            for one in coordinates.dimensions
        }
        self._trials: list[Trial] = []
        with _quiet():
            self._study = optuna.create_study(
                directions=["maximize" if objective.maximise else "minimize" for objective in objectives],
                sampler=self._sampler(generator(seed, 0, 0, self.name).getrandbits(32)),
            )

    @classmethod
    def of(cls, setup: Setup[G]) -> Self:
        """The algorithm at its beginning."""
        return cls(setup.representation, setup.coordinates, setup.objectives, setup.seed, setup.batch)

    @abstractmethod
    def _sampler(self, seed: int) -> BaseSampler:
        """The sampler at the beginning."""

    def _born(self, generation: int) -> list[Individual[G]]:
        """The queued are tried in the study too: what it is told of them, it learns from."""
        self._trials = []
        born = super()._born(generation)
        queued = born[: len(born) - len(self._trials)]
        with _quiet():
            self._trials = [self._queue(individual.genome) for individual in queued] + self._trials
        return born

    def _queue(self, genome: G) -> Trial:
        """A trial of this very genome."""
        self._study.enqueue_trial(self._coordinates.encode(genome))
        return self._study.ask(self._distributions)

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        with _quiet():
            self._trials = [self._study.ask(self._distributions) for _ in range(count)]
        genomes = [self._coordinates.decode(trial.params) for trial in self._trials]
        return [self._breeder.draft(genome, self.name) for genome in genomes]

    def _close(self, finished: list[Individual[G]]) -> None:
        with _quiet():
            for individual, trial in zip(finished, self._trials, strict=True):
                if individual.succeeded:
                    self._study.tell(trial, individual.objectives)
                else:
                    self._study.tell(trial, state=TrialState.FAIL)
            self._learn()
        super()._close(finished)

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
