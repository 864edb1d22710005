"""Whether a run that goes on is asked the questions that it was begun with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evoswarm.canonical import sha256
from evoswarm.errors import RunError
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item, SplitName

ITEMS = "items"
"""Event of the journal: what the items of each task in each split were when the run first drew them."""


def require_same_items(run: RunDirectory, space: SearchSpace, items: Mapping[SplitName, Sequence[Item]]) -> None:
    """Note the items of a new run; refuse to go on with one whose source gives others now.

    A replay would stop all the same, at the first individual whose score differs; but then it is the source that is to
    blame, and only its items can say so.

    Args:
        run: new, or one to go on with.
        space: of the run.
        items: drawn for it now, of some splits or of all.

    Raises:
        RunError: see `same_items`.
    """
    known = _known(run.events)
    now = same_items(run.path, run.events, space, items)
    if not now.keys() <= known.keys():
        run.journal(ITEMS, digests=known | now)


def same_items(
    run: Path, events: Sequence[Mapping[str, Any]], space: SearchSpace, items: Mapping[SplitName, Sequence[Item]]
) -> dict[str, str]:
    """The digests of a run's items by task and split, as they are drawn now.

    Args:
        run: the directory.
        events: of its journal.
        space: of the run.
        items: drawn for it now, of some splits or of all.

    Raises:
        RunError: the run began with others; names the task's source and the split, and blames the line of the space.
    """
    known, now = _known(events), item_digests(space, items)
    for index, task in enumerate(space.tasks):
        for split in items:
            place = _place(task.name, split)
            if known.get(place, now[place]) != now[place]:
                raise RunError(
                    f"expected the items that {run} was begun with (scores on others cannot be compared), got "
                    f"others: {task.described_origin} has changed since the run began, in the {split} split (put it "
                    "back as it was, or begin anew with --out)",
                    space.where("tasks", index, task.origin),
                )
    return now


def item_digests(space: SearchSpace, items: Mapping[SplitName, Sequence[Item]]) -> dict[str, str]:
    """The digests of items by task and split.

    Args:
        space: whose items they are.
        items: of some splits or of all.
    """
    return {
        _place(task.name, split): _digest([item for item in drawn if item.task == task.name])
        for task in space.tasks
        for split, drawn in items.items()
    }


def _place(task: str, split: SplitName) -> str:
    return f"{task} {split}"


def _known(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What a journal says of the items."""
    return {
        task: digest
        for event in events
        if event["event"] == ITEMS and isinstance(event.get("digests"), dict)
        for task, digest in event["digests"].items()
    }


def _digest(items: Sequence[Item]) -> str:
    """SHA-256 (hex) of what is asked and what is right, in order."""
    return sha256(json.dumps([(item.key, item.prompt, item.gold) for item in items]))
