"""Items of several tasks are taken in parts, task by task."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.statistics.by_task import fold_places, folds

TASKS = st.lists(st.sampled_from("abc"), min_size=1, max_size=40)


@given(TASKS, st.integers(1, 6))
def test_parts_hold_every_item_once_and_spread_every_task(tasks: list[str], count: int) -> None:
    parts = fold_places(tasks, count)
    assert len(parts) == min(count, max(tasks.count(task) for task in tasks))
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(tasks)))
    for task in set(tasks):
        counts = [sum(tasks[place] == task for place in part) for part in parts]
        assert max(counts) - min(counts) <= 1
    assert all((folds(tasks, count)[part] == number).all() for number, part in enumerate(parts))


def test_items_of_a_task_take_turns() -> None:
    assert folds(["a", "a", "b", "a", "b", "a"], 3).tolist() == [0, 1, 0, 2, 1, 0]
