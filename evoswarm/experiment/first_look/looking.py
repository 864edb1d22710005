"""The first look at a search's members: taken once per run, written down, shown at every start."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from evoswarm.experiment.calibrating import CALIBRATION_ITEMS
from evoswarm.experiment.drawn import Drawn
from evoswarm.experiment.files.run_history import begins_anew
from evoswarm.experiment.first_look.likely_mistakes import beyond_each, likely_mistakes
from evoswarm.experiment.first_look.look import FIRST_LOOK, FirstLook
from evoswarm.experiment.first_look.taking import look_at
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import Workbench
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.space.own_answers import check_golds
from evoswarm.tasks.task import Item

_LEAST, _MORE = 4, 4
"""Items that are asked first, and how many times as many next."""


def first_look(bench: Workbench, run: RunDirectory, progress: Progress) -> FirstLook:
    """Show what the members do alone on the calibration items; a run that has it written down shows that.

    Args:
        bench: the space made ready.
        run: where it is written.
        progress: told of it.

    Raises:
        Stopped: Ctrl-C.
    """
    look = None if begins_anew(run) else written(run)
    if look is None:
        items = bench.items["search"][:CALIBRATION_ITEMS]
        progress.enter("looking", f"asking each of {len(bench.pool)} members alone, {len(items)} search items")
        look = looked(bench, items)
        run.write_json(FIRST_LOOK, look.as_dict())
    progress.first_look(look)
    return look


def show_again(run: RunDirectory, progress: Progress) -> None:
    """Show what a run has written down, if it has."""
    look = written(run)
    if look is not None:
        progress.first_look(look)


def looked(bench: Workbench, items: Sequence[Item]) -> FirstLook:
    """Ask the members, and say what is likely a mistake.

    Args:
        bench: the space made ready.
        items: of the search split.

    Raises:
        Stopped: Ctrl-C.
    """
    look = look_at(bench, items)

    def unused() -> list[str]:
        return list(bench.as_deployed().evaluator.swarm.templated)

    golds = gold_notes(bench.asked, Drawn(bench.tasks, bench.items))
    return replace(look, notes=beyond_each(look), warnings=(*golds, *likely_mistakes(bench.space, look, unused)))


def written(run: RunDirectory) -> FirstLook | None:
    """What a run has written down; None where there is nothing, or something else."""
    text = run.read(FIRST_LOOK)
    try:
        return None if text is None else FirstLook.from_json(text)
    except ValueError:
        return None


def looked_within(bench: Workbench, seconds: float, progress: Progress) -> FirstLook:
    """Ask the members on as many of the calibration items as they answer in about so many seconds.

    Args:
        bench: the space made ready, with a ledger that keeps what is decoded.
        seconds: more items are asked while they will hardly take longer; a few are asked in any case.
        progress: told of it.
    """
    items = bench.items["search"][:CALIBRATION_ITEMS]
    count = max(_LEAST, len(bench.tasks))
    progress.enter("looking", f"asking each of {len(bench.pool)} members alone, up to {len(items)} search items")
    began = time.monotonic()
    while count < len(items):
        look_at(bench, items[:count])
        if (time.monotonic() - began) * _MORE > seconds:
            break
        count *= _MORE
    return looked(bench, items[:count])


def gold_notes(space: SearchSpace, drawn: Drawn) -> list[str]:
    """What is to be said of the gold texts of a space's tasks; see `check_golds`.

    Raises:
        TaskError: no answer to some task could be right.
    """
    notes = []
    for index, (name, task) in enumerate(drawn.tasks.items()):
        own = {split: [item for item in items if item.task == name] for split, items in drawn.items.items()}
        notes += check_golds(space, index, task, own)
    return notes
