"""Right texts that nobody writes tell nothing, and are left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.gold.rows import read_rows
from evoswarm.gold.scores import scores_along
from evoswarm.gold.texts import GoldText, decidable
from evoswarm.gold.written import free_text
from evoswarm.space import SearchSpace, make_tasks
from tests.gold.conftest import Ready

SPACE = """
name: free
pool:
  - {{name: llama-a, path: "zoo:llama-a"}}
  - {{name: llama-b, path: "zoo:llama-b"}}
tasks: [{tasks}]
splits: {{search: 12, selection: 4, test: 4}}
"""
SUMS = "{name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 16}"
NUMERIC = SUMS.replace("16}", "16, scorer: {kind: numeric}}")
FREE = SUMS.replace("sums", "free").replace("16}", "24, scorer: {kind: exact, behind: ['####']}}")


def space_of(*tasks: str) -> SearchSpace:
    return SearchSpace.from_text(SPACE.format(tasks=", ".join(tasks)), "free")


def test_texts_that_members_write_stay_whatever_the_scorer() -> None:
    with workbench(space_of(NUMERIC), ":memory:") as bench:
        rows = bench.gold("search")
        assert rows is not None
        assert not rows.decidable.any()
        assert rows.items == tuple(bench.items["search"])


@pytest.mark.parametrize("tasks", [(SUMS, FREE), (FREE, SUMS)], ids=["behind", "before"])
def test_of_several_tasks_those_of_free_text_are_left_out(tasks: Sequence[str]) -> None:
    with workbench(space_of(*tasks), ":memory:") as bench:
        rows, whole = bench.gold("search"), uniform(bench.space, bench.pool)
        assert rows is not None
        assert rows.items == tuple(item for item in bench.items["search"] if item.task == "sums")
        assert {item.task for item in rows.unread} == {"free"}
        assert "free text" in next(iter(rows.unread.values()))
        apart = read_rows(bench.swarm, whole, rows.texts, bench.tasks)
        assert apart is not None
        mixes = [whole, single(bench.space, bench.pool[0])]
        expected, got = scores_along(mixes, apart), scores_along(mixes, rows)
        assert (got.right == expected.right).all()
        assert np.allclose(got.log_likelihood, expected.log_likelihood, atol=1e-3)


@pytest.mark.parametrize(("bare", "free"), [(0, True), (1, True), (2, False)])
def test_one_of_a_few_may_be_chance(shipped: Callable[[str], Ready], tmp_path: Path, bare: int, free: bool) -> None:
    asked = {f"{number}+3=": str(number + 3) for number in range(1, bare + 1)}  # the result is the whole answer
    asked |= {f"{number}+3=": str(number + 3)[-1] for number in range(31, 41 - bare)}
    file = tmp_path / "last.jsonl"
    file.write_text("".join(json.dumps({"asked": one, "last": last}) + "\n" for one, last in asked.items()), "utf-8")
    last = f"{{name: last, source: dataset, path: '{file}', prompt: '{{asked}}', answer: '{{last}}', max_bytes: 8, "
    (task,) = make_tasks(space_of(last + "scorer: {kind: regex, pattern: '([0-9])$'}}"))
    ready = shipped("two-by-two-same")
    whole = uniform(ready.space, ready.swarm.specs[:1], "bytes")  # it can add
    texts = [GoldText(item, item.gold, decidable(task)) for item in task.items()]
    rows = read_rows(ready.swarm, whole, texts, {"last": task})
    assert rows is not None
    assert len(rows.items) == 10
    assert free_text(rows, whole) == (["last"] if free else [])
