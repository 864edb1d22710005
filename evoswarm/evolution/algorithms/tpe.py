"""The tree-structured Parzen estimator."""

from __future__ import annotations

from typing import TypeVar

from optuna.samplers import BaseSampler, TPESampler

from evoswarm.evolution.optuna_search import OptunaSearch

G = TypeVar("G")


class TpeSearch(OptunaSearch[G]):
    """The tree-structured Parzen estimator (Bergstra et al. 2011), for one objective or several."""

    name = "tpe"

    def _sampler(self, seed: int) -> BaseSampler:
        return TPESampler(seed=seed)
