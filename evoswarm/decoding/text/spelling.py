"""What each token spells: the bytes that decoding it gives."""

from __future__ import annotations

import json
import re
from collections.abc import Set
from typing import Any

from tokenizers import Tokenizer

METASPACE = "\u2581"
RAW_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")


def _byte_level_alphabet() -> dict[str, int]:
    """The printable stand-ins of byte-level tokenizers (GPT-2), as character -> byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if chr(byte) not in alphabet)
    alphabet.update({chr(256 + index): byte for index, byte in enumerate(others)})
    return alphabet


_ALPHABET = _byte_level_alphabet()
_OUTSIDE = {byte: "\ufffd" for byte in range(256) if chr(byte) not in _ALPHABET}
_TO_BYTES = str.maketrans(
    {**{chr(byte): out for byte, out in _OUTSIDE.items()}, **{c: chr(b) for c, b in _ALPHABET.items()}}
)
STAND_INS = {byte: character for character, byte in _ALPHABET.items()}


class TokenizerParts:
    """How a tokenizer is put together around its model.

    Attributes:
        normalizer: its steps, as ``tokenizer.json`` describes them; sequences are flattened.
        pre_tokenizer: the same.
        byte_level: tokens are written in the stand-ins of bytes.
        metaspace: tokens are written with a visible space, and raw bytes as ``<0xNN>``.
    """

    def __init__(self, backend: Tokenizer) -> None:
        """Take a fast tokenizer apart."""
        self.normalizer = _steps(backend.normalizer, "normalizers")
        self.pre_tokenizer = _steps(backend.pre_tokenizer, "pretokenizers")
        decoder = _steps(backend.decoder, "decoders")
        kinds = {step["type"] for step in (*self.pre_tokenizer, *decoder)}
        self.byte_level = "ByteLevel" in kinds
        shown = json.dumps([*self.normalizer, *self.pre_tokenizer, *decoder], ensure_ascii=False)
        bytes_known = getattr(backend.model, "byte_fallback", False) or "ByteFallback" in kinds
        self.metaspace = not self.byte_level and ("Metaspace" in kinds or METASPACE in shown or bytes_known)


def _steps(part: Any, inner: str) -> list[dict[str, Any]]:
    """The steps of a part, or none."""
    return [] if part is None else _flatten(json.loads(part.__getstate__()), inner)


def _flatten(step: dict[str, Any], inner: str) -> list[dict[str, Any]]:
    """The steps of a (nested) sequence, or the one step itself."""
    if step["type"] == "Sequence":
        return [one for part in step[inner] for one in _flatten(part, inner)]
    return [step]


def spell_tokens(
    backend: Tokenizer, byte_level: bool, size: int, silent: Set[int]
) -> tuple[list[bytes | None], list[bytes]]:
    """What each token id spells.

    Tokens that were added to the vocabulary are decoded as all others are: a run of visible spaces is a run of
    spaces, wherever the tokenizer's file names it.

    Args:
        backend: a fast tokenizer.
        byte_level: whether tokens are written in the stand-ins of bytes.
        size: ids that a model can predict.
        silent: ids that stand for no text.

    Returns:
        ``[size]`` bytes, None for silent tokens, holes, and what spells nothing; and what the silent ones would spell.
    """
    table: list[bytes | None] = [None] * size
    unspelled: list[bytes] = []
    spell = _spell_byte_level if byte_level else _spell_metaspace
    for text, token in backend.get_vocab(with_added_tokens=True).items():
        if token < size and token not in silent:
            table[token] = spell(text) or None
        else:
            unspelled.append(spell(text))
    return table, unspelled


def _spell_byte_level(text: str) -> bytes:
    """A text in stand-ins; one that holds any other character stands for itself."""
    try:
        return text.translate(_TO_BYTES).encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _spell_metaspace(text: str) -> bytes:
    raw = RAW_BYTE.fullmatch(text)
    return bytes.fromhex(raw[1]) if raw else text.replace(METASPACE, " ").encode()
