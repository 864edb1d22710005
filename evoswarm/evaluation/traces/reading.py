"""Reading ``traces.jsonl`` back, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.traces.lines import TraceHeader, TraceLine
from evoswarm.user_files import MIB, read_text

LARGEST = 64 * MIB
"""Bytes: a larger file is none. What evoswarm writes is far smaller."""


@dataclass(frozen=True)
class Traces:
    """What a run keeps of its champion, and of what it is compared with, step by step.

    Attributes:
        header: which policies, on which items.
        lines: item by item, policy by policy, part by part.
    """

    header: TraceHeader
    lines: tuple[TraceLine, ...]


def read_traces(file: Path) -> Traces:
    """Read the file.

    Raises:
        RunError: it cannot be read, or it is not as evoswarm writes it; names the line.
    """
    first, *rest = read_text(file, limit=LARGEST).split("\n")  # not splitlines: JSON may hold other line separators
    header = _header(first, file)
    if not rest or rest.pop():
        raise _damaged(file, len(rest) + 1, "expected a line feed behind every line, got none behind the last")
    lines = tuple(_line(text, header, Where(str(file), "", number)) for number, text in enumerate(rest, start=2))
    _require_all(header, lines, file)
    return Traces(header, lines)


def _header(text: str, file: Path) -> TraceHeader:
    try:
        return TraceHeader.from_json(text)
    except ValueError as error:
        raise _damaged(file, 1, _said(error)) from None


def _line(text: str, header: TraceHeader, where: Where) -> TraceLine:
    """A line that fits the header."""
    try:
        line = TraceLine.from_json(text)
    except ValueError as error:
        raise _damaged(Path(where.file), where.line, _said(error)) from None
    policy = header.policy(line.policy)
    parts = () if policy is None else policy.parts
    if line.part >= len(parts):
        got = f"part {line.part} of {line.policy!r}"
        raise _damaged(
            Path(where.file), where.line, f"expected a part of a policy that the first line names, got {got}"
        )
    members = len(parts[line.part].members)
    for number, step in enumerate(line.steps, start=1):
        if len(step.said) != len(step.speakers) or any(one >= members for one in step.speakers):
            message = f"expected speakers among {members} members, each with what it said, got others at step {number}"
            raise _damaged(Path(where.file), where.line, message)
    return line


def _require_all(header: TraceHeader, lines: tuple[TraceLine, ...], file: Path) -> None:
    """Every policy has answered every item, and the items stand in order.

    Raises:
        RunError: that is not so.
    """
    numbers = [line.number for line in lines]
    if sorted({*numbers}) != list(range(1, header.items + 1)) or numbers != sorted(numbers):
        raise _damaged(file, None, f"expected {header.items} items in order, as the first line says, got others")
    told = {(line.number, line.policy) for line in lines}
    if len(told) != header.items * len(header.policies):
        raise _damaged(file, None, "expected every item of every policy, got fewer")


def _said(error: ValueError) -> str:
    """What is wrong, in one line."""
    return f"expected a line as evoswarm writes it, got: {' '.join(str(error).split())}"


def _damaged(file: Path, line: int | None, message: str) -> RunError:
    return RunError(f"{message:.300} (the file was changed by hand or damaged)", Where(str(file), "", line))
