"""The operators of DEAP that draw at random, each with the generator that it draws from.

This is the only place where DEAP draws. What draws from ``numpy.random`` (reference points of NSGA-III) has no place in
a search that can be replayed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from deap import tools
from deap.tools import crossover, emo, mutation, selection

C = TypeVar("C")

_DRAWING = (crossover, emo, mutation, selection)


@contextmanager
def lend(rng: random.Random) -> Iterator[None]:
    """Let DEAP draw from ``rng`` while the block runs.

    DEAP's modules draw from the module ``random``, so that name in them stands for ``rng`` for a moment. The global
    generator is left alone: other threads may draw from it (MLflow's does, before it tries again), and would
    otherwise take numbers away from evolution.
    """
    rng.getrandbits(32)  # drawn since the first version: a seed goes on finding what it found
    before = [module.random for module in _DRAWING]
    for module in _DRAWING:
        module.random = rng
    try:
        yield
    finally:
        for module, name in zip(_DRAWING, before, strict=True):
            module.random = name


def tournaments(candidates: Sequence[C], count: int, size: int, rng: random.Random) -> list[C]:
    """The winners of so many tournaments of ``size`` candidates each, by their ``standing``."""
    with lend(rng):
        return list(tools.selTournament(candidates, count, size, fit_attr="standing"))


def simulated_binary_crossover(
    first: list[float], second: list[float], eta: float, low: Sequence[float], high: Sequence[float], rng: random.Random
) -> None:
    """Turn two rows of numbers into two children, in place (Deb & Agrawal 1995).

    Args:
        first: one parent's numbers.
        second: the other's.
        eta: large values keep children near their parents.
        low: smallest value of each number.
        high: largest.
        rng: where all chance comes from.
    """
    with lend(rng):
        tools.cxSimulatedBinaryBounded(first, second, eta, list(low), list(high))


def polynomial_mutation(value: float, eta: float, low: float, high: float, rng: random.Random) -> float:
    """A number near this one, between two ends (Deb & Goyal 1996); large ``eta``, small steps."""
    row = [value]
    with lend(rng):
        tools.mutPolynomialBounded(row, eta, low, high, indpb=1.0)
    return float(row[0])
