"""The decoding loop: streams are not in step, each runs until it needs a distribution nobody has asked for yet.

Everything here works on all streams that can move, by array operations; Python objects are touched once per context and
member, never per stream.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.memory.prefix_tree import NO_ROW
from evoswarm.decoding.request import Counters, FinishReason, Sample, Step
from evoswarm.decoding.step.choice import NO_MASS, Choices, Moment, choose
from evoswarm.decoding.step.gate import speakers as open_gates
from evoswarm.decoding.step.noise import uniform
from evoswarm.decoding.step.stopping import truncate
from evoswarm.decoding.step.streams import NO_LIMIT, Streams
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.failure import Failure
from evoswarm.policies.mix import GATES

LOW_ENTROPY, RANDOM = GATES.index("low_entropy"), GATES.index("random")


class Loop:
    """Decodes streams of one alphabet to their ends."""

    def __init__(
        self, pool: PoolView, streams: Streams, counters: Counters, stop_after: Callable[[], bool] | None
    ) -> None:
        self._pool, self._contexts, self._streams = pool, pool.contexts, streams
        self._counters, self._stop_after = counters, stop_after
        self._endings: dict[tuple[int, int, int, tuple[str, ...]], tuple[bytes, FinishReason] | None] = {}

    def run(self) -> None:
        """Advance every stream as far as it goes, read what all of them wait for, repeat."""
        streams = self._streams
        while streams.live.any():
            if self._stop_after is not None and self._stop_after():
                for stream in np.flatnonzero(streams.live).tolist():
                    streams.fail(stream, Failure("time_out", "stopped before it was finished"))
                return
            moving = np.flatnonzero(streams.live)
            while len(moving):
                moment = self._ready(moving)
                self._step(moment)
                moving = moment.streams[streams.live[moment.streams]]
            self._pool.read()

    def _ready(self, moving: NDArray[np.int64]) -> Moment:
        """Streams whose speakers' distributions are all known; the others have asked for what they miss."""
        streams, contexts, plans = self._streams, self._contexts, self._streams.plans
        plan, context = streams.plan[moving], streams.context[moving]
        lead, members = plans.members[plan, plans.lead[plan]], plans.members[plan]
        certain = plans.thresholds[plan] <= 0  # the lead, and whoever speaks whatever the lead says
        self._find_out(context[:, None], members, certain & ~contexts.known[context[:, None], members])
        led = contexts.known[context, lead]
        self._give_up(moving[led], context[led], lead[led], plans.lead[plan[led]])
        led &= streams.live[moving]
        moving, plan, context, lead = moving[led], plan[led], context[led], lead[led]

        speaks, distance = self._gates(moving, plan, context, lead)
        members = plans.members[plan]
        at = context[:, None], members
        self._find_out(context[:, None], members, speaks & ~contexts.known[at])
        known = contexts.known[at]
        heard = speaks & known
        if contexts.failures:  # who is to blame must not depend on who happened to be known first
            stream, column = np.nonzero(heard & (heard == speaks).all(1)[:, None])
            self._give_up(moving[stream], context[stream], members[stream, column], column)
        present = heard & ~contexts.abstains[at]
        greedy = (plans.samples[plan] == 1) & ~streams.traced[moving]
        alone = greedy & (present.sum(1) == 1) & (heard == speaks).all(1)
        missing = present & (contexts.row[at] == NO_ROW) & ~alone[:, None]
        if missing.any():
            self._find_out(context[:, None], members, missing)
            missing = present & (contexts.row[at] == NO_ROW) & ~alone[:, None]
        ready = (heard == speaks).all(1) & ~missing.any(1) & streams.live[moving]
        self._hold(contexts.row[at][~ready & ~alone], present[~ready & ~alone])
        return Moment(moving, plan, context, members, speaks, present, alone, distance).some(ready)

    def _gates(
        self, moving: NDArray[np.int64], plan: NDArray[np.int64], context: NDArray[np.int64], lead: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Who speaks, ``[n, width]``, and how far ``[n]`` streams are from another answer to that."""
        streams, plans = self._streams, self._streams.plans
        signal, thresholds = self._contexts.entropy[context, lead], plans.thresholds[plan]
        abstains = self._contexts.abstains[context, lead]
        drawn = plans.gate[plan] == RANDOM
        if drawn.any():
            who = moving[drawn]
            signal[drawn] = uniform(streams.key[who], streams.steps[who])
        speaks = open_gates(signal, thresholds, plans.gate[plan] == LOW_ENTROPY, abstains)
        decided = (thresholds > 0) & ~abstains[:, None]
        distance = np.where(decided, np.abs(signal[:, None] - thresholds), np.inf).min(1, initial=np.inf)
        return speaks, distance

    def _find_out(self, context: NDArray[np.int64], member: NDArray[np.int64], unknown: NDArray[np.bool_]) -> None:
        """Ask for the distributions that are unknown, each (context, member) once."""
        if not unknown.any():
            return
        contexts, count = self._contexts, self._contexts.members
        pairs = np.unique((context * count + member)[unknown])
        fresh = ~contexts.known.reshape(-1)[pairs]
        wanted, whom = pairs // count, pairs % count
        for number in np.unique(whom):
            self._pool.views[number].resolve(wanted[whom == number].tolist())
        found = fresh & contexts.known.reshape(-1)[pairs]
        self._counters.text_found += int(found.sum())
        np.add.at(self._counters.found_by_depth, _depth(contexts.symbols[wanted[found]]), 1)

    def _give_up(
        self,
        streams: NDArray[np.int64],
        context: NDArray[np.int64],
        member: NDArray[np.int64],
        column: NDArray[np.int64],
    ) -> None:
        """A failure of a member is a failure of every stream that asks for it there.

        Args:
            streams: that ask.
            context: ``[n]`` where.
            member: ``[n]`` whom, by its number in the pool.
            column: ``[n]`` the same by its position in the stream's recipe, whose name for it the failure bears.
        """
        failures, count = self._contexts.failures, self._contexts.members
        if failures:
            keys = (context * count + member).tolist()
            for stream, key, position in zip(streams.tolist(), keys, column.tolist(), strict=True):
                if key in failures:
                    recipe = self._streams.jobs[self._streams.job[stream]].request.recipe
                    blamed = replace(failures[key], member=recipe.members[position].spec.name)
                    self._streams.fail(stream, blamed)

    def _hold(self, rows: NDArray[np.int64], present: NDArray[np.bool_]) -> None:
        """What waiting streams have found must still be there when the rest has come."""
        held = rows[present]
        self._contexts.distributions.slots.touch(held[held != NO_ROW])

    def _step(self, moment: Moment) -> None:
        """Fuse, choose and append, for all ready streams at once."""
        if not len(moment):
            return
        streams, contexts = self._streams, self._contexts
        choices = choose(moment, streams, contexts)
        symbols = choices.symbols
        speechless = symbols == NO_MASS
        streams.obey(moment.streams, symbols, contexts.alphabet.end)
        self._charge(moment, choices)
        for stream in moment.streams[speechless].tolist():
            streams.fail(stream, Failure("no_mass", "no speaker gives mass to any allowed symbol"))
        streams.note(moment.streams, moment.speaks)
        ended = symbols == contexts.alphabet.end
        for stream, context in zip(moment.streams[ended].tolist(), moment.context[ended].tolist(), strict=True):
            if streams.live[stream]:
                self._finish(stream, contexts.raws[context], "end")
        going = ~ended & ~speechless
        self._append(moment.streams[going], contexts.children(moment.context[going], symbols[going]))

    def _charge(self, moment: Moment, choices: Choices) -> None:
        streams, contexts, who = self._streams, self._contexts, moment.streams
        left_out = contexts.left_out[moment.context[:, None], moment.members]
        left_out = np.where(moment.speaks, left_out, 0.0).max(1)
        streams.left_out[who] = np.maximum(streams.left_out[who], left_out)
        margins = np.where(choices.symbols == NO_MASS, np.inf, choices.margins)  # nothing was chosen, so not narrowly
        streams.margin[who] = np.minimum(streams.margin[who], np.minimum(moment.gate, margins))
        self._add_entropy(moment)
        contexts.used[moment.context] = self._pool.clock
        counters, asked = self._counters, moment.speaks.sum(1)
        counters.symbols += len(who)
        counters.text_lookups += int(asked.sum())
        np.add.at(counters.asked_by_depth, _depth(contexts.symbols[moment.context]), asked)
        for position in np.flatnonzero(streams.traced[who]).tolist():
            self._trace(moment, position, choices)

    def _add_entropy(self, moment: Moment) -> None:
        streams, contexts, plans = self._streams, self._contexts, self._streams.plans
        at = moment.context, plans.members[moment.plan, plans.lead[moment.plan]]
        led = ~contexts.abstains[at]
        streams.entropy[moment.streams] += np.where(led, contexts.entropy[at], 0.0)
        streams.led[moment.streams] += led

    def _trace(self, moment: Moment, position: int, choices: Choices) -> None:
        job = self._streams.jobs[self._streams.job[moment.streams[position]]]
        plans, plan = self._streams.plans, int(moment.plan[position])
        lead = plans.members[plan, plans.lead[plan]]
        recipe = plans.recipes[plan]
        speaks = moment.speaks[position, : len(recipe.members)]
        names = tuple(member.spec.name for member, one in zip(recipe.members, speaks, strict=True) if one)
        entropy = float(self._contexts.entropy[moment.context[position], lead])
        job.trace.append(Step(int(choices.symbols[position]), entropy, names, choices.candidates.get(position, ())))

    def _append(self, who: NDArray[np.int64], contexts: NDArray[np.int64]) -> None:
        """Streams stand one symbol further on; some of them end there."""
        streams, known = self._streams, self._contexts
        streams.context[who] = contexts
        known.used[contexts] = self._pool.clock
        full = (known.length[contexts] >= streams.max_bytes[who]) | (
            known.symbols[contexts] >= streams.max_symbols[who]
        )
        for stream in who[full | streams.stops[who]].tolist():
            ending = self._ending(stream)
            if ending is not None:
                self._finish(stream, *ending)

    def _ending(self, stream: int) -> tuple[bytes, FinishReason] | None:
        """The answer and why it ends, where a stop string or a limit ends it here."""
        streams, context = self._streams, int(self._streams.context[stream])
        stop = streams.jobs[streams.job[stream]].request.stop
        key = (context, int(streams.max_bytes[stream]), int(streams.max_symbols[stream]), stop)
        if key not in self._endings:
            raw, stops = self._contexts.raws[context], [one.encode() for one in stop]
            kept, why = truncate(raw, key[1], stops)
            if why is None and key[2] < NO_LIMIT and self._contexts.symbols[context] >= key[2]:
                kept, why = truncate(raw, len(raw), stops)
            self._endings[key] = None if why is None else (kept, why)
        return self._endings[key]

    def _finish(self, stream: int, raw: bytes, why: FinishReason) -> None:
        """Bytes that a token model left unfinished are shown as replacement characters."""
        text = raw.decode("utf-8", errors="replace")
        self._streams.finish(stream, Sample(text, why, int(self._streams.steps[stream])))


def _depth(symbols: NDArray[np.int32]) -> NDArray[np.int64]:
    """The class of a depth: 0, 1, 2-3, 4-7, 8-15, ... symbols."""
    depths: NDArray[np.int64] = np.ceil(np.log2(symbols + 1.0)).astype(np.int64)
    return depths
