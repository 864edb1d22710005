"""What a whole command takes, part by part: the search, the choice of a champion, its rivals, the test."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment.finalists import FINALISTS
from evoswarm.experiment.outlook.casting import casts
from evoswarm.experiment.outlook.kinds import Kinds, kinds_of
from evoswarm.experiment.outlook.prices import Taken, Work
from evoswarm.experiment.outlook.rehearsal import Rehearsal, finale, warm_up
from evoswarm.experiment.outlook.scenes import CHOOSING, FITTING, RIVALS, TEST, Act, Scene
from evoswarm.experiment.specialists import FITS, RANKED
from evoswarm.experiment.workbench import Workbench
from evoswarm.space import SearchSpace

SMALL, LARGER = 2, 3
"""Items of a first rehearsal at least, and how many times as many those of a second one are."""

ENOUGH = {"plan": 5.0, "search": 1.0}
"""Seconds of a first rehearsal, by who asks, from which on there is no second one."""

PATIENCE = 3.0
"""Seconds of generations after which it is worth knowing what comes behind them."""

LEAST, SHARE = 3.0, 0.03
"""Seconds that playing it may take in any case, and, of longer searches, its share of all generations."""

MIXES, ROUTES = 4, 2
"""Fitted mixes and routes that compete at most."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedPart:
    """What one part takes.

    Attributes:
        seconds: on this machine.
        evaluations: (policy, item) pairs, as if the ledger were empty.
        tokens: that the policies of these pairs would read, each deployed alone.
    """

    seconds: float
    evaluations: int
    tokens: float


@dataclass(frozen=True)
class Outlook:
    """What a command takes.

    Attributes:
        parts: by name, in order.
        unknown: names of parts that nothing is known of: they could not be played, or that took too long.
    """

    parts: Mapping[str, PlannedPart] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """In all."""
        return sum(part.seconds for part in self.parts.values())

    @property
    def evaluations(self) -> int:
        """In all."""
        return sum(part.evaluations for part in self.parts.values())

    @property
    def tokens(self) -> float:
        """In all."""
        return sum(part.tokens for part in self.parts.values())


def finalists(space: SearchSpace) -> int:
    """How many policies every selection item is asked of at most, specialists of its kind and routes among them."""
    made = 0
    if space.genome.kind == "mix" and len(space.pool) > 1:
        made = MIXES + (RANKED + FITS + ROUTES if space.champion.routes >= 2 else 0)
    return FINALISTS + len(space.pool) + 1 + made


class Ahead:
    """Tells a search at work what comes behind it.

    It plays choice, rivals and test once on a few items of the selection split, to see what work they are, and prices
    that work by what the search itself has taken so far, part by part, and by what the playing took. Whatever fails
    there ends the estimate, never the search.

    Args:
        bench: the space made ready.
        patience: seconds of generations after which it is worth playing; 0.0 is at once.

    Attributes:
        spent: seconds that went into this, which are none of the search's.
    """

    def __init__(self, bench: Workbench, patience: float = PATIENCE) -> None:
        self.spent = 0.0
        self._bench, self._patience = bench, patience
        self._taken: list[Taken] = []
        self._acts: list[Act] | None = None
        self._kinds = Kinds()
        self._dropped = False

    def learn(self, taken: Taken) -> None:
        """A generation of the search has taken so much."""
        self._taken.append(taken)

    def is_due(self, search: float) -> bool:
        """Whether it is to be played now: enough was taken, and generations of so many seconds are to come."""
        taken = sum(one.seconds for one in self._taken)
        return self._acts is None and not self._dropped and taken >= self._patience and search > 0.0

    def seconds(self, finalists: Sequence[Candidate], search: float) -> dict[str, float | None] | None:
        """By part, None where unknown; None where nothing is known, or nobody would wait for it.

        Args:
            finalists: who would be tested again if the search ended now, the most accurate first.
            search: seconds that the generations to come will take; where none are to come, nothing is played.

        Raises:
            Stopped: Ctrl-C.
        """
        began = time.monotonic()
        try:
            return None if self._dropped else self._foretold(finalists, search)
        except Stopped:
            raise
        except Exception as error:  # of whatever kind: a search goes on without knowing how long
            self._dropped = True
            _log.warning("what is left of the search cannot be foretold: %s", error)
            return None
        finally:
            self.spent += time.monotonic() - began

    def _foretold(self, finalists: Sequence[Candidate], search: float) -> dict[str, float | None] | None:
        if self._acts is None:
            if not self.is_due(search):
                return None
            so_far = sum(one.seconds for one in self._taken)
            self._acts = self._played(finalists, max(LEAST, SHARE * (so_far + search)))
            kinds = kinds_of(self._bench, fits=bool(self._bench.fits_taken))
            self._kinds = replace(kinds, seconds=0.0)  # most of it was to load libraries
        items = self._bench.items
        known = Rehearsal([replace(act, scenes=(*act.scenes, *self._fits())) for act in self._acts], self._taken)
        wanted = {CHOOSING: len(items["selection"])}
        if "test" in items:
            wanted |= {RIVALS: len(items["selection"]), TEST: len(items["test"])}
        taken = {name: known.part(name, count) for name, count in wanted.items()}
        taken[CHOOSING] = known.choosing(wanted[CHOOSING], self._kinds)
        return {name: one.seconds if known.knows(name) else None for name, one in taken.items()}

    def _fits(self) -> list[Scene]:
        """What the search has taken for the mixes that it has fitted; nothing where an earlier sitting fitted them."""
        return [Scene(FITTING, count, Taken(Work(), took), 0, 0.0) for count, took in self._bench.fits_taken[-1:]]

    def _played(self, finalists: Sequence[Candidate], seconds: float) -> list[Act]:
        """The end of the command on few items, and on more where that took next to nothing; within so many seconds."""
        ends = time.monotonic() + seconds

        def late() -> bool:
            return time.monotonic() > ends

        acts: list[Act] = []
        try:
            if "test" in self._bench.items:
                warm_up(self._bench, late)
            for cast in casts(self._bench, sizes(self._bench)):
                acts.append(Act(tuple(finale(self._bench, finalists, cast, stop=late)), cast["search"]))
                if acts[-1].seconds > ENOUGH["search"] or late():
                    break
        except Stopped:
            self._bench.evaluator.go_on()  # Ctrl-C is no matter of time
        return acts


def sizes(bench: Workbench) -> list[int]:
    """Items of a first and of a second rehearsal: every task takes part."""
    first = max(SMALL, len(bench.tasks))
    return [first, LARGER * first]
