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
    """

    one_tokenizer: bool
    approximate: bool
    of_members: bool = False


ALPHABETS: dict[AlphabetName, AlphabetTraits] = {
    "bytes": AlphabetTraits(one_tokenizer=False, approximate=True),
    "common": AlphabetTraits(one_tokenizer=False, approximate=True, of_members=True),
    "tokens": AlphabetTraits(one_tokenizer=True, approximate=False),
}


def automatic(one_tokenizer: bool) -> AlphabetName:
    """What ``auto`` takes: ``tokens`` where all members of the pool share one tokenizer and its ends."""
    return "tokens" if one_tokenizer else "common"
