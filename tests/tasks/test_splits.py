"""Splits: disjoint, of the size asked for, and stable when a source grows."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.errors import TaskError
from evoswarm.tasks.splits import PATIENCE, Shares, draw_task, needs_of, quotas, split_of, take_turns
from evoswarm.tasks.task import SPLITS, Item, SplitName, Task

SHARES = (0.3, 0.2, 0.5)


@dataclasses.dataclass(frozen=True)
class Listed:
    """A task of given questions."""

    name: str
    questions: tuple[str, ...]
    endless: bool = False
    weight: float = 1.0
    max_bytes: int = 8
    stop: tuple[str, ...] = ()
    scorer_id: str = "none"

    def items(self) -> Iterator[Item]:
        for question in cycle(self.questions) if self.endless else self.questions:
            key = hashlib.sha256(question.encode()).hexdigest()
            yield Item(key, self.name, question, "gold")

    def extract(self, text: str) -> str:
        return text

    def score(self, item: Item, text: str) -> float:
        return 0.0


def listed(name: str, count: int) -> Task:
    return Listed(name, tuple(f"{name} {number}" for number in range(count)))


def needed(search: int, selection: int, test: int) -> dict[SplitName, int]:
    return {"search": search, "selection": selection, "test": test}


def draw(tasks: Sequence[Task], counts: dict[SplitName, int], shares: Shares) -> dict[SplitName, list[Item]]:
    """The items of several tasks, as those of a space are drawn."""
    needs = needs_of(counts, len(tasks))
    return take_turns([draw_task(task, own, shares) for task, own in zip(tasks, needs, strict=True)])


@given(st.integers(0, 10**6), st.integers(1, 50))
def test_quotas_are_equal_and_complete(total: int, parts: int) -> None:
    numbers = quotas(total, parts)
    assert sum(numbers) == total
    assert max(numbers) - min(numbers) <= 1
    assert numbers == sorted(numbers, reverse=True), "the first get what is left over"


@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.lists(st.binary(max_size=8), max_size=50))
def test_every_key_has_one_split(a: float, b: float, c: float, contents: list[bytes]) -> None:
    total = a + b + c
    shares = (a / total, b / total, c / total)
    for content in contents:
        assert split_of(hashlib.sha256(content).hexdigest(), shares) in SPLITS
    assert split_of("0" * 64, shares) == "search"
    assert split_of("f" * 64, shares) == "test"


def test_bands_have_their_shares() -> None:
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(20_000)]
    for split, share in zip(SPLITS, SHARES, strict=True):
        assert sum(split_of(key, SHARES) == split for key in keys) / len(keys) == pytest.approx(share, abs=0.02)


def test_counts_over_several_tasks() -> None:
    tasks = [listed("a", 400), listed("b", 400), listed("c", 400)]
    drawn = draw(tasks, needed(10, 20, 31), SHARES)
    assert {split: len(items) for split, items in drawn.items()} == needed(10, 20, 31)
    assert [sum(item.task == task for item in drawn["search"]) for task in "abc"] == [4, 3, 3]
    assert [sum(item.task == task for item in drawn["test"]) for task in "abc"] == [11, 10, 10]
    assert [item.task for item in drawn["search"]] == list("abcabcabca"), "the tasks take turns"


@settings(deadline=None, max_examples=30)
@given(
    count=st.integers(300, 400),
    more=st.integers(0, 200),
    sizes=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 30)),
)
def test_splits_are_disjoint_and_growth_moves_nothing(count: int, more: int, sizes: tuple[int, int, int]) -> None:
    small = draw([listed("a", count)], needed(*sizes), SHARES)
    grown = draw([listed("a", count + more)], needed(*(2 * size for size in sizes)), SHARES)
    for drawn in (small, grown):
        keys = [item.key for split in SPLITS for item in drawn[split]]
        assert len(keys) == len(set(keys))
    home = {item.key: split for split in SPLITS for item in grown[split]}
    for split in SPLITS:
        assert all(home.get(item.key, split) == split for item in small[split])
        assert small[split] == grown[split][: len(small[split])], "what comes first stays first"


def test_equal_items_count_once() -> None:
    twice = Listed("a", tuple(f"q{number // 2}" for number in range(400)))
    once = Listed("a", tuple(f"q{number}" for number in range(200)))
    assert draw_task(twice, needed(20, 20, 40), SHARES) == draw_task(once, needed(20, 20, 40), SHARES)


@pytest.mark.parametrize("endless", [False, True])
def test_a_source_that_is_too_small_is_named(endless: bool) -> None:
    task = Listed("tiny", tuple("abcdefgh"), endless)
    with pytest.raises(TaskError) as caught:
        draw([task], needed(1, 0, 100), SHARES)
    assert caught.value.where is not None
    assert caught.value.where.path == "splits.test"
    assert "expected 100 items of the task 'tiny' for test, got " in str(caught.value)
    assert "8 distinct items" in str(caught.value)


def test_a_slow_endless_source_is_given_time() -> None:
    asked = list(islice(cycle("ab"), PATIENCE - 2))
    task = Listed("slow", (*asked, *(f"q{number}" for number in range(200))))
    assert len(draw_task(task, needed(5, 5, 5), SHARES)["test"]) == 5


def test_nothing_is_read_where_nothing_is_needed() -> None:
    endless = Listed("a", ("q",), endless=True)
    assert draw_task(endless, needed(0, 0, 0), SHARES) == {split: [] for split in SPLITS}
