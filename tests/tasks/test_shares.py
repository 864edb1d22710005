"""What items of several tasks count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.tasks.task import item_shares


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40))
def test_tasks_count_by_their_weights_and_items_of_one_alike(tasks: list[str]) -> None:
    weights = {"a": 1.0, "b": 2.5, "c": 4.0, "asked by none": 9.0}
    shares = item_shares(tasks, weights)
    there = sum(weights[task] for task in set(tasks))
    for task in set(tasks):
        own = [share for share, name in zip(shares, tasks, strict=True) if name == task]
        assert len(set(own)) == 1
        assert sum(own) == pytest.approx(weights[task] / there)
