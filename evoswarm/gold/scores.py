"""How greedy mixes do along texts whose rows have been read: nothing is decoded.

Gates and fusion are those of decoding (see `evoswarm.decoding.step.places`). A mix writes a text
exactly if its favourite is the text's next symbol at every position; at the first one where it is not, what it writes
instead is looked at: it has ended and is scored, or cannot become right any more, or may (see `texts.Fate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.step.places import NOBODY, Places, places_along
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.texts import Fate, fate
from evoswarm.policies import Recipe


@dataclass(frozen=True, eq=False)
class Scores:
    """Greedy mixes along texts of items.

    Attributes:
        right: ``[recipes, items]`` surely right: it writes a right text.
        decided: ``[recipes, items]`` whether that is known; if not, the mix leaves the texts by a symbol that may still
            lead to a right one, and only decoding tells.
        log_likelihood: ``[recipes, items]`` nats, of the item's right texts together, each with its ending.
        margin: ``[recipes, items]`` nats: the least lead of a text's next symbol over any other, along the right text
            where that is greatest; negative where another symbol leads somewhere.
        closeness: ``[recipes, items]`` nats: the least distance of any decision on the way from another one, gates and
            choices inside a rule included; what rounding may turn is below 1e-4.
    """

    right: NDArray[np.bool_]
    decided: NDArray[np.bool_]
    log_likelihood: NDArray[np.float64]
    margin: NDArray[np.float32]
    closeness: NDArray[np.float64]

    @classmethod
    def unknown(cls, recipes: int, items: int) -> Self:
        """Nothing is decided yet, and all numbers are nan."""
        shape = recipes, items
        numbers = [np.full(shape, np.nan, dtype=kind) for kind in (np.float64, np.float32, np.float64)]
        return cls(np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool), *numbers)

    def fill(self, pairs: Sequence[tuple[int, int, int, int]], known: Scores) -> None:
        """Take over what is known.

        Args:
            pairs: a recipe and an item here, and the recipe and the item there.
            known: there.
        """
        recipe, item, *there = np.array(pairs, dtype=np.int64).reshape(-1, 4).T
        for one in fields(self):
            getattr(self, one.name)[recipe, item] = getattr(known, one.name)[there[0], there[1]]


def scores_along(recipes: Sequence[Recipe], rows: GoldRows) -> Scores:
    """Follow greedy mixes along texts.

    Args:
        recipes: greedy mixes of members whose rows there are.
        rows: along texts of items.

    Raises:
        RecipeError: one is no greedy mix, or the rows do not tell about it.
    """
    for recipe in recipes:
        rows.check(recipe)
    return _Judged(rows).scores(places_along(recipes, rows))


def text_log_likelihoods(recipes: Sequence[Recipe], rows: GoldRows) -> NDArray[np.float64]:
    """``[recipes, texts]`` of every text with its ending, nats.

    Raises:
        RecipeError: see ``scores_along``.
    """
    for recipe in recipes:
        rows.check(recipe)
    return _by_text(places_along(recipes, rows), rows)


def fused_along(recipe: Recipe, rows: GoldRows) -> NDArray[np.float32]:
    """``[positions, symbols]`` what a greedy mix says before it chooses, nats; -inf everywhere where nobody speaks.

    Raises:
        RecipeError: see ``scores_along``.
    """
    rows.check(recipe)
    found = np.full((len(rows.targets), len(rows.spellings) + 1), -np.inf, dtype=np.float32)

    def keep(plan: NDArray[np.int64], place: NDArray[np.int64], log_probs: Tensor) -> None:
        found[place] = log_probs.numpy()

    places_along([recipe], rows, on_fused=keep)
    return found


def _by_text(places: Places, rows: GoldRows) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.add.reduceat(places.log_prob.astype(np.float64), rows.starts, axis=1)
    return found


class _Judged:
    """From positions to items."""

    def __init__(self, rows: GoldRows) -> None:
        self._rows = rows

    def scores(self, places: Places) -> Scores:
        """What the mixes come to on every item."""
        rows, starts = self._rows, self._rows.starts
        count = len(rows.targets)
        follows = places.favourite == rows.targets.numpy()
        left = np.minimum.reduceat(np.where(follows, count, np.arange(count)), starts, axis=1)
        ends = np.append(starts[1:], count)
        followed = np.minimum(left, ends) - starts
        closeness = np.where(
            np.arange(count) <= np.minimum(left, count)[:, rows.text.numpy()], places.closeness, np.inf
        )
        closest = np.minimum.reduceat(closeness, starts, axis=1)
        fates = self._fates_of(places.favourite, left)
        likelihood = _by_text(places, rows)
        margin = np.minimum.reduceat(places.margin, starts, axis=1)
        return self._by_item(followed, fates, likelihood, margin, closest)

    def _fates_of(self, favourite: NDArray[np.int64], left: NDArray[np.int64]) -> NDArray[np.int64]:
        """``[recipes, texts]`` what becomes of those who leave a text at a position, or not (the number of all)."""
        found = np.full(left.shape, int(Fate.RIGHT))
        gone = np.nonzero(left < favourite.shape[1])
        where = left[gone]
        symbols = favourite[gone[0], where]
        pairs, owners = np.unique(np.stack([where, symbols]), axis=1, return_inverse=True)
        known = self._rows.fates
        for pair in map(tuple, pairs.T.tolist()):
            if pair not in known:
                known[pair] = self._fate(*pair)
        fates = np.array([known[pair] for pair in map(tuple, pairs.T.tolist())], dtype=np.int64)
        found[gone] = fates[owners.reshape(-1)] if len(fates) else 0
        return found

    def _fate(self, position: int, symbol: int) -> Fate:
        """What becomes of who writes this symbol there."""
        rows = self._rows
        if symbol == NOBODY:
            return Fate.WRONG  # a failure
        start = int(rows.starts[int(rows.text[position])])
        written = rows.targets[start:position].tolist()
        item = rows.items[int(rows.item[position])]
        raw = b"".join([rows.spellings[one] for one in written])
        raw += b"" if symbol == rows.end else rows.spellings[symbol]
        return fate(rows.tasks[item.task], item, raw, ended=symbol == rows.end)

    def _by_item(
        self,
        followed: NDArray[np.int64],
        fates: NDArray[np.int64],
        likelihood: NDArray[np.float64],
        margin: NDArray[np.float32],
        closest: NDArray[np.float64],
    ) -> Scores:
        """Of an item's texts that counts which a mix follows furthest: it is what it writes."""
        rows, owner = self._rows, self._rows.item_of_text
        firsts = np.searchsorted(owner, np.arange(len(rows.items)))
        key = followed * len(rows.texts) + np.arange(len(rows.texts))[::-1]  # of equals the first
        furthest = np.maximum.reduceat(key, firsts, axis=1)
        text = len(rows.texts) - 1 - furthest % len(rows.texts)
        fate_of_item = np.take_along_axis(fates, text, 1)
        return Scores(
            right=fate_of_item == Fate.RIGHT,
            decided=fate_of_item != Fate.OPEN,
            log_likelihood=np.logaddexp.reduceat(likelihood, firsts, axis=1),
            margin=np.maximum.reduceat(margin, firsts, axis=1),
            closeness=np.take_along_axis(closest, text, 1),
        )
