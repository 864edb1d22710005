"""From streams that have ended to completions: answers, and what each recipe would cost alone.

Recipes that decoded the same at the same cost are the rule in a population, so whatever two of them have in common is
worked out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.request import Completion, Counters, MemberUse, Sample, Step
from evoswarm.decoding.step.streams import DecodeJob, Streams
from evoswarm.decoding.views.pool_view import PoolView


class CompletionBuilder:
    """Makes the completions of the jobs of one decoding."""

    def __init__(self, pool: PoolView, streams: Streams, work: Counters | None) -> None:
        """Look at all streams together.

        Args:
            pool: where it was decoded.
            streams: which have ended or failed.
            work: what it took, where that is known.
        """
        self._pool, self._streams, self._work = pool, streams, work
        self._contexts = pool.contexts
        self._path = cache(lambda context: np.array(pool.contexts.path(context)))
        self._uses: dict[tuple[int, int, tuple[int, ...]], MemberUse] = {}
        self._touched: dict[tuple[int, int], tuple[int, int]] = {}
        taken = np.arange(streams.spoke.shape[1])[None] < streams.steps[:, None]
        self._spoke = streams.spoke & taken[:, :, None]
        lead = streams.plans.lead[streams.plan][:, None, None]
        self._opened = self._spoke.sum(2) > np.take_along_axis(self._spoke, lead, 2)[:, :, 0]
        self._histories = _numbered(streams.context[:, None], np.moveaxis(self._spoke, 2, 1)).tolist()
        self._open_histories = _numbered(streams.context, self._opened).tolist()
        self._open_steps: list[int] = self._opened.sum(1).tolist()
        self._steps: list[int] = streams.steps.tolist()
        self._margins: list[float] = streams.margin.tolist()
        self._left_out: list[float] = streams.left_out.tolist()
        self._entropies: list[float] = streams.entropy.tolist()
        self._entropy_steps: list[int] = streams.entropy_steps.tolist()
        self._members: list[list[int]] = streams.plans.members.tolist()
        self._leads: list[int] = streams.plans.lead.tolist()

    def completion(self, job: DecodeJob) -> Completion:
        """The answers to one job, or why there are none."""
        streams, (first, last) = self._streams, job.streams
        failure, touched = streams.failure(job), list[tuple[int, int]]()
        samples: tuple[Sample, ...] = ()
        if failure is None:
            touched = [self._lead_token_counts(job, stream) for stream in range(first, last)]
            samples = tuple([sample for sample in streams.samples[first:last] if sample is not None])
        trace = job.trace() if failure is None and job.request.trace else ()
        return Completion(
            samples=samples,
            failure=failure,
            use=self._use(job),
            steps=sum(self._steps[first:last]),
            open_steps=sum(self._open_steps[first:last]),
            lead_tokens=sum([tokens for tokens, _ in touched]),
            lead_tokens_touched=sum([among for _, among in touched]),
            margin=min(self._margins[first:last]),
            left_out=max(self._left_out[first:last]),
            entropy=sum(self._entropies[first:last]) / max(1, sum(self._entropy_steps[first:last])),
            trace=trace,
            spelled=self._spelled(trace),
            work=self._work,
        )

    def _spelled(self, trace: Sequence[Step]) -> dict[int, bytes]:
        """The bytes of all symbols that a trace names."""
        ranked = (one for step in trace for one in (step.candidates, *step.said))
        named = {step.symbol for step in trace} | {symbol for one in ranked for symbol, _ in one}
        alphabet = self._contexts.alphabet
        return {symbol: alphabet.spell(symbol) for symbol in sorted(named) if symbol != alphabet.end}

    def _use(self, job: DecodeJob) -> tuple[MemberUse, ...]:
        first, last = job.streams
        uses = []
        histories, numbers = self._histories[first:last], self._members[job.plan]
        for column, member in enumerate(job.request.recipe.members):
            number = numbers[column]
            key = (number, job.root, tuple([history[column] for history in histories]))
            found = self._uses.get(key)
            if found is None:
                found = self._uses[key] = self._use_of(job, number, column, member.spec.name)
            uses.append(found)
        return tuple(uses)

    def _use_of(self, job: DecodeJob, number: int, column: int, name: str) -> MemberUse:
        """What one member does for one job when its recipe is deployed alone, with an unbounded cache.

        See ``Nodes.use``; samples count one behind the other, in whatever order they really were decoded.
        """
        first, last = job.streams
        spoke, view = self._spoke[first:last, :, column], self._pool.views[number]
        if not spoke.any():
            return MemberUse(name)
        paths = [self._path(context) for context in self._streams.context[first:last].tolist()]
        asked = [
            context
            for path, steps in zip(paths, spoke, strict=True)
            for context in path[: len(steps)][steps[: len(path)]].tolist()
        ]
        reads = self._contexts.nodes(number, np.array(asked, dtype=np.int64))
        prompt = view.prompt(job.root)
        tokens, passes, rows, context = view.memory.nodes.use(prompt, reads.astype(np.int64))
        prompt_tokens = int(view.memory.nodes.depth[prompt]) if rows else 0
        return MemberUse(name, prompt_tokens, tokens, passes, rows, context, int(spoke.sum()))

    def _lead_token_counts(self, job: DecodeJob, stream: int) -> tuple[int, int]:
        """How many tokens the lead's tokenizer makes of an answer, and in how many a follower had a say."""
        lead = self._members[job.plan][self._leads[job.plan]]
        key = (lead, self._open_histories[stream])
        found = self._touched.get(key)
        if found is None:
            context = int(self._streams.context[stream])
            found = self._touched[key] = self._count_touched(lead, context, self._opened[stream].tolist())
        return found

    def _count_touched(self, lead: int, context: int, opened: Sequence[bool]) -> tuple[int, int]:
        made = self._pool.views[lead].decomposition
        text = made.as_text(self._contexts.text(context))
        start = tokens = touched = 0
        for symbols in made.symbols_per_token(text):
            tokens += 1
            touched += any(opened[start : start + symbols])
            start += symbols
        return tokens, touched


def _numbered(contexts: NDArray[np.int64], spoke: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The same number for the same context and the same steps: ``[...]``, ``[..., steps]`` -> ``[...]``."""
    steps = np.packbits(spoke, axis=-1)
    where = np.broadcast_to(contexts, spoke.shape[:-1])
    joined = np.concatenate([np.ascontiguousarray(where)[..., None].view(np.uint8), steps], axis=-1)
    flat = np.ascontiguousarray(joined.reshape(-1, joined.shape[-1]))
    _, numbers = np.unique(flat.view(f"V{flat.shape[1]}").ravel(), return_inverse=True)
    return numbers.reshape(spoke.shape[:-1])
