"""Questions as ``generate`` takes them, wherever they come from, and answers as it gives them back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.cli.given.rows import free_part, is_table, renamed, rows_file
from evoswarm.errors import RunError, TaskError, Where
from evoswarm.user_files import MIB, read_text

if TYPE_CHECKING:
    from evoswarm.answering.answers import Answer
    from evoswarm.experiment.asking import Asking
    from evoswarm.tasks.table import Table

COLUMNS = ("prompt", "question")
"""What a column of questions is called where nobody says; the first that a file has."""

_LARGEST = 1024 * MIB  # of a file of prompts
_COSTS = ("tokens", "passes", "weight_reads", "flops")
_OURS = ("text", "failure", "cost", "open_share", "touched_share")
_OURS_IN_TABLES = ("text", "failure", *(f"cost.{number}" for number in _COSTS), "open_share", "touched_share")


@dataclass(frozen=True)
class Prompts:
    """Questions, and what stood beside them.

    Attributes:
        texts: one per row; none where no column holds them.
        rows: as they were read.
        columns: of the rows, in order.
        renamed: columns that an answer has too, and what they are called beside it.
        file: that they were read from.
        named: somebody named the column of texts.
    """

    texts: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    columns: tuple[str, ...]
    renamed: Mapping[str, str]
    file: str = ""
    named: bool = True

    @classmethod
    def alone(cls, text: str) -> Prompts:
        """One question with nothing beside it."""
        return cls([text], [{"prompt": text}], ("prompt",), {})

    def asked(self, asking: Asking) -> Sequence[str | Mapping[str, Any]]:
        """What is asked: whole rows, where they have all columns of the task's template, else the texts.

        Raises:
            RunError: no column holds questions, or the template cannot be filled in from a row.
        """
        if self.named or not asking.reads(self.columns):
            if not self.texts:
                expected = " or ".join(map(repr, COLUMNS))
                hint = "--column names the one that holds the questions"
                got = f"the columns {', '.join(self.columns):.500}"
                raise RunError(f"expected a column {expected} ({hint}), got {got}", Where(self.file))
            return self.texts
        for number, row in enumerate(self.rows, start=1):
            try:
                asking.worded(row)
            except RunError as error:
                raise RunError(f"row {number}: {error.message}", Where(self.file)) from None
        return self.rows

    def kept(self, number: int) -> dict[str, Any]:
        """What stood in a row, as it is written beside the answer."""
        return {self.renamed.get(name, name): value for name, value in self.rows[number].items()}


def read_questions(prompt: str | None, prompts: Path | None, column: str | None = None) -> Prompts:
    """The questions, wherever they come from.

    Args:
        prompt: the question itself; ``-`` is standard input.
        prompts: a file of them.
        column: of the file that holds them; None is one of `COLUMNS`, where rows do not fill in the task's template.

    Raises:
        RunError: there are none, or a row of the file has none.
    """
    if (prompt is None) == (prompts is None):
        raise RunError("expected one of PROMPT, - or --prompts FILE, got " + ("none" if prompt is None else "two"))
    if prompts is not None:
        return _of_table(prompts, _table(prompts), column)
    if column is not None:
        raise RunError("expected --prompts FILE (--column names its column of questions), got none", Where("--column"))
    if prompt == "-":
        return Prompts.alone(_standard_input())
    check_encodable(str(prompt), Where("PROMPT"))
    return Prompts.alone(str(prompt))


def _standard_input() -> str:
    where = Where("standard input")
    if sys.stdin is None:
        raise RunError("expected a question (PROMPT is -), got a closed input", where)
    try:
        text = sys.stdin.read().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise RunError(f"expected UTF-8 text, got: {error}", where) from None
    except OSError as error:
        raise RunError(f"expected a question (PROMPT is -), got: {error.strerror}", where) from None
    check_encodable(text, where)
    return text


def check_encodable(text: str, where: Where) -> None:
    """Refuse a text with lone surrogates: Python keeps bytes that are no UTF-8 as such."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RunError(f"expected a text that UTF-8 can encode, got {text!a:.60}", where) from None


def _table(file: Path) -> Table:
    """The rows of a file: of the kind that its ending names, as tasks read them; else of JSON Lines, from pipes too."""
    from evoswarm.tasks.rows import ENDINGS, read_rows
    from evoswarm.tasks.text_tables import TEXT_READERS

    try:
        if file.name.lower().endswith(ENDINGS) and os.path.isfile(file):
            return read_rows(str(file))
        return TEXT_READERS[".jsonl"](str(file), read_text(file, limit=_LARGEST, pipes=True))
    except TaskError as error:
        where = error.where or Where(str(file))
        path = "" if where.path == "path" else where.path  # a task's setting, and there is no task
        raise RunError(error.message, Where(where.file, path, where.line, where.column)) from None


def _of_table(file: Path, table: Table, column: str | None) -> Prompts:
    where = Where(str(file))
    if not table.rows:
        raise RunError("expected at least one row, got none", where)
    name = column or next((name for name in COLUMNS if name in table.columns), None)
    if column is not None and column not in table.columns:
        raise RunError(f"expected a column {column!r}, got the columns {', '.join(table.columns):.500}", where)
    texts = []
    for number, row in enumerate(table.rows if name is not None else (), start=1):
        text = row.get(str(name))
        if not isinstance(text, str):
            got = f"the columns {', '.join(row)}" if name not in row else f"{text!r:.60}"
            raise RunError(f"row {number}: expected a text, got {got}", Where(str(file), str(name)))
        check_encodable(text, Where(str(file), f"{name}: row {number}"))
        texts.append(text)
    names = renamed(table.columns, {*_OURS, *_OURS_IN_TABLES}, where)
    return Prompts(texts, table.rows, table.columns, names, str(file), named=column is not None)


def write_answers(questions: Prompts, answers: Iterable[Answer], out: Path | None) -> None:
    """Print the answers as they come, or write them to a file with their costs, beside what stood in the rows.

    Raises:
        RunError: some prompt has no answer (after all the others were written), or the file cannot be written.
    """
    failures: list[str] = []
    noted = _noting(answers, failures)
    if out is None:
        for answer in noted:
            print(answer.text, flush=True)
    else:
        _write_rows(questions, noted, out)
    if failures:
        count = len(questions.rows)
        raise RunError(f"{len(failures)} of {count} prompts have no answer; the first: {failures[0]}")


def _noting(answers: Iterable[Answer], failures: list[str]) -> Iterator[Answer]:
    for answer in answers:
        if answer.failure is not None:
            failures.append(answer.failure)
        yield answer


def _write_rows(questions: Prompts, answers: Iterable[Answer], out: Path) -> None:
    """Write a file of rows; what it has when the work ends before its end is kept beside it."""
    kept = [questions.renamed.get(name, name) for name in questions.columns]
    part = free_part(out)
    number = 0
    try:
        with rows_file(out, [*kept, *_OURS_IN_TABLES], part) as write:
            for answer in answers:
                write({**questions.kept(number), **(_flat(answer) if is_table(out) else answer.as_dict())})
                number += 1
    except BaseException:  # Ctrl-C is one
        if number and os.path.exists(part):
            print(f"the {number} rows before that are in {part}", file=sys.stderr)
        raise
    for name, other in questions.renamed.items():
        print(f"the column {name} of the prompts is {other} there: {name} is the answer's", file=sys.stderr)
    print(f"{number} rows in {out}", file=sys.stderr)


def _flat(answer: Answer) -> dict[str, Any]:
    """An answer as fields of a table: its costs are sums over members."""
    costs = {f"cost.{number}": getattr(answer.cost, number) for number in _COSTS}
    return {**answer.as_dict(), **costs}
