"""Random-weight models of about 100M parameters, built on the spot as ordinary directories.

Their tokenizers are trained to 32k on what lies on every machine that runs this: the sources and docstrings of Python's
standard library and of the packages beside it; or they are real ones, wide as they are shipped. What the models would
say means nothing, so where text matters it is forced.
"""

from __future__ import annotations

import random
import shutil
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from evoswarm import MemberSpec
from evoswarm.decoding.member import Member, load_member
from tests.decoding import tiny
from tools.real_tokenizers import make

VOCABULARY = 32_000
BATCH_TOKENS = 16_384
TRAINING_BYTES = 12_000_000
END = 1

_COMMON: dict[str, Any] = {"max_position_embeddings": 1024}
_LAYERED = {"hidden_size": 768, "num_attention_heads": 12}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": {**_LAYERED, "num_hidden_layers": 12, "intermediate_size": 1600, "tie_word_embeddings": True},
    "gpt2": {"n_embd": 768, "n_head": 12, "n_layer": 10},
    "gpt_neox": {**_LAYERED, "num_hidden_layers": 8, "intermediate_size": 3072},
}
_NARROW = {"hidden_size": 512, "num_attention_heads": 8, "num_hidden_layers": 10, "tie_word_embeddings": True}
BEHIND_WIDE: dict[str, dict[str, Any]] = {
    "llama": {**_NARROW, "intermediate_size": 1408},
    "gpt2": {"n_embd": 512, "n_head": 8, "n_layer": 10},
    "gpt_neox": {**_NARROW, "intermediate_size": 2048},
}
"""About 100M with 150,000 tokens, most of it in their embeddings."""
SMALL: dict[str, dict[str, Any]] = {
    "llama": {"hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96},
    "gpt2": {"n_embd": 64, "n_head": 2, "n_layer": 2},
    "gpt_neox": {"hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96},
}


@cache
def sources(which: str, limit: int = TRAINING_BYTES) -> tuple[str, ...]:
    """Python files of the ``stdlib`` or of the packages beside it (``purelib``), shuffled, up to a number of bytes."""
    root = Path(sysconfig.get_paths()[which])
    files = sorted(path for path in root.rglob("*.py") if which == "purelib" or "site-packages" not in path.parts)
    random.Random(0).shuffle(files)
    texts, size = [], 0
    for path in files:
        text = path.read_text(encoding="utf-8", errors="ignore")
        if text:
            texts.append(text)
            size += len(text)
        if size > limit:
            break
    return tuple(texts)


@cache
def tokenizer(which: str, pattern: str, vocabulary: int, text_bytes: int = TRAINING_BYTES) -> Tokenizer:
    """A byte-level BPE trained on so much of local sources."""
    trained = tiny.byte_level(pattern, vocabulary, sources(which, text_bytes))
    if trained.get_vocab_size() != vocabulary:
        raise ValueError(f"expected text for {vocabulary} tokens, got enough for {trained.get_vocab_size()}")
    return trained


def passages(count: int, prompt_bytes: int, text_bytes: int) -> Iterator[tuple[str, str]]:
    """(prompt, continuation) pairs of ASCII text from local sources, each of its own place."""
    found = 0
    step = prompt_bytes + text_bytes
    for text in sources("stdlib"):
        for start in range(0, len(text) - step, 4 * step):
            piece = text[start : start + step]
            if piece.isascii() and piece.strip():
                yield piece[:prompt_bytes], piece[prompt_bytes:]
                found += 1
                if found == count:
                    return
    raise ValueError(f"expected {count} passages, got {found}")


def build(directory: Path, name: str, architecture: str, words: Tokenizer, *, small: bool = False) -> MemberSpec:
    """Write a random model and its tokenizer."""
    config = (SMALL if small else ARCHITECTURES)[architecture]
    model = _random(name, architecture, words.get_vocab_size(), END, config)
    return _spec(name, tiny.save(directory / name, model, words))


def build_around(directory: Path, name: str, architecture: str, real: str, *, small: bool = False) -> MemberSpec:
    """Write a random model around a real tokenizer.

    Raises:
        NotFetchedError: the tokenizer cannot be had; says what to do.
    """
    source, target = make(real), directory / name
    tokenizer = AutoTokenizer.from_pretrained(source)
    config = (SMALL if small else BEHIND_WIDE)[architecture]
    columns = max(tokenizer.get_vocab().values()) + 1
    _random(name, architecture, columns, tokenizer.eos_token_id, config).save_pretrained(target)
    for file in source.iterdir():
        shutil.copy(file, target / file.name)
    return _spec(name, target)


def _random(name: str, architecture: str, columns: int, end: int, config: dict[str, Any]) -> Any:
    """A model whose weights follow from its name.

    The output row of the end token is zero: its logit is 0, and the largest of thousands of random ones is above,
    so that greedily it never ends and every decoder does the same amount of work.
    """
    torch.manual_seed(sum(map(ord, name)))
    made = AutoConfig.for_model(
        architecture, vocab_size=columns, pad_token_id=0, bos_token_id=None, eos_token_id=end, **_COMMON, **config
    )
    model = AutoModelForCausalLM.from_config(made).eval()
    with torch.no_grad():
        model.get_output_embeddings().weight[end] = 0.0
    return model


def _spec(name: str, path: Path) -> MemberSpec:
    return MemberSpec(name=name, path=str(path), device="cpu", dtype="float32")


def load(specs: Sequence[MemberSpec]) -> list[Member]:
    """Load members with the batches that searches use."""
    return [load_member(spec, BATCH_TOKENS) for spec in specs]


def sizes(members: Sequence[Member]) -> str:
    """Their parameters, in words."""
    return ", ".join(f"{member.spec.name} {member.reader.shape.parameters / 1e6:.0f}M" for member in members)
