"""How much each setting matters, with intervals: functional ANOVA over bootstrapped trials and seeds.

Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance", ICML 2014: a forest is
fitted to the trials, and the importance of a setting is the share of its variance that the setting explains alone.
A single figure would be believed too readily: with few trials and noisy scores it is mostly chance. So the trials
and the seeds are drawn again and again with replacement, and the 2.5% and 97.5% quantiles stand beside the figure;
what chance alone would give is shown by scores that were dealt to the trials at random.

Trials that were given up count with the seeds they finished: without them the worst values would be invisible. Scores
are taken relative to the mean of their seed, so that lucky and unlucky first seeds do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution

from evoswarm.study.hyperparameters.hyperparameter import Hyperparameter
from evoswarm.study.hyperparameters.record import TrialRecord

LEAST_TRIALS = 4
"""With a score; fewer say nothing about importance."""

REPLICATES = 60
ScoreTable = NDArray[np.float64]  # [trials, seeds]
_TREES = 16


@dataclass(frozen=True)
class Importance:
    """How much one setting matters.

    Attributes:
        path: of the setting.
        share: of the variance between trials that it explains alone, 0 to 1.
        low: of the 95% bootstrap interval.
        high: likewise.
        chance: the 95% quantile of the share where scores are dealt to trials at random.
    """

    path: str
    share: float
    low: float
    high: float
    chance: float

    @property
    def clear(self) -> bool:
        """Whether it matters more than chance would have it: each setting by itself, so of twenty that do not matter
        one is expected to look as if it did."""
        return self.share > 0 and self.low > 0 and self.share > self.chance

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {**asdict(self), "clear": self.clear}


def importances(
    settings: Sequence[Hyperparameter], records: Sequence[TrialRecord], seed: int, replicates: int = REPLICATES
) -> tuple[Importance, ...]:
    """The importance of every setting, most important first; empty with too few trials that have a score.

    Args:
        settings: that were varied.
        records: of all trials, the default among them; those with a score count.
        seed: of the bootstrap and the forests.
        replicates: bootstrap samples, and as many with scores dealt at random.
    """
    scored = [record for record in records if record.scores]
    if len(scored) < LEAST_TRIALS:
        return ()
    scores = _relative(scored)
    trials, seeds = scores.shape
    draws = np.random.default_rng(seed)
    parameters = [record.parameters for record in scored]
    means = _means(scores, range(seeds))
    whole = _shares(settings, parameters, means, seed)
    drawn, dealt = [], []
    for replicate in range(replicates):
        chosen = [int(i) for i in draws.integers(trials, size=(trials,))]
        again = _means(scores, [int(i) for i in draws.integers(seeds, size=(seeds,))])
        drawn.append(_shares(settings, [parameters[i] for i in chosen], [again[i] for i in chosen], replicate))
        dealt.append(_shares(settings, parameters, draws.permutation(means).tolist(), replicate))
    found = []
    for path in whole:
        low, high = np.percentile([shares[path] for shares in drawn], [2.5, 97.5])
        chance = np.percentile([shares[path] for shares in dealt], 95.0)
        found.append(Importance(path, whole[path], float(low), float(high), float(chance)))
    return tuple(sorted(found, key=lambda importance: -importance.share))


def _relative(records: Sequence[TrialRecord]) -> ScoreTable:
    """Scores above the mean of the complete trials with the same seed [trials, seeds]; NaN where there is none."""
    seeds = max(len(record.scores) for record in records)
    rows = [[*record.scores, *[np.nan] * (seeds - len(record.scores))] for record in records]
    scores = np.array(rows, dtype=np.float64)
    complete = scores[~np.isnan(scores).any(axis=1)]
    relative: ScoreTable = scores - complete.mean(axis=0)
    return relative


def _means(scores: ScoreTable, seeds: Sequence[int]) -> list[float]:
    """Per trial, the mean over these of its seeds; over all it has, where it has none of them."""
    means = []
    for row in scores:
        drawn = row[list(seeds)]
        known = drawn[~np.isnan(drawn)]
        means.append(float(known.mean() if known.size else row[~np.isnan(row)].mean()))
    return means


def _shares(
    settings: Sequence[Hyperparameter], parameters: Sequence[Any], scores: Sequence[float], seed: int
) -> dict[str, float]:
    """fANOVA's shares by path; 0 for all where every trial scored the same."""
    from optuna.importance import FanovaImportanceEvaluator  # seconds: scikit-learn

    nothing = dict.fromkeys((setting.path for setting in settings), 0.0)
    if max(scores) - min(scores) < 1e-12:
        return nothing
    distributions: dict[str, BaseDistribution] = {setting.path: setting.distribution for setting in settings}
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [
            optuna.trial.create_trial(params=dict(chosen), distributions=distributions, value=score - fmean(scores))
            for chosen, score in zip(parameters, scores, strict=True)
        ]
    )
    evaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=seed)
    try:
        found = evaluator.evaluate(study)
    except RuntimeError:  # no tree found anything to split
        return nothing
    return nothing | {path: float(share) for path, share in found.items()}
