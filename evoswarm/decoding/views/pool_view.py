"""The members of a pool as one alphabet sees them: each with its tree and its view, all on the same contexts."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.request import Counters, DoesNotFit
from evoswarm.decoding.text.alphabet import Alphabet, Bytes, Tokens
from evoswarm.decoding.text.positions import Positions
from evoswarm.decoding.views.byte_view import ByteView
from evoswarm.decoding.views.token_view import TokenView
from evoswarm.policies.mix import Recipe

KEEP = 0.75  # of the limit on contexts, when it has been passed


class PoolView:
    """All members in one alphabet at one epsilon, and the contexts where they have been asked.

    Attributes:
        contexts: every text behind every prompt.
        views: per member.
        clock: of the decoding that goes on; contexts used long ago go first.
    """

    def __init__(
        self, members: Sequence[Member], recipe: Recipe, limits: Sequence[MemoryLimits], counters: Counters
    ) -> None:
        """Args:
        members: the pool.
        recipe: any recipe of this alphabet and epsilon.
        limits: what may be kept of each member.
        counters: where the work is counted.
        """
        self._members, self._limits, self._counters = members, limits, counters
        self.clock = 1
        alphabet: Alphabet = Bytes()
        if recipe.alphabet == "tokens":
            alphabet = Tokens(members[0].codec.token_bytes)
        room = [limit.text_bytes // 2 if recipe.alphabet == "bytes" else limit.row_bytes for limit in limits]
        self.contexts = ContextTable(alphabet, len(members), sum(room))
        self.views: list[ByteView | TokenView] = []
        if recipe.alphabet == "tokens":
            sayable = torch.zeros(alphabet.size, dtype=torch.bool)
            sayable[torch.from_numpy(members[0].codec.order)] = True
            sayable[alphabet.end] = True
            self.contexts.sayable = sayable
        for number, limit in enumerate(limits):
            self.views.append(self._view(number, recipe, limit, counters))

    def _view(self, number: int, recipe: Recipe, limits: MemoryLimits, counters: Counters) -> ByteView | TokenView:
        member, contexts, state = self._members[number], self.contexts, limits.state_bytes
        if recipe.alphabet == "tokens":
            return TokenView(member, number, contexts, state_bytes=state, counters=counters)
        return ByteView(
            member,
            number,
            contexts,
            self._positions(number),
            epsilon=recipe.epsilon,
            state_bytes=state,
            row_bytes=limits.row_bytes,
            counters=counters,
        )

    def _positions(self, number: int) -> Positions:
        """Members of one tokenizer share what is known about texts."""
        member = self._members[number]
        for other, view in zip(self._members, self.views, strict=False):
            if isinstance(view, ByteView) and other.codec.same_as(member.codec):
                return view.positions
        return Positions(member.codec, member.cuts)

    def read(self) -> None:
        """Forward all that anybody waits for.

        Raises:
            DoesNotFit: not even one prefix at a time fits.
        """
        try:
            while waiting := [view for view in self.views if view.tree.waiting]:
                read_side_by_side([view.tree.reading() for view in waiting], self._counters)
        except torch.OutOfMemoryError as error:
            for view in self.views:
                view.tree.forget_wanted()
            raise DoesNotFit(str(error)) from error
        finally:
            for view in self.views:
                view.end_reading()
                self._counters.peak_row_bytes = max(self._counters.peak_row_bytes, view.row_bytes_in_use)
        self.contexts.distributions.slots.tick()

    def tidy(self) -> None:
        """Between decodings: forget what exceeds the limits, the longest unused first."""
        self.clock += 1
        most = sum(limit.text_bytes // 2 for limit in self._limits) // self.contexts.bytes_each
        crowded = len(self.contexts) > most
        if crowded:
            self.contexts.keep_used_since(self.contexts.oldest_kept(int(most * KEEP)))
        for view in self.views:
            view.forget(contexts=crowded)
            view.tree.shrink()
            view.member.runner.backend.drop_buffers()
        if crowded:
            needed = {node for start in self.contexts.nodes() for node in start.chain()}
            for view in self.views:
                view.tree.prune(needed)


def view_key(recipe: Recipe) -> tuple[str, float]:
    """What recipes must have in common to share a view of the pool."""
    return recipe.alphabet, recipe.epsilon
