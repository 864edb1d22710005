"""Tokenizers of real models, as they are shipped."""

from __future__ import annotations

import pytest

from tests.real.tokenizers import FETCHED, INSTALLED, Standing
from tools.real_tokenizers import SOURCES

SENTENCE = "The cat's 12 mats\n\n  cost €3: 東京 🙂"


def test_every_source_is_tested() -> None:
    assert sorted((*INSTALLED, *FETCHED)) == sorted(SOURCES)


@pytest.mark.parametrize("standing", [*INSTALLED, *FETCHED], indirect=True)
def test_a_folder_is_a_tokenizer_that_loses_nothing(standing: Standing) -> None:
    tokenizer = standing.tokenizer
    ids = tokenizer(SENTENCE, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids).strip() == SENTENCE
    assert 12 <= len(ids) <= 30
    assert tokenizer.eos_token_id is not None
