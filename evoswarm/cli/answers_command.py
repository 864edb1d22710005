"""What the command ``answers`` does: answers question by question, or accuracy by a column of the user's file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.cli.given.rows import StandardOutput, WriteRow, csv_rows, jsonl_rows, renamed, rows_file
from evoswarm.cli.showing.output import say, show
from evoswarm.cli.showing.terminal import FILE_WIDTH, columns, fitted
from evoswarm.errors import Where
from evoswarm.evaluation.failures import sentence
from evoswarm.experiment.per_question.by_column import EVERYTHING, TASK, Group, Mean, by_column
from evoswarm.experiment.per_question.rows import AnswerRow, PerQuestion, decoded_answers, kept_answers
from evoswarm.experiment.wording import quantity

if TYPE_CHECKING:
    from evoswarm.cli.telling.narrator import Narrator
    from evoswarm.evaluation.evaluation import Evaluation
    from evoswarm.experiment.per_question.asked_policy import AskedPolicy
    from evoswarm.tasks.task import SplitName

_CHAMPION = "champion"
_EXPLAINED = (
    f"Accuracy: the mean score of the items, failures counted as 0, each item alike; {EVERYTHING!r}: of all of them.",
    "champion: the recipe that was asked about; the others: members of its pool alone.",
)
_ANSWER = ("answer", "score", "ending", "failure")
_OURS = ("item", "task", "question", "gold", *_ANSWER, "flops", "passes")


@dataclass(frozen=True)
class Form:
    """In which form answers are given.

    Attributes:
        csv: a table, where it is to be written (``-`` is standard output); None is none.
        as_json: JSON Lines on standard output.
        by: the column to group by; None gives every answer.
    """

    csv: Path | None = None
    as_json: bool = False
    by: str | None = None


def run_answers(
    asked: AskedPolicy, split: SplitName, form: Form, narrator: Narrator, *, ledger: Path | None, decode: bool
) -> None:
    """Show the answers on a split.

    Raises:
        EvoswarmError: see `evoswarm.experiment.per_question.rows` and `by_column`.
    """
    opened = kept_answers(asked, split, ledger)
    if decode:
        narrator.imports()
        from evoswarm.decoding.forward.devices import silence_loading

        silence_loading()
        opened = decoded_answers(asked, split, ledger, narrator.progress)
    with opened as answers:
        narrator.rest()
        if form.csv is None and not form.as_json:
            _for_people(asked, answers, form.by)
        else:
            groups = None if form.by is None else by_column(answers, form.by)
            _for_machines(asked, answers, form, groups)
        for line in _notes(asked, answers, ledger):
            _tell(line)


def _for_machines(asked: AskedPolicy, answers: PerQuestion, form: Form, groups: Sequence[Group] | None) -> None:
    if groups is not None:
        columns, by = ["items", *_sum_columns([_CHAMPION, *asked.members])], str(form.by)
        while by in columns and not form.as_json:  # that keeps the user's columns apart
            by = f"input_{by}"
        columns = [by, *columns]
        rows: Iterable[Mapping[str, Any]] = (_group_row(group, by, form.as_json) for group in groups)
    else:
        user = dict.fromkeys(name for item in answers.items for name in item.raw)
        columns = [*_OURS, *(f"{name}.{what}" for name in asked.members for what in _ANSWER)]
        names = {name: name for name in user}
        if not form.as_json:
            names |= renamed(list(user), columns, Where("--csv"))
        columns += names.values()
        rows = (_answer_row(row, names, form.as_json) for row in answers.rows)
    with _sink(form, columns) as write:
        for row in rows:
            write(row)


@contextmanager
def _sink(form: Form, columns: Sequence[str]) -> Iterator[WriteRow]:
    if form.as_json:
        yield jsonl_rows(StandardOutput())
    elif form.csv is None or str(form.csv) == "-":
        yield csv_rows(StandardOutput(), columns)
    else:
        with rows_file(form.csv, columns, table=True) as write:
            yield write
        _tell(f"written: {form.csv}")


def _answer_row(row: AnswerRow, names: Mapping[str, str], nested: bool) -> dict[str, Any]:
    """One question as data; ``nested`` as JSON likes it, else as fields of a table."""
    item, champion = row.item, row.champion
    data: dict[str, Any] = {"item": item.key, "task": item.task, "question": row.question, "gold": item.gold}
    data |= _evaluation(champion)
    cost = None if champion is None else champion.cost
    data |= {"flops": cost and cost.flops, "passes": cost and cost.passes}
    if nested:
        return {
            **data,
            "members": {name: _evaluation(one) for name, one in row.members.items()},
            "columns": dict(item.raw),
        }
    for name, one in row.members.items():
        data |= {f"{name}.{what}": value for what, value in _evaluation(one).items()}
    return {**data, **{names[name]: value for name, value in item.raw.items()}}


def _evaluation(one: Evaluation | None) -> dict[str, Any]:
    """Answer, score, how it ended, and why there is none; nothing at all where nobody knows."""
    if one is None:
        return dict.fromkeys(_ANSWER)
    if one.failure is not None:
        return {**dict.fromkeys(_ANSWER), "failure": f"{one.failure.kind}: {sentence(one.failure)}"}
    return {"answer": one.answer, "score": one.score, "ending": one.ending, "failure": None}


def _sum_columns(names: Iterable[str]) -> list[str]:
    return [column for name in names for column in (name, f"{name}.items")]


def _group_row(group: Group, by: str, nested: bool) -> dict[str, Any]:
    means = {_CHAMPION: group.champion, **group.members}
    data: dict[str, Any] = {by: group.value, "items": group.items}
    if nested:
        data = {"column": by, "value": group.value, "items": group.items}
        own = {"accuracy": group.champion.value, "items": group.champion.items}
        members = {name: {"accuracy": one.value, "items": one.items} for name, one in group.members.items()}
        return {**data, _CHAMPION: own, "members": members}
    return data | {
        column: value
        for name, one in means.items()
        for column, value in ((name, one.value), (f"{name}.items", one.items))
    }


def _for_people(asked: AskedPolicy, answers: PerQuestion, by: str | None) -> None:
    width = columns(sys.stdout) or FILE_WIDTH
    items = f"{len(answers.items):,} {answers.split} items of {asked.space.name}"
    say(f"{asked.file}: {asked.policy.digest[:12]} on the {items}")
    if by is None:
        answers.rows = _shown(answers.rows, width)
        by = TASK
    groups = by_column(answers, by)
    _print_groups(groups, by, width)


def _shown(rows: Iterator[AnswerRow], width: int) -> Iterator[AnswerRow]:
    """Print every question as it passes."""
    for row in rows:
        say("")
        for line in _block(row, width):
            say(line)
        yield row


def _block(row: AnswerRow, width: int) -> Iterator[str]:
    """One question and its answers, a line each."""
    names = max(len(name) for name in (_CHAMPION, *row.members))
    yield _fitting(f"{row.number:<4} {row.item.task}: ", row.question, width)
    yield _fitting(f"     {'gold':<{names}}        ", row.item.gold, width)
    for name, one in ((_CHAMPION, row.champion), *row.members.items()):
        said = []
        if one is not None and one.ending in ("limit", "cut_off"):
            said.append("ended by max_bytes")
        if one is not None and name == _CHAMPION:
            said.append(f"{quantity(one.cost.flops)} FLOPs, {one.cost.passes:g} passes")
        behind = f"   [{'; '.join(said)}]" if said else ""
        score = "    -" if one is None else " fail" if one.score is None else f"{one.score:5.3g}"
        text = "not in the ledger" if one is None else sentence(one.failure) if one.failure else one.answer
        yield _fitting(f"     {name:<{names}} {score}  ", text, width - len(behind)) + behind


def _fitting(begin: str, text: str, width: int) -> str:
    """One line: line ends are written as escapes, and what does not fit is left out in the middle."""
    text = text.replace("\\", "\\\\") if "\n" in text else text
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    room = max(20, width - len(begin))
    if len(text) > room:
        half = (room - 5) // 2
        text = f"{text[: room - 5 - half]} ... {text[-half:]}"
    return begin + text


def _print_groups(groups: Sequence[Group], by: str, width: int) -> None:
    """Accuracy by group, a line each; names that do not fit go over several tables."""
    names = [_CHAMPION, *groups[-1].members]
    first = max(len(by), *(min(len(group.value), 40) for group in groups))
    cells = {
        name: [_cell(group, group.champion if name == _CHAMPION else group.members[name]) for group in groups]
        for name in names
    }
    widths = {name: max(len(name), *map(len, cells[name])) for name in names}
    while names:
        shown: list[str] = []
        room = width - first - 8
        while names and (not shown or widths[names[0]] + 2 <= room):
            room -= widths[names[0]] + 2
            shown.append(names.pop(0))
        say("")
        say(f"{by:<{first}}   items" + "".join(f"  {name:>{widths[name]}}" for name in shown))
        for number, group in enumerate(groups):
            line = f"{_fitting('', group.value, 40):<{first}}  {group.items:>6,}"
            say(line + "".join(f"  {cells[name][number]:>{widths[name]}}" for name in shown))
    say("")
    for line in _EXPLAINED:
        show(line)
    if any("of" in cell for column in cells.values() for cell in column):
        show("Where answers are not in the ledger, the number of those that are stands behind the accuracy.")


def _cell(group: Group, mean: Mean) -> str:
    if mean.value is None:
        return "-"
    return f"{mean.value:.3f}" + ("" if mean.items == group.items else f" (of {mean.items:,})")


def _notes(asked: AskedPolicy, answers: PerQuestion, ledger: Path | None) -> Iterator[str]:
    """Which answers are not the usual ones, what is not in the ledger, and what would put it there."""
    if answers.otherwise:
        listed = ", ".join(f"{name} ({alphabet})" for name, alphabet in answers.otherwise.items())
        yield (f"in another alphabet than the space's ({asked.space.alphabets[0]}), as its rivals were run: {listed}")
    if not answers.lacking:
        return
    listed = ", ".join(f"{name or _CHAMPION} {count:,}" for name, count in answers.lacking.items())
    place = f"in {answers.ledger}" if answers.ledger.exists() else f"known (there is no ledger {answers.ledger})"
    yield f"not {place}: of {len(answers.items):,} items the answers of {listed}"
    unknown = [name for name, ways in asked.members.items() if not ways]
    if unknown:
        yield f"which model is meant by {', '.join(unknown)} is not known: no recipe here has its fingerprint"
    if answers.split == "test":
        yield "a certificate decodes what its rivals need of the test items, and nothing else does"
    else:
        given = {"--space": asked.space_file, "--split": answers.split, "--ledger": ledger}
        options = [str(part) for option in given.items() if option[1] is not None for part in option]
        yield f"--decode decodes them: {shlex.join(['evoswarm', 'answers', str(asked.path), *options, '--decode'])}"


def _tell(text: str) -> None:
    print("\n".join(fitted(text, columns(sys.stderr))), file=sys.stderr, flush=True)
