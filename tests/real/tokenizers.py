"""Tokenizers of real models around tiny random ones: what a tokenizer does needs no trained weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

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


def with_model(name: str, directory: Path, seed: int = 0) -> Path:
    """A checkpoint of a real tokenizer and a random Llama that is wide enough for it."""
    from transformers import AutoTokenizer

    source = tokenizer_folder(name)
    columns = max(AutoTokenizer.from_pretrained(source).get_vocab().values()) + 1
    model = tiny.random_model("llama", columns + 5, seed, eos_token_id=None, **NARROW)
    target = directory / name
    model.save_pretrained(target)
    for file in source.iterdir():
        shutil.copy(file, target / file.name)
    return target
