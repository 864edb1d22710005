"""What a terminal remembers of a search: its last generation, and how every island came to where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.experiment.figures import GenerationFigures


class Course:
    """A search so far.

    Attributes:
        figures: of its last generation; None before the first.
        bests: by island, the best value of the first objective behind every generation.
    """

    def __init__(self) -> None:
        self.figures: GenerationFigures | None = None
        self.bests: dict[int, list[float]] = {}

    def hear(self, figures: GenerationFigures) -> None:
        """A generation has ended; one that does not follow on the last is another search's."""
        if self.figures is not None and figures.generation <= self.figures.generation:
            self.forget()
        self.figures = figures
        for report in figures.islands:
            if report.best:
                self.bests.setdefault(report.island, []).append(report.best[0])

    def forget(self) -> None:
        """What comes is another search, or none."""
        self.figures, self.bests = None, {}
