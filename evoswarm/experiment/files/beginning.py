"""Which run a search is: known from a few small files, before a library that is slow to import is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evoswarm.durable import counted_lines
from evoswarm.errors import EvoswarmError, RunError
from evoswarm.experiment.files.places import SPACE, run_identity
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.run_directory import CLOCK, INDIVIDUALS, RunWanted, parsed
from evoswarm.space import SearchSpace
from evoswarm.space.differences import Change, differences, in_words
from evoswarm.space.strict_yaml import LARGEST
from evoswarm.user_files import read_text


@dataclass(frozen=True)
class Beginning:
    """How a search begins.

    Attributes:
        space: its name.
        seed: of the search.
        directory: of the run.
        continues: whether it goes on with what is there.
        generations: how many are there.
        individuals: how many are there.
        before: the latest run of this name and seed that it does not go on with; None where there is none.
        changes: what the space says otherwise than that run's did, of what makes them two searches; none where it is
            the same search.
    """

    space: str
    seed: int
    directory: Path
    continues: bool = False
    generations: int = 0
    individuals: int = 0
    before: Path | None = None
    changes: tuple[Change, ...] = ()


def limits(space: SearchSpace) -> dict[str, float | None]:
    """How far a search may go, by the name of the setting that says so."""
    return {
        "generations": space.evolution.generations,
        "stop_at.accuracy": None if space.stop_at is None else space.stop_at.accuracy,
        "budget.evaluations": space.budget.evaluations,
        "budget.decoded_tokens": space.budget.decoded_tokens,
        "budget.flops": space.budget.flops,
        CLOCK: space.budget.seconds,
    }


def run_wanted(space: SearchSpace, root: Path, out: Path | None) -> RunWanted:
    """Which run the search of a space is.

    Args:
        space: in an alphabet that is known.
        root: the directory of all runs.
        out: the directory that its caller asked for.
    """
    name = f"{space.name}-seed{space.seed}"
    return RunWanted(root, name, run_identity(space), limits(space), out, space.tracking.mlflow)


def beginning(space: SearchSpace, root: Path, out: Path | None) -> Beginning:
    """How the search of a space would begin; nothing is opened, and no member is looked at.

    What ``alphabet: auto`` is does not matter to it unless runs of several alphabets are there: new runs are called the
    same in all of them, and a run that was begun in one goes on in it.

    Args:
        space: checked already; its alphabet may be ``auto``.
        root: the directory of all runs.
        out: the directory that its caller asked for.

    Raises:
        RunError: that directory is another search's, or holds other files.
    """
    alphabets: tuple[AlphabetName, ...] = ("tokens", *ALPHABETS) if space.alphabet == "auto" else ("tokens",)
    wanted = [run_wanted(space.resolved(name), root, out) for name in alphabets]
    for one in wanted:
        if (path := one.begun) is not None:
            return Beginning(space.name, space.seed, path, True, *_written(path))
    before = wanted[0].before
    same = before is None or any(one.same(before) for one in wanted)
    changes = () if before is None or same else _changes(before, space)
    try:
        free = wanted[0].free
    except RunError as error:
        more = f": {in_words(changes)}" if changes else ""
        raise RunError(error.message + more, error.where) from None
    return Beginning(space.name, space.seed, free, before=before, changes=changes)


def _written(run: Path) -> tuple[int, int]:
    """How many generations and individuals a run directory holds; what is damaged is said by whoever opens it."""
    count, last = counted_lines(run / INDIVIDUALS)
    generation = parsed(last).get("generation")
    return (generation + 1 if isinstance(generation, int) else 0), count


def _changes(run: Path, space: SearchSpace) -> tuple[Change, ...]:
    """What a space says otherwise than that of a run of its name and seed; nothing where that cannot be read."""
    file = run / SPACE
    try:
        before = SearchSpace.from_text(read_text(file, limit=LARGEST), str(file))
    except EvoswarmError:
        return ()
    return differences(before, space) if (before.name, before.seed) == (space.name, space.seed) else ()
