"""From the tasks and splits of a space to tasks that give items."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from evoswarm.errors import TaskError, Where
from evoswarm.space.search_space import SearchSpace
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.splits import draw_task, needs_of, take_turns
from evoswarm.tasks.task import SPLITS, Item, SplitName, Task


def make_tasks(space: SearchSpace) -> list[SourcedTask]:
    """The tasks of a space, in its order; nothing is read yet.

    Raises:
        TaskError: an unknown family or setting of a family, a verifier that runs answers and may not, or a scorer
            of the user's that the caller does not allow or that cannot be had.
    """
    return [make_task(space, index) for index in range(len(space.tasks))]


def make_task(space: SearchSpace, index: int) -> SourcedTask:
    """One task of a space; see `make_tasks`."""
    try:
        return space.tasks[index].task(space.trust)
    except TaskError as error:
        raise _located(error, space, index) from None


def draw_items(space: SearchSpace, tasks: Iterable[Task]) -> dict[SplitName, list[Item]]:
    """The items of all splits of a space, the tasks taking turns; each gives an equal number to every split.

    A task's weight weighs its score, not its number of items.

    Raises:
        TaskError: a source cannot be read, an item does not fit, or a split is larger than its source.
    """
    return take_turns([draw_task_items(space, index, task) for index, task in enumerate(tasks)])


def draw_task_items(space: SearchSpace, index: int, task: Task) -> dict[SplitName, list[Item]]:
    """The items that one task of a space gives to each split; see `draw_items`."""
    counts: dict[SplitName, int] = {split: getattr(space.splits, split) for split in SPLITS}
    try:
        return draw_task(task, needs_of(counts, len(space.tasks))[index], space.splits.shares)
    except TaskError as error:
        raise _located(error, space, index) from None


def _located(error: TaskError, space: SearchSpace, index: int) -> TaskError:
    """The error with the line of the space to blame; a place in the data goes into its message."""
    inner = error.where or Where("")
    path = tuple(inner.path.split("."))
    if path[0] == "splits":
        return TaskError(error.message, space.where(*path))
    task = space.tasks[index]
    is_key = path[0] in type(task).model_fields
    message = error.message
    if inner.file == getattr(task, task.origin):
        message = f"{dataclasses.replace(inner, path='' if is_key else inner.path)}: {message}"
    return TaskError(message, space.where("tasks", index, *(path if is_key else (task.origin,))))
