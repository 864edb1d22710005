"""Everything tuned and played on real members."""

from __future__ import annotations

import pytest

from evoswarm.controls.contestant import Controls
from evoswarm.controls.diagnostics import low_thresholds, realised_shares, regated
from evoswarm.controls.plain import single, uniform
from evoswarm.controls.rivals import try_singles
from evoswarm.controls.sampling import FEWEST, TEMPERATURES
from evoswarm.controls.trial import Entrant, Trials
from evoswarm.controls.tuning import tune
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe
from tests.controls.conftest import Bench, mix

KEYS = {
    "rivals": ["R1", "R2", "R3", "R4"],
    "diagnostics": ["always_fuse", "random_gate", "low_entropy_gate", "uniform_members", "uniform_pool"],
    "ceilings": ["oracle_router", "pass_at_k"],
}


def tuned(bench: Workbench, champion: Recipe) -> Controls:
    return tune(bench.space, bench.pool, champion, bench.evaluator, bench.items["selection"])


def entrant(controls: Controls, key: str) -> Entrant:
    every = (*controls.rivals, *controls.diagnostics, *controls.ceilings)
    return next(plan for plan in every if plan.key == key and isinstance(plan, Entrant))


def recipe_of(controls: Controls, key: str) -> Recipe:
    return entrant(controls, key).way.recipes[0]


@pytest.fixture
def gated(bench: Workbench) -> Recipe:
    """A champion whose follower speaks now and then."""
    return mix(bench, "llama-a", "llama-b", thresholds=(0.0, 0.3))


def test_all_keys_are_there_and_play(bench: Workbench, gated: Recipe) -> None:
    controls = tuned(bench, gated)
    assert {part: [plan.key for plan in getattr(controls, part)] for part in KEYS} == KEYS
    items = bench.items["test"][:6]
    for part in KEYS:
        for plan in getattr(controls, part):
            contestant = plan.play(bench.evaluator, items)
            assert (contestant.key, contestant.name) == (plan.key, plan.name)
            assert len(contestant.scores) == len(items)
            assert contestant.failures == 0
            assert min(contestant.cost.flops, contestant.cost.passes, contestant.cost.weight_reads) > 0
            assert contestant.description.endswith("% on selection.")
            assert contestant.description.count(". ") == 0, "one sentence"
    assert all("told the answers" in plan.name for plan in controls.ceilings)


def test_tuning_and_playing_are_what_the_ledger_says(bench: Workbench, fresh: Bench, gated: Recipe) -> None:
    controls, items = tuned(bench, gated), bench.items["test"][:4]
    scores = [plan.play(bench.evaluator, items) for plan in (*controls.rivals, *controls.diagnostics)]
    decoded = bench.evaluator.decoded
    assert tuned(bench, gated) == controls
    assert [plan.play(bench.evaluator, items) for plan in (*controls.rivals, *controls.diagnostics)] == scores
    assert bench.evaluator.decoded == decoded, "everything was in the ledger"
    with fresh() as other:
        assert tuned(other, gated) == controls


def test_rivals_are_at_least_as_good_on_selection_as_what_they_include(bench: Workbench) -> None:
    champion = mix(bench, "llama-a", "llama-b", "neox-e")
    controls, items = tuned(bench, champion), bench.items["selection"]
    trials = Trials(bench.evaluator, items)
    accuracy = {plan.key: trials.run([("", plan.way)])[0].accuracy for plan in controls.rivals}  # type: ignore[attr-defined]
    alone = trials.run([("", entrant(controls, "R1").way)])[0]
    summaries = bench.evaluator.summaries([single(bench.space, spec) for spec in bench.pool], items)
    assert alone.accuracy == pytest.approx(max(one.accuracy or 0.0 for one in summaries))
    assert accuracy["R2"] >= accuracy["R1"]
    assert accuracy["R4"] >= accuracy["R2"]
    by_task = [max(one.by_task[task] for one in summaries) for task in ("sums", "spell")]
    assert accuracy["R4"] >= 0.25 * by_task[0] + 0.75 * by_task[1] - 1e-9


def test_the_grid_of_a_member(bench: Workbench) -> None:
    trials = Trials(bench.evaluator, bench.items["selection"])
    rich = try_singles(trials, bench.space, bench.pool[:1], flops=1e15)
    assert rich.capped == ("llama-a",)
    poor = try_singles(trials, bench.space, bench.pool[:2], flops=1.0)
    assert (poor.capped, len(poor.greedy), len(poor.sampled)) == ((), 2, 2 * len(TEMPERATURES))
    assert {trial.way.recipes[0].samples for trial in poor.sampled} == {FEWEST}
    assert {trial.way.recipes[0].sampling_temperature for trial in poor.sampled} == set(TEMPERATURES)


def test_of_exact_copies_the_first_stands_for_all(bench: Workbench) -> None:
    first, second, _ = bench.pool
    singles = try_singles(Trials(bench.evaluator, bench.items["selection"]), bench.space, [first, second, first], 1.0)
    assert [trial.way.recipes[0].lead for trial in singles.greedy] == [first.name, second.name]


def test_in_a_large_pool_only_the_best_sample(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.controls.rivals.SMALL_POOL", 2)
    trials = Trials(bench.evaluator, bench.items["selection"])
    singles = try_singles(trials, bench.space, bench.pool, flops=1.0)
    assert singles.left_out == ("neox-e",), "it can sort, and nobody asked"
    assert {trial.way.recipes[0].lead for trial in singles.sampled} == {"llama-a", "llama-b"}
    assert len(singles.greedy) == 3


def test_a_champion_of_one_member(bench: Workbench) -> None:
    champion = single(bench.space, bench.pool[1])
    controls = tuned(bench, champion)
    for key in ("always_fuse", "random_gate", "low_entropy_gate", "uniform_members"):
        assert recipe_of(controls, key) == champion
        assert "here the champion itself" in entrant(controls, key).description
    assert all(recipe.lead == champion.lead for recipe in entrant(controls, "R3").way.recipes)
    assert "llama-b alone" in entrant(controls, "R3").description


def test_diagnostics_of_a_gated_champion(bench: Workbench, gated: Recipe) -> None:
    controls, items = tuned(bench, gated), bench.items["selection"]
    share = realised_shares(gated, bench.evaluator.evaluate([gated], items)[0])["llama-b"]
    assert 0.05 < share < 0.95, "or the gates would have nothing to do"
    assert [member.threshold for member in recipe_of(controls, "always_fuse").members] == [0.0, 0.0]
    random, low = recipe_of(controls, "random_gate"), recipe_of(controls, "low_entropy_gate")
    assert (random.gate, low.gate) == ("random", "low_entropy")
    assert random.members[1].threshold == pytest.approx(1 - share, rel=1e-5)
    assert recipe_of(controls, "uniform_members") == uniform(bench.space, bench.pool[:2])
    assert recipe_of(controls, "uniform_pool") == uniform(bench.space, bench.pool)
    assert "the champion itself" not in " ".join(plan.description for plan in controls.diagnostics)
    steps = [nats for row in bench.evaluator.entropies([gated], items)[0] for nats in row]
    assert sum(nats <= low.members[1].threshold for nats in steps) / len(steps) == pytest.approx(share, abs=0.05)
    for recipe in (random, low):
        realised = realised_shares(recipe, bench.evaluator.evaluate([recipe], items)[0])["llama-b"]
        assert realised == pytest.approx(share, abs=0.15)


def test_diagnostics_that_coincide_say_so(bench: Workbench) -> None:
    controls = tuned(bench, uniform(bench.space, bench.pool))
    assert all("here the champion itself" in plan.description for plan in controls.diagnostics)
    controls = tuned(bench, mix(bench, "llama-a", "llama-b", "neox-e", rule="product"))
    assert "the champion itself" not in entrant(controls, "uniform_members").description
    assert "here the same recipe as the uniform mix of its members" in entrant(controls, "uniform_pool").description


def test_shares_are_steps_of_the_follower_among_steps_of_the_lead(bench: Workbench) -> None:
    recipe = mix(bench, "llama-b", "llama-a", "neox-e")

    def took(a: float, b: float, c: float, failure: Failure | None = None) -> Evaluation:
        counts = {"llama-b": a, "llama-a": b, "neox-e": c}
        return Evaluation(
            0.0, cost=Cost(tuple(MemberCost(n, 1, 1, 1, 1, s) for n, s in counts.items())), failure=failure
        )

    rows = [took(6, 3, 0), took(4, 1, 0), took(100, 100, 100, Failure("non_finite", ""))]
    assert realised_shares(recipe, rows) == {"llama-a": 0.4, "neox-e": 0.0}
    assert realised_shares(recipe, []) == {"llama-a": 0.0, "neox-e": 0.0}


def test_low_thresholds_are_quantiles_from_below() -> None:
    nats = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    shares = {"never": 0.0, "some": 0.3, "half": 0.52, "most": 0.99, "always": 1.0}
    found = low_thresholds(nats, shares)
    assert found == {"never": None, "some": 0.3, "half": 0.5, "most": 1.0, "always": 0.0}
    assert low_thresholds([0.0, 0.0], {"a": 0.5}) == {"a": None}, "the lead is never unsure"
    tied = low_thresholds([0.2] * 9 + [0.9], {"a": 0.1, "b": 0.95})
    assert tied == {"a": 0.2, "b": 0.2}, "the nearest that can be had, ties to the lower"


def test_who_never_speaks_leaves(bench: Workbench) -> None:
    champion = mix(bench, "llama-b", "llama-a", "neox-e", thresholds=(0.0, 0.5, 0.9))
    fewer = regated(champion, {"llama-a": 0.25, "neox-e": None}, "random")
    assert [(member.spec.name, member.threshold) for member in fewer.members] == [("llama-b", 0.0), ("llama-a", 0.25)]
    assert (fewer.gate, fewer.fusion, fewer.lead) == ("random", champion.fusion, "llama-b")
    assert regated(champion, {"llama-a": None, "neox-e": None}, "random").gate == "entropy"
