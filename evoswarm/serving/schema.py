"""Requests as OpenAI's clients send them: what is acted on, what may stand there and changes nothing, and nothing else.

A field that would change the answer and that this server does not know how to follow is refused: it is never dropped
in silence.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evoswarm.serving.fields import Content, Ignored, Only, Prompts, Stops, Whole

_ALL_SYMBOLS = "which symbols may be drawn is the policy's affair"
_NO_PENALTY = "a policy knows no penalties"
_NO_TOOLS = "members call no tools"
_NO_FORM = "answers are free text"


class Sent(BaseModel):
    """Base of what is sent: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StreamOptions(Sent):
    """How a stream ends.

    Attributes:
        include_usage: with a piece that has no choices and tells what everything cost.
    """

    include_usage: bool | None = None
    include_obfuscation: Ignored = None


class DecodingRequest(Sent):
    """What both ways of asking have in common.

    Attributes:
        model: the policy, or the member, that answers: one of ``/v1/models``.
        task: of the policy's, whose limits, stop strings and templates hold; where its tasks asked alike, none need be
            named. OpenAI has no such field.
        max_tokens: symbols of an answer: bytes in the alphabet ``bytes``, tokens in ``common`` and ``tokens``; the
            task's limit of bytes where nothing is said.
        temperature: answers are drawn at it, one for each mix; 0 is greedy; as the policy was tuned where nothing is
            said.
        seed: of the noise that answers are drawn with; the policy's own where nothing is said.
        n: choices for each prompt; further ones draw other noise.
        stop: ends an answer; the task's stop strings where nothing is said.
        stream: answer by server-sent events.
        stream_options: of these.
    """

    model: str
    task: str | None = None
    max_tokens: Annotated[Whole, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    seed: Annotated[Whole, Field(ge=-(2**63), lt=2**63)] | None = None
    n: Annotated[Whole, Field(ge=1)] | None = None
    stop: Stops = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    top_p: Annotated[Any, Only(1, why=_ALL_SYMBOLS)] = None
    presence_penalty: Annotated[Any, Only(0, why=_NO_PENALTY)] = None
    frequency_penalty: Annotated[Any, Only(0, why=_NO_PENALTY)] = None
    logit_bias: Annotated[Any, Only({}, why="members of a policy have tokens of their own, so ids mean nothing")] = None
    user: Ignored = None

    @model_validator(mode="after")
    def _streamed(self) -> Self:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options: expected stream: true beside it, got none")
        return self

    @property
    def choices(self) -> int:
        """For each prompt."""
        return self.n or 1

    @property
    def usage_streamed(self) -> bool:
        """Whether a stream ends with what everything cost."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)


class CompletionRequest(DecodingRequest):
    """Texts to go on with.

    Attributes:
        prompt: one or several, worded already: no template of a task applies, the policy's prompt format does.
        echo: an answer begins with its prompt.
        logprobs: so many alternatives of every symbol; only policies of the kind mix have them.
    """

    prompt: Prompts
    echo: bool | None = None
    logprobs: Annotated[Whole, Field(ge=0, le=5)] | None = None

    best_of: Annotated[Whole, Field(ge=1)] | None = None
    suffix: Annotated[Any, Only("", why="members write nothing before a text that is there")] = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.best_of is not None and self.best_of != self.choices:
            raise ValueError(f"best_of: expected n ({self.choices}) or nothing (all are returned), got {self.best_of}")
        if self.echo and self.logprobs is not None:
            raise ValueError("echo: expected false beside logprobs (prompts have none), got true")
        return self


class ChatMessage(Sent):
    """One turn of a conversation.

    Attributes:
        role: who says it; ``developer`` is another word for system.
        content: what.
    """

    role: Literal["system", "developer", "user", "assistant"]
    content: Content

    name: Annotated[Any, Only(why="templates know nothing but roles")] = None
    refusal: Annotated[Any, Only(why="a refusal is no turn")] = None
    annotations: Ignored = None
    audio: Annotated[Any, Only(why="members read text")] = None
    tool_calls: Annotated[Any, Only([], why=_NO_TOOLS)] = None
    function_call: Annotated[Any, Only(why=_NO_TOOLS)] = None


class ChatRequest(DecodingRequest):
    """A conversation to answer.

    Attributes:
        messages: the turns; a single one of the user's is a question, as ``evoswarm generate`` asks it.
        max_completion_tokens: another name of ``max_tokens``.
        logprobs: tell how likely the symbols of the answer were; only policies of the kind mix can.
        top_logprobs: and so many alternatives of each.
    """

    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Annotated[Whole, Field(ge=1)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[Whole, Field(ge=0, le=20)] | None = None

    tools: Annotated[Any, Only([], why=_NO_TOOLS)] = None
    tool_choice: Annotated[Any, Only("none", "auto", why=_NO_TOOLS)] = None
    functions: Annotated[Any, Only([], why=_NO_TOOLS)] = None
    function_call: Annotated[Any, Only("none", "auto", why=_NO_TOOLS)] = None
    response_format: Annotated[Any, Only({"type": "text"}, why=_NO_FORM)] = None
    modalities: Annotated[Any, Only(["text"], why="members write text")] = None
    audio: Annotated[Any, Only(why="members write text")] = None
    prediction: Annotated[Any, Only(why="nothing is predicted for members")] = None
    reasoning_effort: Annotated[Any, Only("none", why="how much a member thinks is its template's affair")] = None
    verbosity: Annotated[Any, Only("medium", why="members know of no such wish")] = None
    web_search_options: Annotated[Any, Only(why="members search nothing")] = None
    parallel_tool_calls: Ignored = None
    metadata: Ignored = None
    store: Annotated[Any, Only(False, why="nothing is stored")] = None
    service_tier: Ignored = None
    safety_identifier: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_options: Ignored = None
    prompt_cache_retention: Ignored = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        both = (self.max_tokens, self.max_completion_tokens)
        if None not in both and both[0] != both[1]:
            raise ValueError(f"max_tokens: expected max_completion_tokens ({both[1]}) or nothing, got {both[0]}")
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs: expected logprobs: true beside it, got none")
        return self
