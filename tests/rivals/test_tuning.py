"""Everything tuned and played on real members."""

from __future__ import annotations

import pytest

from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.failure import Failure
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Policy, Recipe, Vote
from evoswarm.rivals.ceilings import ceilings
from evoswarm.rivals.diagnostics import low_thresholds, realised_shares, regated
from evoswarm.rivals.matched import members_vote, try_singles
from evoswarm.rivals.sampling import FEWEST, TEMPERATURES
from evoswarm.rivals.tuning import Rivals, to_beat, tune
from tests.rivals.conftest import Bench, mix

KEYS = {
    "matched": ["R1", "R2", "R3", "R4"],
    "diagnostics": ["always_fuse", "random_gate", "low_entropy_gate", "uniform_members", "uniform_pool"],
    "ceilings": ["oracle_router", "pass_at_k"],
}


def tuned(bench: Workbench, champion: Policy) -> Rivals:
    told: list[str] = []
    rivals = tune(bench.space, bench.pool, champion, bench.evaluator, bench.items["selection"], tell=told.append)
    assert len(told) == len(set(told)) > 4, "whoever waits is told what is being tuned"
    return rivals


def candidate(rivals: Rivals, key: str) -> Candidate:
    return next(one for one in (*rivals.matched, *rivals.diagnostics, *rivals.ceilings) if one.key == key)


def recipe_of(rivals: Rivals, key: str) -> Recipe:
    policy = candidate(rivals, key).policy
    assert isinstance(policy, Recipe)
    return policy


@pytest.fixture
def gated(bench: Workbench) -> Recipe:
    """A champion whose follower speaks now and then."""
    return mix(bench, "llama-a", "llama-b", thresholds=(0.0, 0.3))


def test_all_keys_are_there_and_play(bench: Workbench, gated: Recipe) -> None:
    rivals = tuned(bench, gated)
    assert {part: [plan.key for plan in getattr(rivals, part)] for part in KEYS} == KEYS
    assert len(rivals.matched) == to_beat(bench.space, alike=False), "as was foretold"
    items = bench.items["test"][:6]
    for part in KEYS:
        for plan in getattr(rivals, part):
            scored = plan.score(bench.evaluator, items)
            assert scored.candidate == plan
            assert len(scored.scores) == len(items)
            assert scored.summary.failures == 0
            cost = scored.summary.cost
            assert min(cost.flops, cost.passes, cost.weight_reads) > 0
            assert plan.description.endswith("% on selection.")
            assert plan.description.count(". ") == 0, "one sentence"
    assert all("told the answers" in plan.name for plan in rivals.ceilings)


def test_tuning_and_playing_are_what_the_ledger_says(bench: Workbench, fresh: Bench, gated: Recipe) -> None:
    rivals, items = tuned(bench, gated), bench.items["test"][:4]
    scores = [plan.score(bench.evaluator, items) for plan in (*rivals.matched, *rivals.diagnostics)]
    decoded = bench.evaluator.decoded
    assert tuned(bench, gated) == rivals
    assert [plan.score(bench.evaluator, items) for plan in (*rivals.matched, *rivals.diagnostics)] == scores
    assert bench.evaluator.decoded == decoded, "everything was in the ledger"
    with fresh() as other:
        assert tuned(other, gated) == rivals


def test_rivals_are_at_least_as_good_on_selection_as_what_they_include(bench: Workbench) -> None:
    champion = mix(bench, "llama-a", "llama-b", "neox-e")
    rivals, items = tuned(bench, champion), bench.items["selection"]
    accuracy = {one.key: one.accuracy for one in score(rivals.matched, bench.evaluator, items)}
    summaries = bench.evaluator.summaries([single(bench.space, spec) for spec in bench.pool], items)
    assert accuracy["R1"] == pytest.approx(max(one.accuracy or 0.0 for one in summaries))
    assert accuracy["R2"] >= accuracy["R1"]
    assert accuracy["R4"] >= accuracy["R2"]
    by_task = [max(one.by_task[task] for one in summaries) for task in ("sums", "spell")]
    assert accuracy["R4"] >= 0.25 * by_task[0] + 0.75 * by_task[1] - 1e-9


def test_the_grid_of_a_member(bench: Workbench) -> None:
    at = bench.evaluator, bench.items["selection"], bench.space
    poor = try_singles(*at, bench.pool[:2], flops=1.0)
    draws = [one for one in poor.draws if one.arm.recipe.alphabet == bench.space.alphabet]
    assert (len(poor.greedy), len(draws)) == (2, 2 * len(TEMPERATURES))
    assert {one.end for one in draws} == {"spent"}
    assert {one.samples for one in draws} == {FEWEST}
    assert {one.arm.recipe.sampling_temperature for one in draws} == set(TEMPERATURES)


def test_a_vote_of_the_champions_members_counts_answers_that_are_drawn_already(bench: Workbench) -> None:
    champion = mix(bench, "llama-a", "llama-b", "neox-e")
    at = bench.evaluator, bench.items["selection"], bench.space
    flops = bench.evaluator.summaries([champion], at[1])[0].cost.flops
    singles = try_singles(*at, bench.pool, flops)
    decoded = bench.evaluator.decoded
    members_vote(*at, champion, flops, singles)
    ceilings(*at[:2], singles)
    assert bench.evaluator.decoded == decoded


def test_of_exact_copies_the_first_stands_for_all(bench: Workbench) -> None:
    first, second, _ = bench.pool
    singles = try_singles(bench.evaluator, bench.items["selection"], bench.space, [first, second, first], 1.0)
    assert [one.policy.specs[0].name for one in singles.greedy] == [first.name, second.name]


def test_in_a_large_pool_only_the_best_sample(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.rivals.matched.SMALL_POOL", 2)
    at = bench.evaluator, bench.items["selection"], bench.space
    singles = try_singles(*at, bench.pool, flops=1.0)
    assert singles.left_out == ("neox-e",), "it can sort, and nobody asked"
    assert {recipe.lead for one in singles.sampled for recipe in one.policy.mixes("sums")} == {"llama-a", "llama-b"}
    assert len(singles.greedy) == 3


def test_a_champion_of_one_member(bench: Workbench) -> None:
    champion = single(bench.space, bench.pool[1])
    rivals = tuned(bench, champion)
    for key in ("always_fuse", "random_gate", "low_entropy_gate", "uniform_members"):
        assert recipe_of(rivals, key) == champion
        assert "here the champion itself" in candidate(rivals, key).description
    assert candidate(rivals, "R3").policy.specs == champion.specs
    assert "llama-b alone" in candidate(rivals, "R3").description


def test_a_champion_that_votes_has_no_gates_and_no_vote_as_a_rival(bench: Workbench) -> None:
    champion = Vote.model_validate({"voters": [{"recipe": single(bench.space, spec)} for spec in bench.pool[:2]]})
    rivals = tuned(bench, champion)
    assert [one.key for one in rivals.matched] == ["R1", "R2", "R4"]
    voting = bench.space.model_copy(update={"genome": bench.space.genome.model_copy(update={"kind": "vote"})})
    assert len(rivals.matched) == to_beat(voting, alike=False)
    assert [one.key for one in rivals.diagnostics] == ["uniform_members", "uniform_pool"]
    assert recipe_of(rivals, "uniform_members") == uniform(bench.space, bench.pool[:2])


def test_diagnostics_of_a_gated_champion(bench: Workbench, gated: Recipe) -> None:
    rivals, items = tuned(bench, gated), bench.items["selection"]
    share = realised_shares(gated, bench.evaluator.evaluate([gated], items)[0])["llama-b"]
    assert 0.05 < share < 0.95, "or the gates would have nothing to do"
    assert [member.threshold for member in recipe_of(rivals, "always_fuse").members] == [0.0, 0.0]
    random, low = recipe_of(rivals, "random_gate"), recipe_of(rivals, "low_entropy_gate")
    assert (random.gate, low.gate) == ("random", "low_entropy")
    assert random.members[1].threshold == pytest.approx(1 - share, rel=1e-5)
    assert recipe_of(rivals, "uniform_members") == uniform(bench.space, bench.pool[:2])
    assert recipe_of(rivals, "uniform_pool") == uniform(bench.space, bench.pool)
    assert "the champion itself" not in " ".join(plan.description for plan in rivals.diagnostics)
    steps = [nats for row in bench.evaluator.entropies([gated], items)[0] for nats in row]
    assert sum(nats <= low.members[1].threshold for nats in steps) / len(steps) == pytest.approx(share, abs=0.05)
    for recipe in (random, low):
        realised = realised_shares(recipe, bench.evaluator.evaluate([recipe], items)[0])["llama-b"]
        assert realised == pytest.approx(share, abs=0.15)


def test_diagnostics_that_coincide_say_so(bench: Workbench) -> None:
    rivals = tuned(bench, uniform(bench.space, bench.pool))
    assert all("here the champion itself" in plan.description for plan in rivals.diagnostics)
    rivals = tuned(bench, mix(bench, "llama-a", "llama-b", "neox-e", rule="product"))
    assert "the champion itself" not in candidate(rivals, "uniform_members").description
    assert "here the same recipe as the uniform mix of its members" in candidate(rivals, "uniform_pool").description


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
