"""Whether a long search stays within its memory: resident and kept bytes per generation.

    python -m tests.benchmarks.flat_memory --generations 20

The budgets are set so small that they are filled early; from then on both should stay flat.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import psutil

from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.experiment.calibrating import CALIBRATION_ITEMS, calibrate, genomes_for
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.scoring import outcome
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.archipelago_settings import archipelago_settings
from tests.benchmarks.quickstart import space

FLAT = 0.02  # growth of resident memory over the second half of the search


def main() -> None:
    """Evolve, and write down what is held after every generation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=20)
    parser.add_argument("--state-bytes", type=int, default=2_000_000, help="budget of kept states per member")
    parser.add_argument("--row-bytes", type=int, default=4_000_000, help="budget of output rows per member")
    parser.add_argument("--text-bytes", type=int, default=1_000_000, help="budget of texts per member")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="further settings of the space")
    arguments = parser.parse_args()
    silence_loading()
    limits = [
        f"decoding.{kind}_memory_bytes={limit}"
        for kind, limit in (
            ("state", arguments.state_bytes),
            ("row", arguments.row_bytes),
            ("text", arguments.text_bytes),
        )
    ]
    searched = space("tracking.mlflow=false", "splits.selection=10", *limits, *arguments.settings)
    with tempfile.TemporaryDirectory() as directory, workbench(searched, Path(directory) / LEDGER) as bench:
        resident = _evolve(bench, arguments.generations)
    half = resident[len(resident) // 2 :]
    growth = half[-1] / half[0] - 1
    print(f"resident memory grew by {growth:.1%} over the last {len(half)} generations (flat is at most {FLAT:.0%})")
    raise SystemExit(growth > FLAT)


def _evolve(bench: Workbench, generations: int) -> list[int]:
    """Resident bytes after every generation; prints one line each."""
    table = calibrate(bench, bench.items["search"][:CALIBRATION_ITEMS], bench.space.alphabets[0])
    representation = genomes_for(bench, lambda alphabet: table)
    archipelago = Archipelago(archipelago_settings(bench.space), representation, bench.space.seed)
    process, resident = psutil.Process(), []
    print("generation  resident MB  most states MB  most rows MB  rows  again")
    for number in range(generations):
        individuals = archipelago.ask()
        recipes = [representation.express(individual.genome) for individual in individuals]
        summaries = bench.evaluator.summaries(recipes, bench.items["search"])
        archipelago.tell(
            outcome(individual, summary, bench.space.objectives)
            for individual, summary in zip(individuals, summaries, strict=True)
        )
        counters = bench.swarm.counters
        resident.append(process.memory_info().rss)
        print(
            f"{number:10d}  {resident[-1] / 1e6:11.1f}  {counters.peak_state_bytes / 1e6:14.2f}"
            f"  {counters.peak_row_bytes / 1e6:12.2f}  {counters.rows_forwarded:4d}  {counters.rows_reforwarded:5d}",
            flush=True,
        )
    return resident


if __name__ == "__main__":
    main()
