"""The byte view on real tokenizers against brute force; ``python -m tests.real.bar`` asks more and keeps a record."""

from __future__ import annotations

import json

import pytest

from tests.real.bar import RECORD, Figures, measure
from tests.real.texts import KINDS, texts
from tests.real.tokenizers import FETCHED, INSTALLED, Standing

SAMPLED = ("mistral_v3", "deepseek_v4", "tekken", "phi3", "gpt2", "olmo1", "qwen3", "gemma3")
"""One of each kind: visible spaces, marks that join words, whole pretokens, flags, added runs, thoughts and tags."""


@pytest.mark.parametrize("standing", SAMPLED, indirect=True)
def test_a_sample_of_texts_is_exact(standing: Standing) -> None:
    asked = texts(30, seed=len(standing.name))
    found = measure(standing, asked)
    assert found.holds, found
    assert found.texts == 30
    assert found.several > 10, "else there would be nothing to weigh"


def test_the_record_meets_the_bar() -> None:
    record = json.loads(RECORD.read_text("utf-8"))
    assert len(record) >= 12
    assert set(record) <= {*INSTALLED, *FETCHED}
    for name, kept in record.items():
        figures = Figures(**{key: value for key, value in kept.items() if key not in ("date", "machine", "seed")})
        assert figures.holds, name
        assert figures.texts >= 1000, name


def test_texts_are_of_every_kind_and_made_from_their_seed() -> None:
    made = texts(300, seed=5)
    assert made == texts(300, seed=5) != texts(300, seed=6)
    assert {kind for kind, _ in made} == {*KINDS, "nothing"}
    assert len({text for _, text in made}) == 300
    unfinished = [text for _, text in made if text.decode(errors="ignore").encode() != text]
    assert len(unfinished) > 10, "heads inside characters"
