"""Continuous batching: requests join a decoding while others are on their way, and leave it when they are done.

Every turn reads what all requests wait for, of whatever recipe and alphabet, and lets all go as far as they go. What
does not fit beside those at work waits its turn, first come, first served.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch

from evoswarm.decoding.collector import without_collector
from evoswarm.decoding.forward.threads import threads_for
from evoswarm.decoding.lane import Lane
from evoswarm.decoding.request import Completion, Counters, DoesNotFit, Request
from evoswarm.decoding.step.streams import DecodeJob
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.decoding.views.pool_views import PoolViews
from evoswarm.decoding.waves import Growth, Need, Room, need_of
from evoswarm.errors import is_out_of_memory
from evoswarm.failure import Failure


class _AtWork(NamedTuple):
    """A request that is decoded."""

    request: Request
    lane: Lane
    job: DecodeJob


class ContinuousDecoding:
    """Decodes requests that come and go; made by ``Swarm.continuous``.

    A request comes to what it would come to alone (up to rounding), whoever is at work beside it.
    """

    def __init__(
        self,
        views: PoolViews,
        numbers: Mapping[str, int],
        room: Callable[[], Room],
        parameters: Iterable[int],
        counters: Counters,
    ) -> None:
        """Begin with nothing to do.

        Args:
            views: of the pool.
            numbers: of its members, by name.
            room: for all that is at work at once; how much a state takes shows when the first is read.
            parameters: of each member.
            counters: where the work is counted.
        """
        self._views, self._numbers, self._room = views, numbers, room
        self._parameters, self._counters, self._growth = list(parameters), counters, Growth()
        self._queue: deque[tuple[int, Request]] = deque()
        self._at_work: dict[int, _AtWork] = {}
        self._lanes: dict[int, Lane] = {}
        self._most: int | None = None
        self._next = 0
        self._read_before = self._read()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._queue or self._at_work)

    @property
    def waiting(self) -> int:
        """How many requests have not begun yet."""
        return len(self._queue)

    def join(self, request: Request) -> int:
        """A request comes; returns its ticket. It begins at the next turn that has room for it.

        Args:
            request: that the pool can decode (``Swarm.check``).
        """
        self._next += 1
        self._queue.append((self._next, request))
        return self._next

    def leave(self, ticket: int) -> None:
        """Nobody waits for a request any more; one that is done, or that nobody knows, has left already."""
        known = self._at_work.pop(ticket, None)
        if known is None:
            self._queue = deque(pair for pair in self._queue if pair[0] != ticket)
            return
        known.lane.leave(known.job)
        self._close([known.lane])
        self._tidy()

    def written(self, ticket: int) -> bytes:
        """What the first sample of a request has come to so far; it may end inside a character."""
        known = self._at_work.get(ticket)
        return b"" if known is None else known.lane.written(known.job)

    def turn(self) -> dict[int, Completion]:
        """Read what all wait for, and let all go on; returns what is done, by ticket.

        There being no room for all at once, fewer begin anew, and the others wait; where there is none for a request
        alone, it fails with ``out_of_memory``. Where memory ran out in the midst of something, all that is at work
        fails so, and what was kept is given up.

        Raises:
            RecipeError: a request must follow a text that its lead cannot spell. This, or any other error, ends all
                that is at work.
        """
        began = time.perf_counter()
        with threads_for(self._parameters), without_collector():
            try:
                self._admit()
                if len(self._lanes) == 1:
                    next(iter(self._lanes.values())).read_ahead()
                self._views.read()
                self._advance()
                done = self._harvest()
            except (DoesNotFit, torch.OutOfMemoryError) as error:
                done = self._retreat(error)
            except BaseException as error:
                lost = [*self._at_work]
                self._give_up()
                if not is_out_of_memory(error):
                    raise
                done = {ticket: Completion(failure=_no_room(error)) for ticket in lost}
            self._tidy()
        self._counters.seconds += time.perf_counter() - began
        return done

    def _admit(self) -> None:
        """Let those begin for whom there is room, in the order in which they came."""
        if not self._queue:
            return
        share, room, taken, prompts = self._growth.share, self._room(), Need(), set[object]()

        def with_one(request: Request) -> Need:
            prompt = (request.before, request.prompt)
            more = need_of(request, share, fresh=prompt not in prompts)
            prompts.add(prompt)
            return taken.plus(more)

        for one in self._at_work.values():
            taken = with_one(one.request)
        fresh: dict[PoolView, list[tuple[int, Request]]] = {}
        count = len(self._at_work)
        while self._queue:
            ticket, request = self._queue[0]
            taken = with_one(request)
            if count and (count == self._most or not room.holds(taken)):
                break
            self._queue.popleft()
            fresh.setdefault(self._views.of(request.recipe), []).append((ticket, request))
            count += 1
        begun = [(self._seated(pool, some), some) for pool, some in fresh.items()]
        for lane, some in begun:
            lane.start([self._at_work[ticket].job for ticket, _ in some])

    def _seated(self, pool: PoolView, some: list[tuple[int, Request]]) -> Lane:
        """The lane of a view, with these requests on it."""
        requests = [request for _, request in some]
        lane = self._lanes.get(id(pool))
        if lane is None:
            lane = Lane(pool, self._numbers, self._counters, requests)
            jobs = lane.jobs
            self._lanes[id(pool)] = lane
            pool.tenants.append(lane)
        else:
            jobs = lane.join(requests)
        for (ticket, request), job in zip(some, jobs, strict=True):
            self._at_work[ticket] = _AtWork(request, lane, job)
        return lane

    def _advance(self) -> None:
        """All go as far as they go; who comes first may ask for most, so that is another view every turn."""
        for lane in self._lanes.values():
            lane.pool.clock += 1
            lane.advance()
        for first in list(self._lanes)[:1]:
            self._lanes[first] = self._lanes.pop(first)

    def _harvest(self) -> dict[int, Completion]:
        """Take those that have ended off their lanes."""
        tickets = {id(one.job): ticket for ticket, one in self._at_work.items()}
        done: dict[int, Completion] = {}
        for lane in self._lanes.values():
            ended = lane.ended()
            if ended:
                done |= zip([tickets[id(job)] for job in ended], lane.completions(ended, None), strict=True)
        if done:
            read = self._read()
            self._growth.note([self._at_work.pop(ticket).request for ticket in done], read - self._read_before)
            self._read_before = read
            self._close(list(self._lanes.values()))
            if self._most is not None:
                self._most = None if self.idle else self._most + len(done)
        return done

    def _read(self) -> int:
        """Tokens read so far behind prompts."""
        counters = self._counters
        return counters.rows_forwarded + counters.rows_reforwarded - counters.prompt_tokens

    def _retreat(self, error: Exception) -> dict[int, Completion]:
        """There was no room: half of those at work begin anew, from what is in memory; the others wait."""
        tickets = sorted(self._at_work)
        requests = [(ticket, self._at_work[ticket].request) for ticket in tickets]
        self._clear()
        self._views.tidy()
        if len(requests) <= 1:
            self._most = None
            return {ticket: Completion(failure=_no_room(error)) for ticket in tickets}
        self._queue.extendleft(reversed(requests))
        self._most = len(requests) // 2
        return {}

    def _give_up(self) -> None:
        """Something broke off half-way: nobody is at work any more, and nothing is in memory."""
        self._clear()
        self._most = None
        self._views.begin_anew()

    def _clear(self) -> None:
        """Nobody is at work."""
        self._at_work.clear()
        for lane in self._lanes.values():
            lane.pool.tenants.remove(lane)
        self._lanes.clear()

    def _close(self, lanes: list[Lane]) -> None:
        """Lanes on which nobody is left are given up."""
        for lane in lanes:
            if not lane.jobs:
                lane.pool.tenants.remove(lane)
                del self._lanes[id(lane.pool)]

    def _tidy(self) -> None:
        """Keep within limits; it costs more than looking whether there is anything to do."""
        if not self._at_work or self._views.crowded:
            self._views.tidy()


def _no_room(error: BaseException) -> Failure:
    return Failure("out_of_memory", str(error))
