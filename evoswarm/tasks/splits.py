"""The three disjoint splits: an item's key alone decides where it belongs.

The space of keys is cut into three bands. Growing the source, or asking for more items, moves no item from one
split to another; changing the shares does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from evoswarm.errors import TaskError, Where
from evoswarm.tasks.task import SPLITS, Item, SplitName, Task

Shares = tuple[float, float, float]

PATIENCE = 5000
"""A source that gives so many items in a row, all of which it has given before, counts as exhausted."""


def split_of(key: str, shares: Shares) -> SplitName:
    """The split that a key belongs to.

    Args:
        key: SHA-256, hex.
        shares: of search, selection and test; they sum to 1.
    """
    position = int(key[:13], 16) / 16**13  # 52 bits: exact in a float
    if position < shares[0]:
        return "search"
    return "selection" if position < shares[0] + shares[1] else "test"


def quotas(total: int, parts: int) -> list[int]:
    """`total` in `parts` nearly equal numbers; the first get what is left over."""
    return [total // parts + (part < total % parts) for part in range(parts)]


def needs_of(counts: Mapping[SplitName, int], tasks: int) -> list[dict[SplitName, int]]:
    """How many items each of so many tasks gives to each split."""
    per_split = {split: quotas(counts[split], tasks) for split in SPLITS}
    return [{split: per_split[split][index] for split in SPLITS} for index in range(tasks)]


def take_turns(drawn: Sequence[Mapping[SplitName, Sequence[Item]]]) -> dict[SplitName, list[Item]]:
    """Join the tasks' items, so that every beginning of a split is balanced."""
    return {
        split: [item for turn in zip_longest(*(items[split] for items in drawn)) for item in turn if item is not None]
        for split in SPLITS
    }


def draw_task(task: Task, needed: Mapping[SplitName, int], shares: Shares) -> dict[SplitName, list[Item]]:
    """Draw one task's items: for each split the first of its band, equal keys counted once.

    Raises:
        TaskError: the source cannot be read, or has fewer items than a split needs.
    """
    drawn: dict[SplitName, list[Item]] = {split: [] for split in SPLITS}
    missing = sum(needed.values())
    seen: set[str] = set()
    repeats = 0
    for item in task.items() if missing else ():
        if item.key in seen:
            repeats += 1
            if repeats >= PATIENCE:
                break
            continue
        seen.add(item.key)
        repeats = 0
        split = split_of(item.key, shares)
        if len(drawn[split]) < needed[split]:
            drawn[split].append(item)
            missing -= 1
            if not missing:
                break
    for split in SPLITS:
        if len(drawn[split]) < needed[split]:
            raise _too_small(task.name, split, needed[split], len(drawn[split]), shares[SPLITS.index(split)], len(seen))
    return drawn


def _too_small(task: str, split: SplitName, needed: int, found: int, share: float, distinct: int) -> TaskError:
    return TaskError(
        f"expected {needed} items of the task {task!r} for {split}, got {found} (the source has {distinct} distinct "
        f"items, {share:.0%} of the keys are {split}'s): lower splits.{split}, raise its share, or widen the source",
        Where(task, f"splits.{split}"),
    )
