"""The first lines of a command: what it is about, said before anything slow is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.experiment.files.beginning import Beginning
    from evoswarm.space import SearchSpace


def about(space: SearchSpace, file: Path) -> str:
    """A space in words."""
    return f"space {space.name} ({file}), seed {space.seed}"


@dataclass(frozen=True)
class Start:
    """What a command is about.

    Attributes:
        command: its name.
        about: what it works on, in words.
        space: name of the space, where there is one.
        run: how the search begins, where it is one.
        generations: how many the search is to have.
    """

    command: str
    about: str
    space: str | None = None
    run: Beginning | None = None
    generations: int | None = None

    def lines(self) -> list[str]:
        """One line; of a search of a changed space a second one that says what has changed."""
        if self.run is None:
            return [f"{self.command}: {self.about}"]
        lines = [f"{self.command}: {self.about}, in {self.run.directory} ({_state(self.run, self.generations)})"]
        if self.run.before is not None and not self.run.continues:
            lines.append(f"  {_why_new(self.run)}")
        return lines


def _state(run: Beginning, generations: int | None) -> str:
    """``new``, or how far the run is that goes on."""
    if not run.continues:
        return "new"
    if not run.generations:
        return "continues before its first generation"
    of = "" if generations is None else f" of {generations}"
    return f"continues behind generation {run.generations}{of}, {run.individuals:,} recipes scored"


def _why_new(run: Beginning) -> str:
    if run.changes:
        from evoswarm.space.differences import in_words

        return f"a new run, as the space has changed since {run.before}: {in_words(run.changes)}"
    return f"a new run, as {run.before} is another search's, or has ended"
