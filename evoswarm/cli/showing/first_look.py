"""A first look at the members, as text: a table of who is right how often, and a few answers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evoswarm.cli.showing.terminal import visible

if TYPE_CHECKING:
    from evoswarm.experiment.first_look.look import Answered, FirstLook

_WIDTH = 120
_LONGEST = 96  # characters of a text that is shown


def first_look_lines(look: FirstLook, width: int = _WIDTH) -> list[str]:
    """A first look in lines for people.

    Args:
        look: what the members did.
        width: that the table may take, in characters; where all tasks do not fit side by side, more rows follow.
    """
    by_task = {task: [one for one in look.shown if one.task == task] for task in look.tasks}
    return [
        f"Each member alone on {look.items:,} search items, greedy: right answers"
        + (", and in brackets answers that ran to max_bytes" if any(one.at_limit for one in look.alone) else ""),
        *_table(look, width),
        *(line for task, rows in by_task.items() for line in _answers(task, rows, width)),
        *(line for note in look.notes for line in _said("Note", note, width)),
        *(line for warning in look.warnings for line in _said("Warning", warning, width)),
    ]


def _table(look: FirstLook, width: int) -> Iterator[str]:
    names = [name[:_LONGEST] for name in look.members]
    columns = []
    for task in look.tasks:
        rows = look.of(task)
        cells = [f"{one.accuracy:.0%}" + (f" ({one.at_limit / one.items:.0%})" if one.at_limit else "") for one in rows]
        columns.append([f"{task} ({rows[0].items})", *cells])
    first = _even(["member", *names], left=True)
    block: list[list[str]] = []
    for column in (*map(_even, columns), None):
        used = len(first[0]) + sum(len(one[0]) + 2 for one in block)
        if block and (column is None or used + len(column[0]) + 4 > width):
            yield from (f"  {'  '.join(cells)}" for cells in zip(first, *block, strict=True))
            block = []
        if column is not None:
            block.append(column)


def _even(cells: Sequence[str], left: bool = False) -> list[str]:
    """Cells of one column, equally wide."""
    width = max(map(len, cells))
    return [cell.ljust(width) if left else cell.rjust(width) for cell in cells]


def _answers(task: str, rows: Sequence[Answered], width: int) -> Iterator[str]:
    """Each on one line where all of them are short, else a line for the question, the prompt, the gold, the answer."""
    yield f"{task}, some answers:"
    parts = [_parts(one) for one in rows]
    lines = [f"  {', '.join(' '.join(part) for part in own.items())}" for own in parts]
    if all(len(line) <= width for line in lines):
        yield from lines
        return
    widest = max(len(name) for own in parts for name in own)
    for own in parts:
        first, *others = (f"{name:<{widest}}  {text}" for name, text in own.items())
        yield f"- {first}"
        yield from (f"  {line}" for line in others)


def _parts(one: Answered) -> dict[str, str]:
    """What is shown of an answer, by what it is."""
    return {
        "question": shown(one.question),
        "read as": "it stands" if one.prompt == one.question else shown(one.prompt),
        "gold": shown(one.gold) if one.gold else "none",
        f"answer of {one.member}": f"{shown(one.answer)}: {_judged(one)}",
    }


def _judged(one: Answered) -> str:
    if one.failure:
        return f"failed: {one.failure}"
    right = "right" if one.is_right else "wrong" if not one.score else f"scores {one.score:g}"
    ended = {"limit": ", ran to max_bytes", "cut_off": ", ran to max_bytes before it could be read"}
    return right + ended.get(one.ending or "", "")


def _said(kind: str, text: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{kind}: {text}", width, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )


def shown(text: str, longest: int = _LONGEST) -> str:
    """A text on one line, in quotes, newlines and the like visible; a long one is cut in the middle."""
    if len(text) > longest:
        half = longest // 2
        cut = len(text) - 2 * half
        return f'"{visible(text[:half])}" ... {cut:,} characters ... "{visible(text[-half:])}"'
    return f'"{visible(text)}"'
