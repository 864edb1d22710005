"""How often what is asked for is known already, by the length of the answer so far."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from evoswarm import search
from evoswarm.decoding.request import DEPTH_NAMES
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import Progress
from tests.benchmarks.figures import Measurement, Options, Reading, Readings
from tests.benchmarks.quickstart import space

GENERATIONS = 4


def sharing(options: Options) -> Readings:
    """Distributions asked for over those worked out, in the first generations of a quickstart."""
    small = ["splits.search=20", "evolution.population=4"] if options.quick else []
    searched = space("tracking.mlflow=false", f"evolution.generations={GENERATIONS}", "splits.selection=10", *small)
    generations: list[GenerationFigures] = []
    with tempfile.TemporaryDirectory() as directory:
        search(searched, runs=Path(directory), progress=Progress(generation=generations.append), certify=False)
    asked = np.sum([one.counters.asked_by_depth for one in generations], 0)
    found = np.sum([one.counters.found_by_depth for one in generations], 0)
    by_depth = (f"{name}: {a / f:.1f}" for name, a, f in zip(DEPTH_NAMES, asked, found, strict=True) if f)
    return {
        "sharing": Reading(
            float(asked.sum() / found.sum()), f"{GENERATIONS} generations; by symbols so far: " + ", ".join(by_depth)
        ),
    }


MEASUREMENTS = (Measurement({"sharing": None}, sharing),)
