"""Answers drawn in stages, on made-up evaluations and on real members."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import Candidate, Scored, score
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single
from evoswarm.policies import Recipe
from evoswarm.rivals.drawing import Arm, Draw, draw, shared_samples, stages, told
from evoswarm.rivals.matched import try_singles
from evoswarm.rivals.sampling import sampled
from tests.rivals.conftest import tell


def believe(bench: Workbench, recipe: Recipe, right: Sequence[float]) -> None:
    """What a recipe does on the selection items."""
    cost = Cost((MemberCost(recipe.lead, 1.0, 1.0, 8.0, 1.0, 1.0),))
    rows = [Evaluation(one, answer="x", answers=("x",), cost=cost, steps=1) for one in right]
    tell(bench.evaluator, recipe, bench.items["selection"], rows)


def arm(recipe: Recipe, temperature: float, most: int, limited: bool = False) -> Arm:
    return Arm(sampled(recipe, most, temperature), f"at temperature {temperature:g}", most, limited)


def known(bench: Workbench, recipe: Recipe) -> list[Scored]:
    return score([Candidate("greedy", recipe)], bench.evaluator, bench.items["selection"])


@pytest.mark.parametrize(
    ("most", "sizes"),
    [(3, [3]), (4, [3, 4]), (5, [3, 5]), (12, [3, 5, 9, 12]), (17, [3, 5, 9, 17]), (35, [3, 5, 9, 17, 33, 35])],
)
def test_each_stage_has_about_twice_as_many(most: int, sizes: list[int]) -> None:
    assert list(stages(most)) == sizes


def test_who_can_no_longer_win_draws_no_more(bench: Workbench) -> None:
    """One never right, one always right and one half right; greedy is right on half of the items."""
    first, second, third = (single(bench.space, spec) for spec in bench.pool)
    count = len(bench.items["selection"])
    half = [float(place % 4 < 2) for place in range(count)]
    believe(bench, first, half)
    for samples in (3, 5, 9, 17):
        believe(bench, sampled(first, samples, 1.0), [0.0] * count)
        believe(bench, sampled(second, samples, 1.0), [1.0] * count)
        believe(bench, sampled(third, samples, 1.0), half if samples < 9 else [1.0] * count)
    arms = [arm(first, 1.0, 17), arm(second, 1.0, 17, limited=True), arm(third, 1.0, 9)]
    never, always, late = draw(arms, known(bench, first), bench.evaluator, bench.items["selection"])
    assert (never.samples, never.end) == (3, "behind")
    assert (always.samples, always.end) == (17, "limit")
    assert (late.samples, late.end) == (3, "behind"), "what it would have been later nobody can know"
    assert bench.evaluator.decoded == 0
    said = told([never, always, late])
    assert "until too far behind the best to win: llama-a 3 at temperature 1" in said
    assert "up to certificate.samples, which costs less than the champion: llama-b 17 at temperature 1" in said


def test_who_is_a_little_behind_goes_on(bench: Workbench) -> None:
    first, second, _ = (single(bench.space, spec) for spec in bench.pool)
    count = len(bench.items["selection"])
    believe(bench, first, [1.0] * count)
    for samples in (3, 5, 9):
        believe(bench, sampled(second, samples, 0.4), [0.0, 0.0] + [1.0] * (count - 2))
    (one,) = draw([arm(second, 0.4, 9)], known(bench, first), bench.evaluator, bench.items["selection"])
    assert ([vote.policy.samples for vote in one.votes if isinstance(vote.policy, Recipe)], one.end) == (
        [3, 5, 9],
        "spent",
    )


def test_few_items_that_stand_for_many_show_who_would_fall_behind(bench: Workbench) -> None:
    first, second, _ = (single(bench.space, spec) for spec in bench.pool)
    items = bench.items["selection"]
    believe(bench, first, [1.0] * len(items))
    for samples in (3, 5, 9):
        believe(bench, sampled(second, samples, 0.4), [0.0, 0.0] + [1.0] * (len(items) - 2))
    (one,) = draw([arm(second, 0.4, 9)], known(bench, first), bench.evaluator, items, stand_for=50)
    assert (one.samples, one.end) == (3, "behind")


def test_votes_of_several_count_what_all_have_drawn(bench: Workbench) -> None:
    recipe = single(bench.space, bench.pool[0])
    count = len(bench.items["selection"])
    for samples in (3, 5, 9):
        believe(bench, sampled(recipe, samples, 1.0), [1.0] * count)
    votes = score(
        [Candidate("", sampled(recipe, n, 1.0)) for n in (3, 5, 9)], bench.evaluator, bench.items["selection"]
    )
    long, short = Draw(arm(recipe, 1.0, 9), tuple(votes), "spent"), Draw(arm(recipe, 1.0, 5), tuple(votes[:2]), "spent")
    assert [shared_samples([long], wanted) for wanted in (2, 3, 4, 7, 9, 12)] == [3, 3, 5, 9, 9, 9]
    assert [shared_samples([long, short], wanted) for wanted in (2, 4, 7)] == [3, 5, 5]


def test_prompts_are_read_once_for_all_stages_members_and_temperatures(bench: Workbench) -> None:
    """A swarm that has read nothing yet: what it reads is the greedy answers' prompts, each member's once."""
    items = bench.items["selection"]
    assert isinstance(bench.swarm, Swarm)
    swarm = Swarm(bench.swarm.members)
    with Ledger(":memory:") as ledger:
        evaluator = Evaluator(swarm, bench.tasks, ledger)
        evaluator.evaluate([single(bench.space, spec) for spec in bench.pool], items)
        prompts = swarm.counters.prompt_tokens
        assert prompts > 0
        singles = try_singles(evaluator, items, bench.space, bench.pool, 1e15)
    assert max(one.samples for one in singles.draws) == bench.space.certificate.samples
    assert {one.end for one in singles.draws} <= {"limit", "behind"}
    assert swarm.counters.prompt_tokens == prompts
    assert swarm.counters.rows_reforwarded == 0


def test_ways_that_were_drawn_alike_are_named_together(bench: Workbench) -> None:
    recipe = single(bench.space, bench.pool[0])
    believe(bench, sampled(recipe, 3, 1.0), [1.0] * len(bench.items["selection"]))
    vote = score([Candidate("", sampled(recipe, 3, 1.0))], bench.evaluator, bench.items["selection"])[0]
    words = [f"{how}at temperature {heat}" for how in ("", "as its owner runs it ") for heat in ("0.4", "0.7", "1")]
    draws = [Draw(Arm(recipe, one, 3), (vote,), "spent") for one in words]
    assert told(draws) == (
        "as many as cost the champion's FLOPs: "
        "llama-a 3 at temperature 0.4, 0.7 and 1 and as its owner runs it at temperature 0.4, 0.7 and 1"
    )
