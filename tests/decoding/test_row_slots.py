"""Rows of a bounded table: who gets them, who loses them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.decoding.memory.row_slots import RowSlots


def test_rows_are_new_until_the_limit_is_reached() -> None:
    slots = RowSlots(4)
    first, lost = slots.take(3)
    assert (first.tolist(), lost.tolist()) == ([0, 1, 2], [])
    slots.give([1])
    again, lost = slots.take(2)
    assert sorted(again.tolist()) == [1, 3]
    assert lost.tolist() == []
    assert (slots.in_use, slots.peak) == (4, 4)


def test_the_least_recently_used_go_first() -> None:
    slots = RowSlots(3)
    for _ in range(3):
        slots.take(1)
        slots.tick()
    slots.touch([0])
    slots.tick()
    taken, lost = slots.take(1)
    assert lost.tolist() == taken.tolist() == [1]


def test_what_is_in_use_now_is_never_taken_back() -> None:
    slots = RowSlots(2)
    slots.take(2)
    more, lost = slots.take(3)
    assert (more.tolist(), lost.tolist()) == ([2, 3, 4], [])
    assert slots.size >= 5


def test_a_table_beyond_its_limit_grows_seldom() -> None:
    slots, sizes = RowSlots(4), set()
    for _ in range(400):
        slots.take(1)
        sizes.add(slots.size)
    assert slots.size < 600
    assert len(sizes) < 30


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    limit=st.integers(1, 20),
    acts=st.lists(st.tuples(st.sampled_from(["take", "tick", "touch", "give"]), st.integers(0, 9)), max_size=60),
)
def test_a_row_has_one_owner_and_the_limit_gives_way_only_to_what_is_in_use(limit: int, acts: Any) -> None:
    slots, owned, used, clock = RowSlots(limit), {}, {}, 0
    for act, number in acts:
        if act == "take" and number:
            rows, lost = slots.take(number)
            for row in lost.tolist():
                assert used[row] < clock, "taken back although in use"
                del owned[row]
            assert not set(rows.tolist()) & set(owned)
            assert len(set(rows.tolist())) == number
            owned |= dict.fromkeys(rows.tolist())
            used |= dict.fromkeys(rows.tolist(), clock)
            busy = sum(used[row] == clock for row in owned)
            assert len(owned) <= max(limit, busy)
            assert max(owned) < slots.size
        elif act == "tick":
            slots.tick()
            clock += 1
        elif owned:
            row = sorted(owned)[number % len(owned)]
            if act == "touch":
                slots.touch(np.array([row]))
                used[row] = clock
            else:
                slots.give([row])
                del owned[row]
        assert slots.in_use == len(owned)
