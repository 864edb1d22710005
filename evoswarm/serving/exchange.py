"""One request on its way: its questions are asked, and their answers sent, whole or as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from evoswarm.answering.question import Question, Reply
from evoswarm.serving.errors import RequestRefused, out_of_time
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.metrics import Metrics
from evoswarm.serving.schema import DecodingRequest
from evoswarm.serving.worker import Call, EngineThread, Piece

CLIENT_LEFT = 499
"""The status of a request whose client did not wait, as servers count it; it is never sent."""

TALLY = "evoswarm.tally"
"""The key of a scope under which its `Tally` stands."""

_EVENTS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_MEDIA_TYPE = "text/event-stream"
_DONE = b"data: [DONE]\n\n"

T = TypeVar("T")


@dataclass
class Tally:
    """What those who count a request cannot see from outside.

    Attributes:
        model: that is asked, once it is known to be one; empty before.
        streaming: its answer has begun and not ended: who is gone now did not wait for it.
    """

    model: str = ""
    streaming: bool = False


class Exchange(Protocol):
    """A request of some kind, with the forms of what it is answered with, as JSON data."""

    questions: Sequence[Question]

    def whole(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """The answer, all at once."""
        ...

    def opening(self, place: int) -> dict[str, Any] | None:
        """What is sent before the first piece of an answer, if anything is."""
        ...

    def piece(self, place: int, text: str) -> dict[str, Any]:
        """What is new of an answer."""
        ...

    def closing(self, place: int, reply: Reply) -> dict[str, Any]:
        """How an answer ended."""
        ...

    def bill(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """What everything cost."""
        ...


class Desk:
    """Answers requests: asks the engine's thread, and sends what it says.

    Args:
        thread: that owns the engine.
        limits: that hold.
        metrics: where everything is counted.
    """

    def __init__(self, thread: EngineThread, limits: ServingLimits, metrics: Metrics) -> None:
        self._thread, self._limits, self._metrics = thread, limits, metrics

    async def answer(self, http: Request, request: DecodingRequest, exchange: Exchange) -> Response:
        """Answer one request.

        Raises:
            RequestRefused: it has no answer.
        """
        began = asyncio.get_running_loop().time()
        deadline = began + self._limits.seconds
        call = self._thread.ask(exchange.questions)
        heard = _Hearing(call, deadline, self._limits.seconds, _Counting(self._metrics, request.model, began))
        streaming = False
        try:
            if not request.stream:
                replies = await unless_left(http.receive, heard.all())
                return Response(status_code=CLIENT_LEFT) if replies is None else JSONResponse(exchange.whole(replies))
            first = await unless_left(http.receive, heard.next())  # until then an error has a status of its own
            if first is None:
                return Response(status_code=CLIENT_LEFT)
            streaming = True
            events = _events(exchange, heard, first, request.usage_streamed)
            return _EventStream(events, call.close, deadline + self._limits.body_seconds)
        finally:
            if not streaming:
                call.close()


class _Counting:
    """Counts what comes of one request."""

    def __init__(self, metrics: Metrics, model: str, began: float) -> None:
        self._metrics, self._model, self._began = metrics, model, began
        self._first = True

    def count(self, piece: Piece) -> None:
        """A piece has come."""
        if self._first:
            self._first = False
            self._metrics.first_text(self._model, asyncio.get_running_loop().time() - self._began)
        if piece.reply is not None:
            self._metrics.reply(self._model, piece.reply)


class _Hearing:
    """Hears the answers of a call to their ends.

    Attributes:
        replies: by the places of their questions, as far as they have come.
    """

    def __init__(self, call: Call, deadline: float, seconds: float, counting: _Counting) -> None:
        self.replies: dict[int, Reply] = {}
        self._call, self._deadline, self._seconds, self._counting = call, deadline, seconds, counting

    @property
    def over(self) -> bool:
        """Whether all have been heard."""
        return not self._call.open

    @property
    def places(self) -> range:
        """Of the questions."""
        return range(len(self._call.questions))

    @property
    def in_order(self) -> list[Reply]:
        """All replies."""
        return [self.replies[place] for place in self.places]

    async def next(self) -> Piece:
        """The next piece of any answer.

        Raises:
            RequestRefused: one of them has none, or it took too long.
        """
        try:
            piece = await self._call.next(self._deadline)
        except TimeoutError:
            raise out_of_time(self._seconds) from None
        self._counting.count(piece)
        if piece.reply is not None:
            self.replies[piece.place] = piece.reply
        return piece

    async def all(self) -> list[Reply]:
        """All replies, in order.

        Raises:
            RequestRefused: see `next`.
        """
        while not self.over:
            await self.next()
        return self.in_order


async def _events(exchange: Exchange, heard: _Hearing, piece: Piece, bill: bool) -> AsyncIterator[bytes]:
    """The answer as server-sent events; an error in between is the last one."""
    for place in heard.places:
        opening = exchange.opening(place)
        if opening is not None:
            yield _event(opening)
    try:
        while True:
            if piece.text:
                yield _event(exchange.piece(piece.place, piece.text))
            if piece.reply is not None:
                yield _event(exchange.closing(piece.place, piece.reply))
            if heard.over:
                break
            piece = await heard.next()
    except RequestRefused as refusal:
        yield _event(refusal.body)
        return
    if bill:
        yield _event(exchange.bill(heard.in_order))
    yield _DONE


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


class _EventStream(StreamingResponse):
    """Server-sent events of one call, which is closed however they end: also when the first one never left.

    Args:
        events: to send.
        close: the call.
        deadline: for a client to read them, in the event loop's time.
    """

    def __init__(self, events: AsyncIterator[bytes], close: Callable[[], None], deadline: float) -> None:
        super().__init__(events, media_type=_MEDIA_TYPE, headers=_EVENTS)
        self._close, self._deadline = close, deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[TALLY].streaming = True
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._deadline):
                    await super().__call__(scope, receive, send)
        finally:
            self._close()


async def unless_left(receive: Receive, work: Awaitable[T]) -> T | None:
    """What comes of some work; None, and the work is given up, where the client leaves before.

    Args:
        receive: of the request, whose body has been read.
        work: to do.
    """
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        for one in (task, left):
            one.cancel()
        await asyncio.gather(task, left, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
