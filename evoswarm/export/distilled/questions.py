"""Fresh questions for a champion to answer: none of them is a question of the test split, nor ever can be.

The test split is a band of the space of item keys (see `evoswarm.tasks.splits`). What lies in it is left out whether it
was drawn as a test item or not, so that a larger test split holds no question that a student was taught. What asks the
same as a test item under another key is left out too (see `evoswarm.tasks.question`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from evoswarm.errors import TaskError, Where
from evoswarm.experiment.drawn import Drawn
from evoswarm.export.distilled.plan import StudentPlan
from evoswarm.space import SearchSpace
from evoswarm.tasks.question import question_keys
from evoswarm.tasks.splits import PATIENCE, split_of
from evoswarm.tasks.task import Item, Task


def fresh_items(space: SearchSpace, drawn: Drawn, tasks: Collection[str], count: int) -> list[Item]:
    """Items outside the test split, task by task: the first ones of each source, those of search and selection too.

    Args:
        space: says where the test split lies.
        drawn: its tasks, and the test items.
        tasks: names of those that are wanted.
        count: of items of each task, at most.

    Raises:
        TaskError: a source cannot be read, or has no such item.
    """
    held_out = frozenset(key for keys in drawn.test_keys for key in keys)
    found: list[Item] = []
    for name in tasks:
        own = list(_of_task(space, drawn.tasks[name], held_out, count))
        if not own:
            raise TaskError(f"expected questions of {name!r} outside the test split (to be taught by), got none")
        found += own
    return found


def tasks_wanted(space: SearchSpace, plan: StudentPlan) -> dict[str, float]:
    """The tasks that are taught, with their weights.

    Raises:
        TaskError: one that the plan names is unknown.
    """
    known = {task.name: task.weight for task in space.tasks}
    for key, named in (("tasks", plan.tasks), ("weights", plan.weights)):
        for name in named:
            if name not in known:
                raise TaskError(f"expected a task of the run ({', '.join(known)}), got {name!r:.80}", Where(key))
    return {
        name: plan.weights.get(name, weight) for name, weight in known.items() if not plan.tasks or name in plan.tasks
    }


def _of_task(space: SearchSpace, task: Task, held_out: frozenset[str], count: int) -> Iterator[Item]:
    seen: set[str] = set()
    repeats = found = 0
    for item in task.items():
        if item.key in seen:
            repeats += 1
            if repeats >= PATIENCE:
                return
            continue
        seen.add(item.key)
        repeats = 0
        if split_of(item.key, space.splits.shares) == "test" or not held_out.isdisjoint(question_keys(item)):
            continue
        yield item
        found += 1
        if found == count:
            return
