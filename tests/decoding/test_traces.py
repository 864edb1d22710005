"""What traces keep of a step, against the judge: what each speaker said, and how far they moved the lead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.decoding.request import Completion, Request, Step
from evoswarm.decoding.swarm import Swarm
from evoswarm.policies.mix import Fusion, Recipe
from tests import oracle as judge
from tests.decoding.recipes import ONE_TOKENIZER, PROMPTS, recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import Symbols, symbols_of, view_of

MIXED = ("qwen3-d", "gpt2-c", "llama-a")
MIXES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "greedy, tempered": (MIXED, {"weights": (1, 2, 3), "temperatures": (1.7, 1.0, 0.5), "thresholds": (0, 0.3, 0)}),
    "a product": (MIXED[:2], {"fusion": Fusion(rule="product"), "temperatures": (0.7, 1.3)}),
    "one alone, tempered": (MIXED[:1], {"temperatures": (1.7,), "sampled": True}),
    "drawn": (MIXED, {"sampled": True, "sampling_temperature": 1.6, "thresholds": (0, 0.2, 1.5)}),
    "a random gate": (MIXED[1:], {"gate": "random", "thresholds": (0, 0.5), "samples": 2, "top_k": 5}),
    "a drawn speaker": (MIXED, {"sampled": True, "weights": (1, 4, 4), "temperatures": (1.0, 1.0, 1.7)}),
    "a drawn speaker behind a gate": (MIXED[:2], {"sampled": True, "weights": (1, 9), "thresholds": (0, 0.01)}),
}


def likeliest(said: dict[int, float]) -> list[tuple[int, float]]:
    """Log-probabilities of the judge as candidates."""
    return sorted(((symbol, math.exp(log)) for symbol, log in said.items()), key=lambda one: (-one[1], one[0]))


def agree(found: Any, said: dict[int, float]) -> None:
    """Candidates are the likeliest; of those that are as likely, any."""
    want = likeliest(said)[: len(found)]
    assert [share for _, share in found] == pytest.approx([share for _, share in want], abs=1e-4)
    assert [share for _, share in found] == pytest.approx([math.exp(said[one]) for one, _ in found], abs=1e-4)


def expect(step: Step, one: Recipe, symbols: Symbols, text: tuple[int, ...], views: Any, prompts: Any) -> None:
    """One step of a trace, worked out from the beginning."""
    names, raw = [member.spec.name for member in one.members], symbols.raw(text)
    ok, spoken, own = symbols.allowed(raw), {}, []
    for name in step.speakers:
        place = names.index(name)
        row = views[place].next_symbol(prompts[place], text, one.epsilon)[0]
        spoken[place] = [math.log(max(p, judge.FLOOR)) for p in row]
        own.append(judge.normalise({s: log for s, log in enumerate(spoken[place]) if ok[s]}))
    heard = judge.hear(one, spoken, one.lead_index, ok, {}, raw)
    fused = judge.fused(one, heard, len(ok))
    agree(step.candidates, {symbol: log for symbol, log in enumerate(fused) if ok[symbol]})
    assert step.log_prob == pytest.approx(fused[step.symbol], abs=1e-3)
    for found, want in zip(step.said, own, strict=True):
        assert len(found) == 5
        agree(found, want)
    lead = heard.rows.get(one.lead_index)
    if lead is None:
        assert math.isnan(step.moved)
    else:
        moved = sum(abs(math.exp(fused[symbol]) - math.exp(log)) for symbol, log in lead.items()) / 2
        assert step.moved == pytest.approx(moved, abs=1e-4)
        assert step.moved == 0.0 or len(step.speakers) > 1


def check(done: Completion, request: Request, oracle: Callable[[str], OracleMember]) -> None:
    """All steps of an answer, those of END and of a limit included."""
    one, text = request.recipe, tuple[int, ...]()
    members = [oracle(member.spec.name) for member in one.members]
    symbols = symbols_of(one.alphabet, members)
    views = [view_of(member, symbols) for member in members]
    prompts = [member.prompt(request.prompt) for member in members]
    for step in done.trace:
        expect(step, one, symbols, text, views, prompts)
        text += (step.symbol,)
    named = {symbol for step in done.trace for likely in (step.candidates, *step.said) for symbol, _ in likely}
    named |= set(text)
    assert done.spelled == {one: symbols.strings[one] for one in named if one != symbols.end}


@pytest.mark.parametrize("alphabet", ["bytes", "common"])
@pytest.mark.parametrize("mix", MIXES)
def test_a_trace_tells_who_said_what(
    zoo: Swarm, oracle: Callable[[str], OracleMember], mix: str, alphabet: str
) -> None:
    names, fields = MIXES[mix]
    asked = [Request(recipe(*names, alphabet=alphabet, **fields), one, "k", 6, trace=True) for one in PROMPTS[:3]]
    found = zoo.decode(asked)
    for request, done in zip(asked, found, strict=True):
        check(done, request, oracle)
    moved = [step.moved for done in found for step in done.trace]
    assert any(math.isnan(one) for one in moved) == mix.startswith("a drawn speaker")
    assert any(one > 0.01 for one in moved) == (len(names) > 1 and not mix.startswith("a drawn speaker"))


def test_in_tokens_too(zoo: Swarm, oracle: Callable[[str], OracleMember]) -> None:
    one = recipe(*ONE_TOKENIZER, alphabet="tokens", temperatures=(1.5, 1.0, 1.0), thresholds=(0, 0, 0.4))
    asked = [Request(one, prompt, max_bytes=6, trace=True) for prompt in PROMPTS[:3]]
    for request, done in zip(asked, zoo.decode(asked), strict=True):
        check(done, request, oracle)


def test_who_asks_for_log_probabilities_alone_is_told_no_more(zoo: Swarm) -> None:
    """Served answers do not pay for what nobody reads, whoever is decoded beside them."""
    mix = recipe("gpt2-c", "llama-a")
    both = [Request(mix, PROMPTS[0], max_bytes=4, logprobs=2), Request(mix, PROMPTS[0], max_bytes=4, trace=True)]
    served, traced = zoo.decode(both)
    assert {step.said for step in served.samples[0].trace} == {()}
    assert all(math.isnan(step.moved) for step in served.samples[0].trace)
    assert not served.spelled
    assert [step.candidates[:2] for step in traced.trace] == [step.candidates for step in served.samples[0].trace]
