"""Whoever plans a search is told what its recipes choose between."""

from __future__ import annotations

from typing import Any

import pytest

from evoswarm.experiment.symbols import symbols
from evoswarm.experiment.workbench import workbench
from evoswarm.space import SearchSpace


@pytest.mark.parametrize(
    ("alphabet", "others", "words"),
    [
        ("bytes", "gpt2-c", "256 bytes"),
        ("auto", "llama-b", "382, the tokens of the tokenizer that all members share"),
        (
            "auto",
            "gpt2-c",
            "382 that all members have in common; taken apart for it are 640 of the 1,022 tokens of gpt2-c",
        ),
    ],
)
def test_the_symbols_of_a_pool(alphabet: Any, others: str, words: str) -> None:
    space = SearchSpace.model_validate(
        {
            "name": "symbols",
            "alphabet": alphabet,
            "pool": [{"name": name, "path": f"zoo:{name}"} for name in ("llama-a", others)],
            "tasks": [{"name": "sums", "source": "reasoning_gym", "family": "chain_sum", "max_bytes": 8}],
            "splits": {"search": 4, "selection": 4, "test": 4},
        }
    )
    with workbench(space, ":memory:", splits=("search",)) as bench:
        assert symbols(bench) == words
