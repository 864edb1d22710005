"""From requests to questions, and from replies to what requests took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evoswarm.answering.question import Question, Reply
from evoswarm.chat.turn import Turn
from evoswarm.evaluation.cost import Cost, MemberCost
from evoswarm.serving.errors import RequestRefused, invalid
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.replies import FinishName, Usage
from evoswarm.serving.schema import DecodingRequest

NO_BYTE_LIMIT = 1 << 24
"""Bytes of an answer whose symbols are counted."""

Prompt = str | tuple[Turn, ...]


def questions_of(
    request: DecodingRequest,
    prompts: Sequence[Prompt],
    limits: ServingLimits,
    *,
    max_symbols: int | None,
    raw: bool = False,
    logprobs: int | None = None,
) -> list[Question]:
    """The questions of a request: each prompt as often as there are choices.

    The first choice draws the noise of the question, as ``evoswarm generate`` does; further ones draw others.

    Args:
        request: that they are of.
        prompts: of it.
        limits: that hold.
        max_symbols: of an answer; None is the task's limit of bytes.
        raw: the prompts are worded already.
        logprobs: alternatives per symbol.

    Raises:
        RequestRefused: it asks for more than it may.
    """
    count = len(prompts) * request.choices
    if count > limits.questions:
        param = "n" if request.choices > 1 else "prompt"
        raise invalid(f"expected at most {limits.questions} answers (prompts times n), got {count}", param)
    if max_symbols is not None and max_symbols > limits.tokens:
        raise invalid(f"expected at most {limits.tokens} tokens, got {max_symbols}", "max_tokens")
    for prompt in prompts:
        size = sum(len(text.encode()) for text in _texts(prompt))
        if size > limits.prompt_bytes:
            raise RequestRefused(
                413,
                f"expected a prompt of at most {limits.prompt_bytes:,} bytes, got {size:,}",
                param="messages" if isinstance(prompt, tuple) else "prompt",
                code="prompt_too_long",
            )
    return [
        Question(
            prompt=prompt,
            policy=request.model,
            task=request.task,
            raw=raw,
            max_bytes=None if max_symbols is None else NO_BYTE_LIMIT,
            max_symbols=max_symbols,
            stop=None if request.stop is None else tuple(request.stop),
            temperature=request.temperature,
            seed=request.seed,
            key=None if not choice else "\0".join([str(choice), *_texts(prompt)]),
            logprobs=logprobs,
        )
        for prompt in prompts
        for choice in range(request.choices)
    ]


def finish_name(reply: Reply) -> FinishName:
    """How an answer ended, in OpenAI's words: by itself and at a stop string are one."""
    return "length" if reply.finish == "limit" else "stop"


def usage_of(replies: Sequence[Reply], choices: int) -> Usage:
    """What a request took.

    Args:
        replies: to all of its questions, in order.
        choices: for each prompt.
    """
    prompts = sum(max(reply.prompt_tokens.values(), default=0) for reply in replies[::choices])
    symbols = sum(reply.symbols for reply in replies)
    cost: dict[str, Any] = _sum(reply.cost for reply in replies).as_dict()
    return Usage(prompt_tokens=prompts, completion_tokens=symbols, total_tokens=prompts + symbols, cost=cost)


def _sum(costs: Iterable[Cost]) -> Cost:
    by_name: dict[str, MemberCost] = {}
    for cost in costs:
        for one in cost.members:
            before = by_name.get(one.name)
            by_name[one.name] = (
                one if before is None else MemberCost(one.name, *map(sum, zip(before[1:], one[1:], strict=True)))
            )
    return Cost(tuple(by_name.values()))


def _texts(prompt: Prompt) -> list[str]:
    if isinstance(prompt, str):
        return [prompt]
    return [part for turn in prompt for part in (turn.role, turn.content)]
