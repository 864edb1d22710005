"""Exports a run as tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.durable import write_within
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.experiment.files.places import ledger_file
from evoswarm.experiment.per_question.asked_policy import asked_policy
from evoswarm.export.tables.column import ColumnType, Expanded, RunTable, TablePlan
from evoswarm.export.tables.evaluations import EVALUATIONS, ITEMS, RunEvaluations
from evoswarm.export.tables.front import FRONT, contenders, front_rows
from evoswarm.export.tables.individuals import INDIVIDUALS, gene_types, individual_rows
from evoswarm.export.tables.page import README, described, page
from evoswarm.export.target import Options, Target

if TYPE_CHECKING:
    from evoswarm.export.source import Source

PLANS: tuple[TablePlan, ...] = (INDIVIDUALS, ITEMS, EVALUATIONS, FRONT)
"""The tables, in the order in which they are written."""

COLUMNS = "columns.json"


def write_tables(source: Source, out: Path, options: Options) -> list[str]:
    """Write the tables of a run; see `Writer`.

    Raises:
        EvoswarmError: a file of the run is damaged, or its items cannot be read any more.
    """
    run, front = source.run, source.front()
    assert run is not None  # no other source gets here
    search = FinishedSearch(asked_policy(run, None, options.trust))
    with _ledger(search) as ledger:
        evaluations = RunEvaluations(search, contenders(front, run), ledger)
        rows: dict[str, Any] = {
            INDIVIDUALS.name: individual_rows(search),
            ITEMS.name: evaluations.items(),
            EVALUATIONS.name: evaluations.rows(),
            FRONT.name: front_rows(front, run),
        }
        tables = [plan.of(_names(search), rows[plan.name]) for plan in PLANS]
        counts = {one.plan.name: _written(one, out, options) for one in tables}
    write_within(out, COLUMNS, described(search.asked, run, tables, counts))
    write_within(out, README, page(search.asked, run, tables, counts))
    return _told(options.out, counts, evaluations, search, known=ledger is not None)


def _names(search: FinishedSearch) -> Expanded:
    """What stands for the placeholders in columns' names."""
    space = search.asked.space

    def numbers(names: Sequence[str]) -> Mapping[str, ColumnType]:
        return dict.fromkeys(names, "number")

    return {
        "OBJECTIVE": numbers(space.objectives),
        "TASK": numbers([task.name for task in space.tasks]),
        "MEMBER": numbers([spec.name for spec in space.pool]),
        "GENE": gene_types(search),
    }


@contextmanager
def _ledger(search: FinishedSearch) -> Iterator[Ledger | None]:
    file = ledger_file(search.asked.runs)
    if not os.path.exists(file):
        yield None
        return
    with Ledger(file) as found:
        yield found


def _written(table: RunTable, out: Path, options: Options) -> int:
    from evoswarm.export.tables.writing import write_table

    options.progress.enter("exporting", f"writing {table.plan.name}")
    return write_table(table, out)


def _told(
    out: Path, counts: Mapping[str, int], evaluations: RunEvaluations, search: FinishedSearch, *, known: bool
) -> list[str]:
    """What was written, and what is lacking."""
    listed = ", ".join(f"{count:,} {'contenders' if name == FRONT.name else name}" for name, count in counts.items())
    told = [f"{listed}: each table as Parquet and CSV; {out / README} says what their columns are"]
    if not known:
        file = ledger_file(search.asked.runs)
        told.append(f"evaluations are lacking: there is no ledger {file} (EVOSWARM_LEDGER names another)")
    if evaluations.lost:
        policies = f"{evaluations.lost:,} polic{'y' if evaluations.lost == 1 else 'ies'}"
        told.append(f"evaluations of {policies} are lacking: what they were made of is not known here any more")
    if not search.asked.opened:
        told.append("test items are left out: no certificate has opened them for the champion")
    return told


TABLES = Target(
    name="tables",
    title="individuals, items, evaluations and front as Parquet and CSV, every column documented",
    takes="run",
    command="pandas.read_parquet('OUT/individuals.parquet')",
    write=write_tables,
    signs=(COLUMNS, "individuals.parquet"),
    needs_members=False,
)
