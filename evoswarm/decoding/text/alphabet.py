"""The outcome space of one decoding step: bytes, or the tokens of one shared tokenizer; and END.

Both alphabets number their symbols from 0 and put END last. A *text* is what has been decoded so far: a byte
string in ``Bytes``, a tuple of token ids in ``Tokens``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.request import Finish

Text = bytes | tuple[int, ...]

FLOOR = 1e-12  # no allowed symbol is given less: whoever multiplies must not be silenced by one member's zero
LOG_FLOOR = math.log(FLOOR)


def split_character(text: bytes) -> tuple[bytes, bytes]:
    """Split valid (but perhaps unfinished) UTF-8 into whole characters and the bytes of an unfinished last one."""
    for back in range(1, min(3, len(text)) + 1):
        byte = text[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (text[:-back], text[-back:]) if back < need else (text, b"")
    return text, b""


def continuation_range(partial: bytes) -> tuple[int, int]:
    """First and last byte that may follow an unfinished character (Unicode 16, table 3-7).

    Args:
        partial: one to three bytes of a character that is not finished.
    """
    if len(partial) > 1:
        return 0x80, 0xBF
    return {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}.get(
        partial[0], (0x80, 0xBF)
    )


@lru_cache(maxsize=4096)
def allowed_after(partial: bytes) -> NDArray[np.bool_]:
    """Which of the 257 symbols keep a text valid UTF-8, behind the bytes of an unfinished character (or none).

    Returns:
        ``[257]`` booleans; END (256) only where no character is unfinished.
    """
    allowed = np.zeros(257, dtype=bool)
    if partial:
        first, last = continuation_range(partial)
        allowed[first : last + 1] = True
    else:
        allowed[:0x80] = True
        allowed[0xC2:0xF5] = True
        allowed[256] = True
    allowed.setflags(write=False)
    return allowed


class Alphabet(Protocol):
    """What the decoding loop asks of an outcome space."""

    @property
    def size(self) -> int:
        """Number of symbols, END included."""
        ...

    @property
    def end(self) -> int:
        """END's number: the last."""
        ...

    @property
    def empty(self) -> Text:
        """The text without symbols."""
        ...

    def append(self, text: Text, raw: bytes, symbol: int) -> tuple[Text, bytes]:
        """A text and its bytes with one more symbol (not END)."""
        ...


@dataclass(frozen=True)
class Bytes:
    """256 bytes and END."""

    size: int = 257
    end: int = 256
    empty: Text = b""

    def append(self, text: Text, raw: bytes, symbol: int) -> tuple[Text, bytes]:
        """A text, which is its own bytes, with one more byte."""
        longer = raw + bytes((symbol,))
        return longer, longer


class Tokens:
    """The token ids of a tokenizer that all members share, and END."""

    empty: Text = ()

    def __init__(self, token_bytes: Sequence[bytes | None]) -> None:
        """Args: token_bytes: bytes of every token id; None where a token stands for no text."""
        self._bytes = token_bytes
        self.size = len(token_bytes) + 1
        self.end = len(token_bytes)

    def append(self, text: Text, raw: bytes, symbol: int) -> tuple[Text, bytes]:
        """A text and the bytes that it spells, with one more token."""
        assert isinstance(text, tuple)
        return (*text, symbol), raw + (self._bytes[symbol] or b"")


def cut(raw: bytes, max_bytes: int, stop: Sequence[bytes]) -> tuple[bytes, Finish | None]:
    """Apply stop strings and the limit to a text that has just grown, as if it had grown byte by byte.

    Returns:
        the text (cut before the stop string that was complete first; at a limit never inside a character) and why
        it ends: "stop", "limit" or None if it goes on.
    """
    within = raw[:max_bytes]
    found = [(start + len(text), start) for text in stop if (start := within.find(text)) >= 0]
    if found:
        return raw[: min(found)[1]], "stop"
    if len(raw) >= max_bytes:
        return split_character(within)[0], "limit"
    return raw, None
