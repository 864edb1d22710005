"""What is sent back, as OpenAI's clients read it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

FinishName = Literal["stop", "length"]


class ModelCard(BaseModel):
    """A policy, or a single member, that can be asked.

    Attributes:
        description: what it is, in sentences; OpenAI has no such field.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "evoswarm"
    description: str = ""


class ModelList(BaseModel):
    """All that can be asked."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class Usage(BaseModel):
    """What a request took.

    Attributes:
        prompt_tokens: of each prompt once, what the member reads that makes the most tokens of it.
        completion_tokens: symbols of all choices.
        total_tokens: both.
        cost: what the choices cost, each deployed alone, summed; by member, too. OpenAI has no such field.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: dict[str, Any]


class CompletionLogprobs(BaseModel):
    """Log-probabilities (nats) of an answer's symbols, in the older form: a list for each thing told of a symbol."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(BaseModel):
    """An answer, or a piece of one."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: FinishName | None = None


class CompletionReply(BaseModel):
    """Answers to prompts, or a piece of them."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None


class LikelySymbol(BaseModel):
    """A symbol with its log-probability (nats); ``token`` is its text, where it is whole characters."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenSymbol(LikelySymbol):
    """A symbol of an answer, and what might have stood there."""

    top_logprobs: list[LikelySymbol]


class ChatLogprobs(BaseModel):
    """Log-probabilities of an answer, symbol by symbol."""

    content: list[ChosenSymbol]
    refusal: None = None


class ChatAnswer(BaseModel):
    """What the assistant says."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    """An answer."""

    index: int
    message: ChatAnswer
    logprobs: ChatLogprobs | None = None
    finish_reason: FinishName


class ChatReply(BaseModel):
    """Answers to a conversation."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class Health(BaseModel):
    """How the server is."""

    status: Literal["ok", "stopping", "broken"]
    models: int
