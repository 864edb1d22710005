"""``tokenizer.json`` files: the layout that the library ``tokenizers`` reads, and what byte-level BPEs are made of."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# How texts are split before they are merged, as the packages write it for their own reader.
CL100K_BY_ONE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
CL100K_BY_THREE = CL100K_BY_ONE.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
WITH_MARKS = CL100K_BY_ONE.replace(r"?\p{L}+", r"?[\p{L}\p{M}]+").replace(r"\s\p{L}\p{N}]", r"\s\p{L}\p{M}\p{N}]")
_CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
)
_TAIL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = rf"{_CASED[0]}{_TAIL}|{_CASED[1]}{_TAIL}|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def added_token(token: int, content: str, *, special: bool = True, rstrip: bool = False) -> dict[str, Any]:
    """An entry of ``added_tokens``; ``rstrip`` eats the spaces behind it."""
    flags = {"single_word": False, "lstrip": False, "rstrip": rstrip, "normalized": False, "special": special}
    return {"id": token, "content": content, **flags}


def tokenizer_json(model: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A ``tokenizer.json`` with these parts and no others."""
    empty = {"truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None, "post_processor": None}
    return {"version": "1.0", **empty, **parts, "model": {"type": "BPE", **model}}


def begin_with(token: str, number: int) -> dict[str, Any]:
    """A post-processor that puts one token before every text."""
    first = {"SpecialToken": {"id": token, "type_id": 0}}
    single = [first, {"Sequence": {"id": "A", "type_id": 0}}]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}]
    known = {token: {"id": token, "ids": [number], "tokens": [token]}}
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": known}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def bpe_by_ranks(
    ranks: Mapping[bytes, int], pattern: str, added: list[dict[str, Any]], *, first: int = 0, **parts: Any
) -> dict[str, Any]:
    """A byte-level BPE from byte strings and the order in which they are merged.

    Args:
        ranks: every token's place in that order.
        pattern: what splits a text into the stretches inside which bytes are merged.
        added: tokens beside them.
        first: number of the token of rank 0.
        parts: of the layout; ``ignore_merges`` goes to the model.
    """
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    visible = bytes_to_unicode()

    def shown(text: bytes) -> str:
        return "".join(visible[byte] for byte in text)

    merges = []
    for text, _ in sorted(ranks.items(), key=lambda entry: entry[1]):
        halves = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        known = [(left, right) for left, right in halves if left in ranks and right in ranks]
        merges += sorted(known, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
    vocabulary = {entry["content"]: entry["id"] for entry in added if entry["id"] < first}
    vocabulary.update({shown(text): rank + first for text, rank in ranks.items()})
    model = {
        "vocab": vocabulary,
        "merges": [[shown(left), shown(right)] for left, right in merges],
        "ignore_merges": parts.pop("ignore_merges", True),
        "byte_fallback": False,
        "fuse_unk": False,
    }
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    steps = {"type": "Sequence", "pretokenizers": [split, BYTE_LEVEL]}
    return tokenizer_json(model, added_tokens=added, pre_tokenizer=steps, decoder=BYTE_LEVEL, **parts)


def read_ranks(file: Path) -> dict[bytes, int]:
    """A file of lines with a token in base64 and its rank."""
    lines = (line.split() for line in file.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def numbered_tokens(first: int, names: Sequence[str], ordinary: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Added tokens with numbers from the first on; those that are ordinary are not special."""
    return [added_token(first + place, name, special=name not in ordinary) for place, name in enumerate(names)]
