"""Which search algorithm is the best on a space? The same seeds, evaluations and founders for each of them.

Every (algorithm, seed) is a search like any other, with a run directory of its own; all share one ledger and one
loaded swarm. What is finished is not run again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from evoswarm.decoding.decoder import Decoder
from evoswarm.durable import write_within
from evoswarm.errors import RunError, SpaceError, Where
from evoswarm.evolution.algorithms import ALGORITHMS
from evoswarm.experiment.algorithms import generation_size
from evoswarm.experiment.interrupt import kept_in
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm
from evoswarm.genomes.archipelago_settings import objectives_of
from evoswarm.run_directory import JOURNAL
from evoswarm.space import Budget, SearchSpace, Tracking
from evoswarm.study.comparison.record import SearchRecord, objectives_seen
from evoswarm.study.comparison.result import BASELINE, COMPARISON, COMPARISON_PLOT, Comparison
from evoswarm.user_files import MIB, read_text

OnSearch = Callable[[SearchRecord, int, int], None]

_PATIENCE = 2  # times the generations that the evaluations last for: who asks for known recipes spends none on them


def allowed(space: SearchSpace) -> list[str]:
    """All algorithms that can optimise the space's objectives."""
    return [name for name, kind in ALGORITHMS.items() if len(space.objectives) == 1 or kind.several_objectives]


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


def compare(
    space: SearchSpace,
    algorithms: Sequence[str],
    seeds: Sequence[int],
    evaluations: int,
    *,
    out: str | Path,
    runs: str | Path = "runs",
    progress: Progress = SILENT,
    on_search: OnSearch = lambda one, number, count: None,
) -> Comparison:
    """Let every algorithm search with every seed, and write ``comparison.json`` and ``comparison.png``.

    Args:
        space: whose algorithm, seed, budget and tracking are replaced.
        algorithms: names, none twice.
        seeds: at least one, none twice.
        evaluations: (recipe, item) pairs that each search may ask for; the generation in which they are spent is
            finished.
        out: the comparison's directory; a comparison that stands there already is continued.
        runs: the directory of all runs, for the ledger.
        progress: told what is being done.
        on_search: told of every search that is known, with its number and how many there are.

    Raises:
        EvoswarmError: the arguments make no comparison, or the space, a member or a directory is not what it should be.
        SearchInterrupted: Ctrl-C; what is finished is kept.
    """
    from evoswarm.study.comparison.plot import picture  # matplotlib is slow to import

    _check(space, algorithms, seeds, evaluations)
    root, found, swarm = Path(out), list[SearchRecord](), None
    known = _known(root, space, evaluations)
    wanted = [(algorithm, seed) for seed in seeds for algorithm in algorithms]
    with kept_in(root):
        for number, (algorithm, seed) in enumerate(wanted, start=1):
            one = known.get((algorithm, seed))
            if one is None:
                if swarm is None:
                    progress.stage(f"loading {len(space.pool)} members")
                    swarm = load_swarm(space)
                one = _searched(root, space, algorithm, seed, evaluations, Path(runs), swarm)
                write_within(root, f"{algorithm}-seed{seed}.json", one.to_json())
            found.append(one)
            on_search(one, number, len(wanted))
    comparison = Comparison(
        space.name, objectives_of(space), tuple(algorithms), tuple(seeds), evaluations, tuple(found), root
    )
    write_within(root, COMPARISON, json.dumps(comparison.as_dict(), indent=2) + "\n")
    write_within(root, COMPARISON_PLOT, picture(comparison))
    return comparison


def _check(space: SearchSpace, algorithms: Sequence[str], seeds: Sequence[int], evaluations: int) -> None:
    """Refuse what makes no comparison."""
    chosen(algorithms)
    if not algorithms or not seeds or len(set(seeds)) < len(seeds):
        raise SpaceError(f"expected algorithms, and seeds that differ, got {algorithms} and {seeds}", Where("--seeds"))
    for algorithm in algorithms:
        if algorithm not in (able := allowed(space)):
            expected = f"expected algorithms for {len(space.objectives)} objectives ({', '.join(able)})"
            raise SpaceError(f"{expected}, got {algorithm!r}, which optimises one", Where("--algorithms"))
    size, items = generation_size(space), space.splits.search
    if evaluations < size * items:
        message = f"expected at least {size * items} (one generation of {size} recipes on {items} items)"
        raise SpaceError(f"{message}, got {evaluations}", Where("--evaluations"))


def variant(space: SearchSpace, algorithm: str, evaluations: int) -> SearchSpace:
    """The space as one algorithm searches it: the evaluations are all that ends the search.

    Generations are bounded too, generously: an algorithm that keeps asking for known recipes would never end.
    """
    generations = _PATIENCE * math.ceil(evaluations / (generation_size(space) * space.splits.search))
    changed = {
        "evolution": space.evolution.model_copy(update={"algorithm": algorithm, "generations": generations}),
        "budget": Budget(evaluations=evaluations),
        "stop_at": None,
        "tracking": Tracking(mlflow=False),
    }
    return space.model_copy(update=changed)


def _searched(
    root: Path, space: SearchSpace, algorithm: str, seed: int, evaluations: int, runs: Path, swarm: Decoder
) -> SearchRecord:
    curve: list[tuple[int, float]] = []
    result = search(
        variant(space, algorithm, evaluations),
        seed=seed,
        runs=runs,
        out=root / "searches" / f"{algorithm}-seed{seed}",
        swarm=swarm,
        certify=False,
        progress=Progress(generation=lambda figures: curve.append((figures.evaluations, figures.best_accuracy or 0.0))),
    )
    front, worst = objectives_seen(result, objectives_of(space))
    return SearchRecord(
        algorithm=algorithm,
        seed=seed,
        space=_identity(space),
        limit=evaluations,
        evaluations=tuple(count for count, _ in curve),
        best=tuple(best for _, best in curve),
        selection=result.accuracy,
        champion=result.champion.digest,
        front=front,
        worst=worst,
        seconds=round(result.seconds, 1),
    )


def _known(root: Path, space: SearchSpace, evaluations: int) -> dict[tuple[str, int], SearchRecord]:
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
        require(one.space == _identity(space), "this space", "another space")
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
    return known


def _identity(space: SearchSpace) -> str:
    """The space apart from algorithm, seed and budget."""
    evolution = space.evolution.model_copy(update={"algorithm": BASELINE})
    return space.model_copy(update={"evolution": evolution}).continuation_digest
