"""The names of alphabets, and what follows from each for those who do not decode."""

from __future__ import annotations

from typing import Literal, NamedTuple

AlphabetName = Literal["bytes", "common", "tokens"]
AlphabetChoice = Literal["auto", "bytes", "common", "tokens"]
"""What a space may say: ``auto`` is resolved when its pool is known."""


class AlphabetTraits(NamedTuple):
    """What recipes, spaces and pools must know of an alphabet.

    Attributes:
        one_tokenizer: only members of one tokenizer share it.
        approximate: a member's distribution may leave out a share of epsilon.
        of_members: what its symbols are depends on who is in the recipe.
        step: what a recipe of several members chooses at each step, in words.
        alone: the same of a recipe of one member.
    """

    one_tokenizer: bool
    approximate: bool
    step: str
    alone: str
    of_members: bool = False


ALPHABETS: dict[AlphabetName, AlphabetTraits] = {
    "bytes": AlphabetTraits(one_tokenizer=False, approximate=True, step="one byte", alone="one byte"),
    "common": AlphabetTraits(
        one_tokenizer=False,
        approximate=True,
        step="one token that all its members have, or one byte",
        alone="one of its member's own tokens",
        of_members=True,
    ),
    "tokens": AlphabetTraits(
        one_tokenizer=True,
        approximate=False,
        step="one token; its members share one tokenizer",
        alone="one of its member's own tokens",
    ),
}


def alphabet_words(alphabet: AlphabetName, members: int) -> str:
    """What a step of a recipe of so many members is, as a sentence."""
    traits = ALPHABETS[alphabet]
    return f"Alphabet {alphabet}: a step is {traits.step if members > 1 else traits.alone}."


def automatic(one_tokenizer: bool) -> AlphabetName:
    """What ``auto`` takes: ``tokens`` where all members of the pool share one tokenizer and its ends."""
    return "tokens" if one_tokenizer else "common"
