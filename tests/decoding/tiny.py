"""Tokenizers of every kind, trained on a few lines, and tiny random models around them: real directories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"  # two lines of one pattern
)
LINES = (
    "the quick brown fox jumps over the lazy dog and the cat sat on the mat",
    "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result",
    "In 1984 there were 1234567 people; 20,480 of them had 365 days, 3.14159 and 100% of 2500.",
    "naïve café über straße déjà vu, señor; 東京 と 京都 は 日本 の 都市 です 🙂 🙂🎉",
    "\t\tindented with tabs\n\n\n   and spaces,  two  at  a  time    or four",
    "it's what they're saying: we'll see, I've heard, don't you think?",
)
SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>"]


def byte_level(pattern: str | None, size: int, lines: Sequence[str] = LINES, **model: Any) -> Tokenizer:
    """A byte-level BPE; without a pattern there is one pretoken per text."""
    tokenizer = Tokenizer(models.BPE(**model))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = [] if pattern is None else [pre_tokenizers.Split(Regex(pattern), behavior="isolated")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*split, level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIALS[:2],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    return tokenizer


def _pieces(size: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Pieces and merges of a BPE on text with visible spaces."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    trained.train_from_iterator(LINES[:3], trainers.BpeTrainer(vocab_size=size, show_progress=False))
    state = json.loads(trained.to_str())["model"]
    return sorted(state["vocab"], key=state["vocab"].__getitem__), [tuple(merge) for merge in state["merges"]]


def sentencepiece_bpe(dummy_prefix: bool, by_normalizer: bool) -> Tokenizer:
    """Like Llama 2's (a dummy prefix, by normalizer or by pretokenizer) or Gemma's (none)."""
    pieces, merges = _pieces(160)
    symbols = [*SPECIALS, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    vocabulary = {symbol: index for index, symbol in enumerate(symbols)}
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    )
    tokenizer.add_special_tokens(SPECIALS)
    if by_normalizer:
        steps: list[Any] = [normalizers.Prepend("▁")] if dummy_prefix else []
        tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    else:
        scheme = "first" if dummy_prefix else "never"
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Metaspace(prepend_scheme=scheme), pre_tokenizers.Digits(individual_digits=True)]
        )
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    return tokenizer


def sentencepiece_unigram() -> Tokenizer:
    """A Unigram model with bytes to fall back on and an NFKC normalizer, like T5's and XLM's relatives."""
    pieces, _ = _pieces(160)
    scores = [(symbol, 0.0) for symbol in SPECIALS]
    scores += [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    scores += [(piece, -8.0 + len(piece)) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=3, byte_fallback=True))
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer


def with_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Tokens added behind training: ordinary ones that spell text, and a special one that no role names."""
    tokenizer.add_tokens([AddedToken("    ", normalized=False), AddedToken("<tool>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<|turn|>")])
    return tokenizer


def with_flagged_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Added tokens that take the spaces around them, or are found only as whole words, or hold any bytes."""
    flags = {"normalized": False}
    tokenizer.add_tokens([AddedToken("<end>", rstrip=True, **flags), AddedToken("<mid>", lstrip=True, **flags)])
    tokenizer.add_tokens([AddedToken("cat", single_word=True, **flags), AddedToken("2nd", single_word=True, **flags)])
    tokenizer.add_tokens([AddedToken("é 🙂", **flags), AddedToken("\n\n", normalized=True)])
    return tokenizer


def with_added_pieces(tokenizer: Tokenizer) -> Tokenizer:
    """A vocabulary whose runs of visible spaces, line breaks and tags were added, as Gemma's were."""
    tokenizer.add_tokens([AddedToken("▁▁", normalized=True), AddedToken("▁▁▁▁", normalized=False)])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ("\n", "\n\n", "<td>", "<think>")])
    tokenizer.add_special_tokens([AddedToken("<|turn|>")])
    return tokenizer


def word_piece() -> Tokenizer:
    """A tokenizer that forgets spaces: it cannot take part."""
    tokenizer = Tokenizer(models.WordPiece(vocab={"<unk>": 0, "<eos>": 1, "the": 2, "##re": 3}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


KINDS = {
    "plain bytes": lambda: byte_level(None, 258),
    "one pretoken": lambda: byte_level(None, 400),
    "gpt2": lambda: byte_level(GPT2_PATTERN, 500),
    "llama3": lambda: byte_level(LLAMA3_PATTERN, 700, ignore_merges=True),
    "added tokens": lambda: with_added_tokens(byte_level(GPT2_PATTERN, 400)),
    "flagged tokens": lambda: with_flagged_tokens(byte_level(GPT2_PATTERN, 400)),
    "added pieces": lambda: with_added_pieces(sentencepiece_bpe(dummy_prefix=False, by_normalizer=True)),
    "llama2": lambda: sentencepiece_bpe(dummy_prefix=True, by_normalizer=True),
    "gemma": lambda: sentencepiece_bpe(dummy_prefix=False, by_normalizer=True),
    "metaspace": lambda: sentencepiece_bpe(dummy_prefix=True, by_normalizer=False),
    "unigram": sentencepiece_unigram,
}

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 128,
}


def random_model(kind: str, columns: int, seed: int = 0, **config: Any) -> Any:
    """A tiny model with random weights, sure enough of itself that some continuations are far likelier."""
    torch.manual_seed(seed)
    made = AutoConfig.for_model(
        kind, vocab_size=columns, **{"pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1, **config}
    )
    model = AutoModelForCausalLM.from_config(made).eval()
    head = model.get_output_embeddings()
    with torch.no_grad():
        for one in model.parameters():
            if one.dim() > 1:
                one.mul_(3.0)
        head.weight.mul_(4.0)
    return model


def save(directory: Path, model: Any, tokenizer: Tokenizer, **roles: Any) -> Path:
    """Write model and tokenizer as an ordinary directory."""
    named = {"eos_token": "<eos>", "pad_token": "<pad>", "clean_up_tokenization_spaces": False, **roles}
    model.save_pretrained(directory)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **{k: v for k, v in named.items() if v}).save_pretrained(
        directory
    )
    return directory


def build(directory: Path, kind: str, seed: int = 0, spare_columns: int = 3) -> Path:
    """A random Llama around a kind of tokenizer; its logits are wider than the vocabulary, as they often are."""
    tokenizer = KINDS[kind]()
    columns = tokenizer.get_vocab_size(with_added_tokens=True) + spare_columns
    model = random_model("llama", columns, seed, tie_word_embeddings=False, **SMALL)
    return save(directory, model, tokenizer)
