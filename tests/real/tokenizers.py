"""Tokenizers of real models around tiny random ones: what a tokenizer does needs no trained weights."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.member import Member, load_member
from evoswarm.member_spec import MemberSpec
from tests.decoding import tiny
from tools.packages import NotFetchedError
from tools.real_tokenizers import make

INSTALLED = ("llama3", "llama4", "qwen2", "qwen3_6", "deepseek_v4", "mistral_v1", "mistral_v3", "mistral_v7", "tekken")
"""Those that come with the development extra."""
FETCHED = ("gpt2", "llama2", "llama3_1", "phi3", "gemma3", "qwen3", "gptoss", "deepseek_v3", "olmo1", "olmo2")
"""Those that ``make tokenizers`` fetches."""
NARROW = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "tie_word_embeddings": False,
}


def tokenizer_folder(name: str) -> Path:
    """The folder of a real tokenizer; skips the test where it cannot be had."""
    try:
        return make(name)
    except NotFetchedError as error:
        pytest.skip(str(error))


def transformers_tokenizer(name: str) -> Any:
    """A real tokenizer as transformers loads it; skips the test where it cannot be had."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tokenizer_folder(name))


@dataclass(frozen=True)
class Standing:
    """A real tokenizer for the tests that ask about it, each part made when the first of them wants it.

    Attributes:
        name: of the tokenizer.
        directory: where its checkpoint is made.
    """

    name: str
    directory: Path

    @cached_property
    def tokenizer(self) -> Any:
        """As transformers loads it."""
        return transformers_tokenizer(self.name)

    @cached_property
    def checkpoint(self) -> Path:
        """See `with_model`."""
        return with_model(self.name, self.directory, tokenizer=self.tokenizer)

    @cached_property
    def member(self) -> Member:
        """The checkpoint as a member."""
        return load_member(MemberSpec(name=self.name, path=str(self.checkpoint), device="cpu"), 64)


def with_model(name: str, directory: Path, seed: int = 0, tokenizer: Any = None) -> Path:
    """A checkpoint of a real tokenizer and a random Llama that is wide enough for it."""
    source = tokenizer_folder(name)
    columns = max((tokenizer or transformers_tokenizer(name)).get_vocab().values()) + 1
    model = tiny.random_model("llama", columns + 5, seed, eos_token_id=None, **NARROW)
    target = directory / name
    model.save_pretrained(target)
    for file in source.iterdir():
        shutil.copy(file, target / file.name)
    return target
