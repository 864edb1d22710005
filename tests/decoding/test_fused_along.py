"""The fused distribution of a mix along known texts, and behind them: the judge's, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evoswarm.decoding.known_texts import TextBehind, symbols_of
from evoswarm.decoding.member import Member
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RecipeError
from evoswarm.policies.mix import Fusion, Recipe
from tests import oracle as judge
from tests.decoding.recipes import ONE_TOKENIZER, recipe, recipes
from tests.decoding.test_credibility import LETTERS, WHOLE, mix, toys  # noqa: F401 (a fixture)
from tests.oracle_member import OracleMember
from tests.oracle_symbols import symbols_of as oracle_symbols
from tests.oracle_symbols import view_of

POOL = ("llama-a", "gpt2-c", "mistral-h", "qwen3-d")
TEXTS = ("132", "né tiger", "")
few = settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def judged(recipe: Recipe, members: Sequence[OracleMember], prompt: str, text: Sequence[int]) -> list[list[float]]:
    """The judge's fused log-probabilities at every place of a text and behind it, at the recipe's temperature."""
    symbols = oracle_symbols(recipe.alphabet, members)
    views = [view_of(member, symbols) for member in members]
    prompts = [member.prompt(recipe.prompt_format.replace("{prompt}", prompt)) for member in members]
    lead, credit, found = recipe.lead_index, dict[int, float](), list[list[float]]()
    for place in range(len(text) + 1):
        x = tuple(text[:place])
        raw = symbols.raw(x)
        ok = symbols.allowed(raw)
        said = [view.next_symbol(own, x, recipe.epsilon) for view, own in zip(views, prompts, strict=True)]
        led = said[lead]
        surprise = math.inf if led is None else -sum(p * math.log(p) for p in led[0] if p > 0)
        surprise += 0.0 if led is None else judge.of_place(recipe, led[0], ok, raw)
        spoken = {
            i: [math.log(max(p, judge.FLOOR)) for p in one[0]]
            for i, one in enumerate(said)
            if one is not None
            and (i == lead or judge._opens(recipe, recipe.members[i].threshold, surprise, 0.0, led is None))
        }
        heard = judge.hear(recipe, spoken, lead, ok, credit, raw)
        fused = judge.fused(recipe, heard, len(ok))
        tempered = judge.normalise({s: v / recipe.sampling_temperature for s, v in enumerate(fused)})
        found.append([tempered[s] for s in range(len(fused))])
        if place < len(text):
            credit = judge.credited(recipe, credit, heard, text[place])
    return found


@pytest.mark.parametrize(("pool", "alphabet"), [(POOL, "bytes"), (POOL, "common"), (ONE_TOKENIZER, "tokens")])
@few
@given(data=st.data())
def test_it_is_the_judges(
    zoo: Swarm, oracle: Callable[[str], OracleMember], pool: Any, alphabet: str, data: Any
) -> None:
    one = data.draw(recipes(pool, alphabet, gates=("entropy", "low_entropy")))
    members, prompt = [oracle(spec.name) for spec in one.specs], "47+85="
    found = zoo.known_texts(one).fused([TextBehind(prompt, text.encode()) for text in TEXTS])
    behind = zoo.known_texts(one).fused([TextBehind(prompt, text.encode()) for text in TEXTS], behind=True)
    lead = zoo._by_name[one.lead]
    for text, along, after in zip(TEXTS, found, behind, strict=True):
        symbols = symbols_of(text.encode(), zoo.views.of(one), lead)
        assert symbols is not None
        *steps, last = judged(one, members, prompt, list(symbols))
        want = [row[symbol] for row, symbol in zip(steps, symbols, strict=True)]
        assert along.failure is None
        assert np.allclose(along.log_probs, want, atol=2e-3), (one.words(), text)
        assert after.behind is not None
        likely = np.array(last) > -12  # below, the judge's plain sums and float32 part
        assert np.allclose(after.behind[likely], np.array(last)[likely], atol=2e-3)
        assert (np.isneginf(after.behind) == np.isneginf(last)).all()
        # Ties and near ties aside, a text is greedy where each of its symbols is the likeliest.
        gaps = [max(row) - row[symbol] for row, symbol in zip(steps, symbols, strict=True)]
        if all(gap == 0 or gap > 1e-3 for gap in gaps):
            assert along.greedy == (max(gaps, default=0) == 0)


@pytest.mark.parametrize("fusion", [Fusion(), WHOLE, Fusion(rule="product", gamma=0.5, decay=0.7)])
def test_probabilities_of_all_texts_add_up(toys: Swarm, fusion: Fusion) -> None:  # noqa: F811 (the fixture)
    one = mix(toys, [0, 1, 2], fusion, thresholds=(0.0, 1.0, 0.0))
    texts = ["".join(letters) for letters in product(LETTERS, repeat=3)]
    total = np.array(
        [
            math.exp(along.log_probs.sum())
            for along in toys.known_texts(one).fused([TextBehind("ab", t.encode()) for t in texts])
        ]
    )
    short = ["".join(letters) for size in range(3) for letters in product(LETTERS, repeat=size)]
    ends = toys.known_texts(one).fused([TextBehind("ab", text.encode()) for text in short], behind=True)
    begun = toys.known_texts(one).fused([TextBehind("ab", text.encode()) for text in short])
    last = [float(end.behind[-1]) for end in ends if end.behind is not None]
    ended = [math.exp(along.log_probs.sum() + end) for along, end in zip(begun, last, strict=True)]
    assert total.sum() + sum(ended) == pytest.approx(1.0, abs=1e-5)
    assert min(total) > 0


def test_one_member_in_tokens_is_its_model(zoo: Swarm, member: Callable[[str], Member], oracle: Any) -> None:
    own, judge_of = member("gpt2-c"), oracle("gpt2-c")
    one, texts = recipe("gpt2-c", alphabet="tokens"), ["132", "7", "98"]  # none of their symbols is below the floor
    found = zoo.known_texts(one).fused([TextBehind("47+85=", text.encode()) for text in texts])
    for text, along in zip(texts, found, strict=True):
        prompt, ids = own.render("47+85="), own.codec.encode(text.encode())
        assert ids is not None
        with torch.no_grad():
            logits = judge_of.model(torch.tensor([[*prompt, *ids]])).logits[0].double()
        logs = logits.log_softmax(-1)[len(prompt) - 1 : -1]
        want = logs.gather(1, torch.tensor(ids)[:, None])[:, 0]
        assert along.log_probs.sum() == pytest.approx(float(want.sum()), abs=1e-4)
        assert along.greedy == bool((logs.argmax(-1) == torch.tensor(ids)).all())


def test_pieces_waves_and_memory_change_nothing(zoo: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("llama-a", "gpt2-c", "mistral-h")
    one = recipe(*names, thresholds=(0.0, 0.6, 0.0), fusion=WHOLE)
    asked = [("rev tiger=", b"regit and more"), ("rev tiger=", b"regit"), ("gcd 48,36=", b"12 \xc3"), ("", b"a")]
    texts = [TextBehind(*one) for one in asked]
    want = zoo.known_texts(one).fused(texts)
    swarm = Swarm([one for one in zoo.members if one.spec.name in names])
    monkeypatch.setattr("evoswarm.decoding.fused.NUMBERS_AT_ONCE", 5 * len(names) * 257)
    for got in (swarm.known_texts(one).fused(texts), swarm.known_texts(one).fused(texts[::-1])[::-1]):
        for left, right in zip(got, want, strict=True):
            assert np.allclose(left.log_probs, right.log_probs, atol=1e-4)
            assert left.greedy == right.greedy
    read = swarm.counters.rows_forwarded
    assert swarm.known_texts(one).fused(texts)[0].failure is None
    assert swarm.counters.rows_forwarded == read  # nothing is read twice


def test_silent_members_are_not_asked(zoo: Swarm) -> None:
    swarm = Swarm([one for one in zoo.members if one.spec.name in ("llama-a", "gpt2-c")])
    shut = recipe("llama-a", "gpt2-c", thresholds=(0.0, 50.0))
    assert swarm.known_texts(shut).fused([TextBehind("47+85=", b"132")])[0].failure is None
    alone = Swarm([one for one in zoo.members if one.spec.name == "llama-a"])
    alone.known_texts(recipe("llama-a")).fused([TextBehind("47+85=", b"132")])
    assert swarm.counters.rows_forwarded == alone.counters.rows_forwarded


def test_what_cannot_be_followed(zoo: Swarm) -> None:
    too_long = zoo.known_texts(recipe("llama-a", "gpt2-c")).fused([TextBehind("1" * 5000, b"2"), TextBehind("1", b"2")])
    assert too_long[0].failure is not None
    assert too_long[0].failure.kind == "prompt_too_long"
    assert too_long[1].failure is None
    drawn = recipe("llama-a", "gpt2-c", thresholds=(0.0, 0.5), gate="random")
    with pytest.raises(RecipeError, match=r"gate: expected one that the text decides .* got 'random'"):
        zoo.known_texts(drawn).fused([TextBehind("1", b"2")])
