"""The 2 x 2: does mixing gain more over voting when the members' architectures differ?

Two pools that are equal in everything but one member, {same architecture} and {different architectures}; each is
searched once for mixtures of distributions and once for votes over whole answers, with equal effort. The
*coordination value* of a pool is what the best mixture scores on unseen items beyond the best vote: what members gain
by speaking in one answer instead of each giving its own. The question is whether it is larger across architectures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from evoswarm.certificate.verdict import ranged
from evoswarm.experiment.interrupt import kept_in
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.workbench import load_swarm
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import Stratum, difference_of, strata
from evoswarm.statistics.seeds import over_seeds
from evoswarm.study.two_by_two.pair import check_spaces
from evoswarm.study.two_by_two.searches import DIRECTORY, HeldOutScores, SeedResult, search_both


@dataclass(frozen=True)
class ValueInterval:
    """A difference of accuracies with its 95% interval, over items and seeds."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """As JSON data."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @property
    def points(self) -> str:
        """In points: ``+12.3 (+9.9 to +14.6)``."""
        return ranged(self.value, self.low, self.high)


@dataclass(frozen=True)
class PoolRow:
    """One pool of the table; accuracies are means over items, tasks weighted, and seeds.

    Attributes:
        members: of the pool.
        mixing: accuracy of the best mixtures.
        voting: accuracy of the best votes.
        value: the coordination value.
        by_seed: the coordination value of every seed.
        by_task: of every task.
        flops: of mixing and of voting, mean per item.
        evaluations: that the searches for both asked for, mean over seeds.
        failures: test items on which mixing and voting failed, over all seeds; they count as wrong.
    """

    members: tuple[str, ...]
    mixing: float
    voting: float
    value: ValueInterval
    by_seed: tuple[float, ...]
    by_task: Mapping[str, float]
    flops: tuple[float, float]
    evaluations: tuple[float, float]
    failures: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class TwoByTwo:
    """The answer.

    Attributes:
        same: the pool of one architecture.
        cross: the pool of several.
        difference: the coordination value across architectures less that within one, paired by item.
        difference_by_seed: of every seed.
        seeds: of the searches.
        items: how many test items.
    """

    same: PoolRow
    cross: PoolRow
    difference: ValueInterval
    difference_by_seed: tuple[float, ...]
    seeds: tuple[int, ...]
    items: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        rows = {
            name: {
                **vars(row),
                "members": list(row.members),
                "value": row.value.as_dict(),
                "by_seed": list(row.by_seed),
            }
            for name, row in (("same", self.same), ("cross", self.cross))
        }
        difference = {**self.difference.as_dict(), "by_seed": list(self.difference_by_seed)}
        return {**rows, "difference": difference, "seeds": list(self.seeds), "items": self.items}

    def lines(self) -> list[str]:
        """The table and what it means, for people."""
        rows = [("same architecture", self.same), ("across architectures", self.cross)]
        table = [("", "mixing", "voting", "mixing - voting", "by seed")]
        for name, row in rows:
            shown = (f"{row.mixing:.3f}", f"{row.voting:.3f}", row.value.points, _ends(row.by_seed))
            table.append((name, *shown))
        table.append(("difference", "", "", self.difference.points, _ends(self.difference_by_seed)))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        seeds = ", ".join(map(str, self.seeds))
        lines = [f"{self.items} test items, seeds {seeds}"]
        lines += [f"{name}: {' + '.join(row.members)}" for name, row in rows]
        for cells in table:
            lines.append("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())
        lines.append("mixing, voting: accuracy (0 to 1) of the best mixtures and of the best votes, mean over seeds")
        lines.append("mixing - voting: in points, with its 95% interval over items and seeds")
        lines.append("by seed: of the single seeds, the lowest to the highest")
        for name, row in rows:
            tasks = ", ".join(f"{task} {100 * gain:+z.1f}" for task, gain in row.by_task.items())
            lines.append(f"by task, {name}: {tasks}")
        for name, row in rows:
            if any(row.failures):
                mixing, voting = row.failures
                lines.append(
                    f"failed, {name}: mixing on {mixing:,} test items, voting on {voting:,}; they count as wrong"
                )
        return [*lines, self.sentence]

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        if self.difference.low > 0:
            return "Mixing gains more over voting across architectures than within one."
        if self.difference.high < 0:
            return "Mixing gains less over voting across architectures than within one."
        most = 100 * max(abs(self.difference.low), abs(self.difference.high))
        return (
            "No difference between the coordination values was shown: whether the architectures differ changes what "
            f"mixing gains over voting by {most:.1f} points at most (95%)."
        )


def two_by_two(
    same: SearchSpace,
    cross: SearchSpace,
    seeds: Sequence[int],
    *,
    runs: str | Path = "runs",
    progress: Progress = SILENT,
) -> TwoByTwo:
    """Search each pool for mixtures and for votes, seed by seed, and compare on unseen items.

    What was done before is read from the ledger: the same call goes on where it ended.

    Args:
        same: the space whose members share an architecture.
        cross: the same space over members that do not.
        seeds: of the searches, at least one.
        runs: the directory of all runs.
        progress: told what is being done.

    Raises:
        SpaceError: the spaces differ in more than their pools.
        SearchInterrupted: Ctrl-C; everything is kept.
    """
    check_spaces(same, cross)
    results = []
    with kept_in(Path(runs) / DIRECTORY):
        for space in (same, cross):
            swarm = load_swarm(space, on_load=progress.loading)  # one pool at a time: two may not fit
            results.append(
                [search_both(space, seed, runs=Path(runs), swarm=swarm, progress=progress) for seed in seeds]
            )
            del swarm
    return compare(*results)


def compare(same: Sequence[SeedResult], cross: Sequence[SeedResult]) -> TwoByTwo:
    """The table of results over the same items; the seeds of an item are averaged, then items are compared in pairs.

    Args:
        same: of the pool of one architecture, one per seed.
        cross: of the other, of the same seeds.

    Raises:
        ValueError: the results are not of the same seeds and items.
    """
    if len({one.items for one in (*same, *cross)}) != 1 or [d.seed for d in same] != [d.seed for d in cross]:
        raise ValueError("expected results of the same seeds over the same test items, got others")
    tasks = [task for task, scores in same[0].mixing.scores.items() for _ in scores]
    parts = strata(tasks, same[0].weights)
    first, second = _row(same, parts), _row(cross, parts)
    by_seed = tuple(b - a for a, b in zip(first.by_seed, second.by_seed, strict=True))
    # (cross mixing + same voting) / 2 against (cross voting + same mixing) / 2: scores that stay between 0 and 1
    ahead = _mean([d.mixing for d in cross], [d.voting for d in same])
    behind = _mean([d.voting for d in cross], [d.mixing for d in same])
    halves = over_seeds(difference_of(ahead, behind, parts), [value / 2 for value in by_seed])
    return TwoByTwo(
        same=first,
        cross=second,
        difference=ValueInterval(2 * halves.mean, 2 * halves.lower(), 2 * halves.upper()),
        difference_by_seed=by_seed,
        seeds=tuple(one.seed for one in same),
        items=len(tasks),
    )


def _row(results: Sequence[SeedResult], parts: Sequence[Stratum]) -> PoolRow:
    mixing, voting = _mean([d.mixing for d in results]), _mean([d.voting for d in results])
    by_seed = tuple(difference_of(_flat(d.mixing), _flat(d.voting), parts).mean for d in results)
    value = over_seeds(difference_of(mixing, voting, parts), by_seed)
    return PoolRow(
        members=results[0].members,
        mixing=_weighted(mixing, parts),
        voting=_weighted(voting, parts),
        value=ValueInterval(value.mean, value.lower(), value.upper()),
        by_seed=by_seed,
        by_task={
            task: fmean(fmean(d.mixing.scores[task]) - fmean(d.voting.scores[task]) for d in results)
            for task in results[0].mixing.scores
        },
        flops=(fmean(d.mixing.flops for d in results), fmean(d.voting.flops for d in results)),
        evaluations=(fmean(d.mixing.evaluations for d in results), fmean(d.voting.evaluations for d in results)),
        failures=(sum(d.mixing.failures for d in results), sum(d.voting.failures for d in results)),
    )


def _ends(values: Sequence[float]) -> str:
    return f"{100 * min(values):+z.1f} to {100 * max(values):+z.1f}"


def _flat(side: HeldOutScores) -> list[float]:
    """Scores of all items, task by task."""
    return [score for scores in side.scores.values() for score in scores]


def _mean(*sides: Sequence[HeldOutScores]) -> list[float]:
    """Per item, the mean over all sides."""
    return [fmean(scores) for scores in zip(*(_flat(side) for row in sides for side in row), strict=True)]


def _weighted(scores: Sequence[float], parts: Sequence[Stratum]) -> float:
    return difference_of(scores, [0.0] * len(scores), parts).mean
