"""Trained models by bytes: what they write with runs of spaces, what is left unread, and half the precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evoswarm.decoding.member import Member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from tests.real.conftest import GEMMA3, SMOLLM2
from tests.real.measure import alone, views
from tests.real.test_models import PROMPTS, decode, generated

EPSILON_ERROR = 1e-3
SPACED = (
    "  Two spaces  between  words  and",
    "def twice(x):\n    if x:\n        return",
    "name    age\nAnna    41\nBert",
)
TEXTS = (
    " the end.  Two spaces    and four,\n\n\tthen a tab",
    "\n    for i in range(10):\n        print(i, 'é 東京 🙂')\n",
    " <b>bold</b> 1234567 \u2581 it's",
)


@pytest.mark.parametrize("name", [SMOLLM2, GEMMA3])
def test_spaces_in_a_row_come_out_as_decoding_gives_them(
    real_member: Callable[..., Member], real_tokenizer: Callable[[str], Any], name: str
) -> None:
    member, tokenizer = real_member(name), real_tokenizer(name)
    by_tokens = decode([member], alone(member, "tokens"), SPACED, max_bytes=999, max_symbols=10)
    wants = [tokenizer.decode(generated(member, tokenizer, member.render(prompt))) for prompt in SPACED]
    assert [done.samples[0].text for done in by_tokens] == wants
    assert sum("  " in want for want in wants) >= 2, "or nothing is shown"
    asked = [
        Request(alone(member), prompt, max_bytes=len(want.encode()) + 1, forced=want)
        for prompt, want in zip(SPACED, wants, strict=True)
    ]
    for done, want in zip(Swarm([member]).decode(asked), wants, strict=True):
        assert done.failure is None
        assert done.samples[0].text == want
        assert done.lead_tokens == len(tokenizer(want, add_special_tokens=False)["input_ids"])
    by_bytes = decode([member], alone(member), SPACED, max_bytes=24)
    assert not any("\u2581" in done.samples[0].text for done in by_bytes)
    assert any("  " in done.samples[0].text for done in by_bytes)


@pytest.mark.parametrize("name", [SMOLLM2, GEMMA3])
def test_the_default_epsilon_stays_within_its_bound_on_trained_models(
    real_member: Callable[..., Member], name: str
) -> None:
    found = views(real_member(name), [(PROMPTS[0], text) for text in TEXTS])
    assert found.positions == sum(len(text.encode()) + 1 for text in TEXTS)
    assert found.abstentions == 0
    assert found.beyond_bound <= 1e-6
    assert found.largest_error < EPSILON_ERROR


@pytest.mark.parametrize("name", [SMOLLM2, GEMMA3])
def test_half_the_precision_loads_and_answers(real_member: Callable[..., Member], name: str) -> None:
    full, half = real_member(name), real_member(name, dtype="bfloat16")
    assert (full.reader.dtype, half.reader.dtype) == ("float32", "bfloat16")
    assert full.reader.shape.parameter_bytes == 2 * half.reader.shape.parameter_bytes
    assert full.spec.fingerprint == half.spec.fingerprint
    answers = [decode([member], alone(member), PROMPTS[:6], max_bytes=12) for member in (full, half)]
    assert all(done.failure is None for side in answers for done in side)
    same = sum(one.samples == other.samples for one, other in zip(*answers, strict=True))
    assert same >= 3, "rounding turns some decisions, not most"
