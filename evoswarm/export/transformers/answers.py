"""Answers to rows of token ids, as ``evoswarm generate`` gives them to the same questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from evoswarm.answering.engine import Engine
from evoswarm.answering.question import Question, Reply
from evoswarm.chat import Conversation, Turn
from evoswarm.errors import RunError


class Wish(NamedTuple):
    """How rows are to be answered.

    Attributes:
        symbols: that an answer may have; None is as many as its task allows.
        stop: strings that end an answer; None are the task's.
        temperature: of what is drawn; None is as the policy was tuned.
        copies: answers to each row.
        task: whose questions they are.
        raw: questions are worded already.
        traced: replies tell the symbols of their answers.
    """

    symbols: int | None = None
    stop: tuple[str, ...] | None = None
    temperature: float | None = None
    copies: int = 1
    task: str | None = None
    raw: bool = False
    traced: bool = False


def answer_all(
    engine: Engine,
    asked: Sequence[Conversation],
    wish: Wish,
    longest_symbol: int = 1,
    tell: Callable[[str], None] | None = None,
) -> list[Reply]:
    """Answers to conversations, together; the copies of one next to each other.

    Args:
        engine: of one policy.
        asked: what they answer.
        wish: how.
        longest_symbol: in bytes.
        tell: told of the one answer that there is while it grows, whole characters at a time.

    Raises:
        RunError: one has no answer; says why.
    """
    if wish.copies > 1 and wish.temperature is None:
        raise RunError("num_return_sequences: expected 1 (one question, one answer), got more without do_sample=True")
    seed = None if wish.temperature is None else int(torch.randint(1 << 31, ()).item())  # torch.manual_seed repeats it
    questions = [
        Question(
            prompt=(*one.before, Turn("user", one.question)) if one.before else one.question,
            task=wish.task,
            raw=wish.raw,
            max_bytes=None if wish.symbols is None else wish.symbols * longest_symbol,
            max_symbols=wish.symbols,
            stop=wish.stop,
            temperature=wish.temperature,
            seed=seed,
            key=None if seed is None else f"{row}-{copy}",
            logprobs=0 if wish.traced else None,
        )
        for row, one in enumerate(asked)
        for copy in range(wish.copies)
    ]
    if tell is not None and len(questions) != 1:
        raise RunError(f"streamer: expected one question, whose answer is told while it grows, got {len(questions)}")
    replies = engine.answer(questions) if tell is None else [_told(engine, questions[0], tell)]
    for number, reply in enumerate(replies):
        if reply.failure is not None:
            raise RunError(f"expected an answer to row {number // wish.copies} of the input, got none: {reply.failure}")
    return replies


def _told(engine: Engine, question: Question, tell: Callable[[str], None]) -> Reply:
    """The answer to one question, told while it grows."""
    ticket, reply = engine.submit(question), None
    try:
        while reply is None:
            for news in engine.turn():
                if news.ticket == ticket:
                    reply = news.reply
                    if news.text:
                        tell(news.text)
    finally:
        engine.cancel(ticket)  # whoever listened may have left
    return reply
