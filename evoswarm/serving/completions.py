"""Texts to go on with: what a completion asks, and its answer, whole or in pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.answering.question import Question, Reply
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.logprobs import completion_logprobs
from evoswarm.serving.questions import finish_name, questions_of, usage_of
from evoswarm.serving.replies import CompletionChoice, CompletionReply
from evoswarm.serving.schema import CompletionRequest


class CompletionExchange:
    """One request, and the forms of what it is answered with; see `evoswarm.serving.exchange.Exchange`.

    Args:
        request: as it came.
        limits: that hold.
        stamp: its id and when it came, which every answer and every piece says.

    Raises:
        RequestRefused: it asks for more than it may.
    """

    prefix = "cmpl"

    def __init__(self, request: CompletionRequest, limits: ServingLimits, stamp: Mapping[str, Any]) -> None:
        self._request, self._stamp = request, stamp
        self.questions: Sequence[Question] = questions_of(
            request,
            request.prompt,
            limits,
            max_symbols=request.max_tokens,
            raw=True,
            logprobs=request.logprobs,
        )

    def whole(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """The answer."""
        choices = [
            CompletionChoice(
                index=place,
                text=self._before(place) + reply.text,
                logprobs=None if self._request.logprobs is None else completion_logprobs(reply),
                finish_reason=finish_name(reply),
            )
            for place, reply in enumerate(replies)
        ]
        return self._said(choices, usage=usage_of(replies, self._request.choices))

    def opening(self, place: int) -> dict[str, Any] | None:
        """What comes before an answer."""
        return self.piece(place, self._before(place)) if self._request.echo else None

    def piece(self, place: int, text: str) -> dict[str, Any]:
        """What is new of an answer."""
        return self._said([CompletionChoice(index=place, text=text)])

    def closing(self, place: int, reply: Reply) -> dict[str, Any]:
        """How an answer ended."""
        logprobs = None if self._request.logprobs is None else completion_logprobs(reply)
        last = CompletionChoice(index=place, text="", logprobs=logprobs, finish_reason=finish_name(reply))
        return self._said([last])

    def bill(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """What everything cost."""
        return self._said([], usage=usage_of(replies, self._request.choices))

    def _before(self, place: int) -> str:
        return str(self._request.prompt[place // self._request.choices]) if self._request.echo else ""

    def _said(self, choices: list[CompletionChoice], **more: Any) -> dict[str, Any]:
        reply = CompletionReply(**self._stamp, model=self._request.model, choices=choices, **more)
        return reply.model_dump()
