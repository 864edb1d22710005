"""Real English, and a small member whose distribution over it means something: for figures about longer tokens.

The text is the language reference that comes with Python (``pydoc_data.topics``). The member is a bigram table of
token counts, interpolated with the counts of single tokens (absolute discounting), dressed up as a Llama: an embedding
that is one-hot, layers that add nothing, and an output layer that is the table. A table is chosen over a model that
is trained for a minute because it is the same on every machine and takes seconds; like any language model it has
seen only what its tokenizer writes, and it is less sure of the next token than a large model would be, so that
more ways of cutting a text into tokens stay likely and the figure errs on the side of more forwards.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tests.decoding import tiny

VOCABULARY = 4000
DISCOUNT = 0.75
SMOOTHING = 1e-3  # a model gives a little to everything
END = 1
HELD_OUT = 10  # every tenth paragraph is kept from tokenizer and table


@cache
def paragraphs() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Paragraphs to learn from, and paragraphs held out."""
    every = [one for name in sorted(topics) for one in topics[name].split("\n\n") if len(one) > 40]
    random.Random(0).shuffle(every)
    kept = tuple(one for number, one in enumerate(every) if number % HELD_OUT)
    return kept, tuple(every[::HELD_OUT])


def passages(count: int, prompt_bytes: int, text_bytes: int) -> list[tuple[str, str]]:
    """Held-out (prompt, continuation) pairs, cut at word boundaries."""
    found = []
    for one in paragraphs()[1]:
        cut = one.find(" ", prompt_bytes)
        stop = one.find(" ", cut + text_bytes)
        if one.isascii() and 0 < cut < stop:
            found.append((one[:cut], one[cut:stop]))
    if len(found) < count:
        raise ValueError(f"expected {count} passages of {prompt_bytes} and {text_bytes} bytes, got {len(found)}")
    return found[:count]


def ranges(count: int, text_bytes: int) -> list[str]:
    """Texts from anywhere in the paragraphs, no two from one place, each beginning at a word."""
    every = " ".join(one for part in paragraphs() for one in part if one.isascii())
    step = len(every) // count
    if step < text_bytes + 40:
        raise ValueError(f"expected room for {count} texts of {text_bytes} bytes, got {len(every)} bytes in all")
    starts = (every.index(" ", number * step) for number in range(count))
    return [every[start : start + text_bytes] for start in starts]


@cache
def learned(vocabulary: int) -> tuple[Tokenizer, NDArray[np.float64]]:
    """A byte-level BPE, and ``[tokens, tokens]`` the probabilities of the next token behind each."""
    texts, _ = paragraphs()
    tokenizer = tiny.byte_level(tiny.GPT2_PATTERN, vocabulary, texts)
    return tokenizer, _interpolated([tokenizer.encode(one).ids for one in texts], tokenizer.get_vocab_size())


def bigram_directory(directory: Path, vocabulary: int = VOCABULARY) -> Path:
    """Write the bigram member, its tokenizer trained on the same paragraphs, as an ordinary model directory."""
    tokenizer, table = learned(vocabulary)
    return tiny.save(directory, _llama_of(table), tokenizer)


def _interpolated(texts: list[list[int]], columns: int) -> NDArray[np.float64]:
    """``[columns, columns]`` probabilities of the next token behind each token."""
    single = np.ones(columns)
    pairs = np.zeros((columns, columns))
    for ids in texts:
        closed = [*ids, END]
        np.add.at(single, closed, 1.0)
        np.add.at(pairs, (closed[:-1], closed[1:]), 1.0)
    single /= single.sum()
    seen = pairs.sum(1, keepdims=True)
    kept = np.maximum(pairs - DISCOUNT, 0.0)
    given_back = np.where(seen > 0, (pairs > 0).sum(1, keepdims=True) * DISCOUNT, 1.0)
    table = (kept + given_back * single) / np.maximum(seen, 1.0)
    mixed: NDArray[np.float64] = (1 - SMOOTHING) * table + SMOOTHING / columns
    return mixed


def _llama_of(table: NDArray[np.float64]) -> Any:
    """A Llama whose logits behind a token are the logarithms of the table's row."""
    columns = len(table)
    width = columns + columns % 2
    config = {"hidden_size": width, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = tiny.random_model(
        "llama",
        columns,
        head_dim=8,
        num_key_value_heads=1,
        rms_norm_eps=1e-12,
        tie_word_embeddings=False,
        max_position_embeddings=4096,
        **config,
    )
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.norm.weight.fill_(1.0)
        model.model.embed_tokens.weight.copy_(torch.eye(columns, width))
        head = torch.from_numpy(np.log(table)).T / np.sqrt(width)
        model.lm_head.weight.copy_(torch.nn.functional.pad(head, (0, width - columns)))
    return model
