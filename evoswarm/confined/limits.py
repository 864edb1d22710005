"""How much a call in a child process may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceLimits:
    """What one call may take, and what the child may touch. It never has a network.

    Time is counted twice: the processor's, which decides and does not depend on how busy the machine is, and the
    clock's, which ends what waits without computing.

    Attributes:
        cpu_seconds: of one call.
        wall_seconds: of one call.
        start_seconds: of processor time and of the clock, for importing what is to be called.
        memory_bytes: of address space, imported libraries included; not held on macOS, which ignores it.
        files: whether files may be written, removed and renamed.
        processes: whether other programs and processes may be started; only then is the environment handed down.
        fresh: whether every call gets a process of its own (a fork of the child, some milliseconds): nothing that one
            call does can reach another one, and a killed call costs no new start.
    """

    cpu_seconds: float = 5.0
    wall_seconds: float = 60.0
    start_seconds: float = 120.0
    memory_bytes: int = 4 << 30
    files: bool = False
    processes: bool = False
    fresh: bool = False
