"""What a run directory holds in the end, and whether two of them hold the same."""

from __future__ import annotations

import json
from pathlib import Path

OUTCOMES = (
    "individuals.jsonl",
    "calibration.json",
    "front.json",
    "champion.json",
    "certificate.json",
    "certificate.txt",
    "space.yaml",
)


def lines(run: Path) -> list[dict[str, object]]:
    """The lineage of a run."""
    return [json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines()]


def same_outcome(first: Path, second: Path) -> bool:
    """Whether two runs wrote the same bytes."""
    recipes = [sorted(path.name for path in (run / "recipes").iterdir()) for run in (first, second)]
    return recipes[0] == recipes[1] and all((first / n).read_bytes() == (second / n).read_bytes() for n in OUTCOMES)
