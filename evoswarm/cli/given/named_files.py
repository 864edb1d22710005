"""Files that a user names for a command to write: none is lost without a word."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from evoswarm.errors import RunError, Where

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replaces a file that is there already.")]


def require_new(out: Path | None, *, overwrite: bool, inputs: Iterable[Path | None] = ()) -> None:
    """Refuse a file that must not be written, before anything is worked out.

    Devices and pipes are written to as they are.

    Args:
        out: the file; None is standard output.
        overwrite: whether the user said that a file may be replaced.
        inputs: files and directories that the command reads: ``out`` must be none of theirs, by whatever name, and
            whatever the user said.

    Raises:
        RunError: it is one, it is a directory, or there is such a file.
    """
    from evoswarm.durable import is_stream
    from evoswarm.user_files import place_refused

    if out is None:
        return
    where = Where(str(out))
    try:
        if not os.path.exists(out):  # unlike pathlib, `os` takes a name that is too long for one that is not there
            if (refused := place_refused(out)) is not None:
                raise RunError(f"expected a file that can be written, got {refused}", where)
            return
        if (same := _among(out, inputs)) is not None:
            raise RunError(
                f"expected a file that is not read by the same command, got {same}, which would be lost", where
            )
        if out.is_dir():
            raise RunError("expected a file to write, got a directory", where)
        if is_stream(out):
            if not os.access(out, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif not overwrite:
            raise RunError("expected a file that is not there yet, got one that is (--overwrite replaces it)", where)
    except OSError as error:
        raise RunError(f"expected a file that can be written, got: {error.strerror}", where) from None


def _among(out: Path, inputs: Iterable[Path | None]) -> Path | None:
    """The input that an existing file is, if it is one; links and hard links are looked through."""
    found = out.stat()
    for path in inputs:
        if path is None or not os.path.exists(path):
            continue
        files = [*path.glob("*"), *path.glob("*/*")] if path.is_dir() else [path]
        for file in files:
            with suppress(OSError):
                if os.path.samestat(file.stat(), found):
                    return file
    return None
