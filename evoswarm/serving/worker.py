"""The thread that owns the engine: questions go in, pieces of answers come out, to whoever waits for them.

The engine is not made for several threads, and one turn of it takes a while: so it has a thread of its own. Everything
else lives on the event loop. What waits is counted there when it is taken in, so a request finds room or is told that
there is none before anything of it is queued.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evoswarm.answering.engine import Engine, RefusedQuestion
from evoswarm.answering.question import Question, Reply
from evoswarm.errors import EvoswarmError, is_out_of_memory
from evoswarm.serving.errors import RequestRefused, broken, no_memory, of_failure, of_refusal, queue_full, stopping
from evoswarm.serving.limits import ServingLimits

_LOG = logging.getLogger("evoswarm.serving")


@dataclass(frozen=True)
class Piece:
    """What is new of an answer.

    Attributes:
        place: of its question in the request.
        text: that has come: whole characters.
        reply: all of it, once it has ended.
        refusal: why nothing more comes.
    """

    place: int
    text: str = ""
    reply: Reply | None = None
    refusal: RequestRefused | None = None

    @property
    def last(self) -> bool:
        """Whether nothing follows it."""
        return self.reply is not None or self.refusal is not None


class Call:
    """The questions of one request, as the event loop sees them: pieces of their answers come as they are decoded.

    Whoever stops listening closes it: what is left of its questions is given up then.

    Attributes:
        questions: of the request.
        open: how many have not been heard to their ends.
    """

    def __init__(self, questions: Sequence[Question], close: Callable[[Call], None]) -> None:
        self.questions = tuple(questions)
        self.open = len(self.questions)
        self._close = close
        self._pieces: asyncio.Queue[Piece] = asyncio.Queue()

    async def next(self, deadline: float) -> Piece:
        """The next piece.

        Args:
            deadline: in the event loop's time.

        Raises:
            RequestRefused: a question has no answer.
            TimeoutError: there is none in time.
        """
        async with asyncio.timeout_at(deadline):
            piece = await self._pieces.get()
        self.open -= piece.last
        if piece.refusal is not None:
            raise piece.refusal
        if piece.reply is not None and piece.reply.failure is not None:
            raise of_failure(piece.reply.failure)
        return piece

    def close(self) -> None:
        """Nobody listens any more."""
        self._close(self)

    def hear(self, piece: Piece) -> None:
        """Something is new."""
        self._pieces.put_nowait(piece)


@dataclass(eq=False)
class _Job:
    """One question on its way through the engine."""

    call: Call
    place: int

    @property
    def question(self) -> Question:
        return self.call.questions[self.place]


class EngineThread:
    """Answers the questions of many requests together.

    Args:
        engine: loaded; nobody else may touch it any more.
        limits: how many questions are decoded at once, and how many may wait.
    """

    def __init__(self, engine: Engine, limits: ServingLimits) -> None:
        self._engine, self._limits = engine, limits
        self._orders: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: deque[_Job] = deque()
        self._at_work: dict[int, _Job] = {}
        self._taken: dict[Call, int] = {}  # on the loop: questions of open calls that have not ended
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="evoswarm-engine", daemon=True)

    @property
    def waiting(self) -> int:
        """Questions that are not decoded yet."""
        return len(self._waiting)

    @property
    def at_work(self) -> int:
        """Questions that are being decoded."""
        return len(self._at_work)

    @property
    def alive(self) -> bool:
        """Whether questions are answered."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether no more are taken."""
        return self._stopping

    def start(self) -> None:
        """Begin; on the event loop that requests live on."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def ask(self, questions: Sequence[Question]) -> Call:
        """Queue the questions of a request; on the event loop.

        Raises:
            RequestRefused: there is no room for them, or the server ends.
        """
        if self._stopping:
            raise stopping()
        if not self.alive:
            raise broken()
        taken = sum(self._taken.values())
        if taken + len(questions) > self._limits.streams + self._limits.queue:
            raise queue_full(max(0, taken - self._limits.streams), self._limits.queue)
        call = Call(questions, self._leave)
        self._taken[call] = len(questions)
        self._orders.put(lambda: self._waiting.extend(_Job(call, place) for place in range(len(questions))))
        return call

    def refuse_more(self) -> None:
        """Take no more questions; those that were taken are answered."""
        self._stopping = True

    def give_up(self) -> None:
        """Refuse whatever has not ended, at once; on the event loop."""
        self._stopping = True
        for call in self._taken:
            call.hear(Piece(0, refusal=stopping()))

    def stop(self) -> None:
        """End the thread behind its turn."""
        self._orders.put(None)

    def join(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        self._thread.join(seconds)

    def _leave(self, call: Call) -> None:
        """A call is closed: on the loop."""
        if self._taken.pop(call, 0):
            self._orders.put(lambda: self._drop(call))

    def _heard(self, news: Sequence[tuple[Call, Piece]]) -> None:
        """Hand pieces to their calls: on the loop."""
        for call, piece in news:
            if call in self._taken:
                self._taken[call] -= piece.last
                call.hear(piece)

    def _run(self) -> None:
        """Of the thread: orders first, then what waits, then a turn."""
        while True:
            try:
                if not self._obey():
                    return
                self._admit()
                self._turn()
            except (
                BaseException
            ) as error:  # whatever is raised, a tokenizer's panic too: those who wait must hear of it
                _LOG.error("answering failed; everything at work is given up\n%s", traceback.format_exc())
                self._fail(_ours(error))

    def _obey(self) -> bool:
        """Carry out what was ordered; wait for that where there is nothing else to do. False is the end."""
        idle = not self._waiting and not self._at_work
        while idle or not self._orders.empty():
            order = self._orders.get()
            if order is None:
                return False
            order()
            idle = not self._waiting and not self._at_work
        return True

    def _admit(self) -> None:
        """Hand the engine what waits, as far as there is room."""
        refused: list[tuple[Call, Piece]] = []
        while self._waiting and len(self._at_work) < self._limits.streams:
            job = self._waiting[0]
            try:
                self._at_work[self._engine.submit(job.question)] = job
            except RefusedQuestion as error:
                refused.append((job.call, Piece(job.place, refusal=of_failure(error.failure))))
            except EvoswarmError as error:
                refused.append((job.call, Piece(job.place, refusal=of_refusal(error))))
            except BaseException as error:  # of whatever words a question: the others have nothing to do with it
                _LOG.error("a question cannot be asked\n%s", traceback.format_exc())
                refused.append((job.call, Piece(job.place, refusal=_ours(error))))
            self._waiting.popleft()
        self._tell(refused)

    def _turn(self) -> None:
        """One turn of all that is at work."""
        told: list[tuple[Call, Piece]] = []
        for news in self._engine.turn() if self._at_work else ():
            job = self._at_work.get(news.ticket)
            if job is None:
                continue  # given up
            told.append((job.call, Piece(job.place, news.text, news.reply)))
            if news.reply is not None:
                del self._at_work[news.ticket]
        self._tell(told)

    def _drop(self, call: Call) -> None:
        """Nobody waits for what is left of a call."""
        self._waiting = deque(job for job in self._waiting if job.call is not call)
        for ticket in [ticket for ticket, job in self._at_work.items() if job.call is call]:
            del self._at_work[ticket]
            self._engine.cancel(ticket)

    def _fail(self, refusal: RequestRefused) -> None:
        """Nothing that is here will be answered."""
        jobs = [*self._at_work.values(), *self._waiting]
        tickets = list(self._at_work)
        self._at_work.clear()
        self._waiting.clear()
        self._tell([(job.call, Piece(job.place, refusal=refusal)) for job in jobs])
        for ticket in tickets:
            self._engine.cancel(ticket)

    def _tell(self, news: list[tuple[Call, Piece]]) -> None:
        if news and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left
                self._loop.call_soon_threadsafe(self._heard, news)


def _ours(error: BaseException) -> RequestRefused:
    """What is said of an error that no question is to blame for."""
    return no_memory() if is_out_of_memory(error) else broken()
