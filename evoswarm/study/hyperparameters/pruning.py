"""When a trial is given up between two generations."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

CURVES = "evoswarm:best_so_far"
"""User attribute of a trial: per seed, in order, the best search accuracy behind each generation so far."""


class PairedPruner(BasePruner):
    """Gives a trial up when, paired by seed, it is behind the best finished one.

    What is compared is the best accuracy so far at the same seed and generation, one difference per seed: finished
    seeds at their last generation, the seed under way at its latest. A one-sided paired t test decides. Generations of
    one seed are not counted as further evidence: they go up and down together, and a test that took them for
    independent (as ``WilcoxonPruner`` over all steps would) gives good settings up after one unlucky seed.

    The test is held anew behind every generation, and nothing is corrected for that: over a whole trial a setting that
    is as good as the best one is given up more often than ``level``. That costs a trial, never a verdict: what a study
    says of the best setting is decided on fresh seeds.

    Args:
        after_seeds: least number of differences.
        level: of each test.
    """

    def __init__(self, after_seeds: int, level: float) -> None:
        self._after_seeds, self._level = after_seeds, level

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether to give the trial up now."""
        finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not finished:
            return False
        best = min(finished, key=lambda t: (-(t.value or 0.0), t.number))
        return behind(trial.user_attrs.get(CURVES, []), best.user_attrs.get(CURVES, []), self._after_seeds, self._level)


def behind(curves: Sequence[Sequence[float]], best: Sequence[Sequence[float]], after_seeds: int, level: float) -> bool:
    """Whether curves are behind others, paired by seed.

    Args:
        curves: per seed so far, best-so-far behind each generation.
        best: of the trial to be compared with, likewise.
        after_seeds: least number of seeds.
        level: of the one-sided paired t test.
    """
    pairs = [(own, other) for own, other in zip(curves, best, strict=False) if own and other]
    if len(pairs) < max(after_seeds, 2):
        return False
    differences = [own[-1] - other[min(len(own), len(other)) - 1] for own, other in pairs]
    if max(differences) == min(differences):
        return differences[0] < 0
    from scipy.stats import ttest_1samp

    return bool(ttest_1samp(differences, 0.0, alternative="less").pvalue < level)
