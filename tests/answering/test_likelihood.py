"""How likely policies find texts: of mixes their fused distribution, of routes that of the mix that answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evoswarm.answering.engine import Engine
from evoswarm.answering.likelihood import Likelihoods, LogLikelihood, halved, without_distribution
from evoswarm.chat import Turn
from evoswarm.decoding.fused import FusedAlong
from evoswarm.decoding.request import DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import OutOfMemory, RunError
from evoswarm.policies import Policy, Recipe, Route, Vote
from tests.decoding.recipes import recipe, spec

MIX = recipe("llama-a", "gpt2-c", weights=(0.55, 0.45), alphabet="common")
ALONE = recipe("gpt2-c", alphabet="tokens")
VOTE = Vote.model_validate({"voters": [{"recipe": ALONE}, {"recipe": recipe("llama-a", samples=3)}]})
CLUSTERS = [{"ngrams": {"rev ": 9}, "policy": 1}]
QUESTION = "47+85="


def alike(found: list[LogLikelihood], wanted: list[LogLikelihood]) -> bool:
    """Equal but for rounding."""
    pairs = zip(found, wanted, strict=True)
    return all(
        (one.greedy, one.symbols) == (other.greedy, other.symbols)
        and math.isclose(one.total, other.total, abs_tol=1e-4)
        for one, other in pairs
    )


@pytest.fixture(scope="module")
def swarm() -> Swarm:
    return Swarm.load([spec("llama-a"), spec("gpt2-c"), spec("qwen3-d")])


def test_what_a_mix_writes_is_greedy_and_likely(swarm: Swarm) -> None:
    likely, answer = Likelihoods(MIX, swarm), swarm.decode([Request(MIX, QUESTION)])[0].samples[0]
    own, other, nothing = likely.log_likelihoods([(QUESTION, answer.text), (QUESTION, "999"), (QUESTION, "")])
    assert (own.greedy, own.symbols, own.failure) == (True, answer.steps - 1, None)  # its end is not scored
    assert not other.greedy
    assert own.total > other.total
    assert (nothing.total, nothing.greedy, nothing.symbols) == (0.0, True, 0)
    rows = likely.next_symbols([(QUESTION, answer.text.encode()[:size]) for size in range(len(answer.text) + 1)])
    assert rows.shape[1] == len(likely.spellings) + 1
    assert np.allclose(np.exp(rows.astype(float)).sum(1), 1.0, atol=1e-5)
    assert rows[-1].argmax() == rows.shape[1] - 1  # END follows the answer
    symbols = [likely.spellings[row.argmax()] for row in rows[:1]]
    assert answer.text.encode().startswith(symbols[0])


def test_a_drawn_mix_is_told_at_its_temperature(swarm: Swarm) -> None:
    cold = MIX.changed(sampled=True, sampling_temperature=0.5, top_k=1)
    plain = Likelihoods(MIX, swarm).next_symbols([(QUESTION, b"1")])[0].astype(float)
    found = Likelihoods(cold, swarm).next_symbols([(QUESTION, b"1")])[0].astype(float)
    allowed = np.isfinite(plain)
    tempered = np.where(allowed, 2 * plain, -np.inf)
    assert np.allclose(found[allowed], (tempered - np.logaddexp.reduce(tempered[allowed]))[allowed], atol=1e-4)


def test_a_route_hands_on_to_the_mix_that_answers(swarm: Swarm) -> None:
    asked = [(QUESTION, "132"), ("rev tiger=", "regit")]
    by_prompt = Likelihoods(Route(by="cluster", policies=(MIX, ALONE), clusters=CLUSTERS), swarm)
    by_task = Likelihoods(Route(by="task", policies=(MIX, ALONE), tasks={"words": 1}), swarm)
    mixed, alone = (Likelihoods(one, swarm).log_likelihoods(asked) for one in (MIX, ALONE))
    assert alike(by_prompt.log_likelihoods(asked), [mixed[0], alone[1]])
    assert alike(by_task.log_likelihoods(asked), mixed)
    assert alike(by_task.log_likelihoods(asked, task="words"), alone)
    assert not alike(mixed, alone)
    with pytest.raises(RunError, match="expected a policy of one alphabet, got a route between mixes of several"):
        by_prompt.next_symbols([(QUESTION, b"1")])


def test_a_conversation_goes_through_the_members_own_templates(swarm: Swarm) -> None:
    talk = (Turn("user", "47+85="), Turn("assistant", "132"), Turn("user", "30+12="))
    likely = Likelihoods(recipe("qwen3-d"), swarm)
    told, plain = likely.log_likelihoods([(talk, "42"), ("30+12=", "42")])
    assert told.failure is None
    assert told.total != plain.total
    with pytest.raises(RunError, match="expected a conversation that ends with a user's turn"):
        likely.log_likelihoods([(talk[:2], "42")])
    without = Likelihoods(recipe("llama-a"), swarm).log_likelihoods([(talk, "42")])[0]
    assert without.total == -math.inf
    assert str(without.failure).startswith("prompt_refused: ")
    assert "llama-a" in str(without.failure)


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (VOTE, "a vote elects one of several whole answers"),
        (Route(by="confidence", policies=(MIX, ALONE)), "a route by confidence chooses among whole answers"),
        (Route(by="task", policies=(MIX, VOTE), tasks={"words": 1}), "the route may choose one without probabilities"),
        (recipe("llama-a", "gpt2-c", thresholds=(0.0, 0.5), gate="random"), "its gate is drawn at every step"),
    ],
)
def test_who_has_no_distribution_says_why(swarm: Swarm, policy: Policy, why: str) -> None:
    assert str(without_distribution(policy)).startswith(why)
    with pytest.raises(RunError, match=f"expected a policy with a distribution over next symbols, .*{why}"):
        Likelihoods(policy, swarm)


def test_what_cannot_be_followed_is_told(swarm: Swarm) -> None:
    likely = Likelihoods(MIX, swarm)
    long, short = likely.log_likelihoods([("1" * 9000, "1"), ("1", "1")])
    assert str(long.failure).startswith("prompt_too_long: ")
    assert short.failure is None
    with pytest.raises(RunError, match=r"expected UTF-8 \(it may end inside a character\), got b'a\\xff'"):
        likely.next_symbols([(QUESTION, b"a\xff")])
    with pytest.raises(RunError, match="expected a text that the policy can go on from, got text 1: prompt_too_long"):
        likely.next_symbols([(QUESTION, b""), ("1" * 9000, b"")])


def test_what_does_not_fit_is_read_in_halves() -> None:
    tried: list[int] = []

    def read(texts: list[str]) -> list[FusedAlong]:
        tried.append(len(texts))
        if len(texts) > 2 or "large" in texts:
            raise DoesNotFit("no room")
        return [FusedAlong(np.array([float(text)]), greedy=True) for text in texts]

    assert [one.log_probs[0] for one in halved(read, ["1", "2", "3", "4", "5"])] == [1, 2, 3, 4, 5]
    assert tried == [5, 2, 3, 1, 2]
    with pytest.raises(OutOfMemory, match="to read one text"):
        halved(read, ["1", "large"])


def test_an_engine_knows_members_by_its_policies_names(swarm: Swarm) -> None:
    own = ALONE.model_dump()
    own["members"][0]["spec"]["name"], own["lead"] = "mine", "mine"
    engine = Engine.load({"mix": MIX, "own": Recipe.model_validate(own), "vote": VOTE})
    asked = [(QUESTION, "132"), ("rev tiger=", "regit")]
    assert alike(engine.log_likelihoods(asked, "own"), Likelihoods(ALONE, swarm).log_likelihoods(asked))
    assert alike(engine.log_likelihoods(asked, "mix"), Likelihoods(MIX, swarm).log_likelihoods(asked))
    assert str(engine.log_likelihoods([("1" * 9000, "1")], "own")[0].failure).startswith(
        "prompt_too_long: the context of mine is too short"
    )
    rows = engine.next_symbols([(QUESTION, b"13")], "mix")
    assert rows.shape == (1, len(engine.spellings("mix")) + 1)
    with pytest.raises(RunError, match="expected a policy with a distribution over next symbols"):
        engine.log_likelihoods(asked, "vote")
