"""The members of a pool as one alphabet sees them: each with its view, all on the same contexts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.parts import tokens_a_turn
from evoswarm.decoding.request import Counters, DoesNotFit, depth_class
from evoswarm.decoding.text.alphabet import Alphabet, ByteAlphabet, CommonAlphabet, TokenAlphabet
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.tokenizations import Tokenizations
from evoswarm.decoding.views.text_view import TextView
from evoswarm.decoding.views.token_view import TokenView
from evoswarm.decoding.views.view import View
from evoswarm.policies.alphabets import AlphabetName

KEPT_SHARE = 0.75  # of the limit on contexts, when it has been passed

MAKERS: dict[AlphabetName, Callable[[Sequence[Codec]], Alphabet]] = {
    "bytes": lambda codecs: ByteAlphabet(),
    "common": CommonAlphabet,
    "tokens": lambda codecs: TokenAlphabet(codecs[0]),
}


class Tenant(Protocol):
    """Somebody who stands at contexts while some of them are forgotten and the rest get other numbers."""

    def standing(self) -> NDArray[np.int64]:
        """``[n]`` the contexts."""
        ...

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """From now on context ``n`` is ``numbers[n]``."""
        ...


class PoolView:
    """Members in one alphabet at one epsilon, and the contexts where they have been asked.

    Attributes:
        contexts: every text behind every prompt.
        views: by the member's number in the pool.
        clock: of the decoding that goes on; contexts used long ago go first.
        tenants: who stands at contexts while some are forgotten.
    """

    def __init__(
        self,
        memories: Mapping[int, MemberMemory],
        alphabet: AlphabetName,
        epsilon: float,
        *,
        pool: int,
        distribution_bytes: int,
        counters: Counters,
    ) -> None:
        """Begin without any contexts.

        Args:
            memories: of the members that speak in this alphabet, by their number in the pool.
            alphabet: of one tokenizer each (``tokens``), or of all of theirs.
            epsilon: share of the mass that may stay unread.
            pool: number of members in the pool.
            distribution_bytes: of distributions at contexts that may be kept.
            counters: where the work is counted.
        """
        self._memories, self._counters = memories, counters
        self.clock, self._left = 1, 0
        self.tenants: list[Tenant] = []
        made = MAKERS[alphabet]([memory.member.codec for memory in memories.values()])
        self.contexts = ContextTable(made, pool, distribution_bytes, _device_of(memories.values(), alphabet))
        self.views: dict[int, View] = {}
        for number, memory in memories.items():
            codec = memory.member.codec
            alike = (view for view in self.views.values() if view.memory.member.codec.same_as(codec))
            self.views[number] = view_of(memory, number, self.contexts, epsilon, next(alike, None))

    def read(self) -> None:
        """Forward all that anybody waits for.

        Raises:
            DoesNotFit: not even one prefix at a time fits.
        """
        read_together(self._memories.values(), self._counters)
        self.contexts.distributions.slots.tick()

    def resolve(self, asked: Iterable[tuple[int, NDArray[np.int64]]]) -> None:
        """Find out what members, by their numbers, say at ``[n]`` contexts each (``View.resolve``)."""
        try:
            for number, contexts in asked:
                self.views[number].resolve(contexts)
            self.contexts.settle()
        except BaseException:
            self.contexts.unsettle()
            raise

    def look_up(self, contexts: NDArray[np.int64], members: NDArray[np.int64]) -> None:
        """Find out what ``[n]`` members say at ``[n]`` contexts, each once, or ask for what must be read first."""
        table, count = self.contexts, self.contexts.members
        pairs = np.unique(contexts * count + members)
        fresh = ~table.known.reshape(-1)[pairs]
        wanted, whom = pairs // count, pairs % count
        self.resolve((number, wanted[whom == number]) for number in np.unique(whom).tolist())
        found = fresh & table.known.reshape(-1)[pairs]
        self._counters.text_found += int(found.sum())
        np.add.at(self._counters.found_by_depth, depth_class(table.symbols[wanted[found]]), 1)

    def crowded(self, limit_bytes: int) -> bool:
        """Whether there are more contexts than a limit allows, and it is worth while to look for some to forget."""
        return len(self.contexts) > max(limit_bytes // self.contexts.bytes_each, self._left / KEPT_SHARE)

    def trim(self, limit_bytes: int) -> bool:
        """Between readings: forget the contexts that exceed a limit, the longest unused first; whether any do."""
        self.contexts.distributions.slots.tick()
        crowded = self.crowded(limit_bytes)
        if crowded:
            self.keep(int(limit_bytes // self.contexts.bytes_each * KEPT_SHARE))
        return crowded

    def keep(self, count: int) -> None:
        """Forget all but so many contexts, those that were used last, and those on the way to where somebody stands."""
        self.clock += 1
        for tenant in self.tenants:
            self.contexts.use(tenant.standing(), self.clock)
        oldest = min(self.contexts.oldest_kept(count), self.clock)
        numbers = self.contexts.keep_used_since(oldest)
        for tenant in self.tenants:
            tenant.renumber(numbers)
        self._left = len(self.contexts)

    def forget(self) -> None:
        """Forget what refers to nodes that may go (see ``View.forget``)."""
        for view in self.views.values():
            view.forget()

    def needed(self, number: int) -> NDArray[np.int32]:
        """The nodes of a member to which contexts refer."""
        return self.contexts.nodes(number, slice(len(self.contexts)))


def _device_of(memories: Collection[MemberMemory], alphabet: AlphabetName) -> torch.device:
    """Where distributions are kept: with the members, if they are together, unless they are so short that every
    operation on a device takes longer."""
    devices = {memory.rows.device for memory in memories}
    return devices.pop() if alphabet != "bytes" and len(devices) == 1 else torch.device("cpu")


def view_of(memory: MemberMemory, number: int, contexts: ContextTable, epsilon: float, alike: View | None) -> View:
    """The view of a member that fits its alphabet; see `TextView`.

    Members of one tokenizer share what is known about texts: ``alike`` is the view of another one, if there is any.
    """
    made = contexts.alphabet.decomposition(memory.member.codec) if alike is None else alike.decomposition
    if made.whole:
        return TokenView(memory, number, contexts, made)
    shared = alike.tokenizations if isinstance(alike, TextView) else Tokenizations(made, memory.member.split_points)
    return TextView(memory, number, contexts, shared, epsilon)


def read_together(memories: Collection[MemberMemory], counters: Counters, *, in_parts: bool = False) -> None:
    """Forward all that anybody waits for from some members.

    Args:
        memories: of the members.
        counters: where the work is counted.
        in_parts: only so much of what is long (``tokens_a_turn``); who waits for more has to ask again.

    Raises:
        DoesNotFit: not even one prefix at a time fits.
    """
    left = {memory: tokens_a_turn(memory.member.reader.device) for memory in memories}
    try:
        while waiting := [memory for memory in memories if memory.tree.waiting]:
            most = [left[memory] if in_parts else None for memory in waiting]
            readings = [memory.tree.reading(one) for memory, one in zip(waiting, most, strict=True)]
            if not any(reading.chunks for reading in readings):
                break
            read_side_by_side(readings, counters)
            left = dict.fromkeys(memories, 0)
    except (DoesNotFit, torch.OutOfMemoryError) as error:
        raise DoesNotFit(str(error)) from error
    finally:
        for memory in memories:
            memory.end_reading()
            if in_parts:
                memory.tree.forget_wanted()
            counters.peak_row_bytes = max(counters.peak_row_bytes, memory.row_bytes_in_use)
