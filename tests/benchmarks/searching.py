"""What a search's second generation costs against its first: how much of what children ask for is already known."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from evoswarm import search
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import Progress
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_most
from tests.benchmarks.quickstart import space

SEEDS = 5


def children_vs_parents(options: Options) -> Readings:
    """Rows per decoded evaluation, without those inside prompts, of children over founders: the median of seeds."""
    ratios = [_ratio(seed, options) for seed in range(options.size(SEEDS, 1))]
    note = "seeds " + ", ".join(f"{ratio:.2f}" for ratio in ratios) + "; calibration's rows are not the founders'"
    return {"children_vs_parents": Reading(statistics.median(ratios), note)}


def _ratio(seed: int, options: Options) -> float:
    """Two generations of the quickstart from an empty ledger."""
    small = ["splits.search=20", "evolution.population=4"] if options.quick else []
    searched = space("tracking.mlflow=false", "evolution.generations=2", "splits.selection=10", f"seed={seed}", *small)
    generations: list[GenerationFigures] = []
    with tempfile.TemporaryDirectory() as directory:
        search(searched, runs=Path(directory), progress=Progress(generation=generations.append), certify=False)
    parents, children = (_rows(figures) / figures.decoded for figures in generations)
    return children / parents


def _rows(figures: GenerationFigures) -> int:
    """Rows forwarded, those that are only passed over inside prompts left out."""
    return figures.counters.rows_forwarded - figures.counters.prompt_tokens


MEASUREMENTS = (Measurement({"children_vs_parents": at_most(0.10)}, children_vs_parents),)
