"""Answers to rows of token ids, as ``evoswarm generate`` gives them to the same questions."""

from __future__ import annotations

from collections.abc import Sequence
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
    """

    symbols: int | None = None
    stop: tuple[str, ...] | None = None
    temperature: float | None = None
    copies: int = 1
    task: str | None = None
    raw: bool = False


def answer_all(engine: Engine, asked: Sequence[Conversation], wish: Wish, longest_symbol: int = 1) -> list[Reply]:
    """Answers to conversations, together; the copies of one next to each other.

    Args:
        engine: of one policy.
        asked: what they answer.
        wish: how.
        longest_symbol: in bytes.

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
        )
        for row, one in enumerate(asked)
        for copy in range(wish.copies)
    ]
    replies = engine.answer(questions)
    for number, reply in enumerate(replies):
        if reply.failure is not None:
            raise RunError(f"expected an answer to row {number // wish.copies} of the input, got none: {reply.failure}")
    return replies
