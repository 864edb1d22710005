"""The views of a pool: one for every alphabet and epsilon that recipes ask for, on the same memories of members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from evoswarm.decoding.decoder import MemoryKept
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.request import Counters
from evoswarm.decoding.views.pool_view import PoolView, read_together
from evoswarm.decoding.waves import ViewKey
from evoswarm.policies.mix import Recipe

MOST_ALPHABETS = 8  # that share what may be kept of distributions; more than that, and they may exceed it together


class PoolViews:
    """The views of one pool, made when they are first asked for.

    Attributes:
        memories: what each member has read and said, for all views; in the order of the pool.
        distribution_bytes: of the distributions of one alphabet of whole tokens: each has its own.
    """

    def __init__(
        self,
        memories: Sequence[MemberMemory],
        limits: Sequence[MemoryLimits],
        distribution_bytes: int,
        tokens: Mapping[str, str],
        counters: Counters,
    ) -> None:
        """Begin without views.

        Args:
            memories: of all members.
            limits: what may be kept of each.
            distribution_bytes: of distributions over whole tokens or common symbols, for all views.
            tokens: digests of what their tokens spell, by name, in the order of the pool.
            counters: where the work is counted.
        """
        self.memories = tuple(memories)
        self._limits = tuple(limits)
        self._text_bytes = sum(
            one.text_bytes // 2 for one in limits
        )  # of contexts; and, beside them, of bytes behind them
        self._state_bytes = sum(one.state_bytes for one in limits)
        alphabets = int(min(MOST_ALPHABETS, 2 ** len(set(tokens.values())) - 1))
        self.distribution_bytes = distribution_bytes // alphabets
        self._tokens, self._counters = tokens, counters
        self._views: dict[ViewKey, PoolView] = {}

    def __iter__(self) -> Iterator[PoolView]:
        return iter(self._views.values())

    def key(self, recipe: Recipe) -> ViewKey:
        """Of the view that a recipe is decoded on."""
        return ViewKey.of(recipe, self._tokens)

    def of(self, recipe: Recipe) -> PoolView:
        """The view that a recipe is decoded on."""
        key = self.key(recipe)
        if key not in self._views:
            digests = enumerate(self._tokens.values())
            speak = [number for number, digest in digests if not key.tokenizers or digest in key.tokenizers]
            self._views[key] = PoolView(
                {number: self.memories[number] for number in speak},
                key.alphabet,
                key.epsilon,
                pool=len(self.memories),
                distribution_bytes=self._text_bytes if key.alphabet == "bytes" else self.distribution_bytes,
                counters=self._counters,
            )
        return self._views[key]

    def read(self) -> None:
        """Forward what anybody waits for, in whatever alphabet; long prompts in parts, so that others go on meanwhile.

        Who waits for more asks again.

        Raises:
            DoesNotFit: not even one prefix at a time fits.
        """
        read_together(self.memories, self._counters, in_parts=True)
        for view in self:
            view.contexts.distributions.slots.tick()

    @property
    def crowded(self) -> bool:
        """Whether more is kept than may be."""
        return any(view.crowded(self._limit) for view in self) or any(memory.crowded for memory in self.memories)

    def tidy(self, *decoded: PoolView) -> None:
        """Between readings: keep within limits, which all views share evenly.

        They refer to nodes of all members, so all forget what they know of nodes when some go.

        Args:
            decoded: where a decoding has ended.
        """
        for view in decoded:
            view.clock += 1
        trimmed = [view.trim(self._limit) for view in self]
        crowded = any(trimmed)
        if not crowded and any(memory.crowded for memory in self.memories):
            crowded = True
            for view in self:
                view.keep(len(view.contexts) // 2)
        self._tidy(nodes=crowded)

    def _tidy(self, *, nodes: bool) -> None:
        for view in self if nodes else ():
            view.forget()
        for number, memory in enumerate(self.memories):
            needed = [np.empty(0, dtype=np.int32), *(view.needed(number) for view in self)]
            memory.tidy(np.concatenate(needed).astype(np.int64) if nodes else None)

    @property
    def _limit(self) -> int:
        """Bytes of contexts of one view."""
        return self._text_bytes // max(1, len(self._views))

    @property
    def kept(self) -> dict[str, MemoryKept]:
        """What is kept of all that was read, by kind: nodes with their states, rows, texts with distributions."""
        states = sum(memory.tree.state_bytes for memory in self.memories)
        rows = sum(memory.row_bytes_in_use for memory in self.memories)
        texts = sum(view.contexts.bytes_in_use for view in self)
        return {
            "states": MemoryKept(states, self._state_bytes),
            "rows": MemoryKept(rows, sum(memory.rows.limit_bytes for memory in self.memories)),
            "texts": MemoryKept(
                texts, self._text_bytes + sum(view.contexts.distributions.limit_bytes for view in self)
            ),
        }

    def begin_anew(self) -> None:
        """Give up all that is kept: what broke off may have left it half-way through something."""
        self._views.clear()
        pairs = zip(self.memories, self._limits, strict=True)
        self.memories = tuple([MemberMemory(one.member, limits, self._counters) for one, limits in pairs])

    def forget(self) -> None:
        """Between readings: forget every text at which nobody stands, and all that was read of it; what tokenizers say
        of texts stays."""
        for view in self:
            view.keep(0)
        for memory in self.memories:
            memory.tree.shrink(0)
        self._tidy(nodes=True)
