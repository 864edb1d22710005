"""Questions as ``generate`` takes them, wherever they come from, and answers as it gives them back."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from evoswarm.errors import RunError, Where
from evoswarm.user_files import MIB, read_text

if TYPE_CHECKING:
    from evoswarm.experiment.answering import Answer

_LARGEST = 1024 * MIB  # of a file of prompts


def read_questions(prompt: str | None, prompts: Path | None) -> list[str]:
    """The questions, wherever they come from.

    Raises:
        RunError: there are none, or a line of the file is not one.
    """
    if (prompt is None) == (prompts is None):
        raise RunError(
            "expected one of PROMPT, - or --prompts FILE.jsonl, got " + ("none" if prompt is None else "two")
        )
    if prompts is not None:
        return list(_read_prompts(prompts))
    if prompt == "-":
        return [_standard_input()]
    check_encodable(str(prompt), Where("PROMPT"))
    return [str(prompt)]


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


def _read_prompts(path: Path) -> Iterator[str]:
    lines = read_text(path, limit=_LARGEST, pipes=True).split("\n")
    count = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        count += 1
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            message = f'expected a JSON object like {{"prompt": "..."}}, got {line[:60]!r} ({error.msg})'
            raise RunError(message, Where(str(path), "", number)) from None
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of levels
            got = "too many levels" if isinstance(error, RecursionError) else "a number with too many digits"
            message = f'expected a JSON object like {{"prompt": "..."}}, got {got}'
            raise RunError(message, Where(str(path), "", number)) from None
        if not isinstance(row, dict) or not isinstance(row.get("prompt"), str):
            found = f"keys {sorted(row)}" if isinstance(row, dict) and "prompt" not in row else f"{line[:60]!r}"
            raise RunError(f"expected a text, got {found}", Where(str(path), "prompt", number))
        check_encodable(row["prompt"], Where(str(path), "prompt", number))
        yield row["prompt"]
    if not count:
        raise RunError("expected at least one prompt, got an empty file", Where(str(path)))


def check_writable(out: Path | None, inputs: Iterable[Path] = ()) -> None:
    """Refuse a file that cannot or must not be written before the decoding, not after it.

    Args:
        out: the file; None is standard output.
        inputs: files and directories that the command reads: ``out`` must be none of theirs, by whatever name.

    Raises:
        RunError: it is one, or it cannot be written.
    """
    if out is None:
        return
    try:
        if out.exists() and (same := _among(out, inputs)) is not None:
            message = f"expected a file that is not read by the same command, got {same}, which would be lost"
            raise RunError(message, Where(str(out)))
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir() or out.is_file() or not out.exists():
            out.open("a", encoding="utf-8").close()
        elif not os.access(out, os.W_OK):  # a pipe is not opened: its reader would see the end
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RunError(f"expected a file that can be written, got: {error.strerror}", Where(str(out))) from None


def _among(out: Path, inputs: Iterable[Path]) -> Path | None:
    """The input that an existing file is, if it is one; links and hard links are looked through."""
    found = out.stat()
    for path in inputs:
        files = [*path.glob("*"), *path.glob("*/*")] if path.is_dir() else [path]
        for file in files:
            with suppress(OSError):
                if os.path.samestat(file.stat(), found):
                    return file
    return None


def write_rows(rows: list[Answer], out: Path | None) -> None:
    """Print the answers, or write rows with costs to a file.

    Raises:
        RunError: some prompt has no answer (after all the others were written).
    """
    failed = [row for row in rows if row.failure is not None]
    if out is None:
        for row in rows:
            print(row.text)
    else:
        from evoswarm.durable import write_file

        write_file(out, "".join(row.to_json() + "\n" for row in rows))
        print(f"{len(rows)} rows in {out}", file=sys.stderr)
    if failed:
        raise RunError(f"{len(failed)} of {len(rows)} prompts have no answer; the first: {failed[0].failure}")
