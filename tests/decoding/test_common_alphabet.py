"""Recipes in ``common``: one member is itself, one tokenizer is ``tokens``, several share what they have in common."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from tests import oracle
from tests.decoding import tiny
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, SURE, ZOO, recipe
from tests.decoding.test_prefix_tree import members_of, population
from tests.decoding.test_tokens_alphabet import STEPS, generate
from tests.decoding.test_torch_reader import FAMILIES
from tests.oracle_member import OracleMember
from tests.oracle_symbols import symbols_of, view_of

TEXT = "naïve café: 東京 it's 1984  🙂"


def is_generate(member: Member, judge: OracleMember) -> int:
    """How many answers of the member alone were compared with what transformers itself generates."""
    alone = Recipe(members=(RecipeMember(spec=member.spec),), lead=member.spec.name, alphabet="common")
    asked = [Request(alone, prompt, max_bytes=999, max_symbols=STEPS, trace=True) for prompt in (*PROMPTS, "a", "é 7")]
    compared = 0
    for request, done in zip(asked, Swarm([member]).decode(asked), strict=True):
        assert done.failure is None
        if done.margin <= SURE:
            continue
        compared += 1
        symbols = [step.symbol for step in done.trace]
        want = generate(judge, judge.prompt(request.prompt))
        ended = done.samples[0].finish == "end"
        assert symbols[: len(symbols) - ended] == want, request.prompt
        assert done.samples[0].text.encode() == judge.spelled(tuple(want)).decode(errors="ignore").encode() or not ended
        assert ended == (len(want) < STEPS)
        assert done.left_out == 0.0
    return compared


@pytest.mark.parametrize("name", [*ZOO, *tiny.KINDS])
def test_one_member_alone_is_generate(
    name: str, any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]
) -> None:
    assert is_generate(any_member(name), any_oracle(name)) >= 3


@pytest.mark.parametrize("family", FAMILIES)
def test_one_member_of_every_architecture_is_generate(family: str, tmp_path: Path) -> None:
    tokenizer = tiny.KINDS["gpt2"]()
    model = tiny.random_model(family, tokenizer.get_vocab_size(with_added_tokens=True), **FAMILIES[family][1])
    path = tiny.save(tmp_path / family, model, tokenizer)
    member = load_member(MemberSpec(name=family, path=str(path), device="cpu"), 4096)
    assert is_generate(member, OracleMember(path)) >= 3


def test_members_of_one_tokenizer_decode_as_in_tokens(zoo: Swarm) -> None:
    members = members_of(zoo, ONE_TOKENIZER)
    answers = []
    for alphabet in ("common", "tokens"):
        mixes = [
            recipe(*ONE_TOKENIZER, alphabet=alphabet, thresholds=(0.0, 0.3, 1.0)),
            recipe(*ONE_TOKENIZER[:2], alphabet=alphabet, samples=3, sampling_temperature=1.5),
            *population(ONE_TOKENIZER, alphabet),
        ]
        asked = [Request(one, prompt, "k", max_symbols=8, trace=True) for one in mixes for prompt in PROMPTS]
        answers.append(Swarm(members).decode(asked))
    assert answers[0] == answers[1]
    assert all(done.failure is None for done in answers[0])


@pytest.mark.parametrize("kinds", [("gpt2", "llama2"), ("llama3", "gemma", "unigram")], ids="+".join)
@pytest.mark.parametrize("rule", ["mixture", "product", "vote"])
def test_random_models_of_any_tokenizer_decode_as_the_judge_says(
    tiny_path: Callable[[str], Path], any_oracle: Callable[[str], OracleMember], kinds: tuple[str, ...], rule: str
) -> None:
    specs = [MemberSpec(name=kind, path=str(tiny_path(kind)), device="cpu") for kind in kinds]
    parts = [RecipeMember(spec=one, weight=1 + n / 2, threshold=2.0 * (n == 2)) for n, one in enumerate(specs)]
    mix = Recipe(members=tuple(parts), lead=kinds[0], fusion=Fusion(rule=rule), alphabet="common", samples=2)
    asked = [Request(mix, prompt, "k", max_bytes=24, max_symbols=6) for prompt in ("the cat", "é 7", "def total(")]
    compared = longer = 0
    for request, done in zip(asked, Swarm.load(specs).decode(asked), strict=True):
        judges = [any_oracle(kind) for kind in kinds]
        said = [oracle.decode(mix, judges, request.prompt, "k", 24, sample, max_symbols=6) for sample in range(2)]
        if min(done.margin, *(answer.margin for answer in said)) > SURE:
            compared += 1
            assert [sample.text for sample in done.samples] == [answer.text for answer in said]
            longer += sum(len(sample.text.encode()) > sample.steps for sample in done.samples)
    assert compared >= 2
    assert longer, "or all symbols would have been bytes"


def test_rows_forwarded_are_the_distinct_prefixes_of_all_alphabets(
    zoo: Swarm, any_oracle: Callable[[str], OracleMember]
) -> None:
    """Singles, and mixes of few and of all tokenizers, in bytes and in common: what one has read, no other reads."""
    names = ("gpt2-c", "llama-a", "mamba-b", "mistral-h")
    swarm = Swarm(members_of(zoo, names))
    mixes = [one for number, alphabet in enumerate(("common", "bytes")) for one in population(names, alphabet, number)]
    mixes += [recipe(name, alphabet="common") for name in names]
    asked = [Request(one, prompt, max_bytes=7, trace=True) for one in mixes for prompt in PROMPTS[:3]]
    needed, alone = set(), 0
    for request, done in zip(asked, swarm.decode(asked), strict=True):
        judges = [any_oracle(member.spec.name) for member in request.recipe.members]
        symbols = symbols_of(request.recipe.alphabet, judges)
        text = tuple(step.symbol for step in done.trace if step.symbol != symbols.end)
        for member, judge in zip(request.recipe.members, judges, strict=True):
            prompt, view = judge.prompt(request.prompt), view_of(judge, symbols)
            for length in range(done.steps):
                for path in view.read(prompt, text[:length], request.recipe.epsilon)[1]:
                    whole = prompt + path
                    needed |= {(member.spec.name, whole[:depth]) for depth in range(1, len(whole) + 1)}
        alone += sum(use.tokens for use in done.use)
    assert swarm.counters.rows_forwarded == len(needed)
    assert swarm.counters.rows_reforwarded == 0
    assert alone > 3 * len(needed), "the population shares most of what it reads"
    before = swarm.counters.rows_forwarded
    swarm.decode(asked[::-1])
    assert swarm.counters.rows_forwarded == before


@pytest.mark.parametrize("room", [{"state": 20_000}, {"row": 1, "text": 1}, {"row": 1}])
def test_a_small_memory_changes_cost_but_no_answer(zoo: Swarm, room: dict[str, int]) -> None:
    """All alphabets share what is read; none takes from another what it still needs, nor keeps what is gone."""
    names = ("llama-a", "gpt2-c", "mamba-b")
    members = members_of(zoo, names)
    few: dict[str, Any] = {f"{kind}_memory_bytes": size for kind, size in room.items()}
    mixes = [*population(names, "common", 3), *population(names, "bytes", 4)[:3]]
    mixes += [recipe(*names, alphabet="common", samples=3, sampling_temperature=2.0)]
    batches = [[Request(one, prompt, "k", max_bytes=8) for one in mixes] for prompt in PROMPTS[:3]]
    roomy, tight = Swarm(members), Swarm(members, **few)
    compared = 0
    for batch in [*batches, *batches[::-1]]:
        for one, other in zip(roomy.decode(batch), tight.decode(batch), strict=True):
            assert other.failure is None
            if min(one.margin, other.margin) > SURE:
                compared += 1
                assert (one.samples, one.use) == (other.samples, other.use)
    assert compared > 0.8 * 2 * len(mixes) * len(batches)
    assert roomy.counters.rows_reforwarded == 0


@pytest.mark.parametrize("names", [("gpt2-c", "mistral-h"), ("qwen3-d", "mamba-b", "neox-e")])
def test_costs_are_those_of_the_heads(
    zoo: Swarm, any_oracle: Callable[[str], OracleMember], names: tuple[str, ...]
) -> None:
    mix, judges = recipe(*names, alphabet="common"), [any_oracle(name) for name in names]
    symbols = symbols_of("common", judges)
    for prompt in PROMPTS[:3]:
        done = zoo.decode([Request(mix, prompt, max_bytes=9, trace=True)])[0]
        text = tuple(step.symbol for step in done.trace if step.symbol != symbols.end)
        for use, judge in zip(done.use, judges, strict=True):
            asked, rows = judge.prompt(prompt), set()
            for length in range(done.steps):
                rows |= view_of(judge, symbols).read(asked, text[:length], mix.epsilon)[1]
            nodes = {path[:depth] for path in rows for depth in range(1, len(path) + 1)}
            assert (use.tokens, use.rows) == (len(asked) + len(nodes), len(rows))
            assert use.passes <= use.rows


def test_what_is_forced_is_written_as_the_lead_would(zoo: Swarm, any_oracle: Callable[[str], OracleMember]) -> None:
    names = ("gpt2-c", "mistral-h", "qwen3-d")
    judges = [any_oracle(name) for name in names]
    symbols = symbols_of("common", judges)
    for lead, judge in zip(names, judges, strict=True):
        mix = recipe(*names, lead=lead, thresholds=[0.0 if name == lead else 0.5 for name in names], alphabet="common")
        whole = Request(mix, PROMPTS[0], forced=TEXT, trace=True)
        done = zoo.decode([whole, replace(whole, max_bytes=7), replace(whole, forced="")])
        view, tokens = view_of(judge, symbols), judge.encode(TEXT.encode())
        assert tokens is not None
        written = [symbol for token in tokens for symbol in view.made[token]]
        assert [step.symbol for step in done[0].trace] == [*written, symbols.end]
        assert (done[0].samples[0].text, done[0].samples[0].finish) == (TEXT, "end")
        assert done[0].lead_tokens == len(tokens)
        assert (done[1].samples[0].text, done[1].samples[0].finish) == ("naïve ", "limit")
        assert (done[2].samples[0].text, done[2].samples[0].finish, done[2].steps) == ("", "end", 1)


def test_every_answer_is_valid_utf8_however_loud(zoo: Swarm) -> None:
    members = ("neox-e", "mistral-h", "gpt2-c")
    loud: dict[str, Any] = {"samples": 24, "sampling_temperature": 8.0, "alphabet": "common"}
    hot = recipe(*members, temperatures=(9.0, 9.0, 9.0), thresholds=(0.0, 4.0, 0.0), **loud)
    asked = [Request(hot, prompt, prompt, limit) for prompt in PROMPTS[:3] for limit in (5, 9)]
    wide = 0
    for request, done in zip(asked, zoo.decode(asked), strict=True):
        assert done.failure is None
        for sample in done.samples:
            assert "\ufffd" not in sample.text
            assert len(sample.text.encode()) <= request.max_bytes
            wide += not sample.text.isascii()
    assert wide > 20, "or nothing would have been cut or masked"


def test_a_mix_takes_fewer_steps_than_by_bytes(zoo: Swarm) -> None:
    chance = random.Random(5)
    steps = {}
    for alphabet in ("bytes", "common"):
        mixes = [recipe("llama-a", "mistral-h", alphabet=alphabet), recipe("gpt2-c", "qwen3-d", alphabet=alphabet)]
        asked = [Request(one, chance.choice(PROMPTS), forced=TEXT) for one in mixes]
        steps[alphabet] = [done.steps for done in zoo.decode(asked)]
    assert all(common < by_bytes for common, by_bytes in zip(steps["common"], steps["bytes"], strict=True))
