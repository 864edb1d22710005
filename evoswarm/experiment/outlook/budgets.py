"""How many generations the budgets of a space leave time and work for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple


class Allowance(NamedTuple):
    """What one budget allows.

    Attributes:
        left: of it.
        each: that a generation takes of it.
    """

    left: float
    each: float


def generations_within(most: int, allowances: Iterable[Allowance]) -> int:
    """How many generations there will be; a budget ends a search behind the generation that spends it.

    Args:
        most: without any budget.
        allowances: of the budgets that there are.
    """
    counts = [max(0, math.ceil(left / each)) for left, each in allowances if each > 0]
    return min([most, *counts])
