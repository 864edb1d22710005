"""Optuna's samplers behind the ask/tell of evolution: the rivals that the field would reach for.

A sampler sees points of :class:`~evoswarm.evolution.coordinates.Coordinates`. The first batch, founders and random
genomes, is queued as trials of the study, so that the sampler learns from it as from its own. Trials are told in the
order of ids, whatever order outcomes come in, and a study lives in memory: replaying the outcomes replays the study.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TypeVar

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.ask_tell import BatchSearch
from evoswarm.evolution.coordinates import Coordinates, Relaxed
from evoswarm.evolution.genetic import Draft
from evoswarm.evolution.individual import Individual
from evoswarm.evolution.randomness import generator
from evoswarm.evolution.settings import Objective

G = TypeVar("G")

SamplerName = Literal["tpe", "cmaes", "nsga2"]

_LEAST_POPULATION = 4  # of CMA-ES: half of it are parents
_LEAST_SOURCES = 10  # CMA-ES begins around the best tenth of them


class SampledSearch(BatchSearch[G]):
    """Lets a sampler of Optuna propose genomes; an :class:`~evoswarm.evolution.algorithm.Algorithm`.

    - ``tpe``: the tree-structured Parzen estimator (Bergstra et al. 2011), for one objective or several.
    - ``cmaes``: CMA-ES (Hansen 2016), warm-started from the first batch (Nomura et al. 2021); one objective only. It
      knows no categories: Optuna would draw them at random, so each becomes a number from 0 to 1 cut into equal parts.
    - ``nsga2``: NSGA-II (Deb et al. 2002), for one objective or several.

    Failures are told as failed trials, never as numbers.

    Args:
        sampler: which.
        representation: of the genomes.
        coordinates: of the genomes.
        objectives: what individuals are measured by.
        seed: of the search.
        batch: individuals per generation; the population of ``cmaes`` and ``nsga2``.

    Raises:
        ValueError: the sampler cannot optimise so many objectives.
    """

    def __init__(
        self,
        sampler: SamplerName,
        representation: Representation[G],
        coordinates: Coordinates[G],
        objectives: Sequence[Objective],
        seed: int,
        batch: int = 48,
    ) -> None:
        if sampler == "cmaes" and len(objectives) > 1:
            raise ValueError(f"expected one objective (cmaes optimises no more), got {len(objectives)}")
        super().__init__(representation, objectives, seed, batch)
        self._name = sampler
        self._box = Relaxed(coordinates) if sampler == "cmaes" else coordinates
        self._distributions: dict[str, BaseDistribution] = {
            one.name: CategoricalDistribution(one.choices) if one.choices else FloatDistribution(0.0, 1.0)
            for one in self._box.dimensions
        }
        self._trials: list[Trial] = []
        with _quiet():
            self._study = optuna.create_study(
                directions=["maximize" if objective.maximise else "minimize" for objective in objectives],
                sampler=self._sampler(),
            )

    def _sampler(self) -> BaseSampler:
        """The sampler at the beginning: CMA-ES needs a batch to start from."""
        if self._name == "tpe":
            return TPESampler(seed=self._sampler_seed)
        if self._name == "nsga2":
            return NSGAIISampler(population_size=max(2, self._batch), seed=self._sampler_seed)
        return RandomSampler(seed=self._sampler_seed)

    @property
    def _sampler_seed(self) -> int:
        return generator(self._seed, 0, 0, self._name).getrandbits(32)

    def _born(self, generation: int) -> list[Individual[G]]:
        """The queued are tried in the study too: what it is told of them, it learns from."""
        self._trials = []
        born = super()._born(generation)
        queued = born[: len(born) - len(self._trials)]
        with _quiet():
            self._trials = [self._queue(individual.genome) for individual in queued] + self._trials
        return born

    def _queue(self, genome: G) -> Trial:
        """A trial of this very genome. Asking for its relative parameters, which a queued trial does not need, makes
        NSGA-II count it as one of its generation, and so as a parent of the next."""
        self._study.enqueue_trial(self._box.encode(genome))
        trial = self._study.ask(self._distributions)
        if self._name == "nsga2":
            _ = trial.relative_params
        return trial

    def _draw(self, generation: int, count: int) -> list[Draft[G]]:
        with _quiet():
            self._trials = [self._study.ask(self._distributions) for _ in range(count)]
        genomes = [self._box.decode(trial.params) for trial in self._trials]
        return [self._breeder.draft(genome, self._name) for genome in genomes]

    def _close(self, finished: list[Individual[G]]) -> None:
        with _quiet():
            for individual, trial in zip(finished, self._trials, strict=True):
                if individual.succeeded:
                    self._study.tell(trial, individual.objectives)
                else:
                    self._study.tell(trial, state=TrialState.FAIL)
            if self._name == "cmaes" and isinstance(self._study.sampler, RandomSampler):
                self._warm_start()
        super()._close(finished)

    def _warm_start(self) -> None:
        """Begin CMA-ES as soon as there are enough successes to begin from; a generation of it is a batch."""
        known = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(known) >= _LEAST_SOURCES:
            self._study.sampler = CmaEsSampler(
                source_trials=known,
                popsize=max(_LEAST_POPULATION, self._batch),
                seed=self._sampler_seed,
                warn_independent_sampling=False,
            )


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
