"""What the operating system refuses a confined child; called in the child, before any foreign code is imported.

Three layers. Resource limits (Linux, macOS) hold for any code. On Linux a network namespace of its own and Landlock
(the kernel's access control for processes without privileges) hold for any code as well, where the kernel has them
and permits them. An audit hook refuses the same things to Python code everywhere; native code can pass by it, so where
it stands alone (macOS, old kernels) it stops what is written in Python, not a determined attacker.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
from typing import Any

from evoswarm.confined.limits import ResourceLimits

_NEW_USER, _NEW_NET = 0x10000000, 0x40000000  # flags of unshare(2)
_NO_NEW_PRIVILEGES = 38  # of prctl(2)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # system calls of Landlock, the same on all machines
_WRITING = {1: 0x1FF2, 2: 0x2000, 3: 0x4000}  # rights by the version that brought them: write, remove, make; move; cut
_WRITE_FILE = 0x2
_TCP = 0x3  # bind, connect; since version 4
_SCOPED = 0x3  # abstract sockets and signals to processes outside; since version 6

_NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.gethost", "socket.getaddrinfo")
_PROCESSES = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.", "pty.", "os.kill")
_FILES = (
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("os.chown", "os.utime", "os.chflags", "os.lockf", "os.setxattr", "os.removexattr", "shutil.", "tempfile."),
)
_OPENS_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Attributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("directory", ctypes.c_int32))


def confine(limits: ResourceLimits) -> None:
    """Give up for good what `limits` do not grant, as far as the system can hold it; a missing layer is no error."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    if not limits.files:
        _limit(resource.RLIMIT_FSIZE, 0)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then writing is an OSError
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        library.unshare(_NEW_USER | _NEW_NET)
        library.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _landlock(library, limits)


def guard(limits: ResourceLimits) -> None:
    """Refuse the same things to Python code by an audit hook, which cannot be taken off again."""
    sys.addaudithook(_Guard(limits))


def limit_processes() -> None:
    """No further process or thread; not held for root, whom only the audit hook stops."""
    _limit(resource.RLIMIT_NPROC, 0)


def limit_cpu(seconds: float) -> None:
    """The process is killed by SIGXCPU after so much more processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + seconds)  # the system counts whole seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _limit(what: int, value: int) -> None:
    try:
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (value,) * 2 if hard == resource.RLIM_INFINITY else (min(value, hard),) * 2)
    except (ValueError, OSError):  # macOS knows some of them by name only
        pass


def _landlock(library: Any, limits: ResourceLimits) -> None:
    """Refuse writing, TCP and signals to others as far as the kernel's version of Landlock can."""
    library.syscall.restype = ctypes.c_long
    version = library.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return
    writing = 0 if limits.files else sum(rights for since, rights in _WRITING.items() if version >= since)
    attributes = _Attributes(
        writing, _TCP if version >= 4 else 0, _SCOPED if version >= 6 and not limits.processes else 0
    )
    if not (attributes.files or attributes.network or attributes.scoped):
        return
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = library.syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), 0)
    if rules < 0:
        return
    if writing:
        null = os.open(os.devnull, os.O_RDONLY)  # writing there is writing nowhere
        beneath = _Beneath(_WRITE_FILE, null)
        library.syscall(_ADD_RULE, rules, 1, ctypes.byref(beneath), 0)
        os.close(null)
    library.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)


class _Guard:
    """An audit hook that raises `PermissionError` for what the limits do not grant."""

    def __init__(self, limits: ResourceLimits) -> None:
        self._files = limits.files
        refused: tuple[str, ...] = _NETWORK
        if not limits.processes:
            refused += _PROCESSES
        if not limits.files:
            refused += _FILES
        self._refused = refused

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(self._refused):
            raise PermissionError(f"{event} is refused to a confined process")
        if event == "open" and not self._files and _writes(arguments):
            raise PermissionError("writing files is refused to a confined process")


def _writes(arguments: tuple[Any, ...]) -> bool:
    path, mode, flags = (*arguments, None, None)[:3]
    if isinstance(path, int) or path in (os.devnull, None):
        return False
    return bool(isinstance(flags, int) and flags & _OPENS_FOR_WRITING) or (
        isinstance(mode, str) and any(letter in mode for letter in "wax+")
    )
