"""Importance, pruning and the verdict, on scores that are drawn: no search runs here."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.stats import ttest_rel

from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.hyperparameter import Hyperparameter, choice, hyperparameter
from evoswarm.study.hyperparameters.importance import LEAST_TRIALS, importances
from evoswarm.study.hyperparameters.pruning import behind
from evoswarm.study.hyperparameters.record import TrialRecord, best_of
from evoswarm.study.hyperparameters.settings import Domain, SamplerName
from evoswarm.study.hyperparameters.storage import grid, sampler
from evoswarm.study.hyperparameters.verdict import confirm, step_of
from tests.study.conftest import trial

CHOICE = choice("a", 1, {"1": 1, "2": 2})
RANGE = Hyperparameter("b", 0.5, FloatDistribution(0.0, 1.0))


def drawn_trials(effect: float, seed: int, count: int = 24) -> list[TrialRecord]:
    """Trials in which ``a`` has an effect and ``b`` none; seed noise of 0.03, and a level of its own for every seed."""
    draws = np.random.default_rng(seed)
    levels = draws.normal(0.5, 0.2, size=5)
    records = []
    for number in range(count):
        parameters = {"a": str(draws.integers(1, 3)), "b": float(draws.random())}
        scores = levels + effect * (parameters["a"] == "2") + draws.normal(0, 0.03, size=5)
        records.append(trial(number, parameters, *scores))
    return records


def test_a_setting_that_matters_is_told_from_one_that_does_not() -> None:
    first, second = importances((RANGE, CHOICE), drawn_trials(0.1, 0), 0, replicates=20)
    assert (first.path, first.clear) == ("a", True)
    assert first.share > 0.6
    assert first.low <= first.share <= first.high
    assert (second.path, second.clear) == ("b", False)
    assert importances((RANGE, CHOICE), drawn_trials(0.1, 0), 0, replicates=20) == (first, second)


def test_noise_alone_is_seldom_called_important() -> None:
    found = [importances((CHOICE, RANGE), drawn_trials(0.0, seed), 0, replicates=15) for seed in range(4)]
    assert sum(importance.clear for pair in found for importance in pair) <= 2
    assert max(importance.share for pair in found for importance in pair) > 0.3  # the figure alone would mislead


def test_trials_that_were_given_up_count_with_the_seeds_they_had() -> None:
    records = drawn_trials(-0.2, 1)
    cut = [
        trial(r.number, dict(r.parameters), *r.scores[:2], state="pruned") if r.parameters["a"] == "2" else r
        for r in records
    ]
    first = importances((CHOICE, RANGE), cut, 0, replicates=20)[0]
    assert (first.path, first.clear) == ("a", True)
    kept = [r for r in cut if r.state == "complete"]
    assert not any(i.clear for i in importances((CHOICE, RANGE), kept, 0, replicates=20) if i.path == "a")


def test_lucky_and_unlucky_seeds_do_not_matter() -> None:
    """Half of the trials have only had the two easy seeds, whatever their setting: that is no effect of ``a``."""
    easy = (0.9, 0.9, 0.1, 0.1, 0.1)
    draws = np.random.default_rng(2)
    records = []
    for number in range(24):
        scores = np.array(easy) + draws.normal(0, 0.01, size=5)
        given_up = number % 2 == 1
        parameters = {"a": str(1 + given_up), "b": number / 24}
        kept = scores[:2] if given_up else scores
        records.append(trial(number, parameters, *kept, state="pruned" if given_up else "complete"))
    found = {one.path: one for one in importances((CHOICE, RANGE), records, 0, replicates=20)}
    assert not found["a"].clear


def test_equal_scores_and_few_trials_have_no_importance() -> None:
    equal = [trial(n, {"a": str(n % 2 + 1), "b": n / 10}, 0.5, 0.5, 0.5, 0.5, 0.5) for n in range(6)]
    assert [(i.share, i.high, i.clear) for i in importances((CHOICE, RANGE), equal, 0, 5)] == [(0.0, 0.0, False)] * 2
    assert importances((CHOICE, RANGE), equal[: LEAST_TRIALS - 1], 0, 5) == ()


def test_the_interval_is_students_over_seeds() -> None:
    best, default = [0.5, 0.7, 0.6, 0.9, 0.8], [0.4, 0.5, 0.6, 0.8, 0.6]
    comparison = confirm(range(5), best, default, 0.01)
    reference = ttest_rel(best, default).confidence_interval(0.95)
    assert comparison.difference == pytest.approx(0.12)
    assert (comparison.low, comparison.high) == pytest.approx((reference.low, reference.high))
    assert comparison.better == (reference.low > 0)
    with pytest.raises(ValueError, match="two scores for each"):
        confirm(range(5), best[:4], default, 0.01)


def test_a_difference_of_rounding_is_none() -> None:
    assert not confirm(range(5), [0.3] * 5, [0.1 + 0.2] * 5, 0.0).better
    assert not confirm(range(5), [0.1 + 0.2] * 5, [0.3] * 5, 0.0).better
    assert confirm(range(5), [0.4] * 5, [0.3] * 5, 0.0).better


def test_seeds_that_all_agree_leave_the_step_of_an_accuracy_open() -> None:
    """One of 50 items more in each of five seeds is no proof; two are, and the interval still has a width."""
    one, two = (confirm(range(5), [0.5 + items / 50] * 5, [0.5] * 5, 1 / 50) for items in (1, 2))
    assert (one.better, two.better) == (False, True)
    assert two.high - two.low == pytest.approx(2 * 2.776445 * (1 / 50) * (1 / 6) ** 0.5)
    assert not confirm(range(5), [0.5] * 5, [0.5 + 1 / 50] * 5, 1 / 50).high < 0
    spread = [0.1, 0.2, 0.3, 0.2, 0.2]
    assert confirm(range(5), spread, [0.0] * 5, 1 / 50) == confirm(range(5), spread, [0.0] * 5, 0.0)


def test_the_step_of_an_accuracy_is_that_of_the_coarsest_task(micro: Callable[..., SearchSpace]) -> None:
    space = micro("splits.selection=5", "splits.search=20")
    assert step_of(space, "search") == pytest.approx(1 / 20)
    assert step_of(space, "selection") == pytest.approx(0.5 / 2)  # three items of one task, two of the other


def test_fresh_seeds_undo_the_winners_curse() -> None:
    """Twenty settings without any effect: the lead of the best is claimed too often where it was chosen."""
    draws = np.random.default_rng(0)
    studies, chosen, confirmed = 400, 0, 0
    for _ in range(studies):
        scores = draws.normal(0.5, 0.05, size=(20, 5))
        best = best_of([trial(n, {}, *row) for n, row in enumerate(scores)])
        if best.number == 0:
            continue
        chosen += confirm(range(5), best.scores, scores[0].tolist(), 0.0).better
        confirmed += confirm(range(10), *draws.normal(0.5, 0.05, size=(2, 10)).tolist(), 0.0).better  # type: ignore[call-arg]
    assert confirmed / studies < 0.045  # 2.5% is the nominal rate
    assert chosen / studies > 0.08  # what the study's own seeds would have claimed


def test_the_default_wins_ties_and_failures_never() -> None:
    records = [trial(0, {}, 0.1 + 0.2), trial(1, {}, 0.3), trial(2, {}, 0.9, state="pruned"), trial(3, {})]
    assert best_of(records) is records[0]
    assert best_of([*records, trial(4, {}, 0.4)]) == trial(4, {}, 0.4)
    assert best_of([records[0], trial(1, {}, 0.9, state="failed")]) is records[0]
    two, one = trial(1, {"a": 2, "b": 2}, 0.4), trial(2, {"a": 2, "b": 1}, 0.4)
    assert best_of([trial(0, {"a": 1, "b": 1}, 0.3), two, one]) is one  # fewer changes, though it came later


def test_a_trial_is_given_up_on_the_evidence_of_seeds_not_of_generations() -> None:
    best = [[0.5, 0.6, 0.7, 0.8]] * 5
    worse = [[0.4, 0.5, 0.6, 0.7], [0.4, 0.5, 0.5, 0.6], [0.3]]
    assert behind(worse, best, 3, 0.05)
    assert not behind(worse[:1], best, 3, 0.05)  # four generations of one unlucky seed are one difference
    assert not behind(worse[:2], best, 3, 0.05)
    assert behind(worse[:2], best, 2, 0.2)
    assert not behind([[0.5], [0.5], [0.5]], best, 3, 0.05)  # compared at the same generation
    assert not behind([[0.3], [0.9], [0.4]], best, 3, 0.05)
    assert not behind(best, best, 2, 0.05)
    assert not behind([[0.4, 0.5], [0.4], []], best, 3, 0.05)  # the third seed has nothing to show yet
    assert behind([[0.4, 0.5, 0.6, 0.7, 0.9]] * 3, [[0.5, 0.6, 0.95]] * 3, 3, 0.05)  # it had fewer generations


def test_values_go_to_optuna_and_back() -> None:
    choices: tuple[object, ...] = (None, 3, "ring", [0.05, 0.5], {"every": 2})
    found = hyperparameter("x", Domain(choices=choices), [0.05, 0.5])
    assert [found.value(found.parameter(value)) for value in choices] == list(choices)
    assert found.distribution.choices == ("null", "3", "ring", "[0.05, 0.5]", '{"every": 2}')
    added = hyperparameter("x", Domain(choices=(1, 2)), 3)
    assert added.grid() == ["1", "2", "3"]
    assert hyperparameter("x", Domain(choices=(1, 2)), 1.0).grid() == ["1", "2"]  # 1 is 1.0
    steps = hyperparameter("x", Domain(low=2, high=9, step=2), 4)
    assert (steps.grid(), steps.distribution.high) == ([2, 4, 6, 8], 8)
    assert hyperparameter("x", Domain(low=0, high=1, step=0.25), 0.5).grid() == [0, 0.25, 0.5, 0.75, 1.0]


def test_a_grid_is_every_combination_but_the_default() -> None:
    settings = (CHOICE, Hyperparameter("b", 1, IntDistribution(1, 3)))
    first = grid(settings, {"a": "1", "b": 1}, 0, 100)
    assert len(first) == len({tuple(p.items()) for p in first}) == 5
    assert {"a": "1", "b": 1} not in first
    assert grid(settings, {"a": "1", "b": 1}, 0, 3) == first[:3]
    assert grid(settings, {"a": "1", "b": 1}, 1, 100) != first


def drawn_settings(name: SamplerName, sittings: tuple[int, ...]) -> list[dict[str, object]]:
    """What a sampler tries, where every sitting begins with a copy of the study, as after a resume."""
    study = optuna.create_study(direction="maximize")
    for trials in sittings:
        study = pickle.loads(pickle.dumps(study))
        for _ in range(trials):
            study.sampler = sampler(name, 3, len(study.trials))
            asked = study.ask({"a": CHOICE.distribution, "b": RANGE.distribution})
            study.tell(asked, abs(asked.params["b"] - 0.4))
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", ["tpe", "random", "qmc"])
def test_a_sampler_goes_on_after_a_resume_as_if_there_was_none(name: SamplerName) -> None:
    whole = drawn_settings(name, (14,))
    assert drawn_settings(name, (5, 6, 3)) == whole
    assert len({settings["b"] for settings in whole}) == 14
