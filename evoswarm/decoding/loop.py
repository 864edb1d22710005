"""The decoding loop: streams are not in step, each runs until it needs a distribution nobody has asked for yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from evoswarm.decoding.alphabet import cut
from evoswarm.decoding.choice import Choice, choose
from evoswarm.decoding.gate import speakers as open_gates
from evoswarm.decoding.pool_view import PoolView
from evoswarm.decoding.request import Counters, Step
from evoswarm.decoding.stream import Stream
from evoswarm.recipe import Failure


class Loop:
    """Decodes streams of one alphabet to their ends."""

    def __init__(self, pool: PoolView, counters: Counters, stop_after: Callable[[], bool] | None) -> None:
        self._pool, self._counters, self._stop_after = pool, counters, stop_after

    def run(self, streams: Sequence[Stream]) -> None:
        """Advance every stream as far as it goes, read what all of them wait for, repeat."""
        active = list(streams)
        while active:
            if self._stop_after is not None and self._stop_after():
                for stream in active:
                    stream.job.failure = stream.job.failure or Failure("time_out", "stopped before it was finished")
                return
            moving = active
            while moving:
                ready = self._ready(moving)
                self._step(ready)
                moving = [stream for stream in ready if stream.sample is None and stream.job.failure is None]
            self._read()
            active = [stream for stream in active if stream.sample is None and stream.job.failure is None]

    def _read(self) -> None:
        for member in self._pool.members:
            if member.tree.waiting:
                try:
                    member.tree.read()
                except torch.OutOfMemoryError as error:
                    member.tree.forget_wanted()
                    raise MemoryError(f"member {member.member.spec.name!r}: {error}") from error

    def _ready(self, streams: Sequence[Stream]) -> list[Stream]:
        """Streams whose speakers' distributions are all known; the others have asked for what they miss."""
        led = [stream for stream in streams if self._ask(stream, stream.job.plan.lead)]
        self._open_gates([stream for stream in led if stream.speaks is None])
        ready = []
        for stream in led:
            assert stream.speaks is not None
            answers = [self._ask(stream, index) for index, speaks in enumerate(stream.speaks) if speaks]
            if all(answers) and stream.job.failure is None:
                ready.append(stream)
        return ready

    def _ask(self, stream: Stream, index: int) -> bool:
        """Look a member's distribution up; False while it is unknown."""
        if stream.said[index] is None:
            job = stream.job
            found = self._pool.members[job.plan.members[index]].lookup(job.prompts[index], stream)
            if found is None:
                return False
            if found.failure is not None:
                job.failure = job.failure or found.failure
                return False
            stream.said[index] = found
        return True

    def _open_gates(self, streams: Sequence[Stream]) -> None:
        if not streams:
            return
        width = max(len(stream.said) for stream in streams)
        leads = [stream.said[stream.job.plan.lead] for stream in streams]
        rows = np.stack([stream.job.plan.thresholds[:width] for stream in streams], axis=1)
        thresholds = torch.from_numpy(rows)
        entropies = torch.tensor([node.entropy for node in leads if node is not None], dtype=torch.float64)
        abstains = torch.tensor([node.abstains for node in leads if node is not None])
        opened = open_gates(entropies, thresholds, abstains).T.tolist()
        distances = torch.where(thresholds > 0, (entropies - thresholds).abs(), torch.inf).amin(0).tolist()
        for stream, row, distance in zip(streams, opened, distances, strict=True):
            stream.speaks = row[: len(stream.said)]
            stream.job.margin = min(stream.job.margin, distance)

    def _step(self, ready: Sequence[Stream]) -> None:
        """Fuse, choose and append, for all ready streams at once."""
        if not ready:
            return
        for stream, choice in zip(ready, choose(ready, self._pool.distributions, self._pool.alphabet), strict=True):
            self._charge(stream, choice)
            if choice.failure is not None:
                stream.job.failure = choice.failure
            else:
                self._append(stream, choice.symbol)

    def _charge(self, stream: Stream, choice: Choice) -> None:
        job = stream.job
        lead = job.plan.lead
        assert stream.speaks is not None
        for index, (node, speaks) in enumerate(zip(stream.said, stream.speaks, strict=True)):
            if speaks and node is not None:
                stream.heard.append((index, node.reads))
                job.left_out = max(job.left_out, node.left_out)
        followers = sum(stream.speaks) > 1
        job.steps += 1
        job.open_steps += followers
        job.margin = min(job.margin, choice.margin)
        self._counters.symbols += 1
        if followers:
            stream.open_at.append(stream.position)
        if job.request.trace and stream.number == 0:
            names = tuple(
                member.spec.name
                for member, speaks in zip(job.plan.recipe.members, stream.speaks, strict=True)
                if speaks
            )
            led = stream.said[lead]
            job.trace.append(Step(choice.symbol, led.entropy if led else 0.0, names, choice.candidates))

    def _append(self, stream: Stream, symbol: int) -> None:
        request, alphabet = stream.job.request, self._pool.alphabet
        if symbol == alphabet.end:
            stream.symbols += 1
            stream.finish(stream.raw, "end")
        else:
            text = alphabet.append(stream.text, symbol)
            raw = alphabet.raw(text)
            stop = [one.encode() for one in request.stop]
            kept, why = cut(raw, request.max_bytes, stop)
            stream.advance(text, raw)
            if why is None and request.max_symbols is not None and stream.symbols >= request.max_symbols:
                kept, why = cut(raw, len(raw), stop)
            if why is not None:
                stream.finish(kept, why)
        if stream.sample is not None:
            self._count_touched(stream)

    def _count_touched(self, stream: Stream) -> None:
        """How many of the lead's tokens a follower had a say in."""
        job = stream.job
        codec = self._pool.members[job.plan.members[job.plan.lead]].member.codec
        if isinstance(stream.text, tuple):
            job.lead_tokens += len(stream.text)
            job.lead_tokens_touched += len({at for at in stream.open_at if at < len(stream.text)})
            return
        start = 0
        opened = set(stream.open_at)
        for token in codec.encode(stream.raw) or ():
            stop = start + len(codec.token_bytes[token] or b"")
            job.lead_tokens += 1
            job.lead_tokens_touched += any(at in opened for at in range(start, stop))
            start = stop
