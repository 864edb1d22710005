"""The outcome space of one decoding step: an alphabet of symbols, and END.

An alphabet numbers its symbols from 0 and puts END last. A *text* is the sequence of symbols that have been decoded so
far: a byte string in ``ByteAlphabet``, a tuple of token ids in ``TokenAlphabet``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.utf8 import allowed_after, split_character

Text = Sequence[int]

FLOOR = 1e-12  # no allowed symbol is given less: whoever multiplies must not be silenced by one member's zero
LOG_FLOOR = math.log(FLOOR)
_STATES = {0xE0: 2, 0xED: 3, 0xF0: 4, 0xF4: 5}  # bytes behind which not every continuation byte may follow
LOG_ZERO = -200.0  # stands for log 0 in entropies, so that 0 log 0 = 0


class Alphabet(Protocol):
    """All in which one outcome space differs from another.

    Attributes:
        size: number of symbols, END included.
        end: END's number: the last.
        empty: the text without symbols.
    """

    size: int
    end: int
    empty: Text

    def append(self, text: Text, raw: bytes, symbol: int) -> tuple[Text, bytes]:
        """A text and its bytes with one more symbol (not END)."""
        ...

    def encode(self, text: str) -> Text | None:
        """The symbols that spell a text; None where none do."""
        ...

    def state(self, raw: bytes) -> int:
        """What may follow a text, as a number that ``allowed`` knows."""
        ...

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, size]`` which symbols may follow texts in ``[n]`` states."""
        ...

    def symbols_per_token(self, text: Text, codec: Codec) -> Sequence[int]:
        """Of each token that a member's tokenizer makes of a text, how many symbols it takes."""
        ...


class ByteAlphabet:
    """256 bytes and END: all texts are valid UTF-8, but for an unfinished character at their end."""

    size, end = 257, 256
    empty: Text = b""

    def __init__(self) -> None:
        self._allowed = np.stack(
            [allowed_after(bytes(begun)) for begun in ((), (0xC2,), *((byte,) for byte in _STATES))]
        )

    def append(self, text: Text, raw: bytes, symbol: int) -> tuple[Text, bytes]:
        """A text, which is its own bytes, with one more byte."""
        longer = raw + bytes((symbol,))
        return longer, longer

    def encode(self, text: str) -> Text:
        """UTF-8."""
        return text.encode()

    def state(self, raw: bytes) -> int:
        """By the unfinished character at the end: 0 where there is none, 1 where any continuation byte may follow."""
        partial = split_character(raw)[1]
        return 0 if not partial else _STATES.get(partial[0], 1) if len(partial) == 1 else 1

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, 257]`` which symbols keep texts valid UTF-8."""
        return torch.from_numpy(self._allowed[states])

    def symbols_per_token(self, text: Text, codec: Codec) -> Sequence[int]:
        """Bytes of each token."""
        return [len(codec.token_bytes[token] or b"") for token in codec.encode(bytes(text)) or ()]


class TokenAlphabet:
    """The token ids of a tokenizer that all members share, and END."""

    empty: Text = ()

    def __init__(self, codec: Codec) -> None:
        """The alphabet of the tokenizer that a codec belongs to."""
        self._codec = codec
        self.end = len(codec.token_bytes)
        self.size = self.end + 1
        self._allowed = torch.zeros(self.size, dtype=torch.bool)
        self._allowed[torch.from_numpy(codec.order)] = True
        self._allowed[self.end] = True

    def append(self, text: Text, raw: bytes, symbol: int) -> tuple[Text, bytes]:
        """A text and the bytes that it spells, with one more token."""
        return (*text, symbol), raw + (self._codec.token_bytes[symbol] or b"")

    def encode(self, text: str) -> Text | None:
        """As the tokenizer does."""
        return self._codec.encode(text.encode())

    def state(self, raw: bytes) -> int:
        """The only one: whatever the vocabulary spells may always follow."""
        return 0

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, size]``, the same row n times."""
        return self._allowed.expand(len(states), -1)

    def symbols_per_token(self, text: Text, codec: Codec) -> Sequence[int]:
        """A symbol is a token."""
        return [1] * len(text)
