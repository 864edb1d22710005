"""Where the time of the quickstart's search goes.

    python -m tests.benchmarks.search_profile

(Not called ``profile``: run as a script, a module of that name beside it would hide Python's own.)
"""

from __future__ import annotations

import argparse
import cProfile
import tempfile
from collections import defaultdict
from pathlib import Path

from evoswarm import search
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import Progress
from tests.benchmarks.quickstart import space

LARGEST = 12


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
        profiler.runcall(search, searched, runs=Path(directory), progress=Progress(generation=generations.append))
    spent = _by_room(profiler)
    total = sum(spent.values())
    forwards = sum(figures.counters.forward_seconds for figures in generations)
    print(f"{total:.1f} s under the profiler, {forwards:.1f} s in forwards; by where the time is spent itself:")
    for room, seconds in sorted(spent.items(), key=lambda pair: -pair[1])[:LARGEST]:
        print(f"  {seconds:7.2f} s  {seconds / total:5.1%}  {room}")


def _by_room(profiler: cProfile.Profile) -> dict[str, float]:
    """Own seconds by room; what is written in C counts where it is called from."""
    spent: dict[str, float] = defaultdict(float)
    profiler.create_stats()
    for place, (_, _, own, _, callers) in profiler.stats.items():
        if place[0] == "~" and callers:
            for caller, numbers in callers.items():
                spent[_room(caller[0])] += numbers[2]
        else:
            spent[_room(place[0])] += own
    return spent


def _room(file: str) -> str:
    """The part of evoswarm, or the library, that a file belongs to."""
    parts = Path(file).parts
    if "evoswarm" in parts:
        inside = parts[len(parts) - parts[::-1].index("evoswarm") :]
        return "/".join(("evoswarm", *inside[: 2 if inside[0] == "decoding" else 1]))
    if "site-packages" in parts:
        library = parts[parts.index("site-packages") + 1]
        return "models: torch and transformers" if library in ("torch", "transformers") else library
    return "Python's own library: imports, JSON, sqlite"


if __name__ == "__main__":
    main()
