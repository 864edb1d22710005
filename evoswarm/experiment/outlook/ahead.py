"""What a whole command takes, part by part: the search, the choice of a champion, its rivals, the test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.outlook.prices import Taken
from evoswarm.experiment.outlook.rehearsal import CHOOSING, RIVALS, TEST, Act, Rehearsal, casts, finale, warm_up
from evoswarm.experiment.selection import FINALISTS
from evoswarm.experiment.workbench import Workbench
from evoswarm.space import SearchSpace

SMALL, LARGER = 2, 3
"""Items of a first rehearsal at least, and how many times as many those of a second one are."""

ENOUGH = {"plan": 5.0, "search": 1.0}
"""Seconds of a first rehearsal, by who asks, from which on there is no second one."""


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
    """

    parts: Mapping[str, PlannedPart] = field(default_factory=dict)

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
    """How many policies are tested again at most."""
    return FINALISTS + len(space.pool) + 1


class Ahead:
    """Tells a search at work what comes behind it.

    It plays choice, rivals and test once on a few items of the selection split, to see what work they are, and prices
    that work by what the search itself has taken so far, part by part, and by what the playing took.

    Args:
        bench: the space made ready.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._taken: list[Taken] = []
        self._acts: list[Act] = []

    def learn(self, taken: Taken) -> None:
        """A part of the search has taken so much."""
        self._taken.append(taken)

    def seconds(self, finalists: Sequence[Candidate]) -> dict[str, float]:
        """By part.

        Args:
            finalists: who would be tested again if the search ended now.
        """
        if not self._acts:
            self._acts = self._played(finalists)
        items = self._bench.items
        known = Rehearsal(self._acts, self._taken)
        wanted = {CHOOSING: len(items["selection"])}
        if "test" in items:
            wanted |= {RIVALS: len(items["selection"]), TEST: len(items["test"])}
        return {name: known.part(name, count).seconds for name, count in wanted.items()}

    def _played(self, finalists: Sequence[Candidate]) -> list[Act]:
        """The end of the command on few items, and on more where that took next to nothing."""
        acts: list[Act] = []
        if "test" in self._bench.items:
            warm_up(self._bench)
        for cast in casts(self._bench, sizes(self._bench)):
            with Ledger(":memory:") as ledger:
                own = replace(self._bench, evaluator=self._bench.evaluator.beside(ledger))
                acts.append(Act(tuple(finale(own, finalists, cast)), cast["search"]))
            if acts[-1].seconds > ENOUGH["search"]:
                break
        return acts


def sizes(bench: Workbench) -> list[int]:
    """Items of a first and of a second rehearsal: every task takes part."""
    first = max(SMALL, len(bench.tasks))
    return [first, LARGER * first]
