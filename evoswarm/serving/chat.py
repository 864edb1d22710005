"""Conversations: what a chat asks, and its answer, whole or in pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.answering.question import Question, Reply
from evoswarm.chat.turn import Turn
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.logprobs import chat_logprobs
from evoswarm.serving.questions import Prompt, finish_name, questions_of, usage_of
from evoswarm.serving.replies import ChatAnswer, ChatChoice, ChatReply
from evoswarm.serving.schema import ChatMessage, ChatRequest


class ChatExchange:
    """One request, and the forms of what it is answered with; see `evoswarm.serving.exchange.Exchange`.

    Args:
        request: as it came.
        limits: that hold.
        stamp: its id and when it came, which every answer and every piece says.

    Raises:
        RequestRefused: it asks for more than it may.
    """

    prefix = "chatcmpl"

    def __init__(self, request: ChatRequest, limits: ServingLimits, stamp: Mapping[str, Any]) -> None:
        self._request, self._stamp = request, stamp
        self.questions: Sequence[Question] = questions_of(
            request,
            [_prompt(request.messages)],
            limits,
            max_symbols=request.max_tokens or request.max_completion_tokens,
            logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        )

    def whole(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """The answer."""
        choices = [
            ChatChoice(
                index=place,
                message=ChatAnswer(content=reply.text),
                logprobs=chat_logprobs(reply) if self._request.logprobs else None,
                finish_reason=finish_name(reply),
            )
            for place, reply in enumerate(replies)
        ]
        usage = usage_of(replies, self._request.choices)
        return ChatReply(**self._stamp, model=self._request.model, choices=choices, usage=usage).model_dump()

    def opening(self, place: int) -> dict[str, Any] | None:
        """What comes before an answer."""
        return self._delta(place, {"role": "assistant", "content": ""})

    def piece(self, place: int, text: str) -> dict[str, Any]:
        """What is new of an answer."""
        return self._delta(place, {"content": text})

    def closing(self, place: int, reply: Reply) -> dict[str, Any]:
        """How an answer ended."""
        logprobs = chat_logprobs(reply).model_dump() if self._request.logprobs else None
        return self._delta(place, {}, logprobs, finish_name(reply))

    def bill(self, replies: Sequence[Reply]) -> dict[str, Any]:
        """What everything cost."""
        return self._chunk([], usage_of(replies, self._request.choices).model_dump())

    def _delta(
        self, place: int, delta: dict[str, str], logprobs: Any = None, finish: str | None = None
    ) -> dict[str, Any]:
        return self._chunk([{"index": place, "delta": delta, "logprobs": logprobs, "finish_reason": finish}])

    def _chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> dict[str, Any]:
        head = {**self._stamp, "object": "chat.completion.chunk", "model": self._request.model}
        return {**head, "choices": choices, "usage": usage}


def _prompt(messages: Sequence[ChatMessage]) -> Prompt:
    """What is asked: a single turn of the user's is a question, more are a conversation."""
    if len(messages) == 1 and messages[0].role == "user":
        return str(messages[0].content)
    roles = {"developer": "system"}
    return tuple(Turn(roles.get(one.role, one.role), one.content) for one in messages)
