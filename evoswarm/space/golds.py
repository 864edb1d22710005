"""Does a scorer give the right answer full marks? Asked of a few items before a model is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.errors import TaskError
from evoswarm.space.search_space import SearchSpace
from evoswarm.tasks.task import Item, Task

_TRIED = 4  # items of a task


def check_golds(space: SearchSpace, index: int, task: Task, items: Sequence[Item]) -> list[str]:
    """Score a few items' own right answers.

    Args:
        space: of the task.
        index: of the task within the space.
        task: whose scorer is tried.
        items: of the task; those without a gold are left out.

    Returns:
        What a scorer of the user's makes of them where it is not 1, as a note; it may have its reasons.

    Raises:
        TaskError: a scorer of ours refuses them, so that no answer could be right.
    """
    own = ":" in space.tasks[index].scorer.kind
    place = f"tasks.{index}.scorer.kind"
    for item in [item for item in items if item.gold][:_TRIED]:
        try:
            if not own and not task.extract(item.gold):
                continue  # a gold may leave out what an answer needs: a marker, what an expression looks for
            score = task.score(item, item.gold)
        except TaskError as error:
            if not own:
                raise
            return [f"{place}: an item's own answer, {item.gold[:60]!r}, cannot be scored: {error.message}"]
        if score != 1.0:
            said = f"expected a scorer that gives an item's own answer 1, got {score:g} for {item.gold[:60]!r}"
            if not own:
                raise TaskError(said, space.where("tasks", index, "scorer", "kind"))
            return [f"{place}: {said}"]
    return []
