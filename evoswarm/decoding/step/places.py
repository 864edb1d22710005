"""What mixes make of places along texts whose rows have been read: who speaks there, and what comes next.

Gates and fusion are those of decoding, on rows that are there already in place of a memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.step.fusion import FUSED_AT_ONCE, Heard, decision_margin, fuse_scores, limits_of
from evoswarm.decoding.step.gate import signals, speakers
from evoswarm.decoding.step.plan import Plans
from evoswarm.decoding.step.speaking import AnswersSoFar, gains_of, side_by_side
from evoswarm.fusion import GATE_MARGIN
from evoswarm.fusion.speakers import argmax_and_margin
from evoswarm.policies.mix import GATES, Recipe

LOW_ENTROPY = GATES.index("low_entropy")
PAIRS_AT_ONCE = 1 << 14  # of mixes and positions: each takes some hundred bytes beside the rows
NOBODY = -1

OnFused = Callable[[NDArray[np.int64], NDArray[np.int64], Tensor], None]
"""Told of ``[n]`` mixes, ``[n]`` positions and the ``[n, symbols]`` log-probabilities of what comes next there."""


def _nobody_listens(plan: NDArray[np.int64], place: NDArray[np.int64], log_probs: Tensor) -> None:
    """Whole distributions are wanted by few."""


class TextRows(Protocol):
    """Rows of members along texts, all texts end to end; a *position* is a place of a text."""

    @property
    def members(self) -> tuple[str, ...]:
        """Whose rows they are."""
        ...

    @property
    def text(self) -> Tensor:
        """``[positions]`` which text; ascending."""
        ...

    @property
    def targets(self) -> Tensor:
        """``[positions]`` the symbol that the text goes on with."""
        ...

    @property
    def log_probs(self) -> Tensor:
        """``[members, positions, symbols]`` float32, floored and untempered; -inf where forbidden."""
        ...

    @property
    def present(self) -> Tensor:
        """``[members, positions]`` the member has something to say."""
        ...

    @property
    def allowed(self) -> Tensor:
        """``[positions, symbols]``."""
        ...

    @property
    def entropies(self) -> Tensor:
        """``[members, positions]`` float64, nats, untempered; 0 where a member has nothing to say."""
        ...

    @property
    def margins(self) -> NDArray[np.float32]:
        """``[members, positions]`` by how much a member's likeliest symbol is ahead of its second, nats."""
        ...

    @property
    def starts(self) -> NDArray[np.int64]:
        """``[texts]`` the first position of each."""
        ...

    @property
    def length(self) -> NDArray[np.int32]:
        """``[positions]`` bytes of the text so far."""
        ...

    @property
    def inside(self) -> NDArray[np.int8]:
        """``[positions]`` whether the text so far ends within a word or a number, see `evoswarm.fusion.context`."""
        ...


@dataclass(frozen=True, eq=False)
class Places:
    """What mixes make of positions.

    Attributes:
        favourite: ``[recipes, positions]`` the symbol that each would write; NOBODY where nobody has anything to say.
        log_prob: ``[recipes, positions]`` of the text's next symbol, at the mix's own sampling temperature.
        margin: ``[recipes, positions]`` how far that is ahead of any other, nats.
        closeness: ``[recipes, positions]`` how far the decision is from another one, nats.
    """

    favourite: NDArray[np.int64]
    log_prob: NDArray[np.float32]
    margin: NDArray[np.float32]
    closeness: NDArray[np.float64]


def places_along(
    recipes: Sequence[Recipe],
    rows: TextRows,
    credibility: NDArray[np.float64] | None = None,
    on_fused: OnFused = _nobody_listens,
) -> Places:
    """Every mix at every position.

    Args:
        recipes: of members whose rows there are, none with a random gate.
        rows: along texts.
        credibility: ``[recipes, texts, width]`` of the members of every mix on every text before its first position,
            changed to what it is behind the last one; None is none.
        on_fused: told of the distributions, some at a time.
    """
    shape = (len(recipes), len(rows.targets))
    found = Places(
        favourite=np.full(shape, NOBODY, dtype=np.int64),
        log_prob=np.full(shape, -np.inf, dtype=np.float32),
        margin=np.full(shape, -np.inf, dtype=np.float32),
        closeness=np.full(shape, np.inf),
    )
    if recipes:
        plans = Plans(recipes, {name: number for number, name in enumerate(rows.members)})
        follower = _Follower(plans, rows, found, credibility, on_fused)
        most = max(1, PAIRS_AT_ONCE // shape[1])
        for kind in set(zip(plans.rule.tolist(), plans.credits.tolist(), strict=True)):
            same = np.flatnonzero((plans.rule == kind[0]) & (plans.credits == kind[1]))
            for start in range(0, len(same), most):
                follower.follow(same[start : start + most])
    return found


def speakers_at(
    plans: Plans,
    plan: NDArray[np.int64],
    entropy: NDArray[np.float64],
    margin: NDArray[np.float32],
    inside: NDArray[np.int8],
    abstains: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Who speaks, by what the lead says: ``[pairs, width]``, and ``[pairs]`` how far the gates are from another answer.

    Args:
        plans: the mixes.
        plan: ``[pairs]`` which mix.
        entropy: ``[pairs]`` of the lead's distribution, nats.
        margin: ``[pairs]`` by how much its likeliest symbol leads the second, nats.
        inside: ``[pairs]`` BETWEEN, WORD or NUMBER.
        abstains: ``[pairs]`` the lead has nothing to say.
    """
    thresholds = plans.thresholds[plan]
    signal = signals(entropy, margin, inside, plans, plan)
    speaks = speakers(signal, thresholds, plans.gate[plan] == LOW_ENTROPY, abstains)
    decided = (thresholds > 0) & ~abstains[:, None]
    distances = np.where(decided, np.abs(signal[:, None] - thresholds), np.inf)
    return speaks, distances.min(1, initial=np.inf)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Mixes of one rule at every position, and who speaks there.

    Attributes:
        plans: the mixes.
        plan: ``[pairs]`` which mix.
        place: ``[pairs]`` which position.
        stream: ``[pairs]`` one number for each of these mixes on each text.
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
    def of(cls, plans: Plans, some: NDArray[np.int64], rows: TextRows) -> Self:
        """Some of the mixes."""
        count, here = len(rows.targets), rows.present.numpy()
        plan, place = np.repeat(some, count), np.tile(np.arange(count), len(some))
        members = plans.members[plan]
        lead = members[np.arange(len(plan)), plans.lead[plan]]
        narrow = bool(plans.parameters[GATE_MARGIN.name][some].any())
        margin = rows.margins[lead, place] if narrow else np.zeros(len(plan), dtype=np.float32)
        entropy, abstains = rows.entropies.numpy()[lead, place], ~here[lead, place]
        speaks, gate_margin = speakers_at(plans, plan, entropy, margin, rows.inside[place], abstains)
        stream = np.repeat(np.arange(len(some)) * len(rows.starts), count) + rows.text.numpy()[place]
        present = speaks & here[members, place[:, None]]
        return cls(plans, plan, place, stream, members, speaks, present, gate_margin)

    def some(self, which: NDArray[np.int64]) -> Self:
        """Some of the pairs."""
        arrays = [getattr(self, one.name)[which] for one in fields(self)[1:]]
        return type(self)(self.plans, *arrays)


class _Follower:
    """Follows mixes along the texts of some rows; see `places_along`."""

    def __init__(
        self, plans: Plans, rows: TextRows, found: Places, credibility: NDArray[np.float64] | None, on_fused: OnFused
    ) -> None:
        self._plans, self._rows, self._found = plans, rows, found
        self._credibility, self._on_fused = credibility, on_fused

    def follow(self, some: NDArray[np.int64]) -> None:
        """Mixes of one rule at every position."""
        plans, rows, shape = self._plans, self._rows, (len(some), len(self._rows.starts), self._plans.width)
        known = (np.zeros(shape) if self._credibility is None else self._credibility[some]).reshape(-1, plans.width)
        pairs, credits = _Pairs.of(plans, some, rows), bool(plans.credits[some[0]])
        for step in _steps(pairs, rows) if credits else [pairs]:
            gained = np.zeros(step.speaks.shape)
            for group in _groups(step, rows.log_probs.shape[2]):
                part = step.some(group)
                heard = self._fuse(part, known[part.stream])
                if credits:
                    gained[group] = gains_of(part.speaks, heard, rows.targets[torch.from_numpy(part.place)])
            if credits:
                decay = plans.decay[step.plan][:, None]
                known[step.stream] = decay * (known[step.stream] + gained)
        if self._credibility is not None:
            self._credibility[some] = known.reshape(shape)

    def _fuse(self, pairs: _Pairs, credibility: NDArray[np.float64]) -> Heard:
        """Mixes of one rule at some positions; returns what the rule sees."""
        rows, found = self._rows, self._found
        where, places = (pairs.plan, pairs.place), torch.from_numpy(pairs.place)

        def said(order: NDArray[np.int64], here: NDArray[np.bool_]) -> Tensor:
            which = np.take_along_axis(pairs.members, order, 1).T * len(rows.targets) + pairs.place
            rows_of = rows.log_probs.flatten(0, 1).index_select(0, torch.from_numpy(which.ravel()))
            return rows_of.reshape(*which.shape, -1)

        limits = limits_of(rows.allowed.index_select(0, places))
        at = AnswersSoFar(rows.length[pairs.place], rows.inside[pairs.place], credibility)
        rule, heard = side_by_side(pairs.plans, pairs.plan, pairs.speaks, pairs.present, at, limits, said)
        scores = fuse_scores(rule, heard)
        favourite, margin = argmax_and_margin(scores)
        target = rows.targets[places]
        own = scores.gather(1, target[:, None])[:, 0]
        best = scores.gather(1, favourite[:, None])[:, 0]
        found.favourite[where] = favourite.numpy()
        found.margin[where] = torch.where(favourite == target, margin, own - best).numpy()
        log_probs = self._tempered(scores, pairs.plan).log_softmax(1)
        found.log_prob[where] = log_probs.gather(1, target[:, None])[:, 0].numpy()
        found.closeness[where] = np.minimum(pairs.gate_margin, decision_margin(rule, heard, margin).double().numpy())
        self._on_fused(*where, log_probs)
        return heard

    def _tempered(self, scores: Tensor, plan: NDArray[np.int64]) -> Tensor:
        """``[n, symbols]`` scores of what is drawn; a greedy mix draws nothing, and its temperature is 1."""
        temperature = self._plans.sampling_temperature[plan]
        return scores if (temperature == 1).all() else scores / torch.from_numpy(temperature).to(scores)[:, None]


def _steps(pairs: _Pairs, rows: TextRows) -> Iterator[_Pairs]:
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
