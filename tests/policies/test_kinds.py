"""Every kind of policy keeps the same contract; a new kind joins by one entry in EXAMPLES."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import KINDS, Policy, Recipe, Route, Vote, load_policy, read_policy
from evoswarm.policies.mix import RecipeMember
from evoswarm.policies.route import PromptCluster, sole
from evoswarm.policies.vote import Voter


def alone(name: str, **fields: Any) -> Recipe:
    spec = MemberSpec(name=name, path=f"zoo:{name}", fingerprint=name * 8)
    return Recipe(members=(RecipeMember(spec=spec),), lead=name, **fields)


def mix(*names: str) -> Recipe:
    members = tuple(member for name in names for member in alone(name).members)
    return Recipe(members=members, lead=names[0])


def vote(**weights: float) -> Vote:
    return Vote(voters=tuple(Voter(recipe=alone(name), weight=weight) for name, weight in weights.items()))


EXAMPLES: dict[str, list[Policy]] = {
    "mix": [alone("a", samples=3), mix("a", "b", "c")],
    "vote": [vote(a=1.0), vote(a=1.0, b=2.0, c=4.0)],
    "route": [
        Route(by="task", policies=(alone("a"), vote(b=1.0, c=2.0)), tasks={"sums": 1}),
        Route(by="confidence", policies=(alone("a"), alone("b", prompt_format="Q: {prompt}"))),
        Route(
            by="cluster",
            policies=(alone("a"), mix("b", "c"), vote(a=1.0, b=2.0)),
            clusters=(
                PromptCluster(ngrams={"+": 500, "0+": 300}, policy=1, like="mostly sums"),
                PromptCluster(ngrams={"spell": 900, "ö": 1}, policy=2),
            ),
        ),
        Route(
            by="task",
            policies=(alone("a"), alone("b"), alone("c")),
            tasks={"sums": 1, "products": 1, "words": 2},
            clusters=(PromptCluster(ngrams={"+": 5}, policy=1), PromptCluster(ngrams={"rev": 5}, policy=2)),
        ),
    ],
}
every_policy = pytest.mark.parametrize("policy", [one for some in EXAMPLES.values() for one in some])


def test_every_kind_has_examples() -> None:
    assert set(EXAMPLES) == set(KINDS)
    assert all(isinstance(one, KINDS[kind]) and one.kind == kind for kind, some in EXAMPLES.items() for one in some)


@every_policy
def test_a_policy_keeps_the_protocol(policy: Policy) -> None:
    assert isinstance(policy, Policy)
    names = {spec.name for spec in policy.specs}
    assert {spec.name for recipe in policy.mixes("sums") for spec in recipe.specs} <= names
    assert "{prompt}" in policy.prompt_format
    assert policy.words()
    assert policy.parameters()["digest"] == policy.digest


@every_policy
def test_json_gives_it_back_to_the_byte(policy: Policy, tmp_path: Path) -> None:
    again = load_policy(policy.save(tmp_path / "policy.json"))
    assert (again, again.digest, again.to_json()) == (policy, policy.digest, policy.to_json())
    assert type(policy) is type(again)


@every_policy
def test_names_and_places_do_not_decide_but_fingerprints_do(policy: Policy) -> None:
    moved = {spec.name: spec.model_copy(update={"path": "/elsewhere"}) for spec in policy.specs}
    other = {spec.name: spec.model_copy(update={"fingerprint": "f" * 8}) for spec in policy.specs}
    assert policy.bound(moved).digest == policy.digest
    assert policy.bound(moved).specs != policy.specs
    assert policy.bound(other).digest != policy.digest


@every_policy
def test_who_leaves_is_gone(policy: Policy) -> None:
    for name in policy.removable:
        fewer = policy.without(name)
        assert fewer is not None
        assert {spec.name for spec in fewer.specs} == {spec.name for spec in policy.specs} - {name}


def test_nobody_leaves_an_empty_policy_behind() -> None:
    assert alone("a").removable == () == vote(a=1.0).removable
    assert alone("a").without("a") is None
    assert vote(a=1.0).without("a") is None


def test_votes_of_weights_in_proportion_are_one_vote() -> None:
    assert vote(a=1.0, b=3.0) == vote(a=2.0, b=6.0)
    assert vote(a=1.0, b=3.0).digest != vote(b=3.0, a=1.0).digest  # the order settles ties


def test_tasks_choose_or_all_answer() -> None:
    by_task, by_confidence, *_ = EXAMPLES["route"]
    assert [recipe.lead for recipe in by_task.mixes("sums")] == ["b", "c"]
    assert [recipe.lead for recipe in by_task.mixes("another")] == ["a"]
    assert [recipe.lead for recipe in by_confidence.mixes("sums")] == ["a", "b"]


def test_prompts_choose() -> None:
    by_cluster = EXAMPLES["route"][2]
    assert by_cluster.reads_prompts
    assert not any(one.reads_prompts for one in EXAMPLES["route"][:2])
    leads = {
        prompt: [recipe.lead for recipe in by_cluster.mixes("sums", prompt)]
        for prompt in ("12+34=", "SPELL it: 7+7", "Ö and ö", "", "nothing known \U0001f600\ud800", "0+0 " * 9000)
    }
    assert [*leads.values()] == [["b"], ["a", "b"], ["a", "b"], ["a"], ["a"], ["b"]]
    assert [recipe.lead for recipe in by_cluster.mixes("sums")] == ["a", "b", "a", "b"], "without a prompt all may"
    assert by_cluster.words()[0].startswith("Prompts with '+' (mostly sums): b leads: it speaks")


def test_a_named_task_chooses_and_without_one_the_prompt_does() -> None:
    route = EXAMPLES["route"][3]
    asked = [("sums", "rev abc="), ("words", "1+2="), ("", "1+2="), ("questions", "rev abc="), ("", "?")]
    assert [route.mixes(*one)[0].lead for one in asked] == ["b", "c", "b", "c", "a"]
    assert [recipe.lead for recipe in route.mixes("")] == ["a", "b", "c"]


def test_kinds_that_one_mix_answers_are_named_together() -> None:
    lines = EXAMPLES["route"][3].words()
    assert [line.partition(":")[0] for line in lines[:3]] == ["sums; products", "words", "Anything else"]
    assert "most like" in lines[3]
    first = Route(by="task", policies=(alone("a"), alone("b")), tasks={"sums": 0, "words": 1})
    assert [line.partition(":")[0] for line in first.words()] == ["sums; anything else", "words"]


def test_a_route_over_one_policy_is_that_policy() -> None:
    assert sole(Route(by="task", policies=(alone("a"),), tasks={"sums": 0})) == alone("a")
    assert [sole(one) for one in EXAMPLES["route"]] == EXAMPLES["route"]


def test_a_copy_with_other_clusters_forgets_the_old_ones() -> None:
    by_cluster = EXAMPLES["route"][2]
    assert isinstance(by_cluster, Route)
    assert by_cluster.cluster("12+34=") == 0
    assert by_cluster.model_copy(update={"clusters": by_cluster.clusters[::-1]}).cluster("12+34=") == 1


@pytest.mark.parametrize("kind", ["vote", "route"])
def test_another_kind_than_was_wanted_is_named_with_what_reads_it(kind: str, tmp_path: Path) -> None:
    file = EXAMPLES[kind][0].save(tmp_path / "champion.json")
    with pytest.raises(RecipeError, match=rf"champion\.json: kind: .*evoswarm\.load_policy reads all\), got a {kind}"):
        Recipe.load(file)


def test_what_a_cluster_is_like_decides_nothing_and_its_weights_do() -> None:
    by_cluster = EXAMPLES["route"][2]
    assert isinstance(by_cluster, Route)
    first, second = by_cluster.clusters

    def digest(**changes: Any) -> str:
        return by_cluster.model_copy(update={"clusters": (first.model_copy(update=changes), second)}).digest

    assert digest(like="") == by_cluster.digest
    assert len({by_cluster.digest, digest(policy=0), digest(ngrams={"+": 500, "0+": 301})}) == 3
    turned = json.loads(by_cluster.to_json())
    turned["clusters"][0]["ngrams"] = dict(reversed(turned["clusters"][0]["ngrams"].items()))
    assert read_policy(json.dumps(turned)).to_json() == by_cluster.to_json()


def test_files_and_digests_of_other_routers_are_what_they_were() -> None:
    assert "clusters" not in json.loads(EXAMPLES["route"][0].to_json())
    assert EXAMPLES["route"][1].digest == "edae1f6423719edf9cfce44bae3c611561a0eef7fb80f1e6bffc5afba9e7213d"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clusters": []}, "clusters: expected at least one (answers are chosen by cluster), got 0"),
        ({"by": "confidence"}, "clusters: expected none (answers are chosen by confidence), got 2"),
        (
            {"clusters": [{"ngrams": {"a": 1}, "policy": 3}]},
            "clusters.0.policy: expected a position of 3 policies, got 3",
        ),
        ({"clusters": [{"ngrams": {"a": 0}, "policy": 0}]}, "clusters.0.ngrams.a"),
        ({"clusters": [{"ngrams": {}, "policy": 0}]}, "clusters.0.ngrams"),
    ],
)
def test_a_mistake_in_a_router_is_named_with_its_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_policy(json.dumps({**json.loads(EXAMPLES["route"][2].to_json()), **change}), "route.json")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "chorus"}, "kind: expected vote or route (a mix names no kind), got 'chorus'"),
        ({"kind": ["vote"]}, "kind: expected vote or route"),
        ({"voters": []}, "voters"),
        ({"version": 2}, "version"),
        ({"more": 1}, "more: expected a known key"),
        ({"voters": [{"recipe": json.loads(mix("a", "b").to_json())}]}, "expected one member, got 2"),
    ],
)
def test_a_mistake_is_named_with_its_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_policy(json.dumps({**json.loads(vote(a=1.0).to_json()), **change}), "vote.json")
    assert said in str(caught.value)
    assert "vote.json" in str(caught.value)


def other(recipe: Recipe, **changes: Any) -> Recipe:
    return recipe.bound({spec.name: spec.model_copy(update=changes) for spec in recipe.specs})


@pytest.mark.parametrize(
    ("voters", "said"),
    [
        ([(alone("a"), 1.0), (other(alone("a"), path="zoo:b"), 1.0)], "got two that are called 'a'"),
        ([(alone("a"), 1.0), (alone("b", prompt_format="Q: {prompt}"), 1.0)], "expected one prompt_format, got 2"),
        ([(alone("a"), 1e308), (alone("b"), 1e308)], "expected weights with a finite sum"),
        ([(alone("a"), 1e-320), (alone("b"), 1e10)], "got one that vanishes beside the others"),
    ],
)
def test_voters_that_do_not_go_together_are_refused(voters: list[tuple[Recipe, float]], said: str) -> None:
    one = [{"recipe": json.loads(recipe.to_json()), "weight": weight} for recipe, weight in voters]
    with pytest.raises(RecipeError, match=said):
        read_policy(json.dumps({"kind": "vote", "voters": one}))


def test_a_router_of_routers_is_refused_in_words() -> None:
    inner = json.loads(EXAMPLES["route"][0].to_json())
    with pytest.raises(RecipeError, match=r"policies\.0\.kind: expected one of 'mix', 'vote', got 'route'"):
        read_policy(json.dumps({"kind": "route", "by": "confidence", "policies": [inner]}))
    with pytest.raises(RecipeError, match=r"policies\.0: expected a policy, got 7"):
        read_policy(json.dumps({"kind": "route", "by": "confidence", "policies": [7]}))


@pytest.mark.parametrize("text", ["", "[]", "[" * 5000, '{"kind": "vote"}', "null", '"mix"', "\x00"])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        read_policy(text)


def test_a_mix_of_version_1_names_no_kind() -> None:
    assert "kind" not in json.loads(alone("a").to_json())
