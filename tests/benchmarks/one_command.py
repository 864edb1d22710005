"""The quickstart as a newcomer meets it: one command in a fresh process and an empty directory, imports to verdict."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.benchmarks.figures import ROOT, Measurement, Options, Reading, Readings, at_most
from tests.benchmarks.quickstart import SPACE

BETWEEN = 0.05
"""Seconds from one look at the memory to the next: what comes and goes faster is not seen."""
MOST_RUNS = 3
SMALL = ("evolution.generations=1", "splits.test=50", "splits.selection=20", "splits.search=20")


class Ran(NamedTuple):
    """One run of the command.

    Attributes:
        seconds: by the clock, from before the interpreter starts until it has ended.
        cpu_seconds: of the command and of the processes that it waited for.
        peak_bytes: most resident memory of the process and its children together; pages that they share count for each.
        peak_at: seconds behind the start.
        processes: how many there were at that moment.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    peak_at: float
    processes: int


def quickstart_command(options: Options) -> Readings:
    """``evoswarm search search_spaces/quickstart.yaml``, certificate and report included."""
    settings = [f"--set={one}" for one in SMALL] if options.quick else []
    ran = [run(["search", str(SPACE), *settings]) for _ in range(min(options.pairs, MOST_RUNS))]
    times, peaks = [one.seconds for one in ran], [one.peak_bytes / 1e9 for one in ran]
    most = max(ran, key=lambda one: one.peak_bytes)
    return {
        "quickstart_seconds": Reading(
            statistics.median(times),
            f"{len(ran)} runs, {min(times):.1f} to {max(times):.1f} s;"
            f" {statistics.median(one.cpu_seconds for one in ran):.1f} s of CPU",
        ),
        "quickstart_gb": Reading(
            statistics.median(peaks),
            f"{len(ran)} runs, {min(peaks):.2f} to {max(peaks):.2f} GB; the most behind {most.peak_at:.0f} s,"
            f" in {most.processes} {'process' if most.processes == 1 else 'processes'}",
        ),
    }


def run(arguments: list[str]) -> Ran:
    """Run a command of evoswarm's in an empty directory and watch what it holds.

    Raises:
        RuntimeError: it failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch) / "told"
        folder = Path(scratch) / "empty"
        folder.mkdir()
        used = _children_seconds()
        began = time.monotonic()
        with told.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "evoswarm", *arguments],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            peak, peak_at, processes = 0, 0.0, 1
            while process.poll() is None:
                held, count = _resident(process.pid)
                if held > peak:
                    peak, peak_at, processes = held, time.monotonic() - began, count
                time.sleep(BETWEEN)
        seconds = time.monotonic() - began
        if process.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {told.read_text()[-400:]}")
    return Ran(seconds, _children_seconds() - used, peak, peak_at, processes)


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _resident(pid: int) -> tuple[int, int]:
    """Resident bytes of a process and of all below it, and how many these are."""
    held, count = 0, 0
    try:
        for one in [(root := psutil.Process(pid)), *root.children(recursive=True)]:
            try:
                held, count = held + one.memory_info().rss, count + 1
            except psutil.NoSuchProcess:  # it has just ended
                continue
    except psutil.NoSuchProcess:
        pass
    return held, count


MEASUREMENTS = (Measurement({"quickstart_seconds": at_most(15), "quickstart_gb": at_most(1.2)}, quickstart_command),)
