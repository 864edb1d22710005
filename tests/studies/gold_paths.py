"""Do scores along gold texts say what decoding says? The shipped spaces, random greedy mixes as evolution draws them.

Decisions closer than rounding may turn out either way, and are counted apart; so are pairs that leave a text by a
symbol that may still lead to a right answer (white space, another spelling), which only decoding tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random

import numpy as np

from evoswarm import SearchSpace
from evoswarm.evaluation.evaluation import CLOSE_MARGIN
from evoswarm.evaluation.judge import Judge
from evoswarm.experiment.calibrating import CALIBRATION_ITEMS, calibrate, genomes_for
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.gold.rows import is_greedy
from evoswarm.policies import Recipe
from tests.benchmarks.figures import ROOT, Goal, Reading, Readings, exactly
from tests.studies.study import Record, Study

SPACES = ("quickstart", "accuracy-cost", "tokens", "two-by-two-same", "two-by-two-cross", "large-pool")
CASES = (*SPACES, "quickstart-common", "large-pool-common")
MIXES, AT_ONCE = 80, 16


def run(case: str, runs: Path) -> Record:
    """Random mixes on the items of the search split, both ways."""
    name = case.removesuffix("-common")
    overrides = () if name == case else ("alphabet=common",)
    space = SearchSpace.from_yaml(ROOT / "search_spaces" / f"{name}.yaml", (*overrides, "tracking.mlflow=false"))
    with workbench(space, ":memory:", splits=("search",)) as bench:
        mixes = _mixes(bench, Random(case))
        found = bench.gold_paths.scores(mixes, "search")
        items = list(bench.items["search"])
        judge = Judge(bench.swarm, bench.tasks)
        scores, margins = np.zeros(found.right.shape, dtype=bool), np.zeros(found.right.shape)
        for start in range(0, len(mixes), AT_ONCE):
            asked = [(mix, item) for mix in mixes[start : start + AT_ONCE] for item in items]
            done = judge.complete(asked)
            right = [judge.evaluation(item, one).score == 1.0 for (_, item), one in zip(asked, done, strict=True)]
            scores[start : start + AT_ONCE] = np.array(right).reshape(-1, len(items))
            margins[start : start + AT_ONCE] = np.array([one.margin for one in done]).reshape(-1, len(items))
        rows = bench.gold("search")
    close = np.minimum(found.closeness, margins) < CLOSE_MARGIN
    return {
        "pairs": scores.size,
        "right": int(scores.sum()),
        "open": int((~found.decided).sum()),
        "open_and_right": int((~found.decided & scores).sum()),
        "close": int((found.decided & close).sum()),
        "close_and_differ": int((found.decided & close & (found.right != scores)).sum()),
        "differ": int((found.decided & ~close & (found.right != scores)).sum()),
        "bytes": 0 if rows is None else rows.bytes,
    }


def _mixes(bench: Workbench, rng: Random) -> list[Recipe]:
    """Greedy mixes without repetition."""
    table = cache(lambda alphabet: calibrate(bench, bench.items["search"][:CALIBRATION_ITEMS], alphabet))
    genomes = genomes_for(bench, table)
    found: dict[str, Recipe] = {}
    while len(found) < MIXES:
        policy = genomes.express(genomes.random(rng))
        if isinstance(policy, Recipe) and is_greedy(policy):
            found.setdefault(policy.digest, policy)
    return list(found.values())


def figures(records: Mapping[str, Record]) -> Readings:
    """Sums over spaces."""
    shown = ", ".join(f"{case} {100 * record['open'] / record['pairs']:.2f}%" for case, record in records.items())
    pairs, right = _sum(records, "pairs"), _sum(records, "right")
    close = f"of {_sum(records, 'close')} with a decision closer than {CLOSE_MARGIN:g} nats"
    return {
        "gold_paths_differ": Reading(_sum(records, "differ"), f"of {pairs} pairs, {right} of them right"),
        "gold_paths_open_share": Reading(_sum(records, "open") / pairs, f"only decoding tells: {shown}"),
        "gold_paths_open_and_right": Reading(_sum(records, "open_and_right") / right, "of all that are right"),
        "gold_paths_close_and_differ": Reading(_sum(records, "close_and_differ"), close),
    }


def _sum(records: Mapping[str, Record], key: str) -> int:
    values: Sequence[int] = [record[key] for record in records.values()]
    return sum(values)


GOALS: dict[str, Goal | None] = {
    "gold_paths_differ": exactly(0),
    "gold_paths_open_share": None,
    "gold_paths_open_and_right": None,
    "gold_paths_close_and_differ": None,
}
STUDY = Study("gold-paths", "Do scores along gold texts say what decoding says?", CASES, run, figures, GOALS)
