"""Which search algorithm is the best on a space? The same seeds, evaluations and founders for each of them.

Every (algorithm, seed) is a search like any other, with a run directory of its own; all share one ledger and one
loaded swarm. What is finished is not run again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from evoswarm.decoding.decoder import Decoder
from evoswarm.durable import write_within
from evoswarm.experiment.algorithms import generation_size
from evoswarm.experiment.interrupt import kept_in
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import load_swarm
from evoswarm.genomes.archipelago_settings import objectives_of
from evoswarm.space import Budget, SearchSpace, Tracking
from evoswarm.study.comparison.asked import check_asked, identity_of, known_searches
from evoswarm.study.comparison.record import SearchRecord, objectives_seen
from evoswarm.study.comparison.result import COMPARISON, COMPARISON_PLOT, Comparison

OnSearch = Callable[[SearchRecord, int, int], None]

_PATIENCE = 2  # times the generations that the evaluations last for: who asks for known recipes spends none on them


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

    check_asked(space, algorithms, seeds, evaluations)
    root, found, swarm = Path(out), list[SearchRecord](), None
    known = known_searches(root, space, evaluations)
    wanted = [(algorithm, seed) for seed in seeds for algorithm in algorithms]
    with kept_in(root):
        for number, (algorithm, seed) in enumerate(wanted, start=1):
            one = known.get((algorithm, seed))
            if one is None:
                if swarm is None:
                    swarm = load_swarm(space, on_load=progress.loading)
                progress.enter("comparing", f"search {number} of {len(wanted)}: {algorithm}, seed {seed}")
                one = _searched(root, space, algorithm, seed, evaluations, Path(runs), swarm, progress)
                write_within(root, f"{algorithm}-seed{seed}.json", one.to_json())
            found.append(one)
            on_search(one, number, len(wanted))
    comparison = Comparison(
        space.name, objectives_of(space), tuple(algorithms), tuple(seeds), evaluations, tuple(found), root
    )
    write_within(root, COMPARISON, json.dumps(comparison.as_dict(), indent=2) + "\n")
    write_within(root, COMPARISON_PLOT, picture(comparison))
    return comparison


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
    root: Path,
    space: SearchSpace,
    algorithm: str,
    seed: int,
    evaluations: int,
    runs: Path,
    swarm: Decoder,
    progress: Progress,
) -> SearchRecord:
    curve: list[tuple[int, float]] = []
    result = search(
        variant(space, algorithm, evaluations),
        seed=seed,
        runs=runs,
        out=root / "searches" / f"{algorithm}-seed{seed}",
        swarm=swarm,
        certify=False,
        progress=progress.within(lambda one: curve.append((one.evaluations, one.best_accuracy or 0.0))),
    )
    front, worst = objectives_seen(result, objectives_of(space))
    return SearchRecord(
        algorithm=algorithm,
        seed=seed,
        space=identity_of(space),
        limit=evaluations,
        evaluations=tuple(count for count, _ in curve),
        best=tuple(best for _, best in curve),
        selection=result.accuracy,
        champion=result.champion.digest,
        front=front,
        worst=worst,
        seconds=round(result.seconds, 1),
    )
