"""What a policy in use is asked, and what it says: plain data, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evoswarm.chat import Turn as Turn
from evoswarm.evaluation.cost import NO_COST, Cost

Finish = Literal["end", "stop", "limit"]
"""How an answer ended: by itself, at a stop string, at its limit."""


@dataclass(frozen=True)
class Question:
    """A question to a policy of an engine, and what shall be otherwise than the policy's file says.

    Attributes:
        prompt: a question as its owner words it; a row with the columns of the task's template; or the turns of a
            conversation, the last of them the user's, which every member's own chat template renders.
        policy: its name in the engine; "" where there is one.
        task: whose question it is, of those that the policy's file knows; None where its tasks asked alike.
        raw: the prompt is a text that is worded already: neither template nor worked examples of the task apply; the
            policy's prompt format and chat templates do.
        max_bytes: an answer's limit; None is the task's.
        max_symbols: limit on each answer in symbols of its mix's alphabet; None is none.
        stop: strings that end an answer; None are the task's.
        temperature: None answers as the policy was tuned. A number replaces samples and temperature of each of its
            mixes by one answer drawn at that temperature; 0 is greedy.
        seed: replaces the noise seed of what is drawn.
        key: keys the noise of what is drawn; None is the question's text.
        logprobs: tell of every symbol of the answer how likely it was, and so many of the likeliest ones; only where
            one mix answers.

    Example:
        >>> Question("47+85=", max_bytes=8, temperature=0.0).policy
        ''
    """

    prompt: str | Mapping[str, Any] | tuple[Turn, ...]
    policy: str = ""
    task: str | None = None
    raw: bool = False
    max_bytes: int | None = None
    max_symbols: int | None = None
    stop: tuple[str, ...] | None = None
    temperature: float | None = None
    seed: int | None = None
    key: str | None = None
    logprobs: int | None = None


@dataclass(frozen=True)
class Symbol:
    """One symbol of an answer, and what else could have stood there.

    Attributes:
        text: its bytes; a character may be spread over several symbols.
        log_prob: in the fused distribution, before any sampling temperature, nats; where a step draws its speaker, that
            is the speaker's own.
        alternatives: the likeliest symbols with their log-probabilities; END is the one without bytes.
        entropy: of the lead, nats; NaN where it was not asked.
        speakers: names of the members that had a say.
    """

    text: bytes
    log_prob: float
    alternatives: tuple[tuple[bytes, float], ...]
    entropy: float
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """What a policy said to a question.

    Attributes:
        text: the answer; empty on failure.
        finish: how it ended.
        failure: why there is no answer, its kind first; None where there is one.
        cost: of the policy deployed alone, per member.
        open_share: share of steps at which a follower spoke.
        touched_share: share of the lead's tokens in which a follower spoke.
        symbols: that were decoded for it, END included, over all samples of all mixes.
        prompt_tokens: tokens of the rendered prompt, by the name of each member that spoke.
        trace: the symbols of the answer, where `Question.logprobs` asked for them; not END, nor what lies behind the
            text's end wholly. The last one may reach beyond it: a stop string or a limit cuts within symbols.
    """

    text: str
    finish: Finish = "end"
    failure: str | None = None
    cost: Cost = NO_COST
    open_share: float = 0.0
    touched_share: float = 0.0
    symbols: int = 0
    prompt_tokens: Mapping[str, int] = field(default_factory=dict)
    trace: tuple[Symbol, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class News:
    """What a turn of an engine brought to a question.

    Attributes:
        ticket: of the question.
        text: characters that are certain since the last news: whole ones, and none that a stop string may still take
            back. Of a policy that decodes several answers for one (a vote, several samples, a route that asks several),
            all of it comes with the reply.
        reply: once the question is answered: its text is that of all news together. None before.
    """

    ticket: int
    text: str
    reply: Reply | None = None
