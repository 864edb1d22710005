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
from evoswarm.decoding.step.speaking import AnswersSoFar, gains_of, side_by_side
from evoswarm.fusion import GATE_MARGIN, Speakers
from evoswarm.fusion.speakers import argmax_and_margin
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.texts import Fate, fate
from evoswarm.policies import Recipe
from evoswarm.policies.mix import GATES

LOW_ENTROPY = GATES.index("low_entropy")
FUSED_AT_ONCE = 1 << 18  # numbers: more would fall out of the caches
PAIRS_AT_ONCE = 1 << 14  # of mixes and positions: each takes some hundred bytes beside the rows
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

    def fill(self, pairs: Sequence[tuple[int, int, int, int]], known: Scores) -> None:
        """Take over what is known.

        Args:
            pairs: a recipe and an item here, and the recipe and the item there.
            known: there.
        """
        recipe, item, *there = np.array(pairs, dtype=np.int64).reshape(-1, 4).T
        for one in fields(self):
            getattr(self, one.name)[recipe, item] = getattr(known, one.name)[there[0], there[1]]


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
    if recipes:
        plans = Plans(recipes, {name: number for number, name in enumerate(rows.members)})
        most = max(1, PAIRS_AT_ONCE // shape[1])
        for kind in set(zip(plans.rule.tolist(), plans.credits.tolist(), strict=True)):
            same = np.flatnonzero((plans.rule == kind[0]) & (plans.credits == kind[1]))
            for start in range(0, len(same), most):
                _follow(_Pairs.of(plans, same[start : start + most], rows), rows, found)
    return found


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Mixes of one rule at every position, and who speaks there.

    Attributes:
        plans: the mixes.
        plan: ``[pairs]`` which mix.
        place: ``[pairs]`` which position.
        stream: ``[pairs]`` one number for each mix on each text.
        members: ``[pairs, width]`` of the mix, by their places in the rows.
        speaks: ``[pairs, width]`` who has a say.
        present: ``[pairs, width]`` who has a say and something to say.
        gate_margin: ``[pairs]`` nats.
    """

    plans: Plans
    plan: NDArray[np.int64]
    place: NDArray[np.int64]
    stream: NDArray[np.int64]
    members: NDArray[np.int64]
    speaks: NDArray[np.bool_]
    present: NDArray[np.bool_]
    gate_margin: NDArray[np.float64]

    @classmethod
    def of(cls, plans: Plans, some: NDArray[np.int64], rows: GoldRows) -> Self:
        """Some of the mixes."""
        count, here = len(rows.targets), rows.present.numpy()
        plan, place = np.repeat(some, count), np.tile(np.arange(count), len(some))
        members, thresholds = plans.members[plan], plans.thresholds[plan]
        lead = members[np.arange(len(plan)), plans.lead[plan]]
        entropy, abstains = rows.entropies.numpy()[lead, place], ~here[lead, place]
        narrow = bool(plans.parameters[GATE_MARGIN.name][some].any())
        margin = rows.margins[lead, place] if narrow else np.zeros(len(plan), dtype=np.float32)
        signal = signals(entropy, margin, rows.inside[place], plans, plan)
        speaks = speakers(signal, thresholds, plans.gate[plan] == LOW_ENTROPY, abstains)
        decided = (thresholds > 0) & ~abstains[:, None]
        distances = np.where(decided, np.abs(signal[:, None] - thresholds), np.inf)
        stream = np.repeat(np.arange(len(some)) * len(rows.texts), count) + rows.text.numpy()[place]
        present = speaks & here[members, place[:, None]]
        return cls(plans, plan, place, stream, members, speaks, present, distances.min(1, initial=np.inf))

    def some(self, which: NDArray[np.int64]) -> Self:
        """Some of the pairs."""
        arrays = [getattr(self, one.name)[which] for one in fields(self)[1:]]
        return type(self)(self.plans, *arrays)


def _follow(pairs: _Pairs, rows: GoldRows, found: _Places) -> None:
    """Mixes of one rule at every position."""
    plans, credits = pairs.plans, bool(pairs.plans.credits[pairs.plan[0]])
    credibility = np.zeros((int(pairs.stream.max()) + 1, plans.width))
    for step in _steps(pairs, rows) if credits else [pairs]:
        gained = np.zeros(step.speaks.shape)
        for group in _groups(step, rows.log_probs.shape[2]):
            some = step.some(group)
            heard = _fuse(some, credibility[some.stream], rows, found)
            if credits:
                gained[group] = gains_of(some.speaks, heard, rows.targets[torch.from_numpy(some.place)])
        decay = plans.decay[step.plan][:, None]
        credibility[step.stream] = decay * (credibility[step.stream] + gained)


def _steps(pairs: _Pairs, rows: GoldRows) -> Iterator[_Pairs]:
    """Positions as far from the beginnings of their texts together, the first ones first."""
    depth = pairs.place - rows.starts[rows.text.numpy()[pairs.place]]
    for step in range(int(depth.max(initial=-1)) + 1):
        yield pairs.some(np.flatnonzero(depth == step))


def _groups(pairs: _Pairs, symbols: int) -> Iterator[NDArray[np.int64]]:
    """Pairs with as many speakers, and not too many."""
    heard, counts = pairs.present.any(1), pairs.speaks.sum(1)
    for size in np.unique(counts[heard]):
        same = np.flatnonzero(heard & (counts == size))
        most = max(1, FUSED_AT_ONCE // (int(size) * symbols))
        for start in range(0, len(same), most):
            yield same[start : start + most]


def _fuse(pairs: _Pairs, credibility: NDArray[np.float64], rows: GoldRows, found: _Places) -> Speakers:
    """Mixes of one rule at some positions; returns what the rule sees."""
    where, places = (pairs.plan, pairs.place), torch.from_numpy(pairs.place)

    def said(order: NDArray[np.int64], here: NDArray[np.bool_]) -> torch.Tensor:
        which = np.take_along_axis(pairs.members, order, 1).T * len(rows.targets) + pairs.place
        rows_of = rows.log_probs.flatten(0, 1).index_select(0, torch.from_numpy(which.ravel()))
        return rows_of.reshape(*which.shape, -1)

    allowed = rows.allowed.index_select(0, places)
    at = AnswersSoFar(rows.length[pairs.place], rows.inside[pairs.place], credibility)
    rule, heard = side_by_side(pairs.plans, pairs.plan, pairs.speaks, pairs.present, at, allowed, said)
    scores = fuse_scores(rule, heard)
    favourite, margin = argmax_and_margin(scores)
    target = rows.targets[places]
    own = scores.gather(1, target[:, None])[:, 0]
    best = scores.gather(1, favourite[:, None])[:, 0]
    found.favourite[where] = favourite.numpy()
    found.margin[where] = torch.where(favourite == target, margin, own - best).numpy()
    found.log_prob[where] = scores.log_softmax(1).gather(1, target[:, None])[:, 0].numpy()
    found.closeness[where] = np.minimum(pairs.gate_margin, decision_margin(rule, heard, margin).double().numpy())
    return heard


class _Judged:
    """From positions to items."""

    def __init__(self, rows: GoldRows) -> None:
        self._rows = rows

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
