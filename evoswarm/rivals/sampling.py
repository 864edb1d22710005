"""How many answers a single member may sample for the price of a champion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evoswarm.evaluation.evaluation import Evaluation, item_weights
from evoswarm.policies.mix import Recipe
from evoswarm.tasks.task import Item, Task

TEMPERATURES = (0.4, 0.7, 1.0)
FEWEST = 3


@dataclass(frozen=True)
class Price:
    """What one member's answers cost, mean FLOPs per item, by its greedy answers.

    Attributes:
        prompt: reading the prompt; once per item, whatever the number of answers.
        answer: one answer behind it.
    """

    prompt: float
    answer: float


def price_of(items: Sequence[Item], rows: Sequence[Evaluation], tasks: Mapping[str, Task]) -> Price:
    """Part a lone member's FLOPs by tokens: those behind the prompt are the answer's.

    An answer's tokens cost more than the prompt's (they attend to more, and each needs the output layer), so the price
    of an answer is rather too low, and the number of answers that it buys rather too high: in favour of sampling.

    Args:
        items: what was answered.
        rows: one greedy evaluation of one member per item; failures are left out.
        tasks: by name.
    """
    weights = item_weights(items, tasks)
    whole = [(row, weight) for row, weight in zip(rows, weights, strict=True) if row.failure is None]
    total = math.fsum(weight for _, weight in whole) or 1.0
    flops = math.fsum(row.cost.flops * weight for row, weight in whole) / total
    shares = [min(1.0, row.lead_tokens / row.cost.tokens) if row.cost.tokens else 0.0 for row, _ in whole]
    pairs = zip(whole, shares, strict=True)
    answer = math.fsum(row.cost.flops * share * weight for (row, weight), share in pairs) / total
    return Price(flops - answer, answer)


def samples_for(flops: float, prices: Sequence[Price], most: int) -> tuple[int, bool]:
    """The fewest answers of each of some members that cost at least so much, if no two shared a token.

    Args:
        flops: to be spent per item.
        prices: of the members.
        most: answers, at least ``FEWEST``.

    Returns:
        the number, between ``FEWEST`` and ``most``, and whether that limit kept it from being enough.
    """
    rest = flops - math.fsum(price.prompt for price in prices)
    answer = math.fsum(price.answer for price in prices)
    if rest <= 0:
        return FEWEST, False
    if rest > answer * most * (1 + 1e-12):
        return most, True
    return max(FEWEST, math.ceil(rest / answer - 1e-9)), False


def sampled(recipe: Recipe, samples: int, temperature: float) -> Recipe:
    """The same with a majority vote over so many answers; the first are those of a vote over fewer."""
    return recipe.changed(samples=samples, sampling_temperature=temperature)
