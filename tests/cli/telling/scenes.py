"""Figures of searches that nobody made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evoswarm.decoding.request import Counters
from evoswarm.evolution.report import IslandReport
from evoswarm.experiment.figures import GenerationFigures


def figures(
    generation: int = 0, generations: int = 2, islands: Sequence[float] = (), **changes: Any
) -> GenerationFigures:
    """A generation; of each island its best accuracy."""
    reports = [
        IslandReport(generation, number, 8, 0, 8, best=(best,), mean=(best / 2,), median=(best / 2,), stagnant=number)
        for number, best in enumerate(islands)
    ]
    plain: dict[str, Any] = dict.fromkeys(("evaluations", "fresh", "decoded", "close", "at_limit", "cut_off"), 0)
    plain |= {
        "objectives": ("accuracy",),
        "islands": tuple(reports),
        "best_accuracy": max(islands, default=None),
        "failed": (),
        "seconds": 2.0,
        "seconds_left": None,
        "replayed": False,
        "fresh": 2000,
        "counters": Counters(rows_forwarded=5000, text_lookups=100, text_found=7),
    }
    return GenerationFigures(generation=generation, generations=generations, **{**plain, **changes})
