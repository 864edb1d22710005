"""What each file of a run is, for people."""

from __future__ import annotations

from collections.abc import Mapping

from evoswarm.run_directory.directory import CERTIFICATE, CHAMPION, INDIVIDUALS, JOURNAL
from evoswarm.run_directory.names import (
    ALONE,
    CALIBRATION,
    FIRST_LOOK,
    FRONT,
    PAGE,
    RECIPES,
    REPORT,
    SPACE,
    TRACES,
)

MEANINGS: Mapping[str, str] = {
    REPORT: "all of it as one page: open it in a browser",
    CHAMPION: "the champion, a recipe that stands alone",
    PAGE: "the certificate: what held-out items say of the champion",
    CERTIFICATE: "the same as data",
    FRONT: "the Pareto front and all contenders, with scores and costs",
    RECIPES: "their recipes",
    INDIVIDUALS: "every individual with its genes, parents and fitness",
    TRACES: "answers of the champion and of those beside it, step by step",
    ALONE: "what each member alone scores, item by item",
    FIRST_LOOK: "what the members do alone, with some of their answers",
    CALIBRATION: "entropies behind the thresholds",
    SPACE: "the search space with all its defaults",
    JOURNAL: "what a replay could not know again",
}
"""By name, the weightiest first."""
