"""How greedy mixes do along texts whose rows have been read: nothing is decoded.

Gates and fusion are those of decoding (`evoswarm.decoding.step`), on the rows in place of a memory. A mix writes a text
exactly if its favourite is the text's next symbol at every position; at the first one where it is not, what it writes
instead is looked at: it has ended and is scored, or cannot become right any more, or may (see `texts.Fate`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.decoding.step.fusion import decision_margin, fuse_scores
from evoswarm.decoding.step.gate import signals, speakers
from evoswarm.decoding.step.plan import Plans
from evoswarm.decoding.step.speaking import Places, gains_of, side_by_side
from evoswarm.fusion import GATE_MARGIN, Speakers
from evoswarm.fusion.speakers import argmax_and_margin
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.texts import Fate, fate
from evoswarm.policies import Recipe
from evoswarm.policies.mix import GATES

LOW_ENTROPY = GATES.index("low_entropy")
FUSED_AT_ONCE = 1 << 19  # numbers: more would fall out of the caches
NOBODY = -1


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

    def fill(self, where: tuple[NDArray[np.int64], ...], known: Scores, items: Sequence[int]) -> None:
        """Take over what is known of some of the items, at these places."""
        for one in fields(self):
            getattr(self, one.name)[where] = getattr(known, one.name)[:, items]


@dataclass(frozen=True, eq=False)
class _Places:
    """What mixes make of positions.

    Attributes:
        favourite: ``[recipes, positions]`` the symbol that each would write; NOBODY where nobody has anything to say.
        log_prob: ``[recipes, positions]`` of the text's next symbol.
        margin: ``[recipes, positions]`` how far that is ahead of any other, nats.
        closeness: ``[recipes, positions]`` how far the decision is from another one, nats.
    """

    favourite: NDArray[np.int64]
    log_prob: NDArray[np.float32]
    margin: NDArray[np.float32]
    closeness: NDArray[np.float64]


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
    return _Judged(rows).scores(_places(recipes, rows))


def text_log_likelihoods(recipes: Sequence[Recipe], rows: GoldRows) -> NDArray[np.float64]:
    """``[recipes, texts]`` of every text with its ending, nats.

    Raises:
        RecipeError: see ``scores_along``.
    """
    for recipe in recipes:
        rows.check(recipe)
    return _by_text(_places(recipes, rows), rows)


def _by_text(places: _Places, rows: GoldRows) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.add.reduceat(places.log_prob.astype(np.float64), rows.starts, axis=1)
    return found


def _places(recipes: Sequence[Recipe], rows: GoldRows) -> _Places:
    """Every mix at every position."""
    shape = (len(recipes), len(rows.targets))
    found = _Places(
        favourite=np.full(shape, NOBODY, dtype=np.int64),
        log_prob=np.full(shape, -np.inf, dtype=np.float32),
        margin=np.full(shape, -np.inf, dtype=np.float32),
        closeness=np.full(shape, np.inf),
    )
    plans = Plans(recipes, {name: number for number, name in enumerate(rows.members)})
    for plan in range(len(recipes)):
        _follow(plans, plan, rows, found)
    return found


def _follow(plans: Plans, plan: int, rows: GoldRows, found: _Places) -> None:
    """One mix at every position."""
    members, thresholds = plans.members[plan], plans.thresholds[plan]
    count = len(rows.targets)
    lead = members[plans.lead[plan]]
    entropy = rows.entropies[lead].numpy()
    abstains = ~rows.present[lead].numpy()
    low = np.full(count, plans.gate[plan] == LOW_ENTROPY)
    margin = rows.margins[lead] if plans.parameters[GATE_MARGIN.name][plan] else np.zeros(count, dtype=np.float32)
    signal = signals(entropy, margin, rows.inside, plans, np.full(count, plan))
    speaks = speakers(signal, np.broadcast_to(thresholds, (count, len(thresholds))), low, abstains)
    present = speaks & rows.present.numpy()[members].T
    gates = np.abs(signal[:, None] - thresholds)[:, (thresholds > 0) & np.isfinite(thresholds)]
    found.closeness[plan] = np.where(abstains, np.inf, gates.min(1, initial=np.inf))
    credibility = np.zeros((len(rows.texts), plans.width))
    for step in _steps(rows) if plans.credits[plan] else [np.arange(count)]:
        text = rows.text.numpy()[step]
        gained = np.zeros(speaks[step].shape)
        for group in _groups(speaks[step], present[step], rows.log_probs.shape[2]):
            here = step[group]
            places = Places(rows.length[here], rows.inside[here], credibility[text[group]])
            heard = _fuse(plans, plan, rows, here, speaks[here], present[here], places, found)
            if plans.credits[plan]:
                gained[group] = gains_of(speaks[here], heard, rows.targets[torch.from_numpy(here)])
        credibility[text] = plans.decay[plan] * (credibility[text] + gained)


def _steps(rows: GoldRows) -> Iterator[NDArray[np.int64]]:
    """Positions of all texts, those as far from the beginning of theirs together, the first ones first."""
    depth = np.arange(len(rows.targets)) - rows.starts[rows.text.numpy()]
    for step in range(int(depth.max(initial=-1)) + 1):
        yield np.flatnonzero(depth == step)


def _groups(speaks: NDArray[np.bool_], present: NDArray[np.bool_], symbols: int) -> Iterator[NDArray[np.int64]]:
    """Positions with as many speakers, and not too many."""
    heard, counts = present.any(1), speaks.sum(1)
    for size in np.unique(counts[heard]):
        same = np.flatnonzero(heard & (counts == size))
        most = max(1, FUSED_AT_ONCE // (int(size) * symbols))
        for start in range(0, len(same), most):
            yield same[start : start + most]


def _fuse(
    plans: Plans,
    plan: int,
    rows: GoldRows,
    group: NDArray[np.int64],
    speaks: NDArray[np.bool_],
    present: NDArray[np.bool_],
    at: Places,
    found: _Places,
) -> Speakers:
    """One mix at some positions; returns what its rule sees."""
    members, places = plans.members[plan], torch.from_numpy(group)

    def said(order: NDArray[np.int64], here: NDArray[np.bool_]) -> torch.Tensor:
        return rows.log_probs[torch.from_numpy(members[order].T), places[None]]

    which = np.full(len(group), plan)
    rule, heard = side_by_side(plans, which, speaks, present, at, rows.allowed[places], said)
    scores = fuse_scores(rule, heard)
    favourite, margin = argmax_and_margin(scores)
    target = rows.targets[places]
    own = scores.gather(1, target[:, None])[:, 0]
    best = scores.gather(1, favourite[:, None])[:, 0]
    found.favourite[plan, group] = favourite.numpy()
    found.margin[plan, group] = torch.where(favourite == target, margin, own - best).numpy()
    found.log_prob[plan, group] = (own - scores.logsumexp(1)).numpy()
    close = decision_margin(rule, heard, margin).double().numpy()
    found.closeness[plan, group] = np.minimum(found.closeness[plan, group], close)
    return heard


class _Judged:
    """From positions to items."""

    def __init__(self, rows: GoldRows) -> None:
        self._rows = rows
        self._fates: dict[tuple[int, int], Fate] = {}

    def scores(self, places: _Places) -> Scores:
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
        found = np.empty(left.shape, dtype=np.int64)
        for number, text in enumerate(self._rows.texts):
            found[:, number] = Fate.RIGHT if text.right else Fate.WRONG
        gone = np.nonzero(left < favourite.shape[1])
        where = left[gone]
        symbols = favourite[gone[0], where]
        pairs, owners = np.unique(np.stack([where, symbols]), axis=1, return_inverse=True)
        fates = np.array([self._fate(*pair) for pair in pairs.T.tolist()], dtype=np.int64)
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
        right = np.array([text.right for text in rows.texts])
        key = followed * len(rows.texts) + np.arange(len(rows.texts))[::-1]  # of equals the first
        furthest = np.maximum.reduceat(key, firsts, axis=1)
        text = len(rows.texts) - 1 - furthest % len(rows.texts)
        fate_of_item = np.take_along_axis(fates, text, 1)
        return Scores(
            right=fate_of_item == Fate.RIGHT,
            decided=fate_of_item != Fate.OPEN,
            log_likelihood=np.logaddexp.reduceat(np.where(right, likelihood, -np.inf), firsts, axis=1),
            margin=np.maximum.reduceat(np.where(right, margin, -np.inf).astype(np.float32), firsts, axis=1),
            closeness=np.take_along_axis(closest, text, 1),
        )
