"""What a few items say of the rows along the right answers of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evoswarm.experiment.outlook.along import RowsTaken, read_along
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import uniform
from evoswarm.gold.forms import gold_texts
from evoswarm.gold.rows import BUDGET_BYTES, RowsDoNotFit, read_rows
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]


def test_few_items_say_what_the_rows_of_all_take(micro: Micro) -> None:
    with workbench(micro("splits.search=40"), ":memory:") as bench:
        few = replace(bench, items={**bench.items, "search": bench.items["search"][:8]})
        told, rows = read_along(few), bench.gold("search")
        assert told is not None
        assert rows is not None
        assert told.items == 8
        assert told.bytes(40) == pytest.approx(rows.bytes, rel=0.25)


def test_rows_beyond_the_budget_are_not_read(micro: Micro) -> None:
    """By the bound that reading them keeps to."""
    with workbench(micro(), ":memory:") as bench:
        whole = uniform(bench.space, bench.pool)
        taken = read_along(bench)
        texts = gold_texts(bench.swarm, whole, bench.items["search"], bench.tasks)
        assert taken is not None
        assert texts is not None
        assert read_rows(bench.swarm, whole, texts, bench.tasks, budget=taken.most) is not None
        with pytest.raises(RowsDoNotFit):
            read_rows(bench.swarm, whole, texts, bench.tasks, budget=taken.most - 1)
    tight = RowsTaken(items=1, most=BUDGET_BYTES // 10, kept=1000)
    assert (tight.bytes(10), tight.bytes(11)) == (10_000, 0.0)


def test_where_nothing_is_fitted_nothing_is_read(micro: Micro) -> None:
    with workbench(micro("genome.kind=vote"), ":memory:") as bench:
        assert read_along(bench) is None
        assert "gold_paths" not in vars(bench)
