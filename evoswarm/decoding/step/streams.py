"""Answers being decoded, as rows of tables: a stream is one sample of one request."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.request import Request, Sample, Step
from evoswarm.decoding.step.noise import noise_key
from evoswarm.decoding.step.plan import Plans
from evoswarm.decoding.text.decomposition import Text
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe

_ROWS = (
    *("plan", "context", "key", "max_bytes", "max_symbols", "stops", "traced", "candidates", "quoted"),
    *("margin", "left_out", "entropy"),
    *("entropy_steps", "steps", "credibility", "spoke", "live"),
    *("draft", "draft_begin", "agreement"),
)
T = TypeVar("T", bound=np.generic)
NO_LIMIT = np.iinfo(np.int32).max
FIRST_STEPS = 16
LONGEST = 8  # symbols of a draft
UNWRITTEN = -1  # behind the end of a draft
AGREES = 0.8  # share of a draft that is thought to be written where none was
LEARNS = 0.1  # weight of the last symbol in that share
CANDIDATES = 5
"""Of the likeliest symbols of a step, kept in traces that do not say how many."""


@dataclass(slots=True)
class DecodeJob:
    """One request on its way.

    Attributes:
        request: what was asked for.
        plan: row of its recipe in the plans.
        root: the context at the end of its prompt.
        forced: the symbols it must follow, if it must; without END.
        streams: first and last + 1 of its streams.
        traces: the steps of each of its samples, of those that are traced.
    """

    request: Request
    plan: int
    root: int
    forced: Text | None = None
    streams: tuple[int, int] = (0, 0)
    traces: dict[int, list[Step]] = field(default_factory=dict)

    def trace(self, sample: int = 0) -> tuple[Step, ...]:
        """The steps of a sample; none of one that is not traced."""
        return tuple(self.traces.get(sample, ()))


class Streams:
    """All streams of one decoding; some may join and leave while the others go on.

    Attributes:
        jobs: the requests.
        plans: their recipes.
        job: ``[streams]`` whose sample it is.
        plan: ``[streams]``.
        context: ``[streams]`` where it stands.
        key: ``[streams]`` of its noise; 0 where nothing is drawn.
        max_bytes: ``[streams]``.
        max_symbols: ``[streams]``.
        stops: ``[streams]`` whether stop strings may end it.
        traced: ``[streams]`` whether its steps are kept.
        candidates: ``[streams]`` how many of the likeliest symbols are kept of each.
        quoted: ``[streams]`` whether what each speaker said is kept beside them.
        margin: ``[streams]`` the smallest decision margin so far.
        left_out: ``[streams]`` the largest bound on the total-variation error so far.
        entropy: ``[streams]`` the lead's entropies so far summed up, nats.
        entropy_steps: ``[streams]`` steps that it adds up: those at which the lead did not abstain.
        steps: ``[streams]`` decisions so far.
        credibility: ``[streams, width]`` of each member, nats; 0 where a recipe does not look at it.
        spoke: ``[streams, steps, width]`` who spoke at each of them.
        live: ``[streams]`` neither finished nor failed.
        draft: ``[streams, LONGEST]`` symbols that may be written next; UNWRITTEN behind them.
        draft_begin: ``[streams]`` steps before the first of them.
        agreement: ``[streams]`` share of drafted symbols that were written, of the last ones.
        samples: the answers, once finished.
        failures: why streams have failed, by stream.
    """

    def __init__(self, jobs: Sequence[DecodeJob], plans: Plans) -> None:
        """Lay the samples of all jobs out, one behind the other."""
        self.plans = plans
        self._seat(jobs)
        counts = [job.request.recipe.samples for job in jobs]
        self.plan = np.array([job.plan for job in jobs])[self.job]
        self.context = np.array([job.root for job in jobs])[self.job]
        self.key = np.array(
            [
                noise_key(job.request.recipe.noise_seed, job.request.key, number) if _draws(job.request.recipe) else 0
                for job, count in zip(jobs, counts, strict=True)
                for number in range(count)
            ],
            dtype=np.uint64,
        )
        self.max_bytes = np.array([min(job.request.max_bytes, NO_LIMIT) for job in jobs])[self.job]
        limits = [NO_LIMIT if job.request.max_symbols is None else job.request.max_symbols for job in jobs]
        self.max_symbols = np.array(limits)[self.job]
        self.stops = np.array([bool(job.request.stop) for job in jobs])[self.job]
        firsts = np.array([job.streams[0] for job in jobs])
        asked = np.array([-1 if job.request.logprobs is None else job.request.logprobs for job in jobs])[self.job]
        self.traced = asked >= 0
        self.candidates = np.maximum(asked, 0)
        first = firsts[[job.request.trace for job in jobs]]
        self.traced[first], self.candidates[first] = True, np.maximum(self.candidates[first], CANDIDATES)
        self.quoted = np.zeros(len(self.job), dtype=bool)
        self.quoted[first] = True
        count = len(self.job)
        self.margin = np.full(count, np.inf)
        self.left_out = np.zeros(count)
        self.entropy = np.zeros(count)
        self.entropy_steps = np.zeros(count, dtype=np.int64)
        self.steps = np.zeros(count, dtype=np.int64)
        self.credibility = np.zeros((count, plans.width))
        self.spoke = np.zeros((count, FIRST_STEPS, plans.width), dtype=bool)
        self.live = np.ones(count, dtype=bool)
        self.draft = np.full((count, LONGEST), UNWRITTEN)
        self.draft_begin = np.zeros(count, dtype=np.int64)
        self.agreement = np.full(count, AGREES)
        self.samples: list[Sample | None] = [None] * count
        self.failures: dict[int, Failure] = {}

    def _lay_out_forced(self) -> NDArray[np.int32] | None:
        """``[streams, longest + 1]`` symbols to follow; -1 where the stream is free, -2 for END."""
        if all(job.forced is None for job in self.jobs):
            return None
        longest = max(len(job.forced) for job in self.jobs if job.forced is not None)
        forced = np.full((len(self.job), longest + 1), -1, dtype=np.int32)
        for job in self.jobs:
            if job.forced is not None:
                forced[slice(*job.streams), : len(job.forced)] = list(job.forced)
                forced[slice(*job.streams), len(job.forced) :] = -2
        return forced

    def join(self, others: Streams) -> None:
        """Take the streams of another table, of the same plans, behind those that are here."""
        longest = max(self.spoke.shape[1], others.spoke.shape[1])
        for one in (self, others):
            one.spoke = _widened(one.spoke, 1, longest)
        count = len(self.live)
        for name in _ROWS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(others, name)]))
        self.samples += others.samples
        self.failures.update({count + stream: failure for stream, failure in others.failures.items()})
        self._seat([*self.jobs, *others.jobs])

    def take(self, jobs: Sequence[DecodeJob]) -> Streams:
        """Let some jobs leave, finished or not; returns their streams."""
        leaving = {id(job) for job in jobs}
        rest = [job for job in self.jobs if id(job) not in leaving]
        taken = copy(self)
        for table, stay in ((taken, jobs), (self, rest)):
            table._keep(stay)
        return taken

    def replan(self, plans: Plans, numbers: Sequence[int]) -> None:
        """Look recipes up elsewhere; ``numbers`` are their rows there, by job."""
        self.plans = plans
        for job, number in zip(self.jobs, numbers, strict=True):
            job.plan = number
        self.plan = np.array(numbers, dtype=np.int64)[self.job]
        width = max(plans.width, self.credibility.shape[1])
        self.credibility = _widened(self.credibility, 1, width)[:, : plans.width]
        self.spoke = _widened(self.spoke, 2, width)[:, :, : plans.width]

    def _keep(self, jobs: Sequence[DecodeJob]) -> None:
        """Drop the streams of all other jobs."""
        rows = [row for job in jobs for row in range(*job.streams)]
        for name in _ROWS:
            setattr(self, name, getattr(self, name)[rows])
        self.samples = [self.samples[row] for row in rows]
        self.failures = {new: self.failures[row] for new, row in enumerate(rows) if row in self.failures}
        self._seat(jobs)

    def _seat(self, jobs: Sequence[DecodeJob]) -> None:
        """Number the jobs, whose streams stand one behind the other."""
        self.jobs = jobs
        counts = [job.request.recipe.samples for job in jobs]
        for job, count, end in zip(jobs, counts, np.cumsum(counts).tolist(), strict=True):
            job.streams = (end - count, end)
        self.job = np.repeat(np.arange(len(jobs)), counts)
        self._forced = self._lay_out_forced()

    def request(self, stream: int) -> Request:
        """Whose sample a stream is."""
        return self.jobs[int(self.job[stream])].request

    def followed(
        self, streams: NDArray[np.int64], symbols: NDArray[np.int64], end: int, ahead: int = 0
    ) -> NDArray[np.int64]:
        """``[n]`` symbols: what was chosen so many steps ahead, or what must be followed in its place."""
        if self._forced is None:
            return symbols
        at = np.minimum(self.steps[streams] + ahead, self._forced.shape[1] - 1)
        forced = self._forced[streams, at]
        return np.where(forced >= 0, forced, np.where(forced == -2, end, symbols))

    def begin_drafts(self, streams: NDArray[np.int64]) -> None:
        """Drafts of these begin here."""
        self.draft[streams] = UNWRITTEN
        self.draft_begin[streams] = self.steps[streams]

    def _judge_drafts(self, streams: NDArray[np.int64], symbols: NDArray[np.int64]) -> None:
        """Learn from ``[n]`` symbols that are written how good drafts are; behind one that was wrong, nothing is."""
        at = self.steps[streams] - self.draft_begin[streams]
        drafted = np.where(at < LONGEST, self.draft[streams, np.minimum(at, LONGEST - 1)], UNWRITTEN)
        told, right = drafted != UNWRITTEN, drafted == symbols
        who = streams[told]
        self.agreement[who] += LEARNS * (right[told] - self.agreement[who])
        self.draft[streams[told & ~right]] = UNWRITTEN

    def record_step(
        self,
        streams: NDArray[np.int64],
        symbols: NDArray[np.int64],
        speaks: NDArray[np.bool_],
        gains: NDArray[np.float64] | None,
    ) -> None:
        """One more decision of ``[n]`` streams, by these ``[n, width]`` speakers.

        Args:
            streams: ``[n]`` which.
            symbols: ``[n]`` what was decided.
            speaks: ``[n, width]`` who has a say.
            gains: ``[n, width]`` what the decision adds to credibilities; None where no recipe looks at them.
        """
        steps = self.steps[streams]
        if self.draft[streams, 0].max() != UNWRITTEN:
            self._judge_drafts(streams, symbols)
        if gains is not None:
            decay = self.plans.decay[self.plan[streams]][:, None]
            self.credibility[streams] = decay * (self.credibility[streams] + gains)
        if steps.max() >= self.spoke.shape[1]:
            self.spoke = _widened(self.spoke, 1, 2 * self.spoke.shape[1])
        self.spoke[streams, steps] = speaks
        self.steps[streams] = steps + 1

    def fail(self, stream: int, failure: Failure) -> None:
        """This stream does not go on; the job's others do, so that what they come to depends on nobody's pace."""
        self.failures.setdefault(stream, failure)
        self.live[stream] = False

    def failure(self, job: DecodeJob) -> Failure | None:
        """Why there is no answer to a job: the failure of its first sample that failed."""
        return next((self.failures[one] for one in range(*job.streams) if one in self.failures), None)

    def finish(self, stream: int, sample: Sample) -> None:
        """A stream has ended with this answer."""
        self.samples[stream] = sample
        self.live[stream] = False


def _widened(table: NDArray[T], axis: int, size: int) -> NDArray[T]:
    """A table with so many columns along an axis, zeros behind those it has."""
    shape = [*table.shape]
    shape[axis] = size - shape[axis]
    return table if shape[axis] <= 0 else np.concatenate([table, np.zeros(shape, dtype=table.dtype)], axis=axis)


def _draws(recipe: Recipe) -> bool:
    return recipe.draws or recipe.gate == "random"
