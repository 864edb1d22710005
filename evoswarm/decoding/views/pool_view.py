"""The members of a pool as one alphabet sees them: each with its tree and its view, all on the same contexts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.request import Counters, DoesNotFit
from evoswarm.decoding.views.byte_view import byte_views
from evoswarm.decoding.views.token_view import token_views
from evoswarm.decoding.views.view import View
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Recipe

KEPT_SHARE = 0.75  # of the limit on contexts, when it has been passed

ViewsOf = Callable[[Sequence[Member], Recipe, Sequence[MemoryLimits], Counters], tuple[ContextTable, list[View]]]
VIEWS: dict[AlphabetName, ViewsOf] = {
    "bytes": lambda members, recipe, limits, counters: byte_views(members, recipe.epsilon, limits, counters),
    "tokens": lambda members, recipe, limits, counters: token_views(members, limits, counters),
}


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
        """Begin without any contexts.

        Args:
            members: the pool.
            recipe: any recipe of this alphabet and epsilon.
            limits: what may be kept of each member.
            counters: where the work is counted.
        """
        self._limits, self._counters = limits, counters
        self.clock = 1
        self.contexts, self.views = VIEWS[recipe.alphabet](members, recipe, limits, counters)

    def read(self) -> None:
        """Forward all that anybody waits for.

        Raises:
            DoesNotFit: not even one prefix at a time fits.
        """
        try:
            while waiting := [view for view in self.views if view.tree.waiting]:
                read_side_by_side([view.tree.reading() for view in waiting], self._counters)
        except (DoesNotFit, torch.OutOfMemoryError) as error:
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
            self.contexts.keep_used_since(self.contexts.oldest_kept(int(most * KEPT_SHARE)))
        for view in self.views:
            view.forget(contexts=crowded)
            view.tree.shrink()
            view.member.reader.drop_buffers()
        if crowded:
            needed = {node for start in self.contexts.nodes() for node in start.chain()}
            for view in self.views:
                view.tree.prune(needed)
