"""From streams to a batch that can choose its next symbols: who speaks, and what they say.

The stages are those of ``Stages.ready``. A stream that misses a distribution asks for it, leaves the batch, and tries
again after the next reading.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.compiled.nodes import NO_ROW
from evoswarm.decoding.step.batch import StepBatch
from evoswarm.decoding.step.gate import signals, speakers
from evoswarm.decoding.step.noise import gumbel_of_speakers, uniform
from evoswarm.decoding.step.speaker import draw_speakers
from evoswarm.decoding.step.streams import Streams
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.policies.mix import GATES

LOW_ENTROPY, RANDOM = GATES.index("low_entropy"), GATES.index("random")


class Stages:
    """Prepares the steps of the streams of one decoding."""

    def __init__(self, pool: PoolView, streams: Streams) -> None:
        self._pool, self._contexts, self._streams = pool, pool.contexts, streams

    def ready(self, moving: NDArray[np.int64]) -> StepBatch:
        """Streams whose speakers' distributions are all known; the others have asked for what they miss."""
        batch = self._with_known_leads(StepBatch.of(moving, self._streams))
        self._open_gates(batch)
        self._draw_speakers(batch)
        complete = self._with_known_speakers(batch)
        missing = self._with_known_rows(batch)
        ready = complete & ~missing & self._streams.live[batch.streams]
        waiting = ~ready & ~batch.alone
        self._hold(self._contexts.row[batch.at][waiting], batch.present[waiting])
        return batch.some(ready)

    def _with_known_leads(self, batch: StepBatch) -> StepBatch:
        """Streams of which the lead's distribution is known, or need not be."""
        contexts, plans = self._contexts, self._streams.plans
        heeds = plans.heeds_lead[batch.plan]
        self._look_up(batch, batch.asked(plans) & ~contexts.known[batch.at])
        known = contexts.known[batch.at_lead]
        if contexts.failures:
            rows = np.flatnonzero(known & heeds)
            self._fail_with_members(batch, rows, plans.lead[batch.plan[rows]])
        stays = (known | ~heeds) & self._streams.live[batch.streams]
        return batch if stays.all() else batch.some(stays)

    def _open_gates(self, batch: StepBatch) -> None:
        """Who speaks, and how far streams are from another answer to that."""
        streams, plans, plan = self._streams, self._streams.plans, batch.plan
        contexts, at, thresholds = self._contexts, batch.at_lead, plans.thresholds[plan]
        signal = signals(contexts.entropy[at], contexts.margin[at], contexts.inside[batch.context], plans, plan)
        abstains = self._contexts.abstains[batch.at_lead] & plans.heeds_lead[plan]
        drawn = plans.gate[plan] == RANDOM
        if drawn.any():
            who = batch.streams[drawn]
            signal[drawn] = uniform(streams.key[who], streams.steps[who])
        batch.may_speak = speakers(signal, thresholds, plans.gate[plan] == LOW_ENTROPY, abstains)
        batch.speaks = batch.may_speak.copy()
        decided = (thresholds > 0) & ~abstains[:, None]
        distances = np.where(decided, np.abs(signal[:, None] - thresholds), np.inf)
        batch.gate_margin = distances.min(1, initial=np.inf)

    def _draw_speakers(self, batch: StepBatch) -> None:
        """Where a step draws who speaks, that one does, behind those drawn before it who are known to abstain."""
        streams, plans = self._streams, self._streams.plans
        rows = np.flatnonzero(plans.draws_speaker[batch.plan])
        if not len(rows):
            return
        who, plan = batch.streams[rows], batch.plan[rows]
        contexts, at = self._contexts, (batch.context[rows, None], batch.members[rows])
        noise = gumbel_of_speakers(streams.key[who], streams.steps[who], plans.width)
        abstains = contexts.known[at] & contexts.abstains[at]
        batch.speaks[rows] = draw_speakers(plans.weights[plan], noise, batch.may_speak[rows], abstains)

    def _with_known_speakers(self, batch: StepBatch) -> NDArray[np.bool_]:
        """Who is present; returns ``[n]`` whether all speakers' distributions are known."""
        streams, contexts = self._streams, self._contexts
        self._look_up(batch, batch.speaks & ~contexts.known[batch.at])
        known = batch.speaks & contexts.known[batch.at]
        complete: NDArray[np.bool_] = (known == batch.speaks).all(1)
        if contexts.failures:  # who is to blame must not depend on who happened to be known first
            self._fail_with_members(batch, *np.nonzero(known & complete[:, None]))
        batch.present = known & ~contexts.abstains[batch.at]
        # Who was drawn last may turn out to abstain just now: others are left, and one of them is drawn next time.
        complete &= batch.present.any(1) | (batch.speaks == batch.may_speak).all(1)
        greedy = ~streams.plans.draws[batch.plan] & ~streams.traced[batch.streams]
        batch.alone = greedy & (batch.present.sum(1) == 1) & complete
        return complete

    def _with_known_rows(self, batch: StepBatch) -> NDArray[np.bool_]:
        """Find rows again that had to make room; returns ``[n]`` whether any that is needed is still missing."""
        needed = batch.present & ~batch.alone[:, None]
        missing = needed & (self._contexts.row[batch.at] == NO_ROW)
        if missing.any():
            self._hold(self._contexts.row[batch.at], needed)  # or a stream's own rows make room for each other for ever
            self._look_up(batch, missing)
            missing = needed & (self._contexts.row[batch.at] == NO_ROW)
        still: NDArray[np.bool_] = missing.any(1)
        return still

    def _look_up(self, batch: StepBatch, unknown: NDArray[np.bool_]) -> None:
        """Ask for the distributions that are unknown, each (context, member) once."""
        if unknown.any():
            self._pool.look_up(np.broadcast_to(batch.context[:, None], unknown.shape)[unknown], batch.members[unknown])

    def _fail_with_members(self, batch: StepBatch, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
        """A failure of a member is a failure of every stream that asks for it there.

        Args:
            batch: streams that ask.
            rows: ``[asked]`` which of them.
            columns: ``[asked]`` whom, by its position in the stream's recipe, whose name for it the failure bears.
        """
        failures = self._contexts.failures
        keys = batch.context[rows] * self._contexts.members + batch.members[rows, columns]
        for stream, key, column in zip(batch.streams[rows].tolist(), keys.tolist(), columns.tolist(), strict=True):
            if key in failures:
                name = self._streams.request(stream).recipe.members[column].spec.name
                self._streams.fail(stream, replace(failures[key], member=name))

    def _hold(self, rows: NDArray[np.int64], present: NDArray[np.bool_]) -> None:
        """What waiting streams have found must still be there when the rest has come."""
        held = rows[present]
        self._contexts.distributions.slots.touch(held[held != NO_ROW])
