"""What the harness asks of a model, in an engine's words: contexts, conversations, and where answers end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from evoswarm.answering.likelihood import Context
from evoswarm.chat import Turn
from evoswarm.errors import RunError, Where
from evoswarm.policies import Policy
from evoswarm.policies.route import every_mix
from evoswarm.tasks.harness.ending import LIMITS, answer_ending, number

CONVERSATION = "evoswarm conversation: "
"""Begins a context that is a conversation: the harness wants a text, but every member has a template of its own."""

NO_BYTE_LIMIT = 1 << 30
_OF_DRAWS = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0}
_UNTOUCHED = {"num_beams": 1, "repetition_penalty": 1.0, "num_return_sequences": 1}


class AnswerLimits(NamedTuple):
    """Where an answer ends, and how it is found.

    Attributes:
        stop: strings that end it.
        tokens: at most, as the task counts.
        temperature: at which it is drawn; None answers as the policy was tuned.
    """

    stop: tuple[str, ...]
    tokens: int
    temperature: float | None


def limits_of(said: Mapping[str, Any]) -> AnswerLimits:
    """What a task's ``generation_kwargs`` mean.

    Without ``do_sample`` a policy answers as it was tuned, and what only draws obey has no effect.

    Raises:
        RunError: they ask for what no policy does.
        TaskError: a value is not what it should be.
    """
    stop, tokens = answer_ending(said)
    drawn = bool(said.get("do_sample"))
    temperature = number(said, "temperature") if drawn and said.get("temperature") else 0.0
    for name, value in said.items():
        plain = {**_UNTOUCHED, **(_OF_DRAWS if drawn and temperature > 0 else {})}
        if name in plain and value not in (None, plain[name]):
            raise _unknown(name, value, f"{plain[name]} or nothing")
        if name not in {"until", "do_sample", "temperature", *LIMITS, *_OF_DRAWS, *_UNTOUCHED}:
            raise _unknown(name, value)
    return AnswerLimits(stop, tokens, temperature or None)


def _unknown(name: str, value: object, wanted: str = "") -> RunError:
    """``wanted`` is of this name's value; without, the name itself is unknown."""
    if not wanted:
        message = f"expected until, max_gen_toks, do_sample and temperature, got {name}: {value!r:.60}"
        return RunError(message, Where("generation_kwargs"))
    return RunError(f"expected {wanted}, got {value!r:.60}", Where("generation_kwargs", name))


def symbols_of(tokens: int, policy: Policy, bytes_per_token: int) -> int:
    """How many symbols an answer of so many tokens may have: in ``bytes`` one is a part of a token."""
    alphabets = {mix.alphabet for mix in every_mix(policy)}
    return tokens * (bytes_per_token if "bytes" in alphabets else 1)


def as_context(turns: Sequence[Mapping[str, Any]]) -> str:
    """A conversation as a text that `context_of` reads back.

    Raises:
        RunError: it does not end with a user's turn: an answer is begun, which no policy goes on from.
    """
    if not turns or turns[-1].get("role") != "user":
        raise RunError(
            "expected a task whose conversations end with a question (--apply_chat_template asks every member by its"
            " own template), got one that begins the answer (gen_prefix)"
        )
    return CONVERSATION + json.dumps([[str(turn["role"]), str(turn["content"])] for turn in turns], ensure_ascii=False)


def context_of(text: str) -> Context:
    """What the harness hands over as a context."""
    if not text.startswith(CONVERSATION):
        return text
    return tuple(Turn(role, content) for role, content in json.loads(text.removeprefix(CONVERSATION)))
