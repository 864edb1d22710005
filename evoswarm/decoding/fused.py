"""The fused distribution of one mix along texts that are known in advance: nothing is chosen.

Who speaks where is known as soon as the lead has been heard, so the others are asked at those places alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.along import TextReader
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.step.places import NOBODY, places_along, speakers_at
from evoswarm.decoding.step.plan import Plans
from evoswarm.decoding.text.decomposition import Text
from evoswarm.errors import RecipeError
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe

NUMBERS_AT_ONCE = 1 << 25  # of members' rows; a text that has more is read piece by piece

UNSPELLED = Failure("no_mass", "the lead's tokens do not spell the text")
UNHEARD = Failure("no_mass", "no speaker gives mass to any allowed symbol")


@dataclass(frozen=True, eq=False)
class FusedAlong:
    """What a mix says along one text, or behind it.

    Attributes:
        log_probs: ``[steps]`` nats, of each symbol that the text is written in.
        greedy: each of them is the likeliest of its step, of equals the first.
        left_out: the largest bound on the total-variation error of any byte view used.
        behind: ``[symbols]`` log-probabilities of what comes next, END last, -inf where forbidden; where asked for.
        failure: why there is nothing of this.
    """

    log_probs: NDArray[np.float64]
    greedy: bool
    left_out: float = 0.0
    behind: NDArray[np.float32] | None = None
    failure: Failure | None = None


class KnownText(NamedTuple):
    """A text behind a prompt.

    Attributes:
        root: the context at the end of the prompt.
        symbols: the text's.
    """

    root: int
    symbols: Text


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows at some positions of some texts; ``TextRows`` as `places_along` wants them."""

    members: tuple[str, ...]
    text: Tensor
    targets: Tensor
    log_probs: Tensor
    present: Tensor
    allowed: Tensor
    entropies: Tensor
    margins: NDArray[np.float32]
    length: NDArray[np.int32]
    inside: NDArray[np.int8]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """``[texts]`` the first position of each."""
        starts: NDArray[np.int64] = np.searchsorted(self.text.numpy(), np.arange(int(self.text.max()) + 1))
        return starts


@dataclass(eq=False)
class _AlongTexts:
    """What is known of texts so far; all arrays are ``[texts]`` but the first two.

    Attributes:
        log_prob: ``[positions]``.
        credibility: ``[texts, members]``.
        greedy: every symbol so far is the likeliest.
        left_out: the largest so far.
        failure: the first one.
        behind: ``[symbols]`` at the last position.
    """

    log_prob: NDArray[np.float64]
    credibility: NDArray[np.float64]
    greedy: NDArray[np.bool_]
    left_out: NDArray[np.float64]
    failure: list[Failure | None]
    behind: list[NDArray[np.float32] | None]


class FusedReader:
    """Follows a mix along texts.

    Args:
        recipe: the mix.
        reader: of its members, in its order.
        contexts: where they are asked.
    """

    def __init__(self, recipe: Recipe, reader: TextReader, contexts: ContextTable) -> None:
        if recipe.gate == "random":
            raise RecipeError(
                "gate: expected one that the text decides (a gate that is drawn leaves no one distribution), got"
                " 'random'"
            )
        self._recipe, self._reader, self._contexts = recipe, reader, contexts
        self._names = tuple(spec.name for spec in recipe.specs)
        self._plans = Plans([recipe], {name: number for number, name in enumerate(self._names)})
        self._credits = bool(self._plans.credits[0])

    def read(self, texts: Sequence[KnownText], *, behind: bool) -> list[FusedAlong]:
        """The distribution along texts, or behind them.

        Args:
            texts: each behind its prompt.
            behind: what comes next behind each whole text, in place of what stands in it.

        Raises:
            DoesNotFit: not even one prefix at a time fits, or the rows at one place do not.
        """
        paths = [self._path(text, behind) for text in texts]
        contexts = np.concatenate([path for path, _ in paths])
        targets = np.concatenate([symbols for _, symbols in paths])
        sizes = np.array([len(path) for path, _ in paths])
        owner = np.repeat(np.arange(len(texts)), sizes)
        count = len(texts)
        found = _AlongTexts(
            log_prob=np.full(len(contexts), -np.inf),
            credibility=np.zeros((count, len(self._names))),
            greedy=np.ones(count, dtype=bool),
            left_out=np.zeros(count),
            failure=[None] * count,
            behind=[None] * count,
        )
        last = np.cumsum(sizes) - 1 if behind else np.zeros(0, dtype=np.int64)
        most = max(1, NUMBERS_AT_ONCE // (len(self._names) * self._contexts.alphabet.size))
        for start in range(0, len(contexts), most):
            self._read(slice(start, start + most), contexts, targets, owner, last, found)
        return [self._of_text(found, number, np.flatnonzero(owner == number)) for number in range(count)]

    def _path(self, text: KnownText, behind: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``[steps]`` contexts where the mix is asked, and the symbol that the text goes on with at each."""
        table, path = self._contexts, [text.root]
        for symbol in text.symbols:
            path.append(int(table.children(np.array(path[-1:]), np.array([symbol]))[0]))
        symbols = [*text.symbols, table.alphabet.end]
        if not behind:
            path, symbols = path[:-1], symbols[:-1]
        elif not self._credits:
            path, symbols = path[-1:], symbols[-1:]
        return np.array(path, dtype=np.int64), np.array(symbols, dtype=np.int64)

    def _read(
        self,
        some: slice,
        contexts: NDArray[np.int64],
        targets: NDArray[np.int64],
        owner: NDArray[np.int64],
        last: NDArray[np.int64],
        found: _AlongTexts,
    ) -> None:
        """Some positions, end to end; ``last`` are those whose whole distributions are kept."""
        here, own = contexts[some], owner[some]
        texts = np.unique(own)
        rows, asked = self._rows(here)
        piece = self._piece(rows, asked, here, targets[some], np.searchsorted(texts, own))
        credibility = found.credibility[texts][None]

        def keep(plan: NDArray[np.int64], place: NDArray[np.int64], log_probs: Tensor) -> None:
            for which in np.flatnonzero(np.isin(place + some.start, last)).tolist():
                found.behind[own[place[which]]] = log_probs[which].numpy().copy()

        places = places_along([self._recipe], piece, credibility if self._credits else None, keep)
        found.credibility[texts] = credibility[0]
        found.log_prob[some] = places.log_prob[0]
        np.logical_and.at(found.greedy, own, places.favourite[0] == targets[some])
        left_out = np.where(asked.T, self._contexts.left_out[here[:, None], self._reader.numbers], 0.0)
        np.maximum.at(found.left_out, own, left_out.max(1))
        self._note_failures(found, here, own, asked, places.favourite[0])

    def _note_failures(
        self,
        found: _AlongTexts,
        here: NDArray[np.int64],
        own: NDArray[np.int64],
        asked: NDArray[np.bool_],
        favourite: NDArray[np.int64],
    ) -> None:
        for text in np.unique(own).tolist():
            where = np.flatnonzero(own == text)
            failure = self._reader.failure(here[where], asked[:, where])
            if failure is None and (favourite[where] == NOBODY).any():
                failure = UNHEARD
            found.failure[text] = found.failure[text] or failure

    def _rows(self, contexts: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """``[members, contexts, symbols]`` rows, ``[members, contexts]`` who was asked: the lead, and who speaks."""
        rows, table, plans = self._reader.room(len(contexts)), self._contexts, self._plans
        asked = np.zeros(rows.shape[:2], dtype=bool)
        asked[self._recipe.lead_index] = True
        self._reader.fill(rows, contexts, asked)
        at = contexts, self._reader.numbers[self._recipe.lead_index]
        plan = np.zeros(len(contexts), dtype=np.int64)
        abstains = table.abstains[at]
        entropy = np.where(abstains, 0.0, table.entropy[at])
        speaks, _ = speakers_at(plans, plan, entropy, table.margin[at], table.inside[contexts], abstains)
        self._reader.fill(rows, contexts, speaks.T & ~asked)
        return rows, asked | speaks.T

    def _piece(
        self,
        rows: NDArray[np.float32],
        asked: NDArray[np.bool_],
        contexts: NDArray[np.int64],
        targets: NDArray[np.int64],
        text: NDArray[np.int64],
    ) -> _Piece:
        table, where = self._contexts, (contexts[None], self._reader.numbers[:, None])
        present = asked & ~table.abstains[where]
        return _Piece(
            members=self._names,
            text=torch.from_numpy(text),
            targets=torch.from_numpy(targets),
            log_probs=torch.from_numpy(rows),
            present=torch.from_numpy(present),
            allowed=table.allowed(contexts).cpu(),
            entropies=torch.from_numpy(np.where(present, table.entropy[where], 0.0)),
            margins=table.margin[where],
            length=table.length[contexts],
            inside=table.inside[contexts],
        )

    def _of_text(self, found: _AlongTexts, text: int, where: NDArray[np.int64]) -> FusedAlong:
        failure = found.failure[text]
        if failure is not None:
            return nothing_along(failure)
        return FusedAlong(
            found.log_prob[where], bool(found.greedy[text]), float(found.left_out[text]), found.behind[text]
        )


def nothing_along(failure: Failure) -> FusedAlong:
    """Of a text that a mix cannot follow."""
    return FusedAlong(np.zeros(0), False, failure=failure)
