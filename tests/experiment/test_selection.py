"""The rule that chooses the champion, on made-up scores; and recipes in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from evoswarm.errors import RunError
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.evaluation.evaluation import Evaluation, Summary, summarize
from evoswarm.experiment.estimating import Searched
from evoswarm.experiment.finalists import Finalist, finalists_of
from evoswarm.experiment.selection import Selection, pareto_front, select
from evoswarm.experiment.wording import duration, ended_because, quantity
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.failure import Failure
from evoswarm.genomes.kinds import Material
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.plain import single
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Vote
from evoswarm.policies.mix import Fusion, GateName, Recipe, RecipeMember
from evoswarm.policies.vote import Voter
from evoswarm.rivals.sampling import sampled
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item, Task
from tests.rivals.conftest import tell

SPACE = {
    "name": "copies",
    "pool": [{"name": "mine", "path": "zoo:llama-a"}],
    "tasks": [{"name": "sum", "source": "reasoning_gym", "family": "chain_sum"}],
}


def spec(name: str) -> MemberSpec:
    return MemberSpec(name=name, path=f"zoo:{name}", fingerprint=name)


def mix(*names: str, seed: int = 0) -> Recipe:
    """A plain mixture, the first member leads."""
    return Recipe(members=tuple(RecipeMember(spec=spec(name)) for name in names), lead=names[0], noise_seed=seed)


@dataclass(frozen=True)
class OneTask:
    name: str = "t"
    weight: float = 1.0


class Judge:
    """An evaluator that knows the scores already; every member costs one FLOP per item."""

    def __init__(self, scores: Mapping[str, Sequence[float] | None]) -> None:
        self.tasks: dict[str, Task] = {"t": OneTask()}  # type: ignore[dict-item]
        self._scores = scores

    def summaries(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Summary]:
        return [summarize(items, self._rows(recipe, items), self.tasks) for recipe in recipes]

    def _rows(self, recipe: Recipe, items: Sequence[Item]) -> list[Evaluation]:
        scores = self._scores["+".join(member.spec.name for member in recipe.members)]
        if scores is None:
            return [Evaluation(None, failure=Failure("non_finite", "made up")) for _ in items]
        cost = Cost(tuple(MemberCost(m.spec.name, 1, 1, 1, 1, 1) for m in recipe.members))
        return [Evaluation(score, cost=cost) for score in scores]


def choose(
    scores: Mapping[str, Sequence[float] | None], finalists: Sequence[str], saving: float | None = None
) -> Selection:
    """Select among recipes named by their members."""
    items = [Item(str(number), "t", "", "") for number in range(400)]
    contenders = [Finalist(Candidate(name, mix(*name.split("+")))) for name in finalists]
    return select(Judge(scores), items, contenders, [], ["accuracy"], saving)  # type: ignore[arg-type]


def right(count: int, shift: int = 0) -> list[float]:
    """400 scores, ``count`` of them 1, beginning at ``shift``."""
    return [float((number - shift) % 400 < count) for number in range(400)]


def test_a_thrifty_search_takes_the_cheapest_within_one_standard_error() -> None:
    # a+b is right on 4 items more; a swap of 60 makes the paired error larger than that lead
    scores = {"a+b": right(204), "a": right(200, shift=60), "b": right(50)}
    selection = choose(scores, ["a+b", "a", "b"], saving=0.05)
    assert selection.best.name == "a+b"
    assert selection.standard_error > 0.01
    assert selection.winner.name == "a"
    assert choose(scores, ["a+b", "a", "b"]).champion.name == "a+b"  # where accuracy is what counts


@pytest.mark.parametrize(("saving", "winner"), [(0.5, "a"), (0.51, "a+b")])
def test_a_saving_that_nobody_would_notice_costs_nothing(saving: float, winner: str) -> None:
    """One of two members takes half of the FLOPs."""
    scores = {"a+b": right(204), "a": right(200, shift=60), "b": right(50)}
    assert choose(scores, ["a+b", "a", "b"], saving).winner.name == winner


def test_a_member_goes_for_a_loss_only_where_that_saves_enough() -> None:
    scores = {"a+b": right(300), "a": right(299), "b": right(1)}
    assert choose(scores, ["a+b", "b"], saving=0.5).champion.policy == mix("a")
    assert choose(scores, ["a+b", "b"], saving=0.51).champion.policy == mix("a", "b")
    assert choose(scores, ["a+b", "b"]).champion.policy == mix("a", "b")
    scores["a"] = right(300)
    assert choose(scores, ["a+b", "b"]).champion.policy == mix("a")  # as accurate without it


def test_a_clear_lead_beats_a_low_cost() -> None:
    selection = choose({"a+b": right(300), "a": right(200), "b": right(50)}, ["a+b", "a", "b"])
    assert selection.champion.name == selection.winner.name == selection.best.name == "a+b"
    assert selection.dropped == ()


def test_members_are_dropped_within_half_a_point_in_all() -> None:
    scores = {"a+b+c": right(300), "a+b": right(299), "a+c": right(200), "a": right(298), "b": right(1), "c": right(1)}
    selection = choose(scores, ["a+b+c", "b", "c"], saving=0.05)
    assert selection.winner.name == "a+b+c"
    assert selection.dropped == ("c", "b")  # 1/400 and 2/400: together exactly half a point
    assert [m.spec.name for m in selection.champion.policy.members] == ["a"]  # type: ignore[attr-defined]
    scores["a"] = right(297)
    selection = choose(scores, ["a+b+c", "b", "c"], saving=0.05)
    assert selection.dropped == ("c",)


def test_failures_cannot_win() -> None:
    selection = choose({"a+b": None, "a": right(10), "b": right(3)}, ["a+b", "a", "b"])
    assert selection.champion.name == "a"
    assert selection.contenders[-1].name == "a+b"
    with pytest.raises(RunError, match=r"got failures only: the only recipe failed on every item .* \(made up\)$"):
        choose({"a": None}, ["a"])


def test_who_only_takes_part_in_the_front_cannot_win() -> None:
    items = [Item(str(number), "t", "", "") for number in range(400)]
    judge = Judge({"a": right(10), "a+b": right(400)})
    finalist, other = Finalist(Candidate("a", mix("a"))), Candidate("a+b", mix("a", "b"))
    selection = select(judge, items, [finalist], [other], ["accuracy"])  # type: ignore[arg-type]
    assert selection.champion.name == "a"
    assert [standing.name for standing in selection.front] == ["a+b", "a"]


def test_a_single_member_keeps_its_plain_name() -> None:
    items = [Item(str(number), "t", "", "") for number in range(400)]
    judge = Judge({"a": right(10), "b": right(9)})
    plain = [("member b", mix("b")), ("member a", mix("a"))]
    finalists = finalists_of([("g00-i0-00", mix("a"))], plain)
    extras = [Candidate("g01-i0-03", mix("a")), Candidate("g01-i0-04", mix("b"))]
    selection = select(judge, items, finalists, extras, ["accuracy", "flops"])  # type: ignore[arg-type]
    assert {standing.name for standing in selection.contenders} == {"member a", "member b"}


def test_what_dropping_leaves_keeps_the_name_it_had_and_its_place_on_the_front() -> None:
    items = [Item(str(number), "t", "", "") for number in range(400)]
    scores = {"a+b": right(300), "a": right(299), "b": right(299)}
    judge = Judge(scores)
    finalists = [Finalist(Candidate("g02-i0-00", mix("a", "b")))]
    others = [Candidate("member b", mix("b")), Candidate("member a", mix("a"))]
    selection = select(judge, items, finalists, others, ["accuracy"], 0.05)  # type: ignore[arg-type]
    assert selection.dropped == ("b",)
    assert selection.champion.name == "member a"
    assert [standing.name for standing in selection.front] == ["g02-i0-00", "member a"]  # b equals it


def test_exact_copies_are_one_row_with_both_names() -> None:
    pool = [
        spec("mine"),
        MemberSpec(name="other", path="zoo:other", fingerprint="other"),
        MemberSpec(name="mine-again", path="zoo:mine-again", fingerprint="mine"),
    ]
    space = SearchSpace.model_validate(SPACE).resolved("common").model_copy(update={"pool": tuple(pool)})
    made = MixGenomes(Material(space))
    assert [name for name, _ in made.plain()] == ["member mine (= mine-again)", "member other", "uniform mix"]


def test_the_front_is_exactly_the_non_dominated() -> None:
    scores = {"a": right(100), "b": right(90), "a+b": right(120), "a+c": right(110), "a+b+c": right(120)}
    selection = choose(scores, ["a", "b", "a+b", "a+c", "a+b+c"])
    assert [standing.name for standing in selection.front] == ["a+b", "a"]
    assert selection.objectives == ("accuracy", "flops")
    assert pareto_front([], ["accuracy"]) == ()


def test_dropping_keeps_the_rest_in_proportion() -> None:
    recipe = Recipe(
        members=tuple(RecipeMember(spec=spec(n), weight=w) for n, w in (("a", 0.5), ("b", 0.3), ("c", 0.2))), lead="a"
    )
    fewer = recipe.without("b")
    assert fewer is not None
    assert [member.weight for member in fewer.members] == pytest.approx([5 / 7, 2 / 7], rel=1e-5)
    assert fewer.lead == "a"


def test_a_recipe_in_words() -> None:
    recipe = Recipe(
        members=(
            RecipeMember(spec=spec("a"), weight=3),
            RecipeMember(spec=spec("b"), weight=1, threshold=0.5, temperature=2),
            RecipeMember(spec=spec("c"), weight=1),
        ),
        lead="a",
        fusion=Fusion(rule="product", beta=2),
        samples=3,
        sampling_temperature=0.7,
    )
    assert recipe.words({"a": 1.0, "b": 0.1, "c": 0.997}) == [
        "a leads: it speaks at every step, weight 0.60.",
        "b speaks where the lead's entropy is at least 0.5 nats (10% of steps), weight 0.20, temperature 2.00.",
        "c speaks at every step (99.7% of steps), weight 0.20.",
        "Fusion: product (the weighted geometric mean of the speakers' distributions), "
        "weights sharpened by confidence (beta 2).",
        "Alphabet bytes: a step is one byte.",
        "Majority vote over 3 answers sampled at temperature 0.70.",
    ]
    assert mix("a").words() == ["a alone.", "Alphabet bytes: a step is one byte.", "One greedy answer."]


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("entropy", "b speaks where the lead's entropy is at least 0.75 nats"),
        ("low_entropy", "b speaks where the lead's entropy is at most 0.75 nats"),
        ("random", "b speaks with probability 0.25 at each step"),
    ],
)
def test_every_gate_has_words(gate: GateName, words: str) -> None:
    members = (RecipeMember(spec=spec("a")), RecipeMember(spec=spec("b"), threshold=0.75))
    assert Recipe(members=members, lead="a", gate=gate).words()[1].startswith(words)


@pytest.mark.parametrize("rule", ["mixture", "product", "power", "most_confident", "vote", "contrast"])
def test_every_rule_has_words(rule: str) -> None:
    recipe = Recipe.model_validate({**mix("a", "b").model_dump(by_alias=True), "fusion": {"rule": rule, "lambda": 0.5}})
    assert len(recipe.words()) == 5


@pytest.mark.parametrize(
    ("reason", "limit", "said"),
    [
        ("generations", 3, "The search ended after 3 generations, as many as evolution.generations allows."),
        ("stop_at.accuracy", 0.9, "an accuracy of at least 0.9 was reached on the search split (stop_at.accuracy)."),
        ("budget.evaluations", 5000, "5000 evaluations were asked for (budget.evaluations)."),
        (
            "budget.decoded_tokens",
            2e9,
            "recipes had read 2G tokens, each as if deployed alone (budget.decoded_tokens).",
        ),
        ("budget.flops", 3e15, "recipes had taken 3P FLOPs, each as if deployed alone (budget.flops)."),
        ("budget.seconds", 60, "the time of 1 min 00 s was over (budget.seconds)."),
    ],
)
def test_why_a_search_ended(reason: str, limit: float, said: str) -> None:
    assert ended_because(reason, limit, 3).endswith(said)


def test_numbers_for_people() -> None:
    assert [quantity(value) for value in (0, 12, 1234, 56789012, 2.5e9)] == ["0", "12", "1.23k", "56.8M", "2.5G"]
    assert [duration(value) for value in (4.2, 42, 200, 7500)] == ["4.2 s", "42 s", "3 min 20 s", "2 h 05 min"]


@pytest.fixture
def four_voters(micro: Callable[..., SearchSpace]) -> Iterator[tuple[Workbench, list[Voter]]]:
    """Voters of weights 2, 1, 2 and 4, and 400 items on which nothing was said yet: an item is a quarter of a point."""
    four = "[" + ", ".join(f'{{name: {name}, path: "zoo:llama-a"}}' for name in "abcd") + "]"
    with workbench(micro("splits.selection=400", f"pool={four}"), ":memory:", splits=["selection"]) as bench:
        heats = {0.2: 2.0, 0.4: 1.0, 0.6: 2.0, 0.8: 4.0}  # which tell copies of one member apart
        alone = [single(bench.space, spec) for spec in bench.pool]
        yield (
            bench,
            [
                Voter(recipe=sampled(recipe, 2, heat), weight=weight)
                for recipe, (heat, weight) in zip(alone, heats.items(), strict=True)
            ],
        )


def wrong_together(bench: Workbench, voters: Sequence[Voter], kinds: Sequence[tuple[str, int]]) -> None:
    """Voters a to d are right, but for so many items on which some of them give one wrong answer."""
    items = bench.items["selection"]
    groups = [group for group, count in kinds for _ in range(count)]
    for name, voter in zip("abcd", voters, strict=False):
        rows = []
        for place, item in enumerate(items):
            wrong = place < len(groups) and name in groups[place]
            text = "wrong" if wrong else item.gold
            cost = Cost((MemberCost(voter.recipe.lead, 1.0, 1.0, 8.0, 10.0, 1.0),))
            rows.append(Evaluation(float(not wrong), answer=text, answers=(text,), cost=cost, steps=1))
        tell(bench.evaluator, voter.recipe, items, rows)


def kept(bench: Workbench, vote: Vote) -> Policy:
    """What is left of a vote that wins."""
    items = bench.items["selection"]
    return select(bench.evaluator, items, [Finalist(Candidate("it", vote))], [], ["accuracy"], 0.05).champion.policy


@pytest.mark.parametrize(("missed", "left"), [(2, 1), (3, 3)])
def test_a_voter_leaves_for_half_a_point_and_not_for_more(
    four_voters: tuple[Workbench, list[Voter]], missed: int, left: int
) -> None:
    """Three of equal weight: without the second or the third, the first decides, and it is wrong on a few items."""
    bench, voters = four_voters
    equal = [Voter(recipe=voter.recipe) for voter in voters[:3]]
    wrong_together(bench, equal, [("a", missed), ("b", 9), ("c", 9)])
    assert kept(bench, Vote(voters=tuple(equal))) == Vote(voters=tuple(equal[:left]))


def test_what_voters_cost_who_left_before_counts(four_voters: tuple[Workbench, list[Voter]]) -> None:
    """Without b half a point is lost; without d, the next one, as much again: b leaves and d stays."""
    bench, voters = four_voters
    wrong_together(bench, voters, [("ab", 2), ("ac", 2), ("bc", 4), ("d", 8)])
    assert kept(bench, Vote(voters=tuple(voters))) == Vote(voters=(voters[0], voters[2], voters[3]))


class TwoSplits(Judge):
    """Knows the scores on 400 search items, whose keys begin with ``s``, and on 400 selection items."""

    def __init__(self, search: Mapping[str, Sequence[float] | None], selection: Mapping[str, Sequence[float] | None]):
        super().__init__(selection)
        self._search = Judge(search)

    def summaries(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Summary]:
        if items[0].key.startswith("s"):
            return self._search.summaries(recipes, items)
        return super().summaries(recipes, items)


def expected(
    search: Mapping[str, Sequence[float]],
    selection: Mapping[str, Sequence[float]],
    plain: str,
    *,
    excluded: bool = False,
) -> Selection:
    """Select by estimates: all but the plain one, the uniform mix, were ranked on the search items."""
    judge: Any = TwoSplits(search, selection)
    seen, items = ([Item(f"{split}{number}", "t", "", "") for number in range(400)] for split in ("s", "v"))
    made = [(name, mix(*name.split("+"))) for name in search if name != plain]
    others = [Candidate(plain, mix(*plain.split("+")))]
    finalists = finalists_of(made, [] if excluded else [(plain, others[0].policy)])
    evidence = Searched(seen, list(search.values()), others[0].policy)
    return select(judge, items, finalists, others, ["accuracy"], None, evidence)


def test_a_lead_on_both_splits_makes_a_champion() -> None:
    search = {"a": right(240), "b": right(150), "a+b": right(200)}
    selection = expected(search, {**search, "b": right(300)}, "a+b")  # b is best on the selection items alone
    assert selection.champion.name == "a"
    assert selection.best.name == "b"
    estimate = selection.estimate
    assert estimate is not None
    assert selection.reference_accuracy == 0.5
    assert 0.57 < estimate.accuracy <= 0.6


def test_a_lead_that_chance_could_make_leaves_the_uniform_mix() -> None:
    search = {"a": right(206, shift=60), "b": right(150), "a+b": right(200)}
    selection = expected(search, search, "a+b")
    assert (selection.best.name, selection.champion.name) == ("a", "a+b")
    assert selection.expected(selection.champion) == selection.expected(selection.best) == 0.5
    allowed = expected(search, search, "a+b", excluded=True)
    assert allowed.champion.name == "a"  # the greatest lead of those who may win
    assert allowed.reference_accuracy == 0.5


def test_who_answers_as_the_uniform_mix_does_wins_by_its_price() -> None:
    search = {"a": right(200), "b": right(150), "a+b": right(200)}
    assert expected(search, search, "a+b").champion.name == "a"


def test_a_member_leaves_only_who_is_as_good_on_all_items_without_it() -> None:
    search = {"a+b": right(300), "a": right(300), "b": right(10), "b+c": right(100), "c": right(1)}
    left = expected(search, search, "b+c")
    assert (left.winner.name, left.champion.name) == ("a", "a")  # of equals the cheaper
    scores = {**search, "a": right(299)}
    assert expected(search, scores, "b+c").champion.name == "a+b"
    unranked = {name: row for name, row in search.items() if name != "a"}
    judge: Any = TwoSplits(search, search)
    seen, items = ([Item(f"{split}{number}", "t", "", "") for number in range(400)] for split in ("s", "v"))
    evidence = Searched(seen, list(unranked.values()), mix("b", "c"))
    finalists = finalists_of([("it", mix("a", "b"))], [("uniform mix", mix("b", "c"))])
    found = select(judge, items, finalists, [], ["accuracy"], None, evidence)
    assert (found.winner.name, found.dropped, found.champion.name) == ("it", ("b",), "it without b")
