"""Where the time of the quickstart's search goes.

    python -m tests.benchmarks.search_profile

(Not called ``profile``: run as a script, a module of that name beside it would hide Python's own.)
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
from pathlib import Path

from evoswarm import search
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.experiment.result import GenerationFigures
from tests.benchmarks.quickstart import space

LARGEST = 3


def main() -> None:
    """Search under the profiler; print the largest costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=8)
    arguments = parser.parse_args()
    silence_loading()
    searched = space("tracking.mlflow=false", f"evolution.generations={arguments.generations}")
    generations: list[GenerationFigures] = []
    profiler = cProfile.Profile()
    with tempfile.TemporaryDirectory() as directory:
        profiler.runcall(search, searched, runs=Path(directory), on_generation=generations.append)
    stats = pstats.Stats(profiler)
    total = float(stats.total_tt)  # type: ignore[attr-defined]
    forwards = sum(figures.counters.forward_seconds for figures in generations)
    evolving = sum(figures.seconds for figures in generations)
    print(f"{total:.1f} s under the profiler; evolving {evolving:.1f} s, of which {forwards:.1f} s in forwards")
    _show(stats, total, "its own time", 2)
    _show(stats, total, "its own time and that of what it calls, evoswarm's functions", 3, within="evoswarm")


def _show(stats: pstats.Stats, total: float, title: str, column: int, within: str = "") -> None:
    """The largest by one column of the profiler's table (2: own seconds, 3: seconds with callees)."""
    table = stats.stats  # type: ignore[attr-defined]
    places = [(row[column], place) for place, row in table.items() if within in place[0]]
    print(f"\nlargest by {title}:")
    for spent, (file, line, name) in sorted(places, reverse=True)[: LARGEST if not within else 4 * LARGEST]:
        where = name if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line} {name}"
        print(f"  {spent:7.2f} s  {spent / total:5.1%}  {where}")


if __name__ == "__main__":
    main()
