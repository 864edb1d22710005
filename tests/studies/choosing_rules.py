"""Rules by which a champion could be chosen, each given the same finalists with the same scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evoswarm.experiment.estimating import SEEN, Estimator, Expectation, SeenItems
from evoswarm.statistics.intervals import Vector
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.tasks.task import SplitName
from tests.studies.study import Record

Flags = NDArray[np.bool_]
SAVING = 0.05

RULES = {
    "expected": "evoswarm's: all items, less optimism, shrunk towards the uniform mix",
    "selection": "the most accurate on the selection items",
    "both": "the most accurate on the items of both splits",
    "unshrunk": "the greatest lead over the uniform mix less optimism, not shrunk",
    "group": "all bred ones shrunk towards their mean by one factor",
    "thrifty": "the cheapest near the best",
}


@dataclass(frozen=True)
class Contest:
    """The finalists of a search; the first is the uniform mix.

    Attributes:
        tasks: of the items, by split; all weigh alike.
        population: scores of all recipes of the search on the search items ``[recipes, items]``.
        scores: of the finalists, by split ``[finalists, items]``.
        ranked: which of them are among the best of many on the search items.
        flops: of the finalists.
        truth: their accuracies on fresh items.
        silent: which of them were made from the search items, so that their scores there say nothing.
        given: what is expected of those that were put together from scores of others, by their places.
        barred: the uniform mix may not win, as it breaks a limit of the space.
        halves: the same on each half of the fresh items, where these are so few that the best on all of them is lucky.
    """

    tasks: Mapping[SplitName, Sequence[str]]
    population: Vector
    scores: Mapping[SplitName, Vector]
    ranked: Flags
    flops: Vector
    truth: Vector
    silent: Flags | None = None
    given: Mapping[int, Expectation] = field(default_factory=dict)
    barred: bool = False
    halves: tuple[Vector, Vector] | None = None

    @property
    def able(self) -> range:
        """Who may win."""
        return range(int(self.barred), len(self.flops))

    @cached_property
    def shares(self) -> Mapping[SplitName, Vector]:
        """What an item of a split adds to an accuracy there."""
        counts = {split: {task: list(self.tasks[split]).count(task) for task in self.tasks[split]} for split in SEEN}
        return {split: np.asarray([1 / n[task] / len(n) for task in self.tasks[split]]) for split, n in counts.items()}

    @cached_property
    def selection(self) -> Vector:
        """Accuracies on the selection items."""
        found: Vector = self.scores["selection"] @ self.shares["selection"]
        return found

    @cached_property
    def both(self) -> Vector:
        """Accuracies on the items of both splits, an item counting as much in either."""
        sizes = {split: len(self.tasks[split]) for split in SEEN}
        parts = [self.scores[split] @ self.shares[split] * sizes[split] for split in SEEN]
        found: Vector = sum(parts, start=np.zeros(len(self.flops))) / sum(sizes.values())
        return found

    @cached_property
    def estimates(self) -> list[Expectation]:
        """Of the finalists, as evoswarm makes them."""
        seen = SeenItems(self.tasks, dict.fromkeys(self.tasks["search"], 1.0), list(self.population))
        rows: list[dict[SplitName, list[float] | None]] = [
            {split: list(self.scores[split][place]) for split in SEEN} for place in range(len(self.flops))
        ]
        reference = {split: list(self.scores[split][0]) for split in SEEN}
        for place in np.flatnonzero(self.silent) if self.silent is not None else ():
            rows[place]["search"] = None
        known = [(float(self.ranked[place]), row) for place, row in enumerate(rows) if place not in self.given]
        estimator = Estimator(seen, reference, known[1:])  # the uniform mix is none of those that are compared with it
        made = iter([estimator.of(row, ranked=ranked) for ranked, row in known])
        return [self.given[place] if place in self.given else next(made) for place in range(len(rows))]

    @cached_property
    def expected(self) -> int:
        """Whom evoswarm chooses, before members are dropped."""
        return min(self.able, key=lambda place: self.estimates[place].order(float(self.flops[place])))

    @property
    def covered(self) -> bool:
        """Whether the interval of what is expected of that one holds what it does."""
        known = self.estimates[self.expected]
        return known.low <= float(self.truth[self.expected]) <= known.high

    def choices(self) -> dict[str, tuple[int, float]]:
        """By rule: the finalist that it takes, and the accuracy that it expects of it."""
        unshrunk = self.both[0] + np.asarray([known.lead for known in self.estimates])
        found = {"expected": (self.expected, self.estimates[self.expected].accuracy)}
        values = {
            "selection": self.selection,
            "both": self.both,
            "unshrunk": unshrunk,
            "group": self.towards_the_group(),
        }
        for name, row in values.items():
            best = self.best_of(row)
            found[name] = (best, float(row[best]))
        cheap = self.thrifty()
        return {**found, "thrifty": (cheap, float(self.selection[cheap]))}

    def best_of(self, values: Vector) -> int:
        """The highest; of equals the cheapest."""
        return min(self.able, key=lambda place: (-round(float(values[place]), 9), self.flops[place]))

    def towards_the_group(self) -> Vector:
        """Those that were bred, shrunk towards their own mean on the selection items (Efron & Morris 1973).

        All by one factor: 1 - (k - 3) / (k - 1) times what chance makes of their spread over the spread that was seen.
        """
        bred, count = self.ranked, int(self.ranked.sum())
        rows = np.hstack([self.scores[split] for split in SEEN])[bred]
        apart = self.both[bred] - self.both[bred].mean()
        residual = rows - rows.mean(axis=0)
        residual = residual - residual.mean(axis=1, keepdims=True)
        chance = float((residual**2).sum()) / (rows.shape[1] - 1) / rows.shape[1]
        seen = float((apart**2).sum())
        factor = max(0.0, 1 - (count - 3) / (count - 1) * chance / seen) if seen else 0.0
        estimates = self.both.copy()
        estimates[bred] = self.both[0] + self.selection[bred].mean() - self.selection[0] + factor * apart
        return estimates

    def thrifty(self) -> int:
        """The cheapest within one standard error of the best on the selection items, if it saves enough."""
        rows, flops, means = self.scores["selection"], self.flops, self.selection
        best, tasks = self.best_of(means), list(self.tasks["selection"])
        weights = dict.fromkeys(tasks, 1.0)
        near = [
            place
            for place in np.flatnonzero(flops <= (1 - SAVING) * flops[best])
            if place in self.able
            and means[best] - means[place] <= paired_standard_error(list(rows[best]), list(rows[place]), tasks, weights)
        ]
        return min((int(place) for place in near), key=lambda place: (flops[place], -means[place]), default=best)

    def row(self) -> Record:
        """What every rule comes to here, in points."""
        best, uniform = float(self.truth[self.able].max()), float(self.truth[0])
        rules = {}
        for rule, (place, expected) in self.choices().items():
            own = float(self.truth[place])
            seen = float((self.selection if rule in ("selection", "thrifty") else self.both)[0])
            rules[rule] = {
                "regret": 100 * (best - own),
                "halved_regret": 100 * self._halved_regret(place),
                "over_uniform": 100 * (own - uniform),
                "error": 100 * (expected - own),
                "lead_error": 100 * (expected - seen - (own - uniform)),
            }
        return {"best_less_uniform": 100 * (best - uniform), "covered": self.covered, **rules}

    def _halved_regret(self, place: int) -> float:
        """The same as regret, the best finalist found on one half of the fresh items and measured on the other.

        The best of many on items that are few is lucky on them, and regret is overstated; who is best on half of them
        is not always the best, and this understates it. The truth is between.
        """
        if self.halves is None:
            return float(self.truth[self.able].max() - self.truth[place])
        ways = (self.halves, self.halves[::-1])
        found = [other[self.able][int(np.argmax(one[self.able]))] - other[place] for one, other in ways]
        return float(np.mean(found))


@dataclass(frozen=True)
class Outcome:
    """What a rule comes to over many searches.

    Attributes:
        regret: points that its champions are below the best finalist.
        spread: standard error of that.
        halved: regret, measured on other items than the best finalist is found on.
        below: share of its champions that are below the uniform mix.
        error: points that champions are expected to score, less what they do.
        lead_error: the same of their leads over the uniform mix.
    """

    regret: float
    spread: float
    halved: float
    below: float
    error: float
    lead_error: float

    @classmethod
    def of(cls, rows: Sequence[Record], rule: str) -> Outcome:
        """Over at least one row of `Contest.row`."""
        means = {key: float(np.mean([row[rule][key] for row in rows])) for key in rows[0][rule]}
        regrets = np.asarray([row[rule]["regret"] for row in rows])
        spread = float(regrets.std(ddof=1)) / math.sqrt(len(rows)) if len(rows) > 1 else math.nan
        below = float(np.mean([row[rule]["over_uniform"] < -1e-9 for row in rows]))
        return cls(means["regret"], spread, means["halved_regret"], below, means["error"], means["lead_error"])
