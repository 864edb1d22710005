"""What a prefix tree needs of a model, without torch: another engine or a served model can stand behind it."""

from __future__ import annotations

import weakref
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.request import Counters, MemberShape

Integers = NDArray[np.int64]


class SupportsDLPack(Protocol):
    """An array of any library (numpy, torch, jax, ...) that others can read in place."""

    def __dlpack__(self) -> Any:
        """A capsule of the array."""
        ...

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """Where the array lies."""
        ...


@dataclass(slots=True, eq=False)  # not frozen: thousands are made per turn, and a frozen one takes three times as long
class Chunk:
    """Tokens to read behind a prefix.

    Attributes:
        before: slot of the prefix's last token; negative at the start of a text.
        tokens: to read; at least one.
        slots: where the states of these tokens go; negative where one need not be kept.
        rows: which of the tokens need an output row, ascending positions within ``tokens``.
        depth: number of tokens in the prefix.
        past: gives ``[depth]`` slots of all the prefix's tokens, first to last, to a reader that ``needs_whole_past``.
        prefix: gives the token ids of the prefix, for readers that keep no states.
    """

    before: int
    tokens: tuple[int, ...]
    slots: tuple[int, ...]
    rows: tuple[int, ...]
    depth: int
    past: Callable[[], Integers]
    prefix: Callable[[], tuple[int, ...]]


class SlotAllocator:
    """The slots of one reader: numbers under which it keeps states. Slot 0 is the state before any token.

    Every slot is free or belongs to one lease. A prefix tree holds a lease; what it has not freed is freed with it.
    """

    def __init__(self, on_free: Callable[[Sequence[int]], None] = lambda slots: None) -> None:
        """Start with all slots free.

        Args:
            on_free: told which slots were freed: nothing may be believed about what they hold.
        """
        self._on_free = on_free
        self._free: list[int] = []
        self._end = 1
        self._leased: list[set[int]] = []

    @property
    def end(self) -> int:
        """One more than the greatest slot that was ever taken."""
        return self._end

    def lease(self) -> SlotLease:
        """A lease without slots."""
        taken: set[int] = set()
        self._leased.append(taken)
        lease = SlotLease(self, taken)
        weakref.finalize(lease, self._expire, taken)
        return lease

    def take(self, count: int) -> list[int]:
        """Free slots; for the lease that they are added to."""
        reused = self._free[-count:][::-1]
        del self._free[-count:]
        begin, self._end = self._end, self._end + count - len(reused)
        return [*reused, *range(begin, self._end)]

    def free(self, slots: Iterable[int]) -> None:
        """Take back slots that no lease has any more."""
        gone = list(slots)
        self._on_free(gone)
        self._free.extend(gone)

    def _expire(self, taken: set[int]) -> None:
        self._leased = [one for one in self._leased if one is not taken]
        self.free(taken)


class SlotLease:
    """The slots of one prefix tree."""

    def __init__(self, allocator: SlotAllocator, taken: set[int]) -> None:
        self._allocator, self._taken = allocator, taken

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, count: int) -> list[int]:
        """So many slots, at least one, that nobody else uses."""
        slots = self._allocator.take(count)
        self._taken.update(slots)
        return slots

    def free(self, *slots: int) -> None:
        """Give back slots of this lease."""
        self._taken.difference_update(slots)
        self._allocator.free(slots)


class Reader(Protocol):
    """A causal language model that extends prefixes by tokens and says what may follow them.

    Implementations inherit from this class and say what stands without a body here. What is defined fits a reader
    that keeps no states: it reads every prefix again, or has a cache of its own.

    The reader owns the memory of states, on its device; a prefix tree owns the numbers (slots) under which they are
    kept, through a lease of ``slots``, and decides what is dropped. Logits belong to the tree once they are yielded.

    Attributes:
        device: name of what it runs on, as torch would say (``cpu``, ``cuda:0``); readers on different devices read at
            the same time, those on one device take turns.
        dtype: of its weights, such as ``float32``.
        columns: width of a row of logits.
        vocabulary: token ids below this one can be read.
        context_length: longest sequence it can read, tokens; None where there is no limit.
        shape: what the cost of reading is computed from.
        slots: where its states are kept.
        needs_whole_past: whether the slots of all tokens before a chunk are needed, or of the last one only.
    """

    device: str
    dtype: str
    columns: int
    vocabulary: int
    context_length: int | None
    shape: MemberShape
    slots: SlotAllocator
    needs_whole_past: bool = False

    @abstractmethod
    def read(self, chunks: Sequence[Chunk], counters: Counters) -> Iterator[tuple[Sequence[Chunk], SupportsDLPack]]:
        """Read chunks, in batches of the reader's choice; no chunk is behind one of the same call.

        Args:
            chunks: to read, in any order.
            counters: ``forwards``, ``forward_seconds``, ``chunk_tokens`` and ``padded_tokens`` are added up there.

        Yields:
            every chunk once, in batches, each with ``[rows, columns]`` floating-point logits: a row for every token
            asked for, in the order of the batch's chunks and of their ``rows``. They need not be normalised.

        Raises:
            DoesNotFit: there is no room for a single chunk.
        """

    def state_bytes(self) -> int:
        """Bytes of the state in one slot; 0 before the first one is known, and where none is kept."""
        return 0

    def limit(self, state_bytes: int | None, buffer_bytes: int | None = None) -> None:
        """Say how much memory there is.

        Args:
            state_bytes: what all states may come to, as a hint for the size of pools; None is no limit.
            buffer_bytes: what may be kept beside them; None leaves it as it is.
        """
        return  # nothing has to be done

    def drop_buffers(self) -> None:
        """Free what is kept beside states."""
        return  # nothing has to be done
