"""What the page shows, section by section: each takes the files of a run and gives plain data for the browser.

Words and numbers are those of the files; nothing is worked out twice. A section of which a run knows nothing yet is
None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.champion import champion
from evoswarm.report.sections.compute import compute
from evoswarm.report.sections.course import course
from evoswarm.report.sections.finalists import finalists
from evoswarm.report.sections.forks import forks
from evoswarm.report.sections.generations import generations
from evoswarm.report.sections.individuals import individuals
from evoswarm.report.sections.lineage import lineage
from evoswarm.report.sections.pool import pool
from evoswarm.report.sections.repeat import repeat
from evoswarm.report.sections.verdict import verdict
from evoswarm.report.sections.weight import weight

SECTIONS: Mapping[str, Callable[[RunFiles], dict[str, Any] | None]] = {
    "verdict": verdict,
    "champion": champion,
    "individuals": individuals,
    "finalists": finalists,
    "generations": generations,
    "lineage": lineage,
    "forks": forks,
    "weight": weight,
    "pool": pool,
    "compute": compute,
    "repeat": repeat,
}
"""By the name under which `browser/sections` finds its data."""

COMPARED: Mapping[str, Callable[[RunFiles], dict[str, Any] | None]] = {
    "verdict": verdict,
    "champion": champion,
    "course": course,
    "repeat": repeat,
}
"""Likewise, of each of several runs that stand side by side: `browser/comparison` draws them."""
