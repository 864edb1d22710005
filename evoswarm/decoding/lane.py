"""Requests that are decoded together on one view of the pool: they join and leave as they like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.drafts import Drafts
from evoswarm.decoding.known_texts import symbols_of
from evoswarm.decoding.loop import Loop
from evoswarm.decoding.request import Completion, Counters, Request
from evoswarm.decoding.step.completions import CompletionBuilder
from evoswarm.decoding.step.plan import Plans
from evoswarm.decoding.step.streams import DecodeJob, Streams
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.errors import RecipeError


class Lane:
    """Streams of one view on their way.

    Attributes:
        pool: the view.
        jobs: that are on their way, or have ended and not left yet.
    """

    def __init__(
        self, pool: PoolView, numbers: Mapping[str, int], counters: Counters, requests: Sequence[Request]
    ) -> None:
        """Begin with at least one request.

        Args:
            pool: the view of their recipes.
            numbers: of the members in the pool, by name.
            counters: where the work is counted.
            requests: of any recipes that this view is of.

        Raises:
            RecipeError: a text that must be followed is none that the lead can spell.
        """
        self.pool, self._numbers = pool, numbers
        recipes = {id(one.recipe): one.recipe for one in requests}
        rows = {key: row for row, key in enumerate(recipes)}
        jobs = [self._job(one, rows[id(one.recipe)]) for one in requests]
        self._streams = Streams(jobs, Plans(list(recipes.values()), numbers))
        self._loop, self._drafts = Loop(pool, self._streams, counters), Drafts(pool, self._streams, counters)

    @property
    def jobs(self) -> Sequence[DecodeJob]:
        """All that have not left."""
        return self._streams.jobs

    @property
    def live(self) -> bool:
        """Whether any of them goes on."""
        return bool(self._streams.live.any())

    def join(self, requests: Sequence[Request]) -> list[DecodeJob]:
        """Requests begin while others go on; see ``start``.

        Raises:
            RecipeError: a text that must be followed is none that the lead can spell.
        """
        streams = self._streams
        rows = {id(recipe): row for row, recipe in enumerate(streams.plans.recipes)}
        if any(id(one.recipe) not in rows for one in requests):
            asked = (*(job.request for job in streams.jobs), *requests)
            recipes = {id(one.recipe): one.recipe for one in asked}
            rows = {key: row for row, key in enumerate(recipes)}
            plans = Plans(list(recipes.values()), self._numbers)
            streams.replan(plans, [rows[id(job.request.recipe)] for job in streams.jobs])
        jobs = [self._job(one, rows[id(one.recipe)]) for one in requests]
        streams.join(Streams(jobs, streams.plans))
        return jobs

    def start(self, jobs: Sequence[DecodeJob]) -> None:
        """Let jobs go as far as they go, and ask for what they wait for, before anybody else moves."""
        self._loop.advance(np.concatenate([np.arange(*job.streams) for job in jobs]))

    def advance(self) -> None:
        """Let all streams go as far as they go, and ask for what they wait for."""
        self._loop.advance()

    def read_ahead(self) -> None:
        """Where streams are few: ask for what they will probably wait for next.

        Raises:
            DoesNotFit: not even one prefix at a time fits.
        """
        self._drafts.write()

    def stop(self) -> None:
        """Nobody waits for what is not finished: it has run out of time."""
        self._loop.stop()

    def ended(self) -> list[DecodeJob]:
        """Those of which nothing goes on any more."""
        streams = self._streams
        going = np.bincount(streams.job[streams.live], minlength=len(streams.jobs))
        return [job for job, count in zip(streams.jobs, going.tolist(), strict=True) if not count]

    def completions(self, jobs: Sequence[DecodeJob], work: Counters | None) -> list[Completion]:
        """What jobs that have ended come to; they leave.

        Args:
            jobs: in any order.
            work: what was done for them, where that is known.
        """
        builder = CompletionBuilder(self.pool, self._streams.take(jobs), work)
        return [builder.completion(job) for job in jobs]

    def leave(self, job: DecodeJob) -> None:
        """Nobody wants the rest of this one."""
        self._streams.take([job])

    def written(self, job: DecodeJob) -> bytes:
        """What a job's first sample has come to so far, while it goes on."""
        return self.pool.contexts.raw(int(self._streams.context[job.streams[0]]))

    def standing(self) -> NDArray[np.int64]:
        """See ``Tenant``."""
        return self._streams.context

    def renumber(self, numbers: NDArray[np.int64]) -> None:
        """See ``Tenant``."""
        self._streams.context = numbers[self._streams.context]
        for job in self._streams.jobs:
            job.root = int(numbers[job.root])
        self._loop.forget_endings()

    def _job(self, request: Request, plan: int) -> DecodeJob:
        root = self.pool.contexts.root(request.asked)
        if request.forced is None:
            return DecodeJob(request, plan, root)
        forced = symbols_of(request.forced.encode(), self.pool, self._numbers[request.recipe.lead])
        if forced is None:
            raise RecipeError(f"forced: expected a text that the tokenizer can spell, got {request.forced!r}")
        return DecodeJob(request, plan, root, forced)
