"""An engine answers as `generate` does, from one pool for all of its policies."""

from __future__ import annotations

import itertools
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evoswarm.answering.answers import answer
from evoswarm.answering.engine import Engine, RefusedQuestion
from evoswarm.answering.partial import PartialText
from evoswarm.answering.question import News, Question, Turn
from evoswarm.errors import MemberError, RunError
from evoswarm.experiment.result import SearchResult
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, PolicyDocument, Recipe, Route, Vote, load_document
from evoswarm.policies.mix import RecipeMember
from evoswarm.policies.vote import Voter

ASKED = ["47+85=", "spell: stop", "30+12=", "rev abc"]


def mix(*specs: MemberSpec, **fields: object) -> Recipe:
    members = tuple(RecipeMember(spec=spec) for spec in specs)
    return Recipe.model_validate({"members": members, "lead": specs[0].name, **fields})


def copy_of(name: str, pool: Path, called: str | None = None) -> MemberSpec:
    return MemberSpec(name=called or name, path=str(pool / name))


@pytest.fixture(scope="module")
def policies(pool: Path) -> dict[str, Policy]:
    """Of every kind, over the same two models by several names."""
    a, b = copy_of("llama-a", pool), copy_of("llama-b", pool)
    crossed = copy_of("llama-a", pool, "llama-b"), copy_of("llama-b", pool, "llama-a")
    sampled = mix(crossed[0], samples=3, sampling_temperature=0.8)
    vote = Vote(voters=(Voter(recipe=mix(b), weight=1.0), Voter(recipe=mix(a, samples=3), weight=2.0)))
    return {
        "mix": mix(a, b),
        "crossed": mix(*crossed, alphabet="common", epsilon=0.01),
        "samples": sampled,
        "vote": vote,
        "route": Route(by="confidence", policies=(mix(a), mix(b, a), vote)),
    }


@pytest.fixture(scope="module")
def engine(policies: dict[str, Policy]) -> Engine:
    return Engine.load(policies)


def test_each_model_is_loaded_once_whatever_policies_call_it(policies: dict[str, Policy]) -> None:
    told: list[str] = []
    Engine.load(
        {name: policies[name] for name in ("mix", "crossed", "vote")}, on_load=lambda one: told.append(one.name)
    )
    assert told == ["llama-a", "llama-b"]


@pytest.mark.parametrize("name", ["mix", "crossed", "samples", "vote", "route"])
def test_answers_are_those_of_generate(engine: Engine, policies: dict[str, Policy], name: str) -> None:
    alone = answer(policies[name], ASKED, max_bytes=10)
    together = engine.answer([Question(one, policy=name, max_bytes=10) for one in ASKED])
    assert [one.text for one in together] == [one.text for one in alone]
    assert [one.cost for one in together] == [one.cost for one in alone]
    assert [one.open_share for one in together] == [one.open_share for one in alone]
    names = {spec.name for spec in policies[name].specs}
    assert all(set(one.prompt_tokens) <= names and one.prompt_tokens for one in together)


def test_a_model_mixed_with_itself_is_loaded_once(pool: Path) -> None:
    both = mix(copy_of("llama-a", pool), copy_of("llama-a", pool, "again"))
    told: list[str] = []
    engine = Engine.load(both, on_load=lambda one: told.append(one.name))
    reply = engine.answer([Question("47+85=", max_bytes=8)])[0]
    assert told == ["llama-a"]
    assert [one.name for one in reply.cost.members] == ["llama-a", "again"]
    assert reply.text == answer(mix(copy_of("llama-a", pool)), ["47+85="], max_bytes=8)[0].text


def test_a_run_is_asked_as_its_tasks_asked(finished: SearchResult) -> None:
    document = load_document(finished.directory)
    engine = Engine.load({"run": finished.directory})
    assert engine.names == ("run",)
    assert engine.document("run").about == document.about
    replies = engine.answer([Question("12+30=", task="sum"), Question("abc", task="spell", max_bytes=2)])
    assert [one.text for one in replies][:1] == [answer(finished.directory, ["12+30="], task="sum")[0].text]
    assert len(replies[1].text.encode()) <= 2
    with pytest.raises(RunError, match="spell, sum, got 'nobody'"):
        engine.answer([Question("x", task="nobody")])
    with pytest.raises(RunError, match="expected one of run, got 'walk'"):
        engine.answer([Question("x", policy="walk")])


def test_a_question_may_be_answered_otherwise_than_its_policy_says(engine: Engine, policies: dict[str, Policy]) -> None:
    greedy = Question("47+85=", policy="samples", max_bytes=8, temperature=0.0)
    mixed = policies["samples"]
    assert isinstance(mixed, Recipe)
    plain = mixed.changed(samples=1)
    drawn = plain.changed(sampled=True, sampling_temperature=1.5, noise_seed=7)
    wanted = [answer(one, ["47+85="], max_bytes=8)[0].text for one in (plain, drawn)]
    found = engine.answer([greedy, replace(greedy, temperature=1.5, seed=7)])
    assert [one.text for one in found] == wanted
    other = [replace(greedy, temperature=1.5, seed=seed, key="k") for seed in range(12)]
    assert len({one.text for one in engine.answer(other)}) > 3
    short = engine.answer([replace(greedy, max_symbols=1), replace(greedy, stop=("3",), prompt="47+86=")])
    assert (len(short[0].text), short[0].finish) == (1, "limit")
    assert "3" not in short[1].text


def test_a_raw_text_is_not_worded(finished: SearchResult) -> None:
    document = load_document(finished.directory)
    assert document.about is not None
    tasks = {"sum": document.about.tasks["sum"].model_copy(update={"examples": "1+1=2\n", "prompt": "{question}="})}
    asked = PolicyDocument(document.policy, document.about.model_copy(update={"tasks": tasks}))
    engine = Engine.load(asked)
    worded, raw = Question("12+30"), Question("1+1=2\n12+30=", raw=True, key="12+30")
    assert engine.answer([worded]) == engine.answer([raw])
    with pytest.raises(RunError, match="got a row"):
        engine.answer([Question({"question": "1"}, raw=True)])


def test_members_that_changed_are_refused_unless_that_is_allowed(pool: Path, tmp_path: Path) -> None:
    shutil.copytree(pool / "llama-a", tmp_path / "own")
    spec = MemberSpec(name="own", path=str(tmp_path / "own"))
    bound = Engine.load(mix(spec)).document().policy
    file = bound.save(tmp_path / "policy.json")
    config = json.loads((tmp_path / "own" / "generation_config.json").read_text())
    (tmp_path / "own" / "generation_config.json").write_text(json.dumps({**config, "top_k": 7}))
    with pytest.raises(MemberError, match=r"policy\.json: members\.0\.spec\.path: .*'own'.*--allow-changed"):
        Engine.load({"mine": file})
    again = Engine.load({"mine": file}, allow_changed=True)
    assert again.document().policy.specs[0].fingerprint != bound.specs[0].fingerprint
    assert again.answer([Question("47+85=", max_bytes=8)])[0].failure is None


def test_questions_come_and_go_while_others_are_answered(engine: Engine, policies: dict[str, Policy]) -> None:
    """What is told piece by piece is the answer; votes and routes are told at the end; who leaves is not told again."""
    asked = [Question(one, policy=name, max_bytes=12) for name in policies for one in ASKED]
    mixed = Question("47+85=", policy="mix", max_bytes=12)
    asked += [replace(mixed, stop=("32", "x")), replace(mixed, prompt="a", max_bytes=0)]
    want = engine.answer(asked)
    engine.forget()
    told: dict[int, list[News]] = {}
    tickets: list[int] = []
    gone: set[int] = set()
    for question in (*asked, replace(mixed, prompt="sort 3,1,2="), replace(mixed, prompt="gcd 48,36=")):
        tickets.append(engine.submit(question))
        for news in engine.turn():
            told.setdefault(news.ticket, []).append(news)
    gone = {ticket for ticket in tickets[len(asked) :] if not any(one.reply for one in told.get(ticket, ()))}
    for ticket in gone:
        engine.cancel(ticket)
    before = {ticket: len(told.get(ticket, ())) for ticket in gone}
    while not engine.idle:
        for news in engine.turn():
            told.setdefault(news.ticket, []).append(news)
    assert gone
    assert {ticket: len(told.get(ticket, ())) for ticket in gone} == before
    for ticket, question, reply in zip(tickets, asked, want, strict=False):
        assert told[ticket][-1].reply == reply
        assert "".join(one.text for one in told[ticket]) == reply.text
        assert all(one.reply is None for one in told[ticket][:-1])
        assert question.policy in ("mix", "crossed") or len(told[ticket]) == 1
    assert max(len(some) for some in told.values()) > 2
    engine.cancel(tickets[0])


def test_what_was_read_for_one_question_is_there_for_the_next(engine: Engine) -> None:
    """Equal questions read nothing, whoever asks when; those that begin alike, or go to a mix of the same members in
    another alphabet, what is new of them."""
    engine.forget()

    def read(text: str, policy: str) -> int:
        counters = engine._swarm.counters
        before = counters.rows_forwarded + counters.rows_reforwarded
        engine.submit(Question(text, policy=policy, max_bytes=6, raw=True))
        while not engine.idle:
            engine.turn()
        return counters.rows_forwarded + counters.rows_reforwarded - before

    shots = "".join(f"{number}+{number}={2 * number}\n" for number in range(20, 30))
    whole = read(shots + "47+85=", "mix")
    assert whole > 50
    assert read(shots + "47+85=", "mix") == 0
    assert 0 < read(shots + "30+12=", "mix") < whole / 4
    assert read(shots + "47+85=", "crossed") < whole / 4


def test_who_leaves_a_vote_of_which_a_part_is_done_hurts_nobody(engine: Engine) -> None:
    half, beside = 0, Question("47+85=", policy="mix", max_bytes=12)
    want = engine.answer([beside])
    for policy, text in itertools.product(("vote", "route"), (*ASKED, "sort 3,1,2=")):
        engine.forget()
        ticket, other, replies = engine.submit(Question(text, policy=policy, max_bytes=40)), engine.submit(beside), []
        while not engine.idle:
            replies += [news.reply for news in engine.turn() if news.ticket == other and news.reply]
            half += ticket in engine._open and bool(engine._open[ticket].done)
            if ticket in engine._open and engine._open[ticket].done:
                engine.cancel(ticket)
        assert replies == want
    assert half


def test_what_cannot_be_asked_is_refused_at_once(engine: Engine) -> None:
    with pytest.raises(RefusedQuestion, match="prompt_too_long: the context of llama-a is too short"):
        engine.submit(Question("4" * 5000, policy="mix"))
    assert engine.idle


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"prompt": [Turn("user", "1+1=")]}, "prompt: expected a text, a row, or a tuple of turns, got"),
        ({"max_bytes": -1}, "max_bytes: expected at least 0, got -1"),
        ({"max_symbols": 0}, "max_symbols: expected at least 1, got 0"),
        ({"logprobs": -1}, "logprobs: expected at least 0, got -1"),
        ({"temperature": math.inf}, "temperature: expected a finite number of at least 0, got inf"),
        ({"temperature": math.nan}, "temperature: expected a finite number of at least 0, got nan"),
        ({"stop": ("x", "")}, "stop: expected strings of at least one character"),
    ],
)
def test_what_no_question_can_mean_is_refused(engine: Engine, odd: dict[str, Any], words: str) -> None:
    with pytest.raises(RunError, match=words):
        engine.answer([Question(**{"prompt": "1+1=", "policy": "mix", **odd})])


def test_what_may_be_taken_back_is_not_shown() -> None:
    text = PartialText(["END", "NDE"])
    assert [text.grown(raw) for raw in (b"a", b"aE", b"aEN", b"aENa\xc3", b"aENa\xc3\xa4N")] == [
        "a",
        "",
        "",
        "ENa",
        "ä",
    ]
    assert text.rest("aENaäNo") == "No"
    broken = PartialText([])
    assert [broken.grown(raw) for raw in (b"\xe2\x82", b"\xe2\x82\xff", b"\xe2\x82\xffa")] == ["", "\ufffd\ufffd", "a"]


@pytest.mark.parametrize("name", ["mix", "crossed", "samples"])
def test_symbols_tell_how_likely_they_were(engine: Engine, policies: dict[str, Policy], name: str) -> None:
    """By the text alone, and beside the other candidates; a trace changes nothing else."""
    plain = [Question(one, policy=name, max_bytes=9, stop=("4",)) for one in ASKED]
    traced = engine.answer([replace(one, logprobs=3) for one in plain])
    assert [replace(one, trace=()) for one in traced] == engine.answer(plain)
    compared = 0
    for question, reply in zip(plain, traced, strict=True):
        raw = b"".join(one.text for one in reply.trace)
        assert raw.startswith(reply.text.encode())
        assert not reply.text or raw[: len(raw) - len(reply.trace[-1].text)] < reply.text.encode()
        for symbol in reply.trace:
            assert len(symbol.alternatives) == 3
            assert set(symbol.speakers) <= {"llama-a", "llama-b"}
            assert symbol.log_prob <= symbol.alternatives[0][1] + 1e-6
            assert dict(symbol.alternatives).get(symbol.text, symbol.log_prob) == pytest.approx(
                symbol.log_prob, abs=1e-5
            )
        if name == "mix" and raw:
            whole = engine.log_likelihoods([(str(question.prompt), raw.decode())], name)[0]
            assert sum(one.log_prob for one in reply.trace) == pytest.approx(whole.total, abs=1e-4)
            compared += 1
    assert compared or name != "mix"
    assert engine.answer([replace(plain[0], logprobs=0)])[0].trace[0].alternatives == ()


def test_a_vote_has_no_probabilities_of_symbols(engine: Engine) -> None:
    with pytest.raises(RunError, match=r"logprobs: expected a policy of which one mix answers .* got a vote"):
        engine.submit(Question("47+85=", policy="vote", logprobs=1))
