"""What a ledger gives back without a swarm is what an evaluator over the same ledger says."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from evoswarm.canonical import digest_of
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.kept import KeptEvaluations
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.evaluation.mixes import TransientFailures
from evoswarm.failure import Failure
from evoswarm.policies import Policy, Recipe, Route, Vote
from evoswarm.policies.vote import Voter
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item


def kept(ledger: Ledger, task: ReasoningGymTask, policies: Sequence[Policy], items: Sequence[Item]) -> KeptEvaluations:
    found = KeptEvaluations(ledger, {task.name: task})
    found.settle(policies, items)
    return found


@pytest.mark.parametrize("kind", ["mix", "vote", "route"])
def test_policies_of_every_kind(
    kind: str, swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    first, second, both = recipes
    vote, route = (
        Vote(voters=(Voter(recipe=first), Voter(recipe=second))),
        Route(by="confidence", policies=(first, second)),
    )
    policies: dict[str, Policy] = {"mix": both, "vote": vote, "route": route}
    policy = policies[kind]
    decoded = Evaluator(swarm, {task.name: task}, ledger).evaluate([policy], items)[0]
    found = kept(ledger, task, [policy], items)
    assert found.evaluations(policy, items) == decoded
    assert found.evaluations(policy, items[2:]) == decoded[2:]


def test_what_is_lacking_is_nothing(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    first, second, _ = recipes
    Evaluator(swarm, {task.name: task}, ledger).evaluate([first], items[:2])
    found = kept(ledger, task, [first, second], items)
    assert [one is not None for one in found.evaluations(first, items)] == [True, True, False, False]
    assert (found.count(first), found.count(second)) == (2, 0)
    vote = Vote(voters=(Voter(recipe=first), Voter(recipe=second)))
    assert found.evaluations(vote, items) == [None] * 4  # half of its voters are no vote
    assert KeptEvaluations(None, {task.name: task}).evaluations(first, items) == [None] * 4


def test_a_failure_of_the_moment_is_known_from_elsewhere(
    task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], swarm: Swarm, ledger: Ledger
) -> None:
    first = recipes[0]
    digest = Evaluator(swarm, {task.name: task}, ledger).item_digest(items[1], first.prompt_format)
    failure = Failure("out_of_memory", "no room")
    found = KeptEvaluations(None, {task.name: task}, {(first.digest, digest): failure})
    assert [one and one.failure for one in found.evaluations(first, items)] == [None, failure, None, None]


def test_a_failure_that_a_run_stands_on_wins(
    task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], swarm: Swarm, ledger: Ledger
) -> None:
    """The same as an evaluator over the same ledger and the same failures says."""
    first = recipes[0]
    Evaluator(swarm, {task.name: task}, ledger).evaluate([first], items)
    digest = Evaluator(swarm, {task.name: task}, ledger).item_digest(items[1], first.prompt_format)
    failures = {(first.digest, digest): Failure("out_of_memory", "no room")}
    transient = TransientFailures(dict(failures))
    replayed = Evaluator(swarm, {task.name: task}, ledger, transient=transient).evaluate([first], items)[0]
    found = KeptEvaluations(ledger, {task.name: task}, failures)
    found.settle([first], items)
    scores = [one and one.score for one in found.evaluations(first, items)]
    assert scores == [one.score for one in replayed]
    assert [score is None for score in scores] == [False, True, False, False]


def test_machines_are_not_mixed(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    """Of several contexts the one that knows most is read; of equals that which is like the first policy's."""
    first, second, _ = recipes
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    decoded = evaluator.evaluate([first, second], items)
    digests = [evaluator.item_digest(item, first.prompt_format) for item in items]
    other = {recipe.digest: ("f" * 63 + str(place)) for place, recipe in enumerate((first, second))}
    ledger.describe({context: json.dumps({"device": "cuda", "decoding": 2}) for context in other.values()})
    elsewhere = decoded[1][0]
    ledger.write({Key(first.digest, digest, other[first.digest]): elsewhere for digest in digests[:3]})
    ledger.write({Key(second.digest, digest, other[second.digest]): elsewhere for digest in digests})
    found = kept(ledger, task, [first, second], items)
    assert found.evaluations(first, items) == decoded[0]
    assert found.evaluations(second, items) == decoded[1]


def test_a_mixture_that_once_was_drawn_whole_is_not_read(
    swarm: Swarm, task: ReasoningGymTask, items: list[Item], recipes: list[Recipe], ledger: Ledger
) -> None:
    """The recipe is the same to the digest; what it decodes is not, since speakers are drawn."""
    both = recipes[2].changed(fusion={"rule": "mixture"}, sampling_temperature=1.0, samples=3)
    assert both.draws_speaker
    evaluator = Evaluator(swarm, {task.name: task}, ledger)
    before = {key: value for key, value in evaluator.context(both).items() if key != "speaker"}
    old = digest_of(before)
    row = evaluator.evaluate([recipes[0]], items)[0][0]
    digests = [evaluator.item_digest(item, both.prompt_format) for item in items]
    ledger.describe({old: json.dumps(before)})
    ledger.write({Key(both.digest, digest, old): row for digest in digests})
    assert kept(ledger, task, [both], items).evaluations(both, items) == [None] * len(items)
    decoded = evaluator.evaluate([both], items[:2])[0]
    found = kept(ledger, task, [both], items)
    assert found.evaluations(both, items) == [*decoded, None, None]
    assert found.count(both) == 2
