"""Items of several tasks: what each of them counts, and how they are taken in parts that every task is spread over."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Places = np.ndarray[Any, np.dtype[np.int64]]


def item_shares(tasks: Sequence[str], weights: Mapping[str, float]) -> list[float]:
    """What each item adds to a weighted mean over tasks; sums to 1. Every task's items share its weight equally.

    Args:
        tasks: ``[items]`` whose each item is.
        weights: by task, > 0, on any scale.
    """
    counts = Counter(tasks)
    total = math.fsum(weights[name] for name in counts)
    return [weights[name] / total / counts[name] for name in tasks]


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
