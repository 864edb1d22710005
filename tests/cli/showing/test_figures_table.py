"""Tables of figures: no wider than the terminal, every column explained once, and what is left out is said."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from evoswarm.cli.showing.figures_table import Row, print_figures
from evoswarm.evaluation.cost import MEANINGS, Cost, MemberCost
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import FailedItems
from evoswarm.failure import Failure


def summary(tasks: int, at_limit: int = 0, failures: int = 0, accuracy: float | None = 0.5) -> Summary:
    """Figures over so many tasks."""
    failed = (FailedItems("prompt_too_long", "a", failures),) if failures else ()
    cost = Cost((MemberCost("a", 10.0, 5.0, 5e6, 1.5e9, 4.0), MemberCost("b", 9.0, 3.0, 7e6, 2e9, 1.0)))
    by_task = {f"task-{number:02}": 1 / (1 + number) for number in range(tasks)}
    failure = Failure("prompt_too_long", "long", "a") if accuracy is None else None
    return Summary(
        accuracy=accuracy,
        by_task=by_task,
        cost=cost,
        open_share=0.997,
        touched_share=0.5,
        failure=failure,
        failed=failed,
        close=0,
        items=40,
        scores=(0.5,) * 40,
        at_limit=at_limit,
        cut_off=at_limit // 2,
        spoken={"a": 1.0, "b": 0.25},
    )


def shown(width: int, rows: list[Row], *, explained: bool = False) -> str:
    """What is printed on a terminal so wide."""
    stream = io.StringIO()
    print_figures(Console(file=stream, width=width), "Figures", rows, explained=explained)
    return stream.getvalue()


def tables(text: str) -> list[list[str]]:
    """The titles of the columns, table by table."""
    lines = [line for line in text.splitlines() if line.startswith("┃")]
    return [[cell.strip() for cell in line.split("┃")[1:-1]] for line in lines]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(40, 200),
    st.integers(1, 15),
    st.lists(st.text("abc-", min_size=1, max_size=60), min_size=1, max_size=3),
    st.sampled_from([0, 7]),
    st.sampled_from([0, 3]),
)
def test_tables_fit_and_nothing_is_lost(width: int, tasks: int, names: list[str], at_limit: int, failures: int) -> None:
    rows = [Row(name, summary(tasks, at_limit, failures), 0.25) for name in names]
    text = shown(width, rows)
    assert all(len(line) <= width for line in text.splitlines())
    found = tables(text)
    assert all(titles[0] == "recipe" for titles in found)
    titles = [title for table in found for title in table[1:]]
    assert titles[:2] == ["accuracy", "expected"]
    per_task = [f"task-{number:02}" for number in range(tasks)] if tasks > 1 else []
    assert [title for title in titles if title.startswith("task-")] == per_task
    assert {*MEANINGS, "open"} <= set(titles)
    assert ("at limit" in titles, "failed" in titles) == (bool(at_limit), bool(failures))
    assert len(set(titles)) == len(titles)
    assert all(f"{1 / (1 + number):.3f}" in text for number, _ in enumerate(per_task))
    legend = text.rpartition("┘")[2].splitlines()
    for title in titles:
        if not title.startswith("task-"):
            assert sum(line.startswith(f"  {title} ") for line in legend) == 1
    assert sum(line.startswith("  task-00 ... ") for line in legend) == bool(per_task)


def test_a_narrow_table_goes_on_below_and_a_wide_one_is_one() -> None:
    rows = [Row("member a", summary(5))]
    assert tables(shown(60, rows)) == [
        ["recipe", "accuracy", "task-00", "task-01", "task-02"],
        ["recipe", "task-03", "task-04", "FLOPs", "weight reads"],
        ["recipe", "passes", "open"],
    ]
    (table,) = tables(shown(160, rows))
    assert table[-1] == "open"
    assert shown(60, rows).count("Figures") == 1


def test_what_was_explained_is_not_explained_again() -> None:
    rows = [Row("member a", summary(3))]
    assert "floating-point operations" in shown(160, rows)
    assert "floating-point operations" not in shown(160, rows, explained=True)


@pytest.mark.parametrize("width", [60, 160])
def test_who_failed_everywhere_has_no_figures(width: int) -> None:
    text = shown(width, [Row("member a", summary(2)), Row("member b", summary(0, failures=40, accuracy=None))])
    row = next(line for line in text.splitlines() if "member b" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][1] == "failed"
    assert "member b failed on every question: the context of a is too short" in " ".join(text.split())
