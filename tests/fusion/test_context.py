"""What is known at a place: where a text stands, and which genes of it sleep."""

from __future__ import annotations

from typing import Any

import pytest

from evoswarm.fusion.context import BETWEEN, GATING, NUMBER, WORD, inside
from evoswarm.policies.mix import Fusion
from tests import oracle
from tests.decoding.recipes import recipe

TEXTS = (
    "",
    "tiger",
    "tiger ",
    "47",
    "47.",
    "3.5",
    "it's",
    "naïve",
    "café ",
    "東京",
    "٣",
    "½",
    "²",
    "a_",
    "🙂",
    "\n",
    "é",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stands_where_its_last_character_says(text: str) -> None:
    """However far the character has been spelled."""
    raw = text.encode()
    for length in range(len(raw) + 1):
        want = {"number": NUMBER, "word": WORD, "": BETWEEN}[oracle.within(raw[:length])]
        assert inside(raw[:length]) == want, raw[:length]


def test_bytes_that_spell_nothing_are_of_words() -> None:
    assert inside(b"\x80\x80\x80\x80\x80") == WORD == inside(b"a\xff")


@pytest.mark.parametrize("gate", ["entropy", "low_entropy", "random"])
def test_what_gates_add_matters_where_a_gate_asks_for_it(gate: str) -> None:
    moved: dict[str, Any] = {"gate_margin": 2.0, "gate_inside": -1.0}
    for thresholds in ((0.0, 0.0), (0.0, 0.5)):
        plain, other = (
            recipe("llama-a", "opt-g", thresholds=thresholds, gate=gate, fusion=fusion)
            for fusion in (Fusion(), Fusion(**moved))
        )
        assert (plain.digest != other.digest) == (thresholds[1] > 0 and gate != "random")
    if gate == "entropy":
        line = "opt-g speaks where the lead's entropy (+2 p2/p1, -1 within words and numbers) is at least 0.5 nats"
        assert any(one.startswith(line) for one in other.words())
        assert {one.name for one in GATING} == moved.keys()
