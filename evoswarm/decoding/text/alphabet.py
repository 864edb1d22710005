"""The outcome space of one decoding step: an alphabet of symbols, and END.

An alphabet numbers its symbols from 0 and puts END last. A *text* is the sequence of symbols that have been decoded so
far: a byte string in ``ByteAlphabet``, a tuple of numbers in the others. All that parts one alphabet from another is
said here and in ``Decomposition``; views, rows and the decoding loop are the same for all.
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
from evoswarm.decoding.text.decomposition import Decomposition, Text
from evoswarm.decoding.text.pieces import CommonPieces
from evoswarm.decoding.text.utf8 import allowed_after, continues, split_character

FLOOR = 1e-12  # no allowed symbol is given less: whoever multiplies must not be silenced by one member's zero
LOG_FLOOR = math.log(FLOOR)
_STATES = {0xE0: 2, 0xED: 3, 0xF0: 4, 0xF4: 5}  # bytes behind which not every continuation byte may follow
# Unfinished characters, one of every kind that differs in what may follow.
_PARTIALS = (b"", b"\xc2", b"\xe1", b"\xf1", b"\xe0", b"\xed", b"\xf0", b"\xf4")
_KINDS = {partial[0]: kind for kind, partial in enumerate(_PARTIALS) if partial}
BYTES = tuple(bytes((byte,)) for byte in range(256))
LOG_ZERO = -200.0  # stands for log 0 in entropies, so that 0 log 0 = 0


class Alphabet(Protocol):
    """All in which one outcome space differs from another.

    Attributes:
        size: number of symbols, END included.
        end: END's number: the last.
        states: of texts there are, by what may follow.
    """

    size: int
    end: int
    states: int

    def spell(self, symbol: int) -> bytes:
        """The bytes of a symbol (not END)."""
        ...

    def state(self, raw: bytes) -> int:
        """What may follow a text, as a number that ``allowed`` knows."""
        ...

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, size]`` which symbols may follow texts in ``[n]`` states."""
        ...

    def decomposition(self, codec: Codec) -> Decomposition:
        """How the tokens of a member spell the symbols."""
        ...

    def encode(self, raw: bytes, decomposition: Decomposition) -> Text | None:
        """The symbols of a text, which may end inside a character, as a member would write it; None where its tokens
        do not spell it."""
        ...


class ByteAlphabet:
    """256 bytes and END: all texts are valid UTF-8, but for an unfinished character at their end."""

    size, end, states = 257, 256, 2 + len(_STATES)

    def __init__(self) -> None:
        self._allowed = np.stack(
            [allowed_after(bytes(begun)) for begun in ((), (0xC2,), *((byte,) for byte in _STATES))]
        )

    def spell(self, symbol: int) -> bytes:
        """The byte."""
        return BYTES[symbol]

    def state(self, raw: bytes) -> int:
        """By the unfinished character at the end: 0 where there is none, 1 where any continuation byte may follow."""
        partial = split_character(raw)[1]
        return 0 if not partial else _STATES.get(partial[0], 1) if len(partial) == 1 else 1

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, 257]`` which symbols keep texts valid UTF-8."""
        return torch.from_numpy(self._allowed[states])

    def decomposition(self, codec: Codec) -> Decomposition:
        """A token is its bytes."""
        return Decomposition(codec, codec.token_bytes, BYTES, bytes)

    def encode(self, raw: bytes, decomposition: Decomposition) -> Text:
        """Its bytes, whoever can write them."""
        return raw


class CommonAlphabet:
    """The byte strings that are one ordinary token of every one of several tokenizers, all bytes, and END.

    Symbols 0 to 255 are the bytes; the strings follow, sorted. Texts are valid UTF-8, but for an unfinished character
    at their end.
    """

    states = len(_PARTIALS)

    def __init__(self, codecs: Sequence[Codec]) -> None:
        """The alphabet of these tokenizers."""
        shared = set.intersection(*({text for text in codec.token_bytes if text} for codec in codecs))
        self._symbols = [*BYTES, *sorted(text for text in shared if len(text) > 1)]
        self._numbers = {text: number for number, text in enumerate(self._symbols)}
        self.end = len(self._symbols)
        self.size = self.end + 1
        self._allowed = torch.zeros((len(_PARTIALS), self.size), dtype=torch.bool)
        self._allowed[0, self.end] = True
        for kind, partial in enumerate(_PARTIALS):
            may = [number for text, number in self._numbers.items() if _is_inside(text) == bool(partial)]
            self._allowed[kind, [number for number in may if continues(partial, self._symbols[number])]] = True

    def spell(self, symbol: int) -> bytes:
        """The byte or the string."""
        return self._symbols[symbol]

    def state(self, raw: bytes) -> int:
        """By the unfinished character at the end: 0 where there is none, then how many bytes it lacks (1 to 3), or
        which byte begins it where not every other may follow that.
        """
        partial = split_character(raw)[1]
        if not partial:
            return 0
        lead = partial[0]
        if len(partial) == 1 and lead in _KINDS:
            return _KINDS[lead]
        return (2 if lead < 0xE0 else 3 if lead < 0xF0 else 4) - len(partial)

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, size]`` which symbols keep texts valid UTF-8."""
        return self._allowed[torch.from_numpy(states)]

    def decomposition(self, codec: Codec) -> Decomposition:
        """A token that is a symbol is that symbol; any other is made of several (see ``CommonPieces``)."""
        pieces = CommonPieces(codec, self._symbols, self._numbers)
        spelled = [None if text is None else pieces.of(text) for text in codec.token_bytes]
        return Decomposition(codec, spelled, self._symbols, tuple)

    def encode(self, raw: bytes, decomposition: Decomposition) -> Text | None:
        """What the member's tokens for it decompose to."""
        return decomposition.encode(raw)


class TokenAlphabet:
    """The token ids of a tokenizer that all members share, and END."""

    states = 1

    def __init__(self, codec: Codec) -> None:
        """The alphabet of the tokenizer that a codec belongs to."""
        self._codec = codec
        self.end = len(codec.token_bytes)
        self.size = self.end + 1
        self._allowed = torch.zeros(self.size, dtype=torch.bool)
        self._allowed[torch.from_numpy(codec.order)] = True
        self._allowed[self.end] = True

    def spell(self, symbol: int) -> bytes:
        """What the token spells."""
        return self._codec.token_bytes[symbol] or b""

    def state(self, raw: bytes) -> int:
        """The only one: whatever the vocabulary spells may always follow."""
        return 0

    def allowed(self, states: NDArray[np.int32]) -> Tensor:
        """``[n, size]``, the same row n times."""
        return self._allowed.expand(len(states), -1)

    def decomposition(self, codec: Codec) -> Decomposition:
        """A token is a symbol."""
        spelled = [None if text is None else (token,) for token, text in enumerate(codec.token_bytes)]
        return Decomposition(codec, spelled, codec.token_bytes, tuple, whole=True)

    def encode(self, raw: bytes, decomposition: Decomposition) -> Text | None:
        """As the tokenizer does."""
        return decomposition.encode(raw)


def _is_inside(text: bytes) -> bool:
    """Whether a text begins inside a character."""
    return 0x80 <= text[0] < 0xC0
