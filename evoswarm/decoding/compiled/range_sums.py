"""Sums over ranges of rows on the host: of the tokens in a range, by whole blocks of them where there are any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.compiled.arrays import numbers

BLOCK = 32  # tokens added up beforehand: a long range is a short one of blocks, and a few tokens at its ends


def range_sums(table: Any, width: int, rows: Any, low: Any, high: Any) -> NDArray[np.float64]:
    """``[n]`` the sums of the numbers at positions low to high of some rows.

    Args:
        table: ``[rows, width + blocks + 1]`` float32: numbers, sums of blocks of them, and one that is in no range.
        width: numbers of a row.
        rows: ``[n]``.
        low: ``[n]``, and high ``[n]``.
    """
    held, at, begin, end = numbers(table), numbers(rows), numbers(low), numbers(high)
    made = np.empty(len(at))
    found = numbers(made)
    for place in range(len(at)):
        found[place] = _sum(held, at[place], width, begin[place], end[place])
    return made


def sums_by_symbol(
    table: Any, width: int, heads: tuple[Any, Any, Any, Any], following: tuple[Any, Any], allowed: Any
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """What comes next: the sum over heads of mass times what goes on.

    Args:
        table: see ``range_sums``; the last number of a row is that of END.
        width: numbers of a row.
        heads: ``[heads]`` rows, branches, masses and owners.
        following: by branch where its rows begin, and ``[n, 3]`` rows: a symbol and its range (``TokenTrie``).
        allowed: ``[owners, symbols]`` uint8, what may follow; the last symbol is END.

    Returns:
        ``[owners, symbols]`` shares that add up to one (0 where nothing may follow), and ``[owners]`` what they added
        up to before.
    """
    held, may = numbers(table), numbers(allowed)
    row, branch = numbers(heads[0]), numbers(heads[1])
    mass, owner = numbers(heads[2]), numbers(heads[3])
    begins, ranges = numbers(following[0]), numbers(following[1])
    summed, totalled = np.zeros(allowed.shape), np.zeros(len(allowed))
    sums, totals = numbers(summed), numbers(totalled)
    end = allowed.shape[1] - 1
    for head in range(len(row)):
        to, at, times = owner[head], row[head], mass[head]
        for place in range(begins[branch[head]], begins[branch[head] + 1]):
            symbol = ranges[place, 0]
            if may[to, symbol]:
                share = times * _sum(held, at, width, ranges[place, 1], ranges[place, 2])
                sums[to, symbol] += share
                totals[to] += share
        if not branch[head] and may[to, end]:
            share = times * held[at, held.shape[1] - 1]
            sums[to, end] += share
            totals[to] += share
    summed /= np.where(totalled > 0, totalled, 1.0)[:, None]
    return summed.astype(np.float32), totalled


def _sum(table: Any, row: int, width: int, low: int, high: int) -> float:
    first, last = (low + 31) >> 5, high >> 5  # blocks, by shifts and a literal, as a name would be looked up each time
    total = 0.0
    if first >= last:  # no whole block
        for place in range(low, high):
            total += table[row, place]
        return total
    for place in range(low, first << 5):
        total += table[row, place]
    for place in range(width + first, width + last):
        total += table[row, place]
    for place in range(last << 5, high):
        total += table[row, place]
    return total
