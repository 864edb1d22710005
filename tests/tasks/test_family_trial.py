"""Settings of families are tried where they can do no harm."""

from __future__ import annotations

import dataclasses
import time

import pytest

from evoswarm.errors import TaskError
from evoswarm.space import SearchSpace, draw_items, make_tasks
from evoswarm.tasks import family_trial
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.scorers import Exact

SPACE = """
name: own
pool: [{name: a, path: "zoo:llama-a"}]
tasks:
  - name: t
    source: reasoning_gym
    family: chain_sum
    config: CONFIG
splits: {search: 4, selection: 4, test: 4}
"""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{min_terms: {a: 1}}", "TypeError"),
        ("{max_terms: 1000000000, min_terms: 999999999}", "too much processor time|memory|MemoryError"),
    ],
)
def test_settings_that_break_a_family_are_named(monkeypatch: pytest.MonkeyPatch, config: str, words: str) -> None:
    monkeypatch.setattr(family_trial, "_LIMITS", dataclasses.replace(family_trial._LIMITS, cpu_seconds=1.0))
    began = time.process_time()
    with pytest.raises(TaskError, match=f"tasks.0.config: expected settings with which chain_sum .*({words})"):
        make_tasks(SearchSpace.from_text(SPACE.replace("CONFIG", config), "own.yaml"))
    assert time.process_time() - began < 5, "another process does the work"


def test_settings_that_break_a_later_question_are_named_too() -> None:
    task = ReasoningGymTask(name="t", family="chain_sum", config={"max_terms": {"a": 1}}, scorer=Exact())
    with pytest.raises(TaskError, match=r"config: expected settings with which chain_sum .* TypeError"):
        next(task.questions())


def test_good_settings_make_questions() -> None:
    space = SearchSpace.from_text(SPACE.replace("CONFIG", "{min_terms: 3, max_terms: 3}"))
    (item, *_) = draw_items(space, make_tasks(space))["search"]
    assert item.prompt.count("+") + item.prompt.count("-") >= 2
    assert family_trial._mistake.cache_info().currsize, "a study that asks again starts no other process"
