"""How work goes on, for whoever wants to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from evoswarm.experiment.wording import quantity

if TYPE_CHECKING:
    from evoswarm.decoding.pool import Loading
    from evoswarm.evaluation.advance import Advance
    from evoswarm.experiment.figures import GenerationFigures
    from evoswarm.experiment.files.beginning import Beginning
    from evoswarm.experiment.first_look.look import FirstLook

StageName = Literal[
    "reading",
    "importing",
    "items",
    "loading",
    "calibrating",
    "looking",
    "evolving",
    "choosing",
    "rivals",
    "test",
    "tracing",
    "decoding",
    "sampling",
    "studying",
    "comparing",
    "tracking",
    "exporting",
]
"""What a command can be at: machines know stages by these names."""


def _nobody(news: object) -> None:
    pass


@dataclass(frozen=True)
class Stage:
    """A part of the work that begins, and with which the one before ends.

    Attributes:
        name: for machines.
        words: for people: what is being done.
    """

    name: StageName
    words: str

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class StageStep:
    """What is being done within a stage; another step, or the next stage, ends it.

    Attributes:
        words: what it is.
        number: which of them it is, from 1; 0 where nobody counts.
        count: how many there are; likewise.
        loading: members are loaded meanwhile; the step before goes on behind that.
    """

    words: str
    number: int = 0
    count: int = 0
    loading: bool = False

    def __str__(self) -> str:
        return f"{self.words} ({self.number} of {self.count})" if self.count > 1 else self.words


class GenerationStep(StageStep):
    """The generation of a search that is at work."""

    def __str__(self) -> str:
        return f"{self.words} {self.number} of {self.count}"


@dataclass(frozen=True)
class Progress:
    """What is told while a search, a certificate or a study is at work; by default nobody listens.

    Attributes:
        stage: called with what is being done from now on.
        generation: called with the figures of every generation.
        decoding: called about twice a second with how far a decoding has come.
        begun: called when the run directory is chosen.
        step: called with what is being done within a stage.
        note: called with sentences, or a table, that a reader must know now.
        first_look: called once, before anything evolves, with what the members do alone.
        inner: called with the figures of every generation of a search that is a part of something larger.
        foretelling: whether whoever is told of generations wants to know what the rest of the command takes, which
            costs some seconds.

    Example:
        >>> figures = []
        >>> again = search(space, progress=Progress(generation=figures.append))
        >>> [one.generation for one in figures]
        [0, 1]
    """

    stage: Callable[[Stage], None] = _nobody
    generation: Callable[[GenerationFigures], None] = _nobody
    decoding: Callable[[Advance], None] = _nobody
    begun: Callable[[Beginning], None] = _nobody
    step: Callable[[StageStep], None] = _nobody
    note: Callable[[str], None] = _nobody
    first_look: Callable[[FirstLook], None] = _nobody
    inner: Callable[[GenerationFigures], None] = _nobody
    foretelling: bool = True

    @property
    def foretells(self) -> bool:
        """Whether there is anybody to be told what the rest of the command takes."""
        return self.foretelling and self.generation is not _nobody

    def enter(self, name: StageName, words: str) -> None:
        """A stage begins."""
        self.stage(Stage(name, words))

    def within(self, generation: Callable[[GenerationFigures], None] = _nobody, words: str | None = None) -> Progress:
        """What is told by work that is a part of this: its stages are steps here.

        Args:
            generation: called with the figures of its generations, which are those of a part here.
            words: what the part is called; None where the stage says so.
        """
        before = "" if words is None else f"{words}: "

        def of_generation(figures: GenerationFigures) -> None:
            self.at(f"{before}generation {figures.generation + 1} of {figures.generations} is done")
            self.inner(figures)
            generation(figures)

        return Progress(
            stage=lambda stage: self.step(StageStep(f"{before}{stage}", loading=stage.name == "loading")),
            generation=of_generation,
            decoding=self.decoding,
            step=lambda step: self.step(replace(step, words=f"{before}{step.words}")),
            inner=self.inner,
            foretelling=False,
        )

    def loading(self, member: Loading) -> None:
        """A member is about to be loaded."""
        if member.number == 1:
            self.enter("loading", "loading 1 member" if member.count == 1 else f"loading {member.count} members")
        words = f"{member.name}, {quantity(member.weight_bytes)}B"
        self.step(StageStep(words, member.number, member.count, loading=True))

    def at(self, words: str, number: int = 0, count: int = 0) -> None:
        """A step within the stage begins."""
        self.step(StageStep(words, number, count))


SILENT = Progress()
