"""The place of an export: refused before anything is worked out, and then whole or not there.

An export is written in a folder of its own beside its place and renamed once all of it is on the disk. Whoever is
killed leaves that folder behind, whose name begins with ``.evoswarm-``, and never a half export that looks whole.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evoswarm.durable import TEMPORARY, plain_errors
from evoswarm.errors import Where
from evoswarm.export.target import ExportError, Target
from evoswarm.user_files import place_refused


def check_place(out: Path, target: Target, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse a place that must not be written; nothing is made.

    Args:
        out: where the export is to be.
        target: of the export.
        overwrite: whether the caller said that an export that is there may be replaced.
        inputs: files and directories that are read: none of them may be at ``out``, or in it.

    Raises:
        ExportError: it cannot be written, something is there already, or what is there is not of this target.
    """
    where = Where(str(out))
    if os.path.realpath(out) in {os.path.realpath(os.sep), os.path.realpath(os.curdir), os.path.expanduser("~")}:
        raise ExportError(f"expected a new {target.makes}, got one that holds all of yours", where)
    if (refused := place_refused(out)) is not None:
        raise ExportError(f"expected a place that can be written, got {refused}", where)
    if not os.path.lexists(out):
        return
    place = Path(os.path.realpath(out))
    for one in inputs:
        there = Path(os.path.realpath(one))
        if there == place or place in there.parents:
            raise ExportError(f"expected a place where nothing lies that is read, got that of {one}", where)
    if target.makes == "folder" and _is_empty(out):
        return
    if overwrite:
        _check_replaced(out, target)
    else:
        got = "one that is (--overwrite replaces it)" if _is_ours(out, target) else "a place where something else is"
        raise ExportError(f"expected a {target.makes} that is not there yet, got {got}", where)


def _is_empty(out: Path) -> bool:
    """Whether it is a directory that holds nothing; one that may not be looked into holds something."""
    try:
        return not out.is_symlink() and not os.listdir(out)
    except OSError:
        return False


def _is_ours(out: Path, target: Target) -> bool:
    """Whether an export to this target may have written what is there."""
    if os.path.islink(out):
        return False
    if target.makes == "file":
        return os.path.isfile(out)
    return os.path.isdir(out) and bool(target.signs) and all(os.path.lexists(out / name) for name in target.signs)


def _check_replaced(out: Path, target: Target) -> None:
    """Refuse to replace what no export to this target wrote.

    Raises:
        ExportError: it is something else.
    """
    if not _is_ours(out, target):
        signs = f" (a folder with {' and '.join(target.signs)})" if target.signs else ""
        message = f"expected an earlier export to {target.name}{signs} to replace, got something else: move it away"
        raise ExportError(message, Where(str(out)))


@contextmanager
def written_whole(out: Path, target: Target) -> Iterator[Path]:
    """A path to write to, which becomes ``out`` when the block ends well; what stood there is replaced.

    Args:
        out: where the export is to be, checked already.
        target: of the export.

    Raises:
        ExportError: somebody else has taken the place meanwhile.
        RunError: the disk is full, or the place cannot be written.
    """
    out = Path(os.path.abspath(out))
    with plain_errors(out):
        before = _standing(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=out.parent, prefix=TEMPORARY))
    try:
        part = beside / out.name
        with plain_errors(out):
            if target.makes == "folder":
                part.mkdir()
            yield part
            _on_the_disk(part)
            if (now := _standing(out)) != before and now is not None:
                wanted, got = ("stays free", "is taken") if before is None else ("stays as it is", "somebody wrote to")
                raise ExportError(f"expected a place that {wanted} meanwhile, got one that {got}", Where(str(out)))
            _put(part, out, beside / "before")
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _standing(out: Path) -> tuple[int, ...] | None:
    """What tells whether what stands at a place is what stood there before; None where nothing does.

    Of a file that is what it holds, as others of it were taken over; of a folder, which is replaced whole, which it is.
    """
    try:
        found = os.lstat(out)
    except FileNotFoundError:
        return None
    own = (found.st_dev, found.st_ino)
    return own if stat.S_ISDIR(found.st_mode) else (*own, found.st_size, found.st_mtime_ns)


def _put(part: Path, out: Path, before: Path) -> None:
    """Give what was written its name; what stood there goes, or stays where that fails."""
    if not os.path.lexists(out):
        os.replace(part, out)
        return
    os.replace(out, before)
    try:
        os.replace(part, out)
    except OSError:
        os.replace(before, out)
        raise


def require_room(out: Path, size: int) -> None:
    """Refuse a disk that has not enough room.

    Args:
        out: where something is to be written.
        size: of that, in bytes.

    Raises:
        ExportError: there is less.
    """
    folder = Path(os.path.abspath(out))
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if size > free:
        message = f"expected room for {size:,} bytes on the disk, got one with {free:,} left"
        raise ExportError(message, Where(str(out)))


def _on_the_disk(part: Path) -> None:
    """See everything on the disk before it gets its name: a system that crashes then leaves no empty files."""
    for path in [part, *part.rglob("*")]:
        if path.is_symlink():
            continue
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # file systems that know no such thing
                raise
        finally:
            os.close(descriptor)
