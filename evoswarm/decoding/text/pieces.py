"""How a token that is not common is made of symbols that are.

By the tokenizer's own merges, as far as they lead to common symbols: so a member's word comes apart where another
member's tokenizer would cut it, which is what lets both mean the same symbol. What is left in single bytes (merges of
byte-level tokenizers reach a character of three bytes through fragments that others do not have; Unigram models and
added tokens have no merges at all) is put together again greedily, from the left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

from tokenizers.models import BPE

from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.spelling import METASPACE, STAND_INS

BYTE_SYMBOLS = 256  # symbols below are the bytes


class CommonPieces:
    """Takes tokens of one tokenizer apart into common symbols."""

    def __init__(self, codec: Codec, symbols: Sequence[bytes], numbers: Mapping[bytes, int]) -> None:
        """Restrict the tokenizer's merges.

        Args:
            codec: of the tokenizer.
            symbols: the bytes, and strings of several bytes that are tokens of this tokenizer.
            numbers: of the symbols.
        """
        self._numbers, self._size = numbers, len(symbols)
        self._longest = max(map(len, symbols))
        self._byte_level = codec.continuation.byte_level
        vocabulary = {self._written(text): number for number, text in enumerate(symbols) if self._is_written(text)}
        if not self._byte_level:
            vocabulary |= {f"<0x{byte:02X}>": self._size + byte for byte in range(BYTE_SYMBOLS)}
        merges = [
            (left, right)
            for left, right in codec.continuation.merges
            if left + right in vocabulary and left in vocabulary and right in vocabulary
        ]
        self._model = BPE(vocabulary, merges, byte_fallback=not self._byte_level)

    def of(self, text: bytes) -> tuple[int, ...]:
        """The symbols of a token: its own where it is one."""
        number = self._numbers.get(text)
        if number is not None:
            return (number,)
        if not self._is_written(text):
            return self._greedily(text)
        merged = [one.id % self._size for one in self._model.tokenize(self._written(text))]
        has_run = any(left < BYTE_SYMBOLS and right < BYTE_SYMBOLS for left, right in pairwise(merged))
        return self._joined(merged) if has_run else tuple(merged)

    def _joined(self, merged: Sequence[int]) -> tuple[int, ...]:
        """Runs of single bytes put together again."""
        found: list[int] = []
        for single, run in groupby(merged, key=lambda number: number < BYTE_SYMBOLS):
            numbers = list(run)
            found += self._greedily(bytes(numbers)) if single else numbers
        return tuple(found)

    def _greedily(self, text: bytes) -> tuple[int, ...]:
        """Always the longest symbol that fits."""
        found, at = [], 0
        while at < len(text):
            end = next(
                end for end in range(min(len(text), at + self._longest), at, -1) if text[at:end] in self._numbers
            )
            found.append(self._numbers[text[at:end]])
            at = end
        return tuple(found)

    def _is_written(self, text: bytes) -> bool:
        """Whether the tokenizer's model has a way to write it: SentencePiece-like ones write characters only."""
        return self._byte_level or text.decode(errors="ignore").encode() == text

    def _written(self, text: bytes) -> str:
        if self._byte_level:
            return "".join([STAND_INS[byte] for byte in text])
        return text.decode().replace(" ", METASPACE)
