"""Speculation: the lead goes a few symbols ahead alone, and the others read what it wrote as one chunk.

Where all members of a mix speak at every step and every token is a symbol, each step of a lone stream is a forward of
every member for one token, and weights are read from memory once for each. What the lead would write alone is mostly
what the mix writes too. So the lead writes a draft, the others' rows along it are asked for at once, and the loop goes
on as always: it finds them known as long as it writes the same. A draft decides nothing, so nothing depends on it but
time (Leviathan et al. 2023, arXiv:2211.17192, draw anew instead; here noise belongs to its place in the text).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.request import Counters
from evoswarm.decoding.step.choice import choose_alone
from evoswarm.decoding.step.streams import AGREES, LONGEST, Streams
from evoswarm.decoding.views.pool_view import PoolView, read_together
from evoswarm.decoding.views.token_view import TokenView

COSTS: Mapping[str, NDArray[np.float64]] = {
    "cpu": np.array([1.0, 1.4, 1.4, 1.4, 1.6, 2.5, 2.6, 2.7, 3.0, 3.0, 3.2, 3.2, 3.2, 3.2, 3.2, 3.2])
}
"""By device: what a forward of 1, 2, ... tokens costs, in forwards of one; no more than that are drafted at once.

For the CPU as measured (models of 100M in float32, one thread of an AMD EPYC with AVX2, 2026-11-29)."""

ON_DEVICE: NDArray[np.float64] = np.linspace(1.0, 2.9, 64)
"""A guess: weights are read once, however many tokens there are."""

LEAST_PARAMETERS = 20_000_000
"""Of those who read drafts: a forward of less takes longer to prepare than to compute."""

FORGETS = 0.005
"""Of what is known of agreement, at every reading: where drafts were bad, one is tried again some time."""


class Drafts:
    """Reads ahead for a few streams of one view."""

    def __init__(self, pool: PoolView, streams: Streams, counters: Counters) -> None:
        self._pool, self._contexts, self._streams, self._counters = pool, pool.contexts, streams, counters
        self._possible = len(pool.views) > 1 and all(isinstance(view, TokenView) for view in pool.views.values())

    def write(self) -> None:
        """For streams that wait: let leads write drafts, and ask for what others say along them.

        Raises:
            DoesNotFit: not even one prefix at a time fits.
        """
        streams, plans = self._streams, self._streams.plans
        who = np.flatnonzero(streams.live)
        if not self._possible or not 0 < 2 * len(who) <= len(ON_DEVICE) or not plans.all_speak[streams.plan[who]].all():
            return
        lengths = np.ones(len(who), dtype=np.int64)
        for plan in np.unique(streams.plan[who]).tolist():
            others, costs = self._others(plan)
            for place in np.flatnonzero(streams.plan[who] == plan).tolist() if others else ():
                lengths[place] = best_length(float(streams.agreement[who[place]]), others, costs, len(who))
        streams.agreement[who] += FORGETS * (AGREES - streams.agreement[who])
        who, lengths = who[lengths > 1], lengths[lengths > 1]
        lead = plans.lead_member[streams.plan[who]]
        memories = [self._pool.views[number].memory for number in np.unique(lead).tolist()]
        if len(who) and sum(memory.tree.waiting for memory in memories) <= len(who):  # nobody else waits for them
            self._write(who, lengths, memories)

    def _others(self, plan: int) -> tuple[float, NDArray[np.float64]]:
        """What a forward of all but the lead costs, in forwards of the lead (0 is too little), and costs of tokens.

        A recurrent member reads a chunk token by token, so nothing is gained with it.
        """
        plans = self._streams.plans
        lead, asked = int(plans.lead_member[plan]), plans.members[plan, np.isfinite(plans.thresholds[plan])].tolist()
        readers = {number: self._pool.views[number].memory.member.reader for number in asked}
        others = [reader for number, reader in readers.items() if number != lead]
        sizes = [reader.shape.parameters for reader in others]
        costs = COSTS.get(readers[lead].device, ON_DEVICE)
        if max(sizes, default=0) < LEAST_PARAMETERS or not all(reader.needs_whole_past for reader in others):
            return 0.0, costs
        return sum(sizes) / max(1, readers[lead].shape.parameters), costs

    def _write(self, who: NDArray[np.int64], lengths: NDArray[np.int64], leads: Sequence[MemberMemory]) -> None:
        """Drafts of ``[n]`` streams, of ``[n]`` symbols each at most; all but their ends are known to their leads."""
        streams, contexts, end = self._streams, self._contexts, self._contexts.alphabet.end
        streams.begin_drafts(who)
        at, passed = streams.context[who], [(who, streams.context[who])]
        for ahead in range(LONGEST - 1):
            lead = streams.plans.lead_member[streams.plan[who]]
            unknown = ~contexts.known[at, lead]
            self._pool.look_up(at[unknown], lead[unknown])
            read_together(leads, self._counters)
            self._pool.look_up(at[unknown], lead[unknown])
            sound = contexts.known[at, lead] & ~contexts.abstains[at, lead]
            sound &= (lengths > ahead + 1) & (contexts.symbols[at] + 1 < streams.max_symbols[who])
            who, lengths, lead, at = who[sound], lengths[sound], lead[sound], at[sound]
            symbols = streams.followed(who, choose_alone(who, ahead, at, lead, streams, contexts), end, ahead)
            goes_on = symbols != end
            who, lengths, at, symbols = who[goes_on], lengths[goes_on], at[goes_on], symbols[goes_on]
            if not len(who):
                break
            streams.draft[who, ahead] = symbols
            at = contexts.children(at, symbols)
            contexts.used[at] = self._pool.clock
            passed.append((who, at))
        for who, at in passed:
            plan = streams.plan[who]
            members = streams.plans.members[plan]
            unknown = np.isfinite(streams.plans.thresholds[plan]) & ~contexts.known[at[:, None], members]
            self._pool.look_up(np.broadcast_to(at[:, None], unknown.shape)[unknown], members[unknown])


def best_length(agreed: float, others: float, costs: NDArray[np.float64], streams: int) -> int:
    """The length of a draft at which a symbol costs least; 1 is none.

    Args:
        agreed: share of steps at which the mix writes what its lead would.
        others: what a forward of all others costs, in forwards of the lead.
        costs: ``[tokens]`` of forwards of 1, 2, ... tokens.
        streams: that draft at once.
    """
    lengths = np.arange(1, max(1, min(LONGEST, len(costs) // streams)) + 1)
    written = np.cumsum(agreed ** (lengths - 1.0))  # a draft is as good as its first symbol that is not written
    alone, chunks = costs[min(streams, len(costs)) - 1], costs[np.minimum(streams * lengths, len(costs)) - 1]
    return int(lengths[np.argmin((lengths * alone + others * chunks) / written)])
