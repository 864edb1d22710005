"""Parts of a command on a few items: what was done in each, and how long it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import Evaluation, Summary
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.outlook.along import RowsTaken
from evoswarm.experiment.outlook.prices import Taken, Work
from evoswarm.tasks.task import Item

CALIBRATING, CHOOSING, RIVALS, TEST = "calibrating", "choosing", "rivals", "test"
READING, NARROWING, FITTING = "reading", "narrowing", "fitting"
"""Rows along right answers; what fits look at kept of them; the fits. The last two are no work of the engine's."""

Clock = Callable[[], float]


@dataclass(frozen=True)
class Scene:
    """One part of a command on a few items.

    Attributes:
        name: of the part; generations are called by their numbers.
        items: how many.
        taken: what was done, and how long it took.
        evaluations: (policy, item) pairs that were asked for.
        tokens: that the policies of these pairs would read, each deployed alone.
        flops: likewise, floating-point operations.
        besides: seconds that the part takes however many items there are, which were not played.
    """

    name: str
    items: int
    taken: Taken
    evaluations: int
    tokens: float
    flops: float = 0.0
    besides: float = 0.0


@dataclass(frozen=True)
class Act:
    """A whole command on a few items.

    Attributes:
        scenes: its parts, in order.
        items: of the search split that were decoded.
        generations: per generation, the summaries of its policies by their digests.
        plain: the single members and the uniform mix, with their evaluations of these items.
        along: what rows along the right answers of these items take; None where none are read.
    """

    scenes: tuple[Scene, ...]
    items: Sequence[Item]
    generations: tuple[Mapping[str, Summary], ...] = ()
    plain: tuple[tuple[Candidate, Sequence[Evaluation]], ...] = ()
    along: RowsTaken | None = None

    @property
    def seconds(self) -> float:
        """That it took in all."""
        return sum(scene.taken.seconds for scene in self.scenes)


class Watch:
    """Notes scene after scene what has been done since the one before."""

    def __init__(self, evaluator: Evaluator, clock: Clock) -> None:
        """Begin the first scene, which this evaluator plays."""
        self.scenes: list[Scene] = []
        self._counters, self._clock = evaluator.swarm.counters, clock
        self.goes_on_with(evaluator)
        self._begin()

    def goes_on_with(self, evaluator: Evaluator) -> None:
        """It is this evaluator that counts from now on."""
        self._evaluator = evaluator
        self._asked, self._tokens, self._flops = evaluator.asked, evaluator.tokens, evaluator.flops

    def _begin(self) -> None:
        self._before, self._began = self._counters.copy(), self._clock()

    def scene(self, name: str, items: Sequence[Item], besides: float = 0.0) -> None:
        """The scene that ends now; the next one begins. What takes so many seconds ``besides`` was not played."""
        seconds, by = self._clock() - self._began, self._evaluator
        taken = Taken(Work.of(self._counters.since(self._before)), seconds)
        asked, tokens, flops = by.asked - self._asked, by.tokens - self._tokens, by.flops - self._flops
        self.scenes.append(Scene(name, len(items), taken, asked, tokens, flops, besides))
        self.goes_on_with(by)
        self._begin()
