"""What a comparison is asked, checked from arguments and files alone: before the models' libraries are imported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from evoswarm.errors import RunError, SpaceError, Where
from evoswarm.evolution.algorithms import ALGORITHMS
from evoswarm.experiment.algorithms import generation_size
from evoswarm.run_directory import JOURNAL
from evoswarm.space import SearchSpace
from evoswarm.study.comparison.record import SearchRecord
from evoswarm.study.comparison.result import BASELINE, COMPARISON, COMPARISON_PLOT
from evoswarm.user_files import MIB, read_text


def allowed(space: SearchSpace) -> list[str]:
    """All algorithms that can optimise the space's objectives."""
    return [name for name, kind in ALGORITHMS.items() if kind.takes(len(space.objectives))]


def chosen(names: Iterable[str]) -> list[str]:
    """Algorithms by their names.

    Raises:
        SpaceError: there is no such algorithm, or one is named twice.
    """
    found: list[str] = []
    for name in names:
        if name not in ALGORITHMS:
            raise SpaceError(f"expected algorithms of {', '.join(ALGORITHMS)}, got {name!r}", Where("--algorithms"))
        if name in found:
            raise SpaceError(f"expected algorithms that differ, got {name!r} twice", Where("--algorithms"))
        found.append(name)
    return found


def check_asked(space: SearchSpace, algorithms: Sequence[str], seeds: Sequence[int], evaluations: int) -> None:
    """Refuse what makes no comparison.

    Raises:
        SpaceError: names the option.
    """
    chosen(algorithms)
    if not algorithms or not seeds or len(set(seeds)) < len(seeds):
        raise SpaceError(f"expected algorithms, and seeds that differ, got {algorithms} and {seeds}", Where("--seeds"))
    for algorithm in algorithms:
        if algorithm not in (able := allowed(space)):
            count = len(space.objectives)
            expected = f"expected algorithms for {count} objective{'s' * (count > 1)} ({', '.join(able)})"
            got = f"{algorithm!r}, which optimises {ALGORITHMS[algorithm].optimises}"
            raise SpaceError(f"{expected}, got {got}", Where("--algorithms"))
    size, items = generation_size(space), space.splits.search
    if evaluations < size * items:
        message = f"expected at least {size * items} (one generation of {size} recipes on {items} items)"
        raise SpaceError(f"{message}, got {evaluations}", Where("--evaluations"))


def known_searches(root: Path, space: SearchSpace, evaluations: int) -> dict[tuple[str, int], SearchRecord]:
    """The records of searches that were finished before, by algorithm and seed.

    Raises:
        RunError: the directory holds something else, such as a comparison of another space.
    """
    if (root / JOURNAL).exists():
        raise RunError("expected a new directory or one of a comparison, got that of a search", Where(str(root)))

    def require(same: bool, expected: object, got: object) -> None:
        if not same:
            message = f"expected a comparison of {expected}, got {got}: choose another directory"
            raise RunError(message, Where(str(file)))

    known = {}
    for file in sorted(file for name in ALGORITHMS for file in root.glob(f"{name}-seed*.json")):
        one = SearchRecord.read(file)
        require(one.space == identity_of(space), "this space", "another space")
        require(one.limit == evaluations, f"{evaluations} evaluations", one.limit)
        known[one.algorithm, one.seed] = one
    if (file := root / COMPARISON).exists():  # its records may have been taken away
        try:
            kept = json.loads(read_text(file, limit=64 * MIB))
            name, limit = kept["space"], kept["evaluations"]
        except (ValueError, TypeError, KeyError):
            name, limit = None, evaluations
        require(isinstance(name, str), "algorithms, which can be continued", "another file")
        require(name == space.name, space.name, f"one of {name:.100}")
        require(limit == evaluations, f"{evaluations} evaluations", limit)
    elif (file := root / COMPARISON_PLOT).exists():
        require(bool(known), "algorithms, which can be continued", "another file")
    return known


def identity_of(space: SearchSpace) -> str:
    """The space apart from algorithm, seed and budget."""
    evolution = space.evolution.model_copy(update={"algorithm": BASELINE})
    return space.model_copy(update={"evolution": evolution}).continuation_digest
