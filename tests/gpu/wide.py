"""Random models around vocabularies as wide as those of real checkpoints, made on the spot in seconds."""

from __future__ import annotations

import string
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM

from tests.decoding import tiny

PAD, END = "<pad>", "<eos>"
SMALL: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
WIDE: dict[str, tuple[str, int, dict[str, Any]]] = {
    "llama-50k": ("llama", 50_000, SMALL),
    "qwen3-152k": ("qwen3", 151_936, SMALL),
    "gemma3-262k": ("gemma3_text", 262_144, {**SMALL, "sliding_window": 64}),
}
"""By name: family, tokens, configuration. As many tokens as GPT-2 has, and Qwen 3, and Gemma 3."""


@cache
def wide_tokenizer(vocabulary: int) -> Tokenizer:
    """A byte-level BPE of this many tokens: bytes, then words of two, three and four letters in turn."""
    symbols = [PAD, END, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    merges = []
    for left, right in _merges():
        if len(symbols) == vocabulary:
            break
        symbols.append(left + right)
        merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(vocab={symbol: i for i, symbol in enumerate(symbols)}, merges=merges))
    tokenizer.add_special_tokens([PAD, END])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(tiny.GPT2_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _merges() -> Iterator[tuple[str, str]]:
    """Every one makes a new token of two that are there."""
    letters = string.ascii_lowercase
    yield from product(("\u0120", *letters), letters)  # the first is the space
    yield from (("\u0120" + one, other) for one, other in product(letters, letters))
    pairs = [one + other for one, other in product(letters, letters)]
    yield from product(pairs, letters)
    yield from product(pairs, pairs)


def wide_model(directory: Path, name: str, dtype: torch.dtype = torch.float32) -> Path:
    """Write one of ``WIDE`` as an ordinary checkpoint folder."""
    family, vocabulary, config = WIDE[name]
    tokenizer = wide_tokenizer(vocabulary)
    torch.manual_seed(len(name))
    made = AutoConfig.for_model(
        family, vocab_size=vocabulary, pad_token_id=0, bos_token_id=None, eos_token_id=1, **config
    )
    model = AutoModelForCausalLM.from_config(made).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(8.0)  # sure enough of itself that most choices are no ties
    return tiny.save(directory / name, model.to(dtype), tokenizer, pad_token=PAD, eos_token=END)
