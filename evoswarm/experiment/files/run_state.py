"""How far the search of a run is: told by its journal, by who holds it, and by what it has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evoswarm.durable import counted_lines, is_locked
from evoswarm.experiment.files.journalled_failures import GAVE_UP
from evoswarm.run_directory import FIGURES, FINISHED, GENERATION, INDIVIDUALS, JOURNAL, parsed

StateName = Literal["finished", "at work", "interrupted", "gave up", "unfinished"]
"""``interrupted`` by Ctrl-C; ``gave up``, as nothing could be evaluated; ``unfinished`` for any other reason."""

INTERRUPTED = "interrupted"
_STANDING: Mapping[str, StateName] = {INTERRUPTED: "interrupted", GAVE_UP: "gave up"}


@dataclass(frozen=True)
class RunState:
    """How far a search is.

    Attributes:
        name: in a word or two.
        generations: that are done.
        of: that there were to be, as its last generation said; None where no generation did.
        recipes: individuals that were scored.
        reason: of a finished search, the name of the setting that ended it.
        limit: the value of that setting.
    """

    name: StateName
    generations: int
    of: int | None
    recipes: int
    reason: str | None = None
    limit: float | None = None

    @property
    def words(self) -> str:
        """Such as ``finished`` or ``interrupted at 3 of 8``."""
        if self.name == "finished":
            return self.name
        return f"{self.name} at {self.generations}" + ("" if self.of is None else f" of {self.of}")


def state_of(run: Path, events: Sequence[Mapping[str, Any]]) -> RunState:
    """The state of a run.

    Args:
        run: the run directory.
        events: of its journal.

    Raises:
        RunError: a file cannot be read.
    """
    count, last = counted_lines(run / INDIVIDUALS)
    generation = parsed(last).get("generation")
    figures = [one[FIGURES] for one in events if one["event"] == GENERATION and isinstance(one.get(FIGURES), dict)]
    of = figures[-1].get("generations") if figures else None
    known = (
        generation + 1 if isinstance(generation, int) else 0,
        of if isinstance(of, int) else None,
        count,
    )
    telling = [one for one in events if one["event"] in (FINISHED, GENERATION, *_STANDING)]
    ends = [one for one in telling if one["event"] == FINISHED]
    if is_locked(run / JOURNAL):
        return RunState("at work", *known)
    if ends and all(one["event"] != GENERATION for one in telling[telling.index(ends[-1]) :]):
        return RunState("finished", *known, ends[-1]["reason"], ends[-1]["limit"])
    return RunState(_STANDING.get(telling[-1]["event"], "unfinished") if telling else "unfinished", *known)
