"""What a search reports while it runs and when it ends, and the files of the end."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from evoswarm.certificate.document import Certificate
from evoswarm.decoding.request import Counters
from evoswarm.evaluation.candidate import Scored
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import FailedItems, together
from evoswarm.evolution.report import IslandReport
from evoswarm.experiment.selection import Selection
from evoswarm.experiment.spoilt import Spoilt, spoilt_tests, warnings_of
from evoswarm.policies import Policy
from evoswarm.run_directory import CHAMPION, INDIVIDUALS, JOURNAL, RunDirectory

PLAIN = "plain"
"""Key of the plainest policies of a pool among the contenders: members alone, and all of them alike."""

FRONT, RECIPES, CERTIFICATE, PAGE = "front.json", "recipes", "certificate.json", "certificate.txt"


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
        seconds_left: an estimate for the generations to come; None before there is anything to go by.
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
            "replayed": self.replayed,
            "evaluations_per_second": self.evaluations_per_second,
            "prefix_reuse": self.prefix_reuse,
            "rows_forwarded": self.counters.rows_forwarded,
            "engine": self.counters.figures(),
            "tokens_per_second": self.tokens_per_second,
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
        self._began = time.monotonic()
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
        """
        seconds = time.monotonic() - self._began
        if not self._replayed:
            pace.append(seconds)
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
            seconds_left=fmean(pace[-3:]) * (generations - 1 - generation) if pace else None,
            replayed=self._replayed,
            counters=self._evaluator.swarm.counters.since(self._counters),
        )


@dataclass(frozen=True)
class SearchResult:
    """The outcome of a search.

    Attributes:
        champion: the policy to use.
        selection: how it was chosen: all contenders on the selection split, and the Pareto front.
        directory: of the run.
        ledger: the file of all evaluations.
        reason: why the search ended: ``generations``, ``stop_at.accuracy``, ``budget.evaluations``,
            ``budget.decoded_tokens``, ``budget.flops``, ``budget.seconds``.
        limit: the value of the setting that ended it.
        generations: how many there were.
        evaluations: (recipe, item) pairs asked for.
        seconds: that it took, in this process.
        example_prompt: a question of the task, to try the champion on.
        search_accuracy: of the finalists on the search split, by name.
        tracking_uri: MLflow's store, if it has heard of the search.
        certificate: the verdict on held-out items; None where none was asked for, or it was refused.
        refusal: why it was refused: the items had been opened for another champion.
        on_search: the champion on the search split; None where it was not scored on all of it.

    Example:
        >>> result.champion == Recipe.load(result.directory)
        True
        >>> result.reason, result.limit
        ('generations', 2)
    """

    champion: Policy
    selection: Selection
    directory: Path
    ledger: Path
    reason: str
    limit: float | None
    generations: int
    evaluations: int
    seconds: float
    example_prompt: str
    search_accuracy: Mapping[str, float]
    tracking_uri: str | None = None
    certificate: Certificate | None = None
    refusal: str | None = None
    on_search: Summary | None = None

    @property
    def accuracy(self) -> float:
        """The champion's, on the selection split."""
        return self.selection.champion.accuracy

    @property
    def cost(self) -> Cost:
        """The champion's mean per item, deployed alone."""
        return self.selection.champion.summary.cost

    @property
    def front(self) -> tuple[Scored, ...]:
        """The Pareto front."""
        return self.selection.front

    @property
    def comparison(self) -> tuple[Scored, ...]:
        """All contenders on the selection split, best first."""
        return self.selection.contenders

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the champion's accuracies must know of its wrong answers, a sentence each."""
        parts = {} if self.on_search is None else {"search": Spoilt.of(self.on_search)}
        parts["selection"] = Spoilt.of(self.selection.champion.summary)
        if self.certificate is not None:
            parts["test"] = spoilt_tests(self.certificate)
        return warnings_of("the champion", parts)

    def written(self) -> list[tuple[Path, str]]:
        """What lies where, for people."""
        root = self.directory
        certified = [
            (root / PAGE, "the certificate: what held-out items say of the champion"),
            (root / CERTIFICATE, "the same as data"),
        ]
        lines = [
            (root / CHAMPION, "the champion, a recipe that stands alone"),
            *(certified if self.certificate is not None else []),
            (root / FRONT, "the Pareto front and all contenders, with scores and costs"),
            (root / RECIPES, "their recipes"),
            (root / INDIVIDUALS, "every individual with its genes, parents and fitness"),
            (root / "calibration.json", "entropies behind the thresholds"),
            (root / "space.yaml", "the search space with all its defaults"),
            (root / JOURNAL, "what a replay could not know again"),
            (self.ledger, "every evaluation of all runs"),
        ]
        return [line for line in lines if line[0].exists() or line[0] == self.ledger]

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "champion": str(self.directory / CHAMPION),
            "digest": self.champion.digest,
            "directory": str(self.directory),
            "reason": self.reason,
            "generations": self.generations,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "certificate": None if self.certificate is None else str(self.directory / CERTIFICATE),
            "verdict": None if self.certificate is None else self.certificate.verdict.model_dump(mode="json"),
            "refusal": self.refusal,
            "warnings": list(self.warnings),
            "selection": _figures(self.selection.champion),
            "rivals": [_figures(s) for s in self.comparison if s.candidate.key == PLAIN],
            "front": [_figures(s) for s in self.front],
        }


def write_result(run: RunDirectory, result: SearchResult) -> None:
    """Write ``recipes/``, ``front.json`` and ``champion.json``.

    Raises:
        RunError: the directory cannot be written.
    """
    selection = result.selection
    files = {standing.policy.digest: f"{RECIPES}/{slug(standing.name)}.json" for standing in selection.contenders}
    for standing in selection.contenders:
        run.write(files[standing.policy.digest], standing.policy.to_json())

    def rows(standings: Sequence[Scored]) -> list[dict[str, Any]]:
        figures = [{**_figures(s), "recipe": files[s.policy.digest]} for s in standings]
        for row in figures:
            del row["close_decisions"]  # margins depend on what was decoded side by side, and these files do not
            del row["at_limit"]
            for rare in ("failed", "cut_off"):  # said only where there is something to say
                if not row[rare]:
                    del row[rare]
        return figures

    front = {
        "split": "selection",
        "objectives": list(selection.objectives),
        "champion": selection.champion.policy.digest,
        "winner": selection.winner.policy.digest,
        "dropped": list(selection.dropped),
        "best": selection.best.policy.digest,
        "standard_error": selection.standard_error,
        "search_accuracy": dict(result.search_accuracy),
        "front": rows(selection.front),
        "contenders": rows(selection.contenders),
    }
    run.write_json(FRONT, front)
    run.write(CHAMPION, result.champion.to_json())


def slug(name: str) -> str:
    """A name as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:120].strip("-")


def summary_dict(summary: Summary) -> dict[str, Any]:
    """A summary as JSON data."""
    failure = summary.failure
    return {
        "accuracy": summary.accuracy,
        "by_task": dict(summary.by_task),
        "cost": summary.cost.as_dict(),
        "open_share": summary.open_share,
        "touched_share": summary.touched_share,
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
        "failures": summary.failures,
        "failed": [one.to_json() for one in summary.failed],
        "at_limit": summary.at_limit,
        "cut_off": summary.cut_off,
        "close_decisions": summary.close,
        "items": summary.items,
    }


def _figures(standing: Scored) -> dict[str, Any]:
    return {"name": standing.name, "digest": standing.policy.digest, **summary_dict(standing.summary)}


def _island(report: IslandReport, objectives: Sequence[str]) -> dict[str, Any]:
    """An island's report with its objectives named."""
    data = asdict(report)
    for name in ("best", "mean", "median"):
        data[name] = dict(zip(objectives, data[name], strict=False))
    return data
