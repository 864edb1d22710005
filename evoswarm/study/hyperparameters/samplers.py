"""Which setting is tried next: Optuna's samplers, so seeded that an interrupted study goes on as it would have."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from evoswarm.study.hyperparameters.candidates import Setting
from evoswarm.study.hyperparameters.settings import SamplerName

_STARTUP = 8  # trials drawn at random before TPE has something to go by


def sampler(name: SamplerName, seed: int) -> BaseSampler:
    """A sampler whose draw for a trial depends on the seed, the trial's number and the trials before it.

    ``grid`` needs none (its trials are enqueued, see `grid`); it gets the random one.
    """
    seed %= 2**32  # numpy takes no more
    if name == "qmc":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False)
    if name == "tpe":
        return SeededByTrial(lambda own: TPESampler(seed=own, n_startup_trials=_STARTUP, constant_liar=True), seed)
    return SeededByTrial(lambda own: RandomSampler(seed=own), seed)


def grid(settings: Sequence[Setting], default: Mapping[str, Any], seed: int, most: int) -> list[dict[str, Any]]:
    """Up to ``most`` combinations of all values in a seeded order, without the default."""
    combinations = itertools.product(*(setting.grid() for setting in settings))
    names = [setting.path for setting in settings]
    every = [dict(zip(names, values, strict=True)) for values in itertools.islice(combinations, 100_000)]
    others = [parameters for parameters in every if parameters != default]
    random.Random(seed).shuffle(others)
    return others[:most]


class SeededByTrial(BaseSampler):
    """Another sampler, made anew for every trial: one that is seeded once would repeat its draws after a resume.

    Args:
        make: the sampler for a seed.
        seed: of the study.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make, self._seed = make, seed
        self._own = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Seed by the trial's number."""
        self._own = self._make(random.Random(f"{self._seed} {trial.number}").randrange(2**32))
        self._own.before_trial(study, trial)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the other sampler."""
        return self._own.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the other sampler."""
        return self._own.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """As the other sampler."""
        return self._own.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """As the other sampler."""
        self._own.after_trial(study, trial, state, values)
