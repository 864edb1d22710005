"""The decoding loop: streams are not in step, each runs until it needs a distribution nobody has asked for yet.

Everything here works on all streams that can move, by array operations; Python objects are touched once per context and
member, never per stream.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.request import Counters, FinishReason, Sample, Step, depth_class
from evoswarm.decoding.step.batch import StepBatch
from evoswarm.decoding.step.choice import NO_MASS, UNTRACED, Choices, choose
from evoswarm.decoding.step.stages import Stages
from evoswarm.decoding.step.stopping import ending_of
from evoswarm.decoding.step.streams import Streams
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.failure import Failure

ENDINGS_KEPT = 1 << 17  # of texts: whoever stands at the same one, with the same limits, asks again soon or never


class Loop:
    """Decodes streams of one alphabet to their ends."""

    def __init__(self, pool: PoolView, streams: Streams, counters: Counters) -> None:
        self._pool, self._contexts, self._streams = pool, pool.contexts, streams
        self._counters = counters
        self._stages = Stages(pool, streams)
        self._endings: dict[tuple[int, int, int, tuple[str, ...]], tuple[bytes, FinishReason] | None] = {}

    def advance(self, streams: NDArray[np.int64] | None = None) -> None:
        """Let streams go as far as they go, and ask for what they wait for; None are all that live."""
        moving = np.flatnonzero(self._streams.live) if streams is None else streams
        while len(moving):
            batch = self._stages.ready(moving)
            if len(batch):
                self._step(batch)
            moving = batch.streams[self._streams.live[batch.streams]]

    def stop(self) -> None:
        """No stream goes on: time is over."""
        for stream in np.flatnonzero(self._streams.live).tolist():
            self._streams.fail(stream, Failure("time_out", "stopped before it was finished"))

    def forget_endings(self) -> None:
        """Contexts have other numbers now, or there are too many endings to keep."""
        self._endings.clear()

    def _step(self, batch: StepBatch) -> None:
        """Fuse, choose and append, for all ready streams at once."""
        streams, contexts = self._streams, self._contexts
        choices, asked = choose(batch, streams, contexts), batch.asked(streams.plans)
        symbols = choices.symbols
        massless = symbols == NO_MASS
        symbols[:] = streams.followed(batch.streams, symbols, contexts.alphabet.end)
        self._record(batch, asked, choices)
        for stream in batch.streams[massless].tolist():
            streams.fail(stream, Failure("no_mass", "no speaker gives mass to any allowed symbol"))
        streams.record_step(batch.streams, symbols, asked, choices.gains)
        ended = symbols == contexts.alphabet.end
        for stream, context in zip(batch.streams[ended].tolist(), batch.context[ended].tolist(), strict=True):
            if streams.live[stream]:
                self._finish(stream, contexts.raw(context), "end")
        going = ~ended & ~massless
        self._append(batch.streams[going], contexts.children(batch.context[going], symbols[going]))

    def _record(self, batch: StepBatch, asked: NDArray[np.bool_], choices: Choices) -> None:
        """What the step adds to margins, bounds, entropies, counters and traces."""
        streams, contexts, who = self._streams, self._contexts, batch.streams
        left_out = np.where(batch.speaks, contexts.left_out[batch.at], 0.0).max(1)
        streams.left_out[who] = np.maximum(streams.left_out[who], left_out)
        margins = np.where(choices.symbols == NO_MASS, np.inf, choices.margins)  # nothing was chosen, so not narrowly
        streams.margin[who] = np.minimum(streams.margin[who], np.minimum(batch.gate_margin, margins))
        leads = asked[np.arange(len(who)), streams.plans.lead[batch.plan]]
        lead_speaks = leads & ~contexts.abstains[batch.at_lead]
        streams.entropy[who] += np.where(lead_speaks, contexts.entropy[batch.at_lead], 0.0)
        streams.entropy_steps[who] += lead_speaks
        contexts.used[batch.context] = self._pool.clock
        counters, lookups = self._counters, asked.sum(1)
        counters.symbols += len(who)
        counters.step_batches += 1
        counters.text_lookups += int(lookups.sum())
        np.add.at(counters.asked_by_depth, depth_class(contexts.symbols[batch.context]), lookups)
        for position in np.flatnonzero(streams.traced[who]).tolist():
            self._trace(batch, position, bool(leads[position]), choices)

    def _trace(self, batch: StepBatch, position: int, lead_asked: bool, choices: Choices) -> None:
        stream = int(batch.streams[position])
        job = self._streams.jobs[self._streams.job[stream]]
        members = job.request.recipe.members
        speaks = batch.speaks[position, : len(members)]
        names = tuple(member.spec.name for member, one in zip(members, speaks, strict=True) if one)
        where = batch.context[position], batch.lead[position]
        entropy = float(self._contexts.entropy[where]) if lead_asked else math.nan
        traced = choices.traced.get(position, UNTRACED)
        step = Step(int(choices.symbols[position]), entropy, names, *traced)
        job.traces.setdefault(stream - job.streams[0], []).append(step)

    def _append(self, who: NDArray[np.int64], contexts: NDArray[np.int64]) -> None:
        """Streams stand one symbol further on; some of them end there."""
        streams, table = self._streams, self._contexts
        streams.context[who] = contexts
        table.used[contexts] = self._pool.clock
        full = table.length[contexts] >= streams.max_bytes[who]
        full |= table.symbols[contexts] >= streams.max_symbols[who]
        for stream in who[full | streams.stops[who]].tolist():
            ending = self._ending(stream)
            if ending is not None:
                self._finish(stream, *ending)

    def _ending(self, stream: int) -> tuple[bytes, FinishReason] | None:
        """The answer and why it ends, where a stop string or a limit ends it here."""
        streams, context = self._streams, int(self._streams.context[stream])
        max_bytes, max_symbols = int(streams.max_bytes[stream]), int(streams.max_symbols[stream])
        key = (context, max_bytes, max_symbols, streams.request(stream).stop)
        if key not in self._endings:
            if len(self._endings) >= ENDINGS_KEPT:
                self.forget_endings()
            full = int(self._contexts.symbols[context]) >= max_symbols
            self._endings[key] = ending_of(self._contexts.raw(context), max_bytes, full, key[3])
        return self._endings[key]

    def _finish(self, stream: int, raw: bytes, why: FinishReason) -> None:
        """Bytes that a token model left unfinished are shown as replacement characters."""
        text, job = raw.decode("utf-8", errors="replace"), self._streams.jobs[self._streams.job[stream]]
        trace = () if job.request.logprobs is None else job.trace(stream - job.streams[0])
        self._counters.answers += 1
        self._streams.finish(stream, Sample(text, why, int(self._streams.steps[stream]), trace))
