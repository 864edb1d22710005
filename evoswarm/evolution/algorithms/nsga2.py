"""NSGA-II as Optuna has it."""

from __future__ import annotations

from typing import TypeVar

from optuna.samplers import BaseSampler, NSGAIISampler
from optuna.trial import Trial

from evoswarm.evolution.optuna_search import OptunaSearch

G = TypeVar("G")


class Nsga2Search(OptunaSearch[G]):
    """NSGA-II (Deb et al. 2002), for one objective or several."""

    name = "nsga2"

    def _sampler(self, seed: int) -> BaseSampler:
        return NSGAIISampler(population_size=max(2, self.settings.population), seed=seed)

    def _queue(self, genome: G) -> Trial:
        """Asking for the relative parameters, which a queued trial does not need, makes NSGA-II count it as one of its
        generation, and so as a parent of the next; an immigrant likewise."""
        trial = super()._queue(genome)
        _ = trial.relative_params
        return trial
