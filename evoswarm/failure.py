"""Why an item has no answer, or an answer no score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FailureKind = Literal[
    "out_of_memory",
    "time_out",
    "non_finite",
    "no_mass",
    "prompt_too_long",
    "unknown_token",
    "prompt_refused",
    "invalid_recipe",
    "scorer_error",
]


@dataclass(frozen=True)
class Failure:
    """Why an item has no answer, or an answer no score.

    Attributes:
        kind: what happened.
        message: more of it, without names: it is kept beside evaluations that many spaces share.
        member: name of the member that is to blame, as the reader's recipe calls it; "" where no single one is.
    """

    kind: FailureKind
    message: str
    member: str = ""
