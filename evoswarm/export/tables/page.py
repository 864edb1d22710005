"""What stands beside tables: what their columns are, for programs and for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from evoswarm.experiment.per_question.asked_policy import AskedPolicy
from evoswarm.export.tables.column import RunTable, TableColumn
from evoswarm.spreadsheets import FORMULA

README = "README.md"
FORMAT = 1  # of columns.json and of the tables: a later one may have other columns

_CSV = f"""\
CSV is UTF-8 with a byte order mark. A value that is missing is an empty field, an empty text is `""`; lists are JSON.
A text that a spreadsheet would take for a formula has an apostrophe before it; `evoswarm.spreadsheets.unmarked` takes
it away again, and so does this, in Python:

```python
re.sub(r"^'(?={FORMULA})", "", text)
```
"""


def described(asked: AskedPolicy, run: Path, tables: Sequence[RunTable], counts: Mapping[str, int]) -> str:
    """The tables as JSON data.

    Args:
        asked: the run's champion.
        run: the directory.
        tables: of the run.
        counts: rows, by the name of the table.
    """
    data = {
        "format": FORMAT,
        "evoswarm": version("evoswarm"),
        "run": run.resolve().name,
        "space": asked.space.name,
        "champion": asked.policy.digest,
        "marked_texts_of_csv": rf"^'(?={FORMULA})",
        "tables": {
            table.plan.name: {
                "says": table.plan.says,
                "rows": counts[table.plan.name],
                "columns": [
                    {"name": one.name, "type": one.type, "unit": one.unit or None, "says": one.says}
                    for one in table.columns
                ],
            }
            for table in tables
        },
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def page(asked: AskedPolicy, run: Path, tables: Sequence[RunTable], counts: Mapping[str, int]) -> str:
    """The same for people, as Markdown; see `described`."""
    lines = [
        f"# The run {run.resolve().name} as tables",
        "",
        f"Written by evoswarm {version('evoswarm')} of the search space {asked.space.name}; its champion is the policy",
        f"`{asked.policy.digest}`. Every table is there as Parquet and as CSV, with the same rows and columns.",
        "",
        _CSV,
    ]
    for table in tables:
        rows = f"{counts[table.plan.name]:,} row{'' if counts[table.plan.name] == 1 else 's'}"
        lines += [f"## {table.plan.name}: {rows}", "", table.plan.says, "", *column_lines(table.columns), ""]
    return "\n".join(lines)


def column_lines(columns: Iterable[TableColumn]) -> Iterator[str]:
    """Columns as a table of Markdown."""
    yield from ("| column | type | unit | |", "| --- | --- | --- | --- |")
    for one in columns:
        yield f"| `{one.shown}` | {one.type} | {one.unit} | {one.says} |".replace("  ", " ")
