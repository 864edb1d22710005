"""Where answers to a task of the harness end: what its ``generation_kwargs`` say of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from evoswarm.errors import TaskError, Where

LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
TOKENS = 256  # of an answer, where a task does not say: the harness's own default
BYTES_PER_TOKEN = 4
"""Of English text and a large vocabulary."""


class AnswerEnding(NamedTuple):
    """Where an answer ends.

    Attributes:
        stop: strings that end it.
        tokens: at most, as the task counts.
    """

    stop: tuple[str, ...]
    tokens: int


def answer_ending(said: Mapping[str, Any]) -> AnswerEnding:
    """What a task says, or was told at a command line: a value may be any text.

    Raises:
        TaskError: strings or limit are none.
    """
    until = said.get("until") or []
    stop = [until] if isinstance(until, str) else until
    if not isinstance(stop, list | tuple):
        raise _wrong("until", until, "strings")
    limit = next((name for name in LIMITS if said.get(name) is not None), None)
    tokens = TOKENS if limit is None else number(said, limit)
    if tokens < 1 or tokens != int(tokens):
        raise _wrong(str(limit), said[str(limit)], "a whole number from 1")
    return AnswerEnding(tuple(dict.fromkeys(str(one) for one in stop if one)), int(tokens))


def number(said: Mapping[str, Any], name: str) -> float:
    """A value that is not below 0.

    Raises:
        TaskError: it is none.
    """
    try:
        found = float(said[name])
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise _wrong(name, said[name], "a number from 0")
    return found


def _wrong(name: str, value: object, wanted: str) -> TaskError:
    return TaskError(f"expected {wanted}, got {value!r:.60}", Where("generation_kwargs", name))
