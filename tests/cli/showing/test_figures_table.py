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

ELSEWHERE = "front.json has them"


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
    print_figures(Console(file=stream, width=width), "Figures", rows, elsewhere=ELSEWHERE, explained=explained)
    return stream.getvalue()


def headers(text: str) -> list[str]:
    """The titles of the columns."""
    return [cell.strip() for cell in next(line for line in text.splitlines() if line.startswith("┃")).split("┃")[1:-1]]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(44, 200),
    st.integers(1, 15),
    st.lists(st.text("abc-", min_size=1, max_size=60), min_size=1, max_size=3),
    st.sampled_from([0, 7]),
    st.sampled_from([0, 3]),
)
def test_a_table_fits_and_is_complete_or_says_what_it_lacks(
    width: int, tasks: int, names: list[str], at_limit: int, failures: int
) -> None:
    rows = [Row(name, summary(tasks, at_limit, failures)) for name in names]
    text = shown(width, rows)
    assert all(len(line) <= width for line in text.splitlines())
    titles = headers(text)
    assert titles[:2] == ["recipe", "accuracy"]
    per_task = [title for title in titles if title.startswith("task-")]
    assert per_task in ([], [f"task-{number:02}" for number in range(tasks)])
    wanted = [*MEANINGS, "open", *(["at limit"] if at_limit else []), *(["failed"] if failures else [])]
    missing = [title for title in wanted if title not in titles]
    words = " ".join(text.split())
    says = words.partition("Left out, as")[2]
    assert bool(says) == bool(missing or (tasks > 1 and not per_task))
    assert all(title in says for title in missing)
    assert (f"each of the {tasks} tasks" in says) == (tasks > 1 and not per_task)
    assert (ELSEWHERE in says) == bool(says)
    legend = text.partition("┘")[2].partition("Left out")[0].splitlines()
    for title in titles[1:]:
        if not title.startswith("task-"):
            assert sum(line.startswith(f"  {title} ") for line in legend) == 1
    assert sum(line.startswith("  task-00 ... ") for line in legend) == bool(per_task)


def test_fifteen_tasks_on_eighty_columns_are_left_out_and_on_many_are_there() -> None:
    rows = [Row("member a", summary(15))]
    assert "Left out, as 80 columns are too few: the accuracy on each of the 15 tasks" in " ".join(
        shown(80, rows).split()
    )
    assert headers(shown(80, rows)) == ["recipe", "accuracy", "FLOPs", "weight reads", "passes", "open"]
    wide = shown(300, rows)
    assert "Left out" not in wide
    assert "task-14" in headers(wide)


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
