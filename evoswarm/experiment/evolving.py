"""The generation loop: ask, express, evaluate, tell, write, report, until a limit of the space ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evoswarm.canonical import canonical_json
from evoswarm.errors import RunError
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.failures import hopeless
from evoswarm.evaluation.mixes import Stopped
from evoswarm.evolution.algorithm import Algorithm
from evoswarm.evolution.individual import Individual
from evoswarm.experiment import mirror
from evoswarm.experiment.figures import GenerationFigures, Meter
from evoswarm.experiment.files.beginning import limits
from evoswarm.experiment.files.journalled_failures import GAVE_UP
from evoswarm.experiment.finalists import FINALISTS
from evoswarm.experiment.front import FrontSoFar
from evoswarm.experiment.outlook.ahead import Ahead
from evoswarm.experiment.outlook.budgets import Allowance, generations_within
from evoswarm.experiment.outlook.prices import Taken, Work
from evoswarm.experiment.progress import GenerationStep, Progress
from evoswarm.experiment.scoring import Scoring, scoring_of
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.policies import Policy
from evoswarm.run_directory import CLOCK, FIGURES, GENERATION, RunDirectory
from evoswarm.tracking import Tracker


class Evolving:
    """Evolves a population until it is over.

    Args:
        bench: the space made ready.
        run: where the lineage is written.
        tracker: tells MLflow.
        stop: whether Ctrl-C was pressed.
        progress: told of every generation.
        algorithm: what asks for individuals and is told of their outcomes.
        genomes: how genomes become policies.
        ahead: knows what comes behind the search.

    Attributes:
        policies: by their digests.
        rows: the lineage so far, as written.
    """

    def __init__(
        self,
        bench: Workbench,
        run: RunDirectory,
        tracker: Tracker,
        stop: Callable[[], bool],
        progress: Progress,
        algorithm: Algorithm[Any],
        genomes: PolicyGenomes[Any, Any],
        ahead: Ahead,
    ) -> None:
        self._bench, self._run, self._tracker, self._stop = bench, run, tracker, stop
        self._ahead = ahead
        self._progress, self._algorithm, self._genomes = progress, algorithm, genomes
        self._scoring: Scoring[Any, Policy] = scoring_of(bench, algorithm)
        self.policies: dict[str, Policy] = {}
        self.rows: list[dict[str, Any]] = []
        self._pace: list[float] = []
        self._began = time.monotonic()
        self._front = FrontSoFar(bench.space.objectives)
        self._stopped = _unfinished_stop(run)

    def go(self) -> str:
        """Generation after generation.

        Returns:
            Why it ended: the name of a setting, see `limits`.

        Raises:
            RunError: nothing could be evaluated so far: no recipe has an answer to any item.
            Stopped: Ctrl-C.
        """
        space, algorithm = self._bench.space, self._algorithm
        while algorithm.generation + 1 < space.evolution.generations:
            if algorithm.generation >= 0 and (reason := self._over(algorithm.generation)) is not None:
                return reason
            if self._stop():
                raise Stopped("stopped as asked")
            self._generation()
        return "generations"

    def _over(self, generation: int) -> str | None:
        """Whether a limit of the space ends the search behind this generation."""
        reason = self._spent_up(generation)
        if reason == CLOCK and generation != self._stopped:
            self._run.journal("stopped", generation=generation)
        return reason

    def _spent_up(self, generation: int) -> str | None:
        """The same, and nobody is told."""
        space = self._bench.space
        best = self.best_accuracy
        if space.stop_at is not None and best is not None and best >= space.stop_at.accuracy:
            return "stop_at.accuracy"
        for name, spent in self._spent().items():
            limit = limits(space)[name]
            if limit is not None and spent >= limit:
                return name
        if generation == self._stopped:
            return CLOCK
        clock = space.budget.seconds
        if clock is not None and not self._run.replaying and self._seconds() >= clock:
            return CLOCK
        return None

    def _to_come(self, seconds: float) -> int:
        """How many generations there will still be if each takes so many seconds; see `generations_within`."""
        space, done = self._bench.space, self._algorithm.generation + 1
        caps = limits(space)
        allowances = [
            Allowance(limit - spent, spent / done)
            for name, spent in self._spent().items()
            if (limit := caps[name]) is not None
        ]
        if space.budget.seconds is not None:
            allowances.append(Allowance(space.budget.seconds - self._seconds(), seconds))
        return generations_within(space.evolution.generations - done, allowances)

    def _spent(self) -> dict[str, float]:
        """What has been asked for, by the name of the budget that limits it; the clock is no function of that."""
        evaluator = self._bench.evaluator
        return {
            "budget.evaluations": evaluator.asked,
            "budget.decoded_tokens": evaluator.tokens,
            "budget.flops": evaluator.flops,
        }

    def _generation(self) -> None:
        """Ask, express, evaluate, tell, write, report."""
        algorithm = self._algorithm
        meter = Meter(self._bench.evaluator, replayed=self._run.replaying)
        number, count = algorithm.generation + 2, self._bench.space.evolution.generations
        self._progress.step(GenerationStep("generation", number, count))
        individuals = algorithm.ask()
        policies = [self._genomes.express(individual.genome) for individual in individuals]
        self.policies.update((policy.digest, policy) for policy in policies)
        told = self._scoring.score(individuals, policies)
        self._check_hope()
        known = len(algorithm.history)
        algorithm.tell(told)
        self._record(algorithm.history[known:])
        space = self._bench.space
        figures = meter.read(
            algorithm.generation,
            space.evolution.generations,
            space.objectives,
            algorithm.reports,
            self.best_accuracy,
            [self._scoring.summaries[individual.key] for individual in individuals],
            self._pace,
            self._to_come,
        )
        figures = replace(figures, front=self._front.figures(self.on_all_items))
        figures = self._with_the_rest(figures, policies)
        entry = _journalled(self._run, figures)
        self._tracker.generation(figures.generation, mirror.metrics(entry["figures"], space), entry["stamp"])
        self._progress.generation(figures)

    def _with_the_rest(self, figures: GenerationFigures, policies: Sequence[Policy]) -> GenerationFigures:
        """With the time that choice and certificate will take, where somebody is told of it and enough was decoded."""
        if not self._progress.foretells:
            return figures
        if figures.replayed or not self._bench.swarm.counters.symbols:
            return figures.before(None)
        self._ahead.learn(Taken(Work.of(figures.counters), figures.seconds))
        over = self._spent_up(figures.generation) is not None
        search = 0.0 if over else figures.seconds_left or 0.0
        if self._ahead.is_due(search):
            self._progress.at("finding out what choice and certificate will take")
        return figures.before(self._ahead.seconds(self._best_of(policies), search))

    def _best_of(self, policies: Sequence[Policy]) -> list[Candidate]:
        """Who would be tested again if these were all, as their accuracies on the search items say."""
        scored = {policy.digest: self._scoring.summaries[policy.digest].accuracy for policy in policies}
        able = [one for one in policies if scored[one.digest] is not None]
        able.sort(key=lambda one: -(scored[one.digest] or 0.0))
        plain = [Candidate(*one) for one in self._genomes.plain()]
        return [*(Candidate(one.digest, one) for one in able[:FINALISTS]), *plain]

    def _check_hope(self) -> None:
        """End a search in which nothing can be evaluated, before anything of it is written: it may begin anew."""
        reason = hopeless(list(self._scoring.summaries.values()))
        if reason is not None:
            self._run.journal(GAVE_UP)
            raise RunError(f"expected a recipe that can be evaluated, got failures only: {reason}")

    def _record(self, individuals: Sequence[Individual[Any]]) -> None:
        """Write the lineage; nothing in it depends on a clock, or on what was decoded side by side (as margins do)."""
        rows = []
        for individual in individuals:
            summary = self._scoring.summaries[individual.key]
            row = {**individual.to_dict(self._genomes.encode), **self._scoring.columns(individual)}
            row["accuracy"] = summary.accuracy
            row["by_task"] = dict(summary.by_task)
            row["cost"] = {name: getattr(summary.cost, name) for name in ("tokens", "passes", "weight_reads", "flops")}
            row["open_share"] = summary.open_share
            if summary.failed:
                row["failed"] = [one.to_json() for one in summary.failed]
            rows.append(row)
        self._run.record([canonical_json(row) for row in rows])
        self.rows.extend(rows)

    def lineage(self) -> dict[str, list[Any]]:
        """The lineage so far as the columns of a table."""
        genes = self._genomes
        return mirror.lineage(
            self.rows, self._bench.space.objectives, lambda genome: genes.values(genes.decode(genome))
        )

    @property
    def on_all_items(self) -> Mapping[str, Summary]:
        """What policies did on the search split, by digest, where they were scored on all of it."""
        return self._scoring.on_all_items

    @property
    def best_accuracy(self) -> float | None:
        """The greatest on the search split so far; None without any success."""
        known = (summary.accuracy for summary in self.on_all_items.values())
        return max((accuracy for accuracy in known if accuracy is not None), default=None)

    def _seconds(self) -> float:
        """Of this sitting, less those that went into foretelling."""
        return time.monotonic() - self._began - self._ahead.spent


def _journalled(run: RunDirectory, figures: GenerationFigures) -> dict[str, Any]:
    """A generation as the journal has it: what an earlier sitting wrote, by its clock, stays.

    Earlier versions wrote no figures, but metrics as they told them MLflow: these generations get an entry more.
    """
    known = (
        event for event in run.events if event["event"] == GENERATION and event["generation"] == figures.generation
    )
    before = next((event for event in known if isinstance(event.get(FIGURES), dict)), None)
    if before is not None:
        return before
    stamp = int(time.time() * 1000)
    return run.journal(GENERATION, generation=figures.generation, stamp=stamp, figures=figures.as_dict())


def _unfinished_stop(run: RunDirectory) -> int | None:
    """The generation behind which the clock had stopped a sitting that then died before its end."""
    ends = [event for event in run.events if event["event"] in ("stopped", "finished")]
    return int(ends[-1]["generation"]) if ends and ends[-1]["event"] == "stopped" else None
