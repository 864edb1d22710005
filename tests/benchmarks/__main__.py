"""Measures what the engine promises and says what is reached.

    python -m tests.benchmarks                              everything, at most 25 minutes on two cores
    python -m tests.benchmarks --only tv_error host_us_per_byte
    python -m tests.benchmarks --quick                      everything small: does it run?

A whole run writes ``results.json`` beside this file; a part of it or a quick one writes only where ``--out`` says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import torch
import transformers

from evoswarm.decoding.forward.devices import silence_loading
from tests.benchmarks import (
    byte_view,
    continuous,
    drawn,
    gold,
    host,
    large,
    memory,
    one_command,
    peers,
    population,
    redecode,
    replay,
    report_page,
    rows,
    searching,
    serving,
    silence,
    speculation,
    tracking,
)
from tests.benchmarks.figures import Goal, Measurement, Options, Reading, Readings, threads

GROUPS = (
    byte_view,
    drawn,
    continuous,
    searching,
    replay,
    redecode,
    memory,
    one_command,
    population,
    gold,
    host,
    large,
    peers,
    rows,
    serving,
    report_page,
    silence,
    speculation,
    tracking,
)
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure, print one table, write."""
    arguments = _arguments()
    silence_loading()
    options = Options(pairs=1 if arguments.quick else arguments.pairs, quick=arguments.quick)
    began = time.monotonic()
    chosen = [one for one in every_measurement() if not arguments.only or set(arguments.only) & set(one.goals)]
    found: Readings = {}
    for measurement in chosen:
        found |= _measure(measurement, options)
    goals = {key: goal for measurement in chosen for key, goal in measurement.goals.items()}
    print(table(found, goals))
    record = _record(options, found, goals, time.monotonic() - began)
    whole = not arguments.only and not arguments.quick
    target = arguments.out or (RESULTS if whole else None)
    if target is not None:
        target.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def every_measurement() -> list[Measurement]:
    """Of all groups, in order."""
    return [measurement for group in GROUPS for measurement in group.MEASUREMENTS]


def table(found: Readings, goals: dict[str, Goal | None]) -> str:
    """Key, figure, what must be reached, whether it is, and what was measured."""
    rows = [("key", "figure", "must be", "reached", "what was measured")]
    for key, goal in goals.items():
        reading = found[key]
        rows.append((key, _shown(reading), str(goal or "-"), _verdict(reading, goal), reading.note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )


def _arguments() -> argparse.Namespace:
    keys = [key for measurement in every_measurement() for key in measurement.goals]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=keys, metavar="KEY", help=f"of: {', '.join(keys)}")
    parser.add_argument("--pairs", type=int, default=5, help="alternating repetitions of times; the median counts")
    parser.add_argument("--quick", action="store_true", help="everything small and once; the figures say little")
    parser.add_argument("--out", type=Path, help="where the results go")
    return parser.parse_args()


def _measure(measurement: Measurement, options: Options) -> Readings:
    """The figures of one measurement; one that fails says why and does not stop the others."""
    keys = ", ".join(measurement.goals)
    print(f"measuring {keys} ...", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        with threads(1 if measurement.one_thread else None):
            found = measurement.measure(options)
    except Exception as error:  # whatever the engine raises: the other figures are still worth having
        found = {key: Reading(None, f"{type(error).__name__}: {error}") for key in measurement.goals}
    print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def _shown(reading: Reading) -> str:
    if reading.value is None or isinstance(reading.value, bool):
        return {None: "not measured", True: "true", False: "false"}[reading.value]
    return f"{reading.value:.4g}" if reading.value < 1000 else f"{reading.value:.0f}"


def _verdict(reading: Reading, goal: Goal | None) -> str:
    if goal is None:
        return "-"
    return "yes" if reading.value is not None and goal.reached(reading.value) else "NO"


def _record(options: Options, found: Readings, goals: dict[str, Goal | None], seconds: float) -> dict[str, Any]:
    details = {
        key: {
            "must_be": None if goals[key] is None else str(goals[key]),
            "reached": None if goals[key] is None else _verdict(reading, goals[key]) == "yes",
            "note": reading.note,
        }
        for key, reading in found.items()
    }
    return {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "device": "cpu",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "pairs": options.pairs,
        "quick": options.quick,
        "seconds": round(seconds),
        **{key: reading.value for key, reading in found.items()},
        "details": details,
    }


if __name__ == "__main__":
    main()
