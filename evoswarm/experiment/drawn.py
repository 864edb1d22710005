"""The items of a space, read: all that can be known of its questions before a member is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.space import SearchSpace, draw_items, make_tasks
from evoswarm.tasks.question import question_keys
from evoswarm.tasks.task import Item, SplitName, Task


@dataclass(frozen=True)
class Drawn:
    """The tasks of a space and their items.

    Attributes:
        tasks: by name.
        items: of all splits.
    """

    tasks: Mapping[str, Task]
    items: Mapping[SplitName, Sequence[Item]]

    @cached_property
    def test_keys(self) -> tuple[tuple[str, ...], ...]:
        """Of every test item, the keys by which its question is known again."""
        return tuple(question_keys(item) for item in self.items["test"])


def draw(space: SearchSpace, progress: Progress = SILENT) -> Drawn:
    """Read the items of a space.

    Raises:
        TaskError: a source cannot be read, or has too few items.
    """
    progress.enter("items", f"reading the items of {len(space.tasks)} task{'s' * (len(space.tasks) > 1)}")
    tasks = make_tasks(space)
    return Drawn({task.name: task for task in tasks}, draw_items(space, _told(tasks, progress)))


def _told(tasks: Sequence[Task], progress: Progress) -> Iterator[Task]:
    """The tasks in turn, each told of before its items are read."""
    for number, task in enumerate(tasks, start=1):
        progress.at(task.name, number, len(tasks))
        yield task
