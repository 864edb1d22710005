"""One generation of a search in figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean
from typing import Any

from evoswarm.decoding.request import Counters
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import FailedItems, together
from evoswarm.evolution.report import IslandReport
from evoswarm.experiment.front import FrontFigures

LATER_SHARE = 0.6
"""Of what the first generation takes, what a later one takes: its recipes are like others that were asked before."""


@dataclass(frozen=True)
class GenerationFigures:
    """One generation in figures.

    Attributes:
        generation: which one, from 0.
        generations: how many there are to be.
        objectives: names, in the order of the islands' figures.
        islands: per island, its report.
        best_accuracy: the greatest on the search split so far; None without any success.
        evaluations: (recipe, item) pairs asked for so far.
        fresh: of these, asked for the first time now.
        decoded: how many had to be decoded now; the rest came from the ledger.
        close: evaluations of this generation with a decision too close to call across machines.
        failed: evaluations of this generation that failed, by kind and member, the commonest first.
        at_limit: those whose answer was ended by its limit of bytes.
        cut_off: of these, those that ended before anything that could be read as an answer.
        seconds: that this generation took.
        seconds_left: an estimate for the rest of the command; None before there is anything to go by, and where a
            part of it is unknown. Within a study, of the generations to come.
        front: of all that was scored on all search items so far; None without any success.
        left_by_part: per part, as far as known: the generations to come, the choice, and, of a search that ends with
            a certificate, rivals and test.
        replayed: the generation repeats what the run had written before.
        counters: what the engine did for this generation.
    """

    generation: int
    generations: int
    objectives: tuple[str, ...]
    islands: tuple[IslandReport, ...]
    best_accuracy: float | None
    evaluations: int
    fresh: int
    decoded: int
    close: int
    failed: tuple[FailedItems, ...]
    at_limit: int
    cut_off: int
    seconds: float
    seconds_left: float | None
    replayed: bool
    counters: Counters = field(default_factory=Counters)
    front: FrontFigures | None = None
    left_by_part: Mapping[str, float] = field(default_factory=dict)

    def before(self, parts: Mapping[str, float | None] | None) -> GenerationFigures:
        """With what comes behind the generations in the estimate of what is left.

        Args:
            parts: seconds by part, None where unknown; None where nothing is known of them. A sum without such a part
                would be too small, so then there is none.
        """
        if self.seconds_left is None or parts is None:
            return replace(self, seconds_left=None, left_by_part={})
        left = {"search": self.seconds_left, **parts}
        known = {name: seconds for name, seconds in left.items() if seconds is not None}
        return replace(self, seconds_left=sum(known.values()) if len(known) == len(left) else None, left_by_part=known)

    @property
    def best(self) -> float | None:
        """The greatest accuracy on the search split so far."""
        return self.best_accuracy

    @property
    def evaluations_per_second(self) -> float:
        """Evaluations per second of this generation, wherever they came from."""
        return self.fresh / self.seconds if self.seconds else 0.0

    @property
    def prefix_reuse(self) -> float | None:
        """Share of distributions asked for that were in memory; None when nothing was asked for."""
        return self.counters.reuse if self.counters.text_lookups else None

    @property
    def tokens_per_second(self) -> float:
        """Tokens really forwarded per second of this generation."""
        return self.counters.rows_forwarded / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "generation": self.generation,
            "generations": self.generations,
            "best_accuracy": self.best_accuracy,
            "evaluations": self.evaluations,
            "new_evaluations": self.fresh,
            "decoded": self.decoded,
            "close_decisions": self.close,
            "failed_items": sum(one.items for one in self.failed),
            "failed": [one.to_json() for one in self.failed],
            "at_limit": self.at_limit,
            "cut_off": self.cut_off,
            "seconds": self.seconds,
            "seconds_left": self.seconds_left,
            "left_by_part": dict(self.left_by_part),
            "replayed": self.replayed,
            "evaluations_per_second": self.evaluations_per_second,
            "prefix_reuse": self.prefix_reuse,
            "rows_forwarded": self.counters.rows_forwarded,
            "engine": self.counters.figures(),
            "tokens_per_second": self.tokens_per_second,
            "front": None if self.front is None else self.front.to_json(),
            "islands": [_island(report, self.objectives) for report in self.islands],
        }


class Meter:
    """Reads what one generation took.

    Args:
        evaluator: at the beginning of the generation.
        replayed: the generation repeats what the run had written before.
    """

    def __init__(self, evaluator: Evaluator, replayed: bool) -> None:
        self._evaluator, self._replayed = evaluator, replayed
        self._began = time.monotonic() - evaluator.waited
        self._asked, self._decoded = evaluator.asked, evaluator.decoded
        self._counters = evaluator.swarm.counters.copy()

    def read(
        self,
        generation: int,
        generations: int,
        objectives: tuple[str, ...],
        reports: Sequence[IslandReport],
        best_accuracy: float | None,
        summaries: Sequence[Summary],
        pace: list[float],
        to_come: Callable[[float], int],
    ) -> GenerationFigures:
        """The figures of the generation that ends now; ``pace``, the seconds of those before, grows by one.

        Args:
            generation: which one, from 0.
            generations: how many there are to be.
            objectives: their names.
            reports: of the islands.
            best_accuracy: so far.
            summaries: of the generation's individuals.
            pace: seconds of earlier generations that were not replayed.
            to_come: how many generations there will still be if each takes so many seconds.
        """
        seconds = time.monotonic() - self._evaluator.waited - self._began  # without the loading of members
        if not self._replayed:
            pace.append(seconds)
        each = _to_come(pace) if pace else None
        return GenerationFigures(
            generation=generation,
            generations=generations,
            objectives=objectives,
            islands=tuple(report for report in reports if report.generation == generation),
            best_accuracy=best_accuracy,
            evaluations=self._evaluator.asked,
            fresh=self._evaluator.asked - self._asked,
            decoded=self._evaluator.decoded - self._decoded,
            close=sum(summary.close for summary in summaries),
            failed=together(summary.failed for summary in summaries),
            at_limit=sum(summary.at_limit for summary in summaries),
            cut_off=sum(summary.cut_off for summary in summaries),
            seconds=seconds,
            seconds_left=None if each is None else each * to_come(each),
            replayed=self._replayed,
            counters=self._evaluator.swarm.counters.since(self._counters),
        )


def _to_come(pace: Sequence[float]) -> float:
    """Seconds that a generation to come takes, by those before."""
    return LATER_SHARE * pace[0] if len(pace) == 1 else fmean(pace[-3:] if len(pace) > 3 else pace[1:])


def _island(report: IslandReport, objectives: Sequence[str]) -> dict[str, Any]:
    """An island's report with its objectives named."""
    data = asdict(report)
    for name in ("best", "mean", "median", "lower_quartile", "upper_quartile", "worst"):
        data[name] = dict(zip(objectives, data[name], strict=False))
    return data
