"""The one border where a file of a user or of a stranger is read: its kind and its size are known before its content.

It is also where a path as people write it (``~/models/x``, ``${MODELS}/x``) becomes one that the system knows.

A path may lead to a device that never ends (``/dev/zero``), to a pipe that nobody writes to, or to gigabytes where a
few lines were expected. What such a file may be, and how large, is decided here, once, in one sentence.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
import stat
from pathlib import Path

from evoswarm.errors import EvoswarmError, RunError, Where

MIB = 1024 * 1024

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a link"),
    (stat.S_ISREG, "a regular file"),
)
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "a gzip file", b"PK\x03\x04": "a zip file"}
LFS_POINTER = "version https://git-lfs.github.com/spec/"
"""How a file begins that git-lfs leaves where the real one has not been fetched."""

_CHUNK = MIB
_MOST_NEIGHBOURS = 2000
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([^{}]*)\})", re.ASCII)


def expanded(path: str) -> str:
    """A path as its writer means it: ``~`` in front is a home directory, ``$NAME`` and ``${NAME}`` are variables.

    What is there by the very name that was written is left as it is, as is everything without such signs: hub ids and
    built-in members have none. What was expanded is absolute, so that it is never taken for a hub id.

    Raises:
        ValueError: a variable is not set; names it.
    """
    if not path.startswith("~") and ("$" not in path or os.path.lexists(path)):
        return path
    found = os.path.expanduser(path)
    if not os.path.lexists(found):
        found = _VARIABLE.sub(_value, found)
    return path if found == path else os.path.abspath(found)


def _value(variable: re.Match[str]) -> str:
    value = os.environ.get(variable[1] or variable[2])
    if not value:
        got = "which is empty" if value is not None else "which is not set"
        raise ValueError(f"expected a path of variables that are set, got {variable[0]:.80}, {got}")
    return value


def read_text(
    path: str | Path,
    *,
    limit: int,
    raises: type[EvoswarmError] = RunError,
    where: Where | None = None,
    pipes: bool = False,
) -> str:
    """Read a text file of UTF-8; a byte order mark is skipped, line ends stay as they are.

    Args:
        path: of the file; a link is followed.
        limit: the most bytes that such a file may have.
        raises: the kind of error.
        where: what the error blames; the path itself by default.
        pipes: whether a pipe is read too, such as the shell's ``<(...)``.

    Raises:
        EvoswarmError: of the given kind, in one sentence: there is no such file, it is no regular file, it is too
            large, it may not be read, or it is not UTF-8 (with the line).
    """
    content = read_bytes(path, limit=limit, raises=raises, where=where, pipes=pipes)
    return decoded(content, raises=raises, where=where or Where(str(path)))


def decoded(content: bytes, *, raises: type[EvoswarmError], where: Where) -> str:
    """Bytes as text of UTF-8; a byte order mark is skipped.

    Raises:
        EvoswarmError: of the given kind; names the byte and its line.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        got = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
        got = got or f"the byte 0x{content[error.start]:02x}"
        raise raises(f"expected UTF-8, got {got}", Where(where.file, where.path, line)) from None


def read_bytes(
    path: str | Path,
    *,
    limit: int,
    raises: type[EvoswarmError] = RunError,
    where: Where | None = None,
    pipes: bool = False,
) -> bytes:
    """Read a file whose kind and size are looked at first; see `read_text`."""
    try:
        _require_readable(os.stat(path).st_mode, pipes)  # before it is opened: opening some devices does things
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | (0 if pipes else os.O_NONBLOCK))
        with open(descriptor, "rb", closefd=True) as file:
            found = os.fstat(descriptor)
            _require_readable(found.st_mode, pipes)  # it may have been replaced in between
            if found.st_size > limit:
                raise _TooLarge(found.st_size)
            content = bytearray()
            while part := file.read(min(_CHUNK, limit + 1 - len(content))):
                content += part  # a file may grow, and what /proc and pipes hold has no size
            if len(content) > limit:
                raise _TooLarge(len(content))
            return bytes(content)
    except (_TooLarge, OSError, ValueError) as error:  # ValueError: a NUL within a path
        meant = nearby(path) if isinstance(error, FileNotFoundError) else ""
        raise raises(_sentence(error, limit) + meant, where or Where(str(path))) from None


def kind_of(mode: int) -> str:
    """What a file is, in words, by the mode that ``os.stat`` or ``os.lstat`` gives."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


def nearby(path: str | Path) -> str:
    """The question whether something was meant that is there, by a name like that of what is not; "" if nothing is."""
    folder, name = os.path.split(os.path.normpath(path))
    try:
        with os.scandir(folder or os.curdir) as entries:
            names = [entry.name for entry in itertools.islice(entries, _MOST_NEIGHBOURS)]
    except (OSError, ValueError):
        return ""
    found = difflib.get_close_matches(name[:200], names, n=1, cutoff=0.75)
    return f" (did you mean {os.path.join(folder, found[0])!r}?)" if found and found[0] != name else ""


def place_refused(file: str | Path) -> str | None:
    """Why a file could not be made, with the directories it lies in; None where nothing speaks against it.

    Nothing is made. The nearest directory that is there decides.
    """
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # a name that is too long, a NUL
        return str(getattr(error, "strerror", None) or error)
    folder = os.path.dirname(os.path.abspath(file))
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    try:
        mode = os.stat(folder).st_mode
    except (OSError, ValueError) as error:
        return f"{folder}: {getattr(error, 'strerror', None) or error}"
    if not stat.S_ISDIR(mode):
        return f"{kind_of(mode)} at {folder}"
    return None if os.access(folder, os.W_OK | os.X_OK) else f"{folder}, where you may not write"


class _TooLarge(Exception):
    """Holds the size in bytes, at least."""


class _OddKind(OSError):
    """Neither a regular file nor a pipe that may be read."""


def _require_readable(mode: int, pipes: bool) -> None:
    if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
        raise _OddKind(kind_of(mode))


def _sentence(error: Exception, limit: int) -> str:
    if isinstance(error, _TooLarge):
        return f"expected a file of at most {limit:,} bytes, got one of {error.args[0]:,} or more"
    if isinstance(error, _OddKind):
        return f"expected a readable file, got: {error.args[0]}"
    return f"expected a readable file, got: {getattr(error, 'strerror', None) or error}"
