"""Files that are whole or not there, files that grow by whole lines, and locks; the system's errors in plain words.

A file that a user names (``--out``) is written where the name leads: a link is followed, a device or a pipe is written
to. A file *within a directory of ours* is another matter: the directory may be a stranger's, and a link in it may lead
to anything that its user owns. Such a file is a regular one or it is replaced (`write_within`) or refused
(`appending`, `locked`); no link is followed, nothing but regular files is opened.
"""

from __future__ import annotations

import errno
import json
import mmap
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from filelock import FileLock, Timeout

from evoswarm.errors import RunError, Where
from evoswarm.user_files import kind_of, read_text

TEMPORARY = ".evoswarm-"
"""How files are called that are being written: what a crash left of one may be thrown away."""

LONGEST = 1 << 32
"""Bytes that a file of a run may have: a lineage of a million individuals."""

_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def write_file(target: Path, text: str) -> Path:
    """Write a file that a user names, whole or not at all: a temporary neighbour, then one rename.

    A link stays one: what it points to is written. Devices and pipes are written to as they are.

    Raises:
        RunError: it cannot be written.
    """
    with plain_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_stream(target):
            with target.open("a", encoding="utf-8") as stream:
                stream.write(text)
        else:
            _replace(Path(os.path.realpath(target)), text.encode())
    return target


def write_within(root: Path, name: str, content: str | bytes) -> Path:
    """Write a file within a directory of ours, whole or not at all; what stands in its place is replaced.

    Args:
        root: the directory; it may be a link, which is its user's.
        name: of the file, with the directories below ``root`` that it is in.
        content: of the file.

    Raises:
        RunError: it cannot be written; a directory below ``root`` is a link or something else.
    """
    target = root / name
    with plain_errors(target):
        root.mkdir(parents=True, exist_ok=True)
        for parent in reversed([*target.relative_to(root).parents][:-1]):
            with suppress(FileExistsError):
                (root / parent).mkdir()
            mode = os.lstat(root / parent).st_mode
            if not stat.S_ISDIR(mode):
                raise _odd(root / parent, "a directory", mode)
        _replace(target, content.encode() if isinstance(content, str) else content)
    return target


class WholeFile:
    """A file that a user names, written bit by bit, whole or not at all; see `write_file`. A context manager.

    What UTF-8 cannot encode (half a character, which JSON lets through) is written as its escape.

    Args:
        target: of the file.
        mark: whether it begins with a byte order mark, by which spreadsheets know UTF-8.

    Attributes:
        part: where what was written goes when the work ends before its end; None throws it away.

    Raises:
        RunError: it cannot be written; on entering, before anything is worked out that would be lost.
    """

    def __init__(self, target: Path, *, mark: bool = False) -> None:
        self._target, self._encoding = target, "utf-8-sig" if mark else "utf-8"
        self.part: Path | None = None
        self._temporary: str | None = None
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        with plain_errors(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            if not is_stream(self._target):  # that is opened when there is something to say: its reader may wait
                beside = Path(os.path.realpath(self._target)).parent
                descriptor, self._temporary = tempfile.mkstemp(dir=beside, prefix=TEMPORARY)
                self._stream = self._opened(descriptor)
        return self

    def write(self, text: str) -> None:
        """Add to the file.

        Raises:
            RunError: it cannot be written.
        """
        with plain_errors(self._target):
            if self._stream is None:
                self._stream = self._opened(self._target)
            self._stream.write(text)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                with plain_errors(self._target):
                    self._finish()
        finally:
            with suppress(OSError):
                if self._stream is not None:
                    self._stream.close()
                if self._temporary is not None and self.part is not None:
                    os.replace(self._temporary, self.part)
                    self._temporary = None
            if self._temporary is not None:
                Path(self._temporary).unlink(missing_ok=True)

    def _opened(self, file: int | Path) -> IO[str]:
        mode = "w" if isinstance(file, int) else "a"
        return open(file, mode, encoding=self._encoding, errors="backslashreplace", newline="")

    def _finish(self) -> None:
        if self._stream is None:
            return
        self._stream.flush()
        if self._temporary is not None:
            os.fsync(self._stream.fileno())
            os.chmod(self._temporary, 0o644)
            os.replace(self._temporary, os.path.realpath(self._target))
            self._temporary = None


def is_stream(target: Path) -> bool:
    """Whether the name stands for something that a new file must not replace."""
    named = target.absolute().parts[1:2] in (("dev",), ("proc",))  # /dev/stdout may lead to a regular file
    return target.exists() and (named or not target.is_file())


def _replace(target: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=TEMPORARY, delete=False) as temporary:
        try:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
            os.chmod(temporary.name, 0o644)
            os.replace(temporary.name, target)
        except BaseException:
            Path(temporary.name).unlink(missing_ok=True)
            raise


def whole_lines(path: Path) -> list[str]:
    """The lines of a file that a line feed ends: a crash may have left a broken last one.

    Raises:
        RunError: it is no readable file of UTF-8.
    """
    if not os.path.lexists(path):
        return []
    return read_text(path, limit=LONGEST).split("\n")[:-1]  # not splitlines: JSON may hold other line separators


def counted_lines(path: Path) -> tuple[int, str]:
    """How many lines of a file a line feed ends, and the last of them; nothing else of it is kept or understood.

    Raises:
        RunError: it is no regular file, or cannot be read.
    """
    count, last = 0, b""
    with plain_errors(path):
        require_regular(path)
        if os.path.lexists(path):
            with path.open("rb") as file:
                for line in file:
                    if line.endswith(b"\n"):
                        count, last = count + 1, line
    return count, last.decode("utf-8", errors="replace")


def require_regular(path: Path) -> None:
    """Refuse to go on where something else than a regular file stands; that nothing does is fine.

    Raises:
        RunError: a link, a pipe, a device or a directory does; what it leads to is not touched.
        OSError: it cannot be looked at.
    """
    with suppress(FileNotFoundError):
        _require_regular(path, os.lstat(path).st_mode)


@contextmanager
def appending(path: Path) -> Iterator[int]:
    """A descriptor to read a file within a directory of ours and to append to it; it is made if it is not there.

    Raises:
        RunError: something else than a regular file stands there: it is neither followed nor opened.
        OSError: it cannot be opened.
    """
    require_regular(path)  # before it is opened: opening some devices does things
    descriptor = os.open(path, _APPENDING, 0o644)
    try:
        _require_regular(path, os.fstat(descriptor).st_mode)
        yield descriptor
    finally:
        os.close(descriptor)


def _require_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise _odd(path, "a regular file", mode)


def _odd(path: Path, expected: str, mode: int) -> RunError:
    return RunError(
        f"expected {expected} (what it leads to is not touched; move it away), got {kind_of(mode)}", Where(str(path))
    )


@contextmanager
def locked(path: Path, busy: str = "", patience: float = 0.0) -> Iterator[None]:
    """Keep other processes out while the block runs; the system lets go when a process dies, however it dies.

    Args:
        path: of the file that is locked; it is made if it is not there, and stays.
        busy: what to tell the user when another process holds it.
        patience: seconds to wait for that process; below 0 is for ever.

    Raises:
        RunError: another process holds it, something else than a regular file stands there, or it cannot be written.
    """
    lock = FileLock(path, timeout=patience, thread_local=False, fallback_to_soft=False)
    with plain_errors(path):
        with appending(path):
            pass  # links and devices are refused
        try:
            lock.acquire()
        except Timeout:
            raise RunError(busy, Where(str(path.parent))) from None
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process keeps others out of a file (see `locked`), as far as the system tells; nobody is disturbed.

    Only Linux tells: elsewhere nobody seems to.
    """
    try:
        found = os.stat(path)
        held = Path("/proc/locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    return any(place in line.split() and "FLOCK" in line for line in held.splitlines())


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


def mend_end(path: Path, descriptor: int) -> None:
    """Cut away what a crash left of a last line; one that is whole but for its line feed gets it.

    Args:
        path: of the file, for errors.
        descriptor: open to read and append.

    Raises:
        RunError: what stands behind the last line feed is nothing that a crash leaves; it stays as it is.
    """
    size = os.fstat(descriptor).st_size
    begin = _behind_last_line_feed(descriptor, size)
    if begin == size:
        return
    rest = os.pread(descriptor, size - begin, begin).rstrip(b"\0")  # a crash of the system may leave zeros
    text = rest.decode("utf-8", errors="surrogateescape")
    if text and not text.startswith("{"):
        got = f"{text[:40]!a} behind the last line feed"
        raise RunError(f"expected lines of JSON, got {got}: the file is damaged (move it away)", Where(str(path)))
    try:
        end = json.JSONDecoder().raw_decode(text)[1]
    except ValueError:
        os.ftruncate(descriptor, begin)
        return
    if text[end:].strip():
        message = "expected a line feed behind every line, got two lines in one: the file is damaged (move it away)"
        raise RunError(message, Where(str(path)))
    os.ftruncate(descriptor, begin + len(text[:end].encode("utf-8", errors="surrogateescape")))
    os.write(descriptor, b"\n")


def _behind_last_line_feed(descriptor: int, size: int) -> int:
    if size == 0:
        return 0
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as content:
        return content.rfind(b"\n") + 1


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
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
