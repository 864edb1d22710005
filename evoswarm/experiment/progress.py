"""How work goes on, for whoever wants to be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evoswarm.evaluation.advance import Advance

if TYPE_CHECKING:
    from evoswarm.experiment.figures import GenerationFigures


def _nobody(news: object) -> None:
    pass


@dataclass(frozen=True)
class Progress:
    """What is told while a search, a certificate or a study is at work; by default nobody listens.

    Attributes:
        stage: called with what is being done, in words.
        note: called with a sentence that a reader must know now.
        generation: called with the figures of every generation.
        decoding: called every few seconds with how far a decoding has come.

    Example:
        >>> figures = []
        >>> again = search(space, progress=Progress(generation=figures.append))
        >>> [one.generation for one in figures]
        [0, 1]
    """

    stage: Callable[[str], None] = _nobody
    generation: Callable[[GenerationFigures], None] = _nobody
    decoding: Callable[[Advance], None] = _nobody
    note: Callable[[str], None] = _nobody

    def loading(self, members: int) -> None:
        """So many members are about to be loaded."""
        self.stage(f"loading {members} members")


SILENT = Progress()
