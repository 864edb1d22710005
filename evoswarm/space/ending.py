"""How a search ends, as its space says: which finalist is its champion, and what its certificate calls a gain."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evoswarm.settings import Settings


class ChampionSettings(Settings):
    """Which finalist a search ends with.

    Attributes:
        choose: ``accurate``, the one that is expected to score most by what it did on the search and the selection
            split; or ``thrifty``, the cheapest that the most accurate on the selection split does not clearly beat
            there. Null is accurate where no objective is a cost, else thrifty.
        saving: the least share of FLOPs that a thrifty choice must save.
        routes: mixes that a route may hold which a search for mixes puts together out of what it knows
            (`evoswarm.experiment.composing`); below 2, none is put together.
    """

    choose: Literal["accurate", "thrifty"] | None = None
    saving: float = Field(default=0.05, ge=0, lt=1)
    routes: int = Field(default=8, ge=0, le=64)


class CertificateSettings(Settings):
    """What the verdict calls a gain, and how far rivals may go.

    Attributes:
        margin: the least gain in accuracy that is worth the trouble; *no value* means below it.
        samples: answers per item that a rival may draw from a member, where the champion's FLOPs buy as many.
        merged: members of one shape are merged into one model, which is a rival (R6); false leaves it out, and the
            certificate says so.
    """

    margin: float = Field(default=0.03, gt=0, lt=1)
    samples: int = Field(default=17, ge=3, le=1024)
    merged: bool = True
