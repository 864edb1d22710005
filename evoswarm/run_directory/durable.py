"""Files that are whole or not there, and files that grow by whole lines; the system's errors in the user's words."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evoswarm.errors import RunError, Where

TEMPORARY = ".evoswarm-"
"""How files are called that are being written: what a crash left of one may be thrown away."""

APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def write_file(target: Path, text: str) -> Path:
    """Write a file whole or not at all.

    Raises:
        RunError: it cannot be written.
    """
    with typed(target):
        return write_whole(target, text)


def write_whole(target: Path, text: str) -> Path:
    """Write a file whole or not at all: a temporary neighbour, then one rename.

    A link stays one: what it points to is written. Devices and pipes are written to as they are.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if _is_stream(target):
        with target.open("a", encoding="utf-8") as stream:
            stream.write(text)
        return target
    _replace(Path(os.path.realpath(target)), text)
    return target


def _is_stream(target: Path) -> bool:
    """Whether the name stands for something that a new file must not replace."""
    named = target.absolute().parts[1:2] in (("dev",), ("proc",))  # /dev/stdout may lead to a regular file
    return target.exists() and (named or not target.is_file())


def _replace(target: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=target.parent, prefix=TEMPORARY, delete=False, encoding="utf-8"
    ) as temporary:
        try:
            temporary.write(text)
            temporary.flush()
            os.fsync(temporary.fileno())
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise
    os.chmod(temporary.name, 0o644)
    os.replace(temporary.name, target)


def whole_lines(path: Path) -> list[str]:
    """The lines of a file that a line feed ends: a crash may have left a broken last one."""
    if not path.is_file():
        return []
    with typed(path):
        text = path.read_text(encoding="utf-8")
    return text.split("\n")[:-1]  # not splitlines: JSON may hold other line separators


def append_line(descriptor: int, text: str) -> None:
    """Add a line and see it on the disk, or leave the file as it was."""
    size = os.fstat(descriptor).st_size
    left = memoryview((text + "\n").encode())
    try:
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def cut_broken_end(path: Path) -> None:
    """Cut away what a crash left of a last line."""
    if path.is_file():
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(path, whole)


@contextmanager
def typed(path: Path) -> Iterator[None]:
    """The system's errors as what they mean for the user."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        number = getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT):
            message = (
                "expected room on the disk, got a full one: everything written before is kept; "
                "make room and run the same command to go on"
            )
        elif isinstance(error, UnicodeDecodeError):
            message = f"expected UTF-8, got the byte {error.object[error.start]:#04x}"
        else:
            reason = getattr(error, "strerror", None) or error
            message = f"expected a place that can be read and written, got: {reason}"
        raise RunError(message, Where(str(path))) from error
