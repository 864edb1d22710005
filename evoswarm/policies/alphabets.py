"""The names of alphabets, and what follows from each for those who do not decode."""

from __future__ import annotations

from typing import Literal, NamedTuple

AlphabetName = Literal["bytes", "common", "tokens"]


class AlphabetTraits(NamedTuple):
    """What recipes, spaces and pools must know of an alphabet.

    Attributes:
        one_tokenizer: only members of one tokenizer share it.
        approximate: a member's distribution may leave out a share of epsilon.
    """

    one_tokenizer: bool
    approximate: bool


ALPHABETS: dict[AlphabetName, AlphabetTraits] = {
    "bytes": AlphabetTraits(one_tokenizer=False, approximate=True),
    "common": AlphabetTraits(one_tokenizer=False, approximate=True),
    "tokens": AlphabetTraits(one_tokenizer=True, approximate=False),
}
