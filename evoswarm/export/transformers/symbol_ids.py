"""Token ids of an exported policy: one for each symbol it chooses between, and marks between the turns of a prompt.

What members share is text, so prompts come as bytes, whatever the members' own tokenizers make of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

BYTES = tuple(bytes((byte,)) for byte in range(256))
MARKS = ("end", "pad", "system", "user", "assistant", "answer")
"""END of an answer, filling, the beginnings of turns, and the place where a prompt ends and the answer begins."""


@dataclass(frozen=True)
class SymbolIds:
    """Ids: first the symbols as the policy numbers them, then the marks, then bytes that are no symbols.

    Attributes:
        symbols: by number their bytes, END left out; symbols that spell nothing are never chosen.
    """

    symbols: tuple[bytes, ...] = BYTES

    def __len__(self) -> int:
        return len(self.spellings)

    @cached_property
    def spellings(self) -> tuple[bytes, ...]:
        """By id its bytes; marks have none."""
        known = frozenset(self.symbols)
        return (*self.symbols, *[b""] * len(MARKS), *(byte for byte in BYTES if byte not in known))

    @cached_property
    def ids(self) -> dict[bytes, int]:
        """By bytes the first id that spells them."""
        found: dict[bytes, int] = {}
        for number, text in enumerate(self.spellings):
            if text:
                found.setdefault(text, number)
        return found

    @cached_property
    def first(self) -> list[int]:
        """``[symbols + 1]`` by symbol the first id that spells the same, END last: symbols of one text are one id."""
        return [*(self.ids.get(text, number) for number, text in enumerate(self.symbols)), self.mark("end")]

    def mark(self, name: str) -> int:
        """The id of one of the ``MARKS``."""
        return len(self.symbols) + MARKS.index(name)

    def written(self, raw: bytes) -> list[int]:
        """The ids of bytes, one each."""
        return [self.ids[BYTES[byte]] for byte in raw]

    def segmented(self, raw: bytes) -> list[int]:
        """The ids of a text in as long symbols as there are, from the left."""
        found, start = [], 0
        while start < len(raw):
            size = min(self.longest, len(raw) - start)
            while raw[start : start + size] not in self.ids:
                size -= 1
            found.append(self.ids[raw[start : start + size]])
            start += size
        return found

    def chosen(self, raw: bytes, symbols: Sequence[bytes]) -> list[int]:
        """The ids of a text in the symbols that it was written in; where they are not known, or reach beyond it, in as
        long ones as there are."""
        return [self.ids[text] for text in symbols if text] if b"".join(symbols) == raw else self.segmented(raw)

    def spelled(self, ids: Sequence[int]) -> bytes:
        """The bytes of ids; marks have none."""
        return b"".join(self.spellings[token] for token in ids)

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest symbol."""
        return max(map(len, self.ids))
