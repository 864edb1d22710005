"""What members say along gold texts, narrowed to what a fit needs: of every position the likeliest symbols.

A vocabulary has up to a quarter of a million symbols, nearly all of which have nearly no mass along a right answer, and
a fit looks at every position a hundred times. So of each position the target and the symbols that some member finds
likely are outcomes of their own. The others, the likelier first, are put together in groups of 2, 4, 8 and so on: one
outcome with the mean of their probabilities, counted as often as there are of them. Probabilities stay exact as long as
they are untempered; entropies, and tempered ones, are as exact as the symbols of a group are equally likely.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from evoswarm.evaluation.evaluation import item_weights
from evoswarm.fusion.context import of_place
from evoswarm.gold.rows import GoldRows
from evoswarm.tasks.task import Item

KEPT = 12
"""Symbols of a position that are told apart."""

_AT_ONCE = 1 << 24  # numbers narrowed in one step


@dataclass(frozen=True)
class Outcomes:
    """Narrowed rows; float64, so that a fit does not depend on how sums are grouped.

    Attributes:
        log_probs: ``[members, positions, outcomes]`` untempered, of one symbol of the outcome; 0 where there is none.
        log_counts: ``[positions, outcomes]`` of the symbols that the outcome stands for; -inf where there is none.
        present: ``[members, positions]`` who has something to say.
        entropies: ``[members, positions]`` of the untempered rows, nats.
        places: ``[2, positions]`` what the coefficients of `evoswarm.fusion.context.PLACED` are multiplied by.
        targets: ``[positions]`` the outcome that the text goes on with.
        item: ``[positions]`` whose text it is, as a place in ``weights``.
        weights: ``[items]`` what each item counts; they sum to 1.
    """

    log_probs: Tensor
    log_counts: Tensor
    present: Tensor
    entropies: Tensor
    places: Tensor
    targets: Tensor
    item: Tensor
    weights: Tensor

    @classmethod
    def of(cls, rows: GoldRows, kept: int = KEPT) -> Outcomes:
        """Narrow rows along the text of every item, the first where it has several; once for all fits to them.

        Items are weighted as the tasks say, those of a task equally.

        Args:
            rows: of all members.
            kept: symbols of a position that are told apart.
        """
        known = _known.setdefault(rows, {})
        if kept not in known:
            known[kept] = cls._of(rows, kept)
        return known[kept]

    @classmethod
    def _of(cls, rows: GoldRows, kept: int) -> Outcomes:
        first: dict[Item, int] = {}
        for number, text in enumerate(rows.texts):
            first.setdefault(text.item, number)
        here = torch.isin(rows.text, torch.tensor(sorted(first.values()))).nonzero()[:, 0]
        members, _, symbols = rows.log_probs.shape
        step = max(1, _AT_ONCE // (members * symbols))
        parts = [_narrowed(rows, here[start : start + step], kept) for start in range(0, len(here), step)]
        log_probs, log_counts, targets = zip(*parts, strict=True)
        return cls(
            torch.cat(log_probs, 1),
            torch.cat(log_counts),
            rows.present[:, here],
            rows.entropies[:, here],
            torch.stack(of_place(torch.from_numpy(rows.length).double(), torch.from_numpy(rows.inside)))[:, here],
            torch.cat(targets),
            rows.item[here],
            torch.tensor(item_weights(rows.items, rows.tasks), dtype=torch.float64),
        )

    def some(self, items: Sequence[int]) -> Outcomes:
        """The same of some of the items, whose weights sum to 1 again."""
        number = torch.full((len(self.weights),), -1, dtype=torch.int64)
        number[list(items)] = torch.arange(len(items))
        part = self._at(number[self.item] >= 0)
        weights = self.weights[list(items)]
        return replace(part, item=number[part.item], weights=weights / weights.sum())

    def of_members(self, members: Sequence[int], speaks: Tensor | None = None) -> Outcomes:
        """The same of some of the members, at the positions where one of them has something to say.

        Args:
            members: which, in order.
            speaks: ``[members, positions]`` when each of these has a say; None is always.
        """
        some = list(members)
        present = self.present[some] if speaks is None else self.present[some] & speaks
        part = replace(self, log_probs=self.log_probs[some], entropies=self.entropies[some], present=present)
        return part._at(present.any(0))

    def _at(self, here: Tensor) -> Outcomes:
        """The same at some of the positions."""
        return Outcomes(
            self.log_probs[:, here],
            self.log_counts[here],
            self.present[:, here],
            self.entropies[:, here],
            self.places[:, here],
            self.targets[here],
            self.item[here],
            self.weights,
        )

    def target(self, scores: Tensor) -> Tensor:
        """The target's own of some values per outcome: ``[..., positions, outcomes]`` -> ``[..., positions]``."""
        places = self.targets[:, None].expand(*scores.shape[:-1], 1)
        return scores.gather(-1, places)[..., 0]


_known: WeakKeyDictionary[GoldRows, dict[int, Outcomes]] = WeakKeyDictionary()
"""By rows and symbols kept: narrowing sorts all symbols of every position, which takes seconds for wide alphabets."""


def _narrowed(rows: GoldRows, some: Tensor, kept: int) -> tuple[Tensor, Tensor, Tensor]:
    """``[members, positions, outcomes]``, ``[positions, outcomes]`` and the targets' places of some positions."""
    present, allowed, targets = rows.present[:, some], rows.allowed[some], rows.targets[some]
    said = torch.where(present[..., None] & allowed, rows.log_probs[:, some].double(), -math.inf)
    score = said.amax(0).scatter(1, targets[:, None], math.inf)  # the target comes first
    order = score.argsort(stable=True, dim=1, descending=True)
    said = said.gather(2, order.expand(len(said), -1, -1))
    exists = allowed.gather(1, order)
    log_probs, log_counts = [], []
    for group in _groups(order.shape[1], kept):
        counts = exists[:, group].sum(1).double().log()
        mean = said[..., group].logsumexp(2) - counts
        log_probs.append(torch.where(present & (counts > -math.inf), mean, 0.0))
        log_counts.append(counts)
    return torch.stack(log_probs, 2), torch.stack(log_counts, 1), torch.zeros_like(targets)


def _groups(symbols: int, kept: int) -> Iterator[slice]:
    """Places of symbols, the likeliest first: those kept alone, then twice as many each time."""
    start, size = 0, 1
    while start < symbols:
        yield slice(start, start + size)
        start += size
        size = size if start < kept else 2 * size
