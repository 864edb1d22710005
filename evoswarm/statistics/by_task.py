"""Items of several tasks in parts that every task is spread over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

Places = np.ndarray[Any, np.dtype[np.int64]]


def folds(tasks: Sequence[str], count: int) -> Places:
    """``[items]`` the part of each item, below ``count``: the items of every task take turns.

    Args:
        tasks: ``[items]`` whose each item is.
        count: parts.
    """
    seen = Counter[str]()
    found = np.empty(len(tasks), dtype=np.int64)
    for place, task in enumerate(tasks):
        found[place] = seen[task] % count
        seen[task] += 1
    return found


def fold_places(tasks: Sequence[str], count: int) -> list[Places]:
    """The places of the items of each part, in order; see `folds`. Parts that hold no item are left out."""
    numbers = folds(tasks, count)
    return [np.flatnonzero(numbers == part) for part in np.unique(numbers)]
