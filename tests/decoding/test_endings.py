"""How answers end: END classes, stop strings, limits, valid UTF-8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import AddedToken

from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.decoding.text.alphabet import TokenAlphabet
from evoswarm.errors import MemberError, RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests.chat.templates import TURNS
from tests.decoding import tiny
from tests.decoding.lone_view import LoneView
from tests.decoding.recipes import PROMPTS, ZOO, recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import allowed, view_of

LOUD: dict[str, Any] = {"samples": 24, "sampling_temperature": 8.0}


def test_both_ends_of_a_member_are_one_symbol(
    any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]
) -> None:
    judge, reader = any_oracle("qwen3-d"), LoneView(any_member("qwen3-d"), 0.0)
    assert len(judge.ends) == 2
    both = 0
    for text in (b"", b"1", b"132", b"tiger"):
        asked = judge.prompt(PROMPTS[0])
        path = judge.encode(text)
        logits = judge.model(torch.tensor([asked + path])).logits[0, -1].double()  # type: ignore[operator]
        kept = sorted(judge.spelling) + judge.ends
        shares = (logits[kept] - logits[kept].logsumexp(0)).exp()[-2:].tolist()
        both += min(shares) > 0
        end = np.exp(reader.log_probs(PROMPTS[0], text)[256])
        said = view_of(judge).next_symbol(asked, text, 0.0)
        assert said is not None
        assert end == pytest.approx(said[0][256], abs=1e-5)
        if view_of(judge).read(asked, text, 0.0)[1] == {path}:
            assert end == pytest.approx(sum(shares), abs=1e-5)
    assert both


@pytest.fixture(scope="module")
def three_ends(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A random member with end tokens in all three places, one of them an ordinary piece of text."""
    tokenizer = tiny.KINDS["gpt2"]()
    ends = [0, tokenizer.token_to_id("at")]
    columns = tokenizer.get_vocab_size()
    model = tiny.random_model("llama", columns, tie_word_embeddings=False, **{**tiny.SMALL, "eos_token_id": ends})
    path = tiny.save(tmp_path_factory.mktemp("ends"), model, tokenizer)
    return load_member(MemberSpec(name="ends", path=str(path), device="cpu"), 4096), OracleMember(path)


def test_an_end_token_may_be_anything_and_is_never_text(three_ends: Any) -> None:
    member, judge = three_ends
    assert member.codec.end_ids == tuple(judge.ends)
    assert len(judge.ends) == 3
    reader, asked = LoneView(member, 1e-3), judge.prompt("12")
    for length in range(9):
        text = b"a so and"[:length]
        want = view_of(judge).next_symbol(asked, text, 1e-3)
        assert want is not None
        assert np.abs(np.exp(reader.log_probs("12", text)) - want[0]).max() < 1e-5
    logits = judge.model(torch.tensor([asked])).logits[0, -1].double()
    shares = (logits - logits[sorted([*judge.spelling, *judge.ends])].logsumexp(0)).exp()[judge.ends]
    assert shares.min() > 1e-4
    tokens, end = judge.next_token(asked)
    valid = sum(p for token, p in tokens.items() if allowed(b"")[judge.spelling[token][0]])
    assert end == pytest.approx(shares.sum().item(), abs=1e-6)
    assert np.exp(reader.log_probs("12", b"")[256]) == pytest.approx(end / (valid + end), abs=1e-6)


def test_in_tokens_too(three_ends: Any) -> None:
    member, judge = three_ends
    reader = LoneView(member, 1e-3, alphabet=TokenAlphabet(member.codec))
    said = reader.read("12", [()])[0]
    tokens, end = judge.next_token(judge.prompt("12"))
    row = reader.probs(said)
    assert row[-1].item() == pytest.approx(end, abs=1e-6)
    assert row[list(tokens)].tolist() == pytest.approx(list(tokens.values()), abs=1e-6)
    assert all(row[token] == 0 for token in judge.ends)
    assert said.entropy == pytest.approx(-sum(p * np.log(p) for p in [*tokens.values(), end]), abs=1e-4)


def test_every_answer_is_valid_utf8_however_loud(zoo: Swarm) -> None:
    """Random bytes would nearly never be; a limit may fall anywhere."""
    members = ("gemma3-f", "mistral-h", "gpt2-c")
    hot = recipe(*members, temperatures=(9.0, 9.0, 9.0), thresholds=(0.0, 4.0, 0.0), **LOUD)
    asked = [Request(hot, prompt, prompt, limit, trace=True) for prompt in PROMPTS[:3] for limit in (5, 9)]
    wide = 0
    for request, done in zip(asked, zoo.decode(asked), strict=True):
        assert done.failure is None
        raw = bytes(step.symbol for step in done.trace if step.symbol < 256)
        assert raw.decode(errors="ignore") == done.samples[0].text
        for sample in done.samples:
            assert "\ufffd" not in sample.text
            assert len(sample.text.encode()) <= request.max_bytes
            wide += any(ord(character) > 127 for character in sample.text)
    assert wide > 20, "characters of several bytes did come up"


def test_silence_inside_a_character_does_no_harm(zoo: Swarm) -> None:
    """Recipes of different sizes share a batch: who is not there must not end a character."""
    hot = {"temperatures": (9.0, 9.0), **LOUD}
    small = recipe("gemma3-f", "opt-g", **hot)
    big = recipe("gemma3-f", "opt-g", "mistral-h", "gpt2-c", thresholds=(0, 0, 5.4, 99), samples=2)
    crowd = zoo.decode([Request(one, prompt, prompt, 6) for one in (small, big) for prompt in PROMPTS[:2]])
    alone = Swarm(zoo.members).decode([Request(small, prompt, prompt, 6) for prompt in PROMPTS[:2]])
    compared = 0
    for one, other in zip(crowd, alone, strict=False):
        if min(one.margin, other.margin) > 1e-4:
            compared += 1
            assert one.samples == other.samples
        assert not any("\ufffd" in sample.text for sample in one.samples)
    assert compared == 2


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_a_stop_string_ends_at_its_first_occurrence_and_is_excluded(zoo: Swarm, alphabet: str) -> None:
    swarm = Swarm([member for member in zoo.members if member.spec.name in ("llama-a", "llama-b")])
    mixed = recipe("llama-a", "llama-b", alphabet=alphabet, samples=12, sampling_temperature=2.5)
    whole = swarm.decode([Request(mixed, prompt, "k", 24) for prompt in PROMPTS])
    found = 0
    for stop in (("1",), ("e", "a "), ("23", "t"), ("\n",)):
        cut = swarm.decode([Request(mixed, prompt, "k", 24, stop=stop) for prompt in PROMPTS])
        for one, other in zip(whole, cut, strict=True):
            for full, short in zip(one.samples, other.samples, strict=True):
                ends = [(full.text.find(s) + len(s), full.text.find(s)) for s in stop if s in full.text]
                assert short.text == (full.text[: min(ends)[1]] if ends else full.text)
                assert short.finish == ("stop" if ends else full.finish)
                assert short.steps <= full.steps
                found += bool(ends)
    assert found > 20


def test_a_stop_string_may_span_tokens_or_lie_within_one(tiny_swarm: Any, one_token_at_a_time: Any) -> None:
    text, path = one_token_at_a_time
    start = len(text) // 2 - 2
    stop = text[start : start + 4]
    swarm, only = tiny_swarm
    done = swarm.decode([Request(only, PROMPTS[0], max_bytes=99, max_symbols=12, stop=(stop,))])[0]
    assert done.samples[0].text == text[: text.find(stop)]
    assert done.samples[0].finish == "stop"
    assert len(path) > 2


@pytest.fixture(scope="module")
def tiny_swarm(any_member: Callable[[str], Member]) -> Any:
    """A random member alone in ``tokens``."""
    swarm = Swarm([any_member("metaspace")])
    return swarm, Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="tiny", alphabet="tokens")


@pytest.fixture(scope="module")
def one_token_at_a_time(tiny_swarm: Any) -> Any:
    """What it says, and its tokens."""
    swarm, only = tiny_swarm
    done = swarm.decode([Request(only, PROMPTS[0], max_bytes=99, max_symbols=12, trace=True)])[0]
    return done.samples[0].text, [step.symbol for step in done.trace]


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_limit_counts_bytes_in_both_alphabets(zoo: Swarm, alphabet: str, limit: int) -> None:
    swarm = Swarm([member for member in zoo.members if member.spec.name in ("llama-a", "llama-b")])
    mixed = recipe("llama-a", "llama-b", alphabet=alphabet, samples=10, sampling_temperature=3.0)
    for done in swarm.decode([Request(mixed, prompt, "k", limit) for prompt in PROMPTS]):
        for sample in done.samples:
            assert len(sample.text.encode()) <= limit or "\ufffd" in sample.text
            assert sample.finish in ("end", "limit")
            if sample.finish == "end":
                assert len(sample.text) < limit


def test_a_limit_on_symbols(zoo: Swarm) -> None:
    done = zoo.decode([Request(recipe("opt-g", **LOUD), "x", "k", 99, max_symbols=3)])[0]
    assert all(sample.steps <= 3 for sample in done.samples)
    assert any(sample.finish == "limit" and sample.steps == 3 for sample in done.samples)
    assert not any("\ufffd" in sample.text for sample in done.samples)


def test_an_empty_answer_is_an_answer(zoo: Swarm) -> None:
    """At a high temperature END comes first now and then."""
    names = [name for name in ZOO if name in ("gemma3-f", "opt-g")]
    sampled = [recipe(name, samples=300, sampling_temperature=6.0) for name in names]
    done = zoo.decode([Request(one, "47+85=", "k", 2) for one in sampled])
    empty = [sample for one in done for sample in one.samples if sample.text == "" and sample.finish == "end"]
    assert empty
    assert all(sample.steps == 1 for sample in empty)


@pytest.fixture(scope="module")
def chatml(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A fine-tune on ChatML whose files forget what ends its turns: a random model, and its spec."""
    tokenizer = tiny.KINDS["gpt2"]()
    tokenizer.add_special_tokens([AddedToken("<|im_start|>"), AddedToken("<|im_end|>"), AddedToken("<|call|>")])
    model = tiny.random_model("llama", tokenizer.get_vocab_size(), tie_word_embeddings=False, **tiny.SMALL)
    path = tiny.save(tmp_path_factory.mktemp("chatml"), model, tokenizer, chat_template=TURNS)
    return tokenizer, MemberSpec(name="chat", path=str(path), chat_template=True, device="cpu")


def test_what_closes_the_turns_of_a_template_ends_answers(chatml: Any) -> None:
    tokenizer, spec = chatml
    closer = tokenizer.token_to_id("<|im_end|>")
    assert load_member(spec, 4096).codec.end_ids == (1, closer)
    plain = spec.model_copy(update={"chat_template": False})
    assert load_member(plain, 4096).codec.end_ids == (1,), "a template that nobody uses says nothing"


def test_end_tokens_can_be_named(chatml: Any) -> None:
    tokenizer, spec = chatml
    named = load_member(spec.model_copy(update={"end_tokens": ("<|call|>", "\n", "at")}), 4096)
    more = {tokenizer.token_to_id(token) for token in ("<|im_end|>", "<|call|>", "Ċ", "at")}
    assert set(named.codec.end_ids) == {1, *more}
    assert named.spec.fingerprint != load_member(spec, 4096).spec.fingerprint
    with pytest.raises(
        MemberError, match=r"member 'chat': expected end_tokens that are one token each, got '<\|end\|>'"
    ):
        load_member(spec.model_copy(update={"end_tokens": ("<|end|>",)}), 4096)


def test_a_stop_string_that_is_a_special_token_ends_the_answer_or_is_refused(chatml: Any) -> None:
    _, spec = chatml
    swarm = Swarm([load_member(spec, 4096)])
    only = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="chat")
    silent, ends = (Request(only, "x", max_bytes=4, stop=(stop,)) for stop in ("<|call|>", "<|im_end|>"))
    with pytest.raises(RecipeError, match=r"stop: expected texts that answers can hold, got '<\|call\|>'.*end_tokens"):
        swarm.decode([silent])
    assert swarm.decode([ends]) == swarm.decode([Request(only, "x", max_bytes=4)])


def test_the_share_of_the_first_step_that_is_silenced(
    chatml: Any, zoo: Swarm, oracle: Callable[[str], OracleMember]
) -> None:
    """Against the whole row: what neither spells anything nor ends an answer."""
    _, spec = chatml
    swarm = Swarm([load_member(spec, 4096)])
    (member,) = swarm.members
    judge = OracleMember(Path(spec.path), chat_template=True)
    heard = [*member.codec.order.tolist(), *member.codec.end_ids]
    shares = []
    for prompt in PROMPTS[:3]:
        row = judge.model(torch.tensor([judge.prompt(prompt)])).logits[0, -1].double().softmax(0)
        shares.append(1 - row[heard].sum().item())
    assert swarm.silenced(PROMPTS[:3])["chat"] == pytest.approx(sum(shares) / 3, abs=1e-5)
    assert max(shares) > 1e-4
    assert max(zoo.silenced(PROMPTS).values()) < 0.01, "members of the zoo are trained to answer"
