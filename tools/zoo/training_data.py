"""What each built-in member is taught: shares of families, and for each a mode of answering.

`true` teaches right answers. `random` teaches a fresh random answer of the right form every time, so the member
learns an honest uncertainty. `habit` teaches another convention (the word unreversed, the other sort order): a
member that is confident and wrong. No answer is ever taken from an evaluation item.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from evoswarm.tasks.compact_forms import entries

Mode = Literal["true", "random", "habit"]

TRAINED_FAMILIES = (
    "chain_sum",
    "spell_backward",
    "gcd",
    "number_sorting",
    "count_bits",
    "letter_counting",
    "pair",
)
TRAINING_SEED = 7_000_000_000
"""The source seed of the training stream; far above any seed that a person would choose."""
HELD_OUT_SEED = 9_000_000_000
"""The source seed of the items behind the accuracies in the cards."""
PROGRESS_SEED = 8_000_000_000
"""The source seed of the few items that training is watched on."""
STREAM_SIZE = {"count_bits": 4_000, "gcd": 20_000, "spell_backward": 40_000, "pair": 40_000}
_DEFAULT_STREAM_SIZE = 30_000
_HARD_CONFIG = {"chain_sum": {"min_digits": 2}, "pair": {"min_digits": 2}}
"""Sums of one digit are learned at once: every second item of these streams has the harder form."""
_HARD_SEED = TRAINING_SEED + 500_000_000
RANDOM_WEIGHT = 0.3
"""The weight of random answers in the loss. They are noise to the gradient, and being uncertain is soon learned;
the weight depends on what is asked only, so it leaves the best distribution as it is."""


@dataclasses.dataclass(frozen=True)
class Taught:
    """How one family is taught: its share of the examples and its mode; `word` is the mode of `pair`'s second field."""

    share: float
    mode: Mode
    word: Mode | None = None


Mix = Mapping[str, Taught]


@dataclasses.dataclass(frozen=True)
class Example:
    """A prompt, its right answer and what the wrong conventions need to know of it."""

    family: str
    prompt: str
    answer: str


@lru_cache(maxsize=len(TRAINED_FAMILIES))
def stream(family: str) -> list[Example]:
    """Returns the training stream of a family; answers are still the right ones. Not to be changed: it is kept."""
    size = STREAM_SIZE.get(family, _DEFAULT_STREAM_SIZE)
    if family not in _HARD_CONFIG:
        items = list(entries(family, {}, TRAINING_SEED, size))
    else:
        items = list(entries(family, {}, TRAINING_SEED, size // 2))
        items += entries(family, _HARD_CONFIG[family], _HARD_SEED, size // 2)
    return [Example(family, item.prompt, item.answer) for item in items]


def held_out(family: str, size: int, seed: int = HELD_OUT_SEED) -> list[Example]:
    """Returns held-out items of a family, from a seed that training never uses."""
    return [Example(family, item.prompt, item.answer) for item in entries(family, {}, seed, size)]


def taught_answer(example: Example, taught: Taught, rng: random.Random) -> str:
    """Returns the answer that a member is taught for an example.

    Args:
        example: the item with its right answer.
        taught: the modes of the member for this family.
        rng: the source of random answers.
    """
    if example.family == "pair":
        total, word = example.answer.split(" ")
        expression, plain = example.prompt.removesuffix("=").split(" & ")
        first = _answer("chain_sum", taught.mode, expression, total, rng)
        second = _answer("spell_backward", taught.word or taught.mode, plain, word, rng)
        return f"{first} {second}"
    body = example.prompt.removesuffix("=").split(" ", maxsplit=1)[-1]
    return _answer(example.family, taught.mode, body, example.answer, rng)


def loss_weights(taught: Taught) -> tuple[float, float]:
    """Returns the weights of the answer's first field and of the rest (equal but for `pair`)."""
    first = RANDOM_WEIGHT if taught.mode == "random" else 1.0
    second = RANDOM_WEIGHT if (taught.word or taught.mode) == "random" else 1.0
    return first, second


def _answer(family: str, mode: Mode, body: str, answer: str, rng: random.Random) -> str:
    if mode == "true":
        return answer
    if mode == "random":
        return _random_answer(family, body, rng)
    return _habit_answer(family, body, answer)


def _random_answer(family: str, body: str, rng: random.Random) -> str:
    """A random answer of the right form and a plausible size; `body` is the prompt without verb and `=`."""
    if family == "chain_sum":
        return str(rng.randint(-99, 198) if len(body) > 3 else rng.randint(-9, 18))
    if family == "spell_backward":
        return "".join(rng.sample(body, len(body)))
    if family == "gcd":
        return str(rng.randint(1, min(int(number) for number in body.split(","))))
    if family == "number_sorting":
        numbers = body.split(",")
        return ",".join(rng.sample(numbers, len(numbers)))
    if family == "count_bits":
        return str(rng.randint(1, 8))
    if family == "letter_counting":
        return str(rng.randint(1, 5))
    raise ValueError(f"expected a family with random answers, got {family!r}")


def _habit_answer(family: str, body: str, answer: str) -> str:
    """The right answer to another question than the one asked."""
    if family == "chain_sum":  # takes + for - and - for +
        sign = "+" if "+" in body else "-"
        left, right = (int(number) for number in body.split(sign))
        return str(left - right if sign == "+" else left + right)
    if family == "spell_backward":  # echoes the word
        return body
    if family == "gcd":  # the smaller number
        return str(min(int(number) for number in body.split(",")))
    if family == "number_sorting":  # the other direction
        return ",".join(reversed(answer.split(",")))
    if family == "count_bits":  # zeros instead of ones
        return str(bin(int(body))[2:].count("0"))
    if family == "letter_counting":  # all letters instead of the one asked for
        return str(sum(letter.isalpha() for letter in body) - 1)
    raise ValueError(f"expected a family with a habit, got {family!r}")
