"""What a search does with right answers that it knows, beside scoring what is decoded."""

from __future__ import annotations

from pydantic import Field

from evoswarm.settings import Settings


class GoldSettings(Settings):
    """Uses of gold paths: what members say along the right answers of the search items, read once.

    Fitness is always that of real decoding; these say what is worth decoding. Each needs greedy mixes and right answers
    that are known as texts, and is off, and says so, where there are none.

    A search begins with fitted mixes: they compete with what it found in the end anyway, so it may as well go on from
    them. The others are off by default: in short searches of three spaces none was shown to help the champion.

    Attributes:
        founders: mixes fitted to the right answers are among the founders, where there are any.
        refine: share of the children of which the continuous genes take a few gradient steps.
        screen: drafts of every individual, of which the one that does best along the right answers is decoded.
        order: of individuals that are equally accurate, the one that is surer of the right answers is the better.
    """

    founders: bool = True
    refine: float = Field(default=0.0, ge=0, le=1)
    screen: int = Field(default=1, ge=1, le=64)
    order: bool = False
