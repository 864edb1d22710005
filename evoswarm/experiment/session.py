"""The composition root: from a search space to a run directory with a champion in it.

Replay is resume. A search is a deterministic function of space, seed, ledger and journal, so a run that died goes
on by being run again: what was decoded is read from the ledger, and every line written is compared.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evoswarm.decoding.request import Request
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.evaluator import Moment, Stopped
from evoswarm.evolution.archipelago import Archipelago
from evoswarm.evolution.individual import Individual
from evoswarm.experiment import mirror
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted
from evoswarm.experiment.result import GenerationFigures, Meter, SearchResult, write_result
from evoswarm.experiment.selection import FINALISTS, Contender, rivals, select, single
from evoswarm.experiment.workbench import LEDGER, Workbench, workbench
from evoswarm.genomes.archipelago_settings import archipelago_settings
from evoswarm.genomes.genes import MemberSize
from evoswarm.genomes.recipe_genome import RecipeGenome
from evoswarm.genomes.representation import RecipeRepresentation
from evoswarm.genomes.thresholds import Calibration
from evoswarm.recipe import Failure, Recipe
from evoswarm.run_directory import CLOCK, RunDirectory, run_directory
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item
from evoswarm.tracking import Tracker

CALIBRATION_ITEMS = 64
CALIBRATION = "calibration.json"
FRONT_EXTRAS = 30
"""Recipes of the Pareto archive, beyond the finalists, that are tested again for the front."""

OnGeneration = Callable[[GenerationFigures], None]
OnStage = Callable[[str], None]
Lineage = Individual[RecipeGenome]


def search(
    space: SearchSpace | str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    on_generation: OnGeneration | None = None,
    on_stage: OnStage | None = None,
    runs: str | Path = "runs",
) -> SearchResult:
    """Search for the recipe that answers best, and write everything to a run directory.

    An unfinished run of the same space and seed is continued. Ctrl-C ends after the current batch.

    Args:
        space: a search space, or its YAML file.
        out: the run directory; None is one of the space's name under ``runs``.
        seed: replaces the space's.
        on_generation: called after every generation.
        on_stage: told what is being done.
        runs: the directory of all runs: the ledger and MLflow's store are kept here.

    Raises:
        EvoswarmError: the space, a task, a member or the run directory is not what it should be.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.
    """
    checked = space if isinstance(space, SearchSpace) else SearchSpace.from_yaml(space)
    if seed is not None:
        checked = checked.model_copy(update={"seed": seed})
    root = Path(runs)
    target = Path(out) if out is not None else None
    name = f"{checked.name}-seed{checked.seed}"
    stage = on_stage or (lambda text: None)
    with ExitStack() as stack:
        identity = {"name": checked.name, "seed": checked.seed, "search": checked.continuation_digest}
        run = run_directory(root, name, identity, limits(checked), target)
        stack.callback(run.close)
        run.write("space.yaml", checked.to_yaml())
        interrupt = stack.enter_context(Interrupt())
        moment = _moment(run)
        bench = stack.enter_context(
            workbench(checked, root / LEDGER, moment=moment, stop=interrupt.asked, on_stage=stage)
        )
        tracker = Tracker(checked.tracking, root)
        stack.callback(tracker.close)
        session = Session(bench, run, tracker, interrupt, on_generation or (lambda figures: None), stage)
        return session.go()


class Session:
    """One search at work.

    Args:
        bench: the space made ready.
        run: where everything is written.
        tracker: tells MLflow.
        interrupt: whether Ctrl-C was pressed.
        on_generation: told of every generation.
        on_stage: told what is being done.
    """

    def __init__(
        self,
        bench: Workbench,
        run: RunDirectory,
        tracker: Tracker,
        interrupt: Interrupt,
        on_generation: OnGeneration,
        on_stage: OnStage,
    ) -> None:
        self._bench, self._run, self._tracker, self._interrupt = bench, run, tracker, interrupt
        self._on_generation, self._on_stage = on_generation, on_stage
        self._summaries: dict[str, Summary] = {}
        self._recipes: dict[str, Recipe] = {}
        self._rows: list[dict[str, Any]] = []
        self._pace: list[float] = []
        self._began = time.monotonic()
        self._stopped = _unfinished_stop(run)

    def go(self) -> SearchResult:
        """Calibrate, evolve, choose, write.

        Raises:
            SearchInterrupted: Ctrl-C.
        """
        self._tracker.begin(mirror.search_run(self._bench.space, self._run))
        status = "FAILED"
        try:
            calibration = self._calibration()
            representation = representation_of(self._bench, calibration)
            archipelago = Archipelago(archipelago_settings(self._bench.space), representation, self._bench.space.seed)
            reason = self._evolve(archipelago, representation)
            result = self._choose(archipelago, representation, reason)
            genomes = {individual.key: individual.genome for individual in archipelago.archive.individuals}
            self._tracker.champions(mirror.champions(result, genomes))
            status = "FINISHED"
            return result
        except (Stopped, KeyboardInterrupt) as error:
            status = "KILLED"
            self._run.journal("interrupted")
            raise SearchInterrupted(self._run.path) from error
        finally:
            self._tracker.finish(status, self._run.path, mirror.lineage(self._rows))

    def _calibration(self) -> Calibration:
        """The entropies of every possible lead; read back when they are there."""
        text = self._run.read(CALIBRATION)
        if text is not None:
            return Calibration.from_json(text, str(self._run.path / CALIBRATION))
        leads = self._bench.space.genome.leads or tuple(spec.name for spec in self._bench.pool)
        self._on_stage(f"calibrating {len(leads)} possible leads")
        items = self._bench.items["search"][:CALIBRATION_ITEMS]
        calibration = calibrate(self._bench, leads, items, self._interrupt.asked)
        self._run.write(CALIBRATION, calibration.to_json())
        return calibration

    def _evolve(self, archipelago: Archipelago[RecipeGenome], representation: RecipeRepresentation) -> str:
        """Generation after generation; returns why it ended."""
        space = self._bench.space
        self._on_stage(f"evolving on {space.splits.search} items")
        while archipelago.generation + 1 < space.evolution.generations:
            if archipelago.generation >= 0 and (reason := self._over(archipelago.generation)) is not None:
                return reason
            if self._interrupt.asked():
                raise Stopped("stopped as asked")
            self._generation(archipelago, representation)
        return "generations"

    def _over(self, generation: int) -> str | None:
        """Whether a limit of the space ends the search behind this generation."""
        space = self._bench.space
        best = self._best_accuracy()
        if space.stop_at is not None and best is not None and best >= space.stop_at.accuracy:
            return "stop_at.accuracy"
        if space.budget.evaluations is not None and len(self._bench.evaluator.asked) >= space.budget.evaluations:
            return "budget.evaluations"
        if generation == self._stopped:
            return CLOCK
        clock = space.budget.seconds
        if clock is not None and not self._run.replaying and self._seconds() >= clock:
            self._run.journal("stopped", generation=generation)
            return CLOCK
        return None

    def _generation(self, archipelago: Archipelago[RecipeGenome], representation: RecipeRepresentation) -> None:
        """Ask, express, evaluate, tell, write, report."""
        meter = Meter(self._bench.evaluator, replayed=self._run.replaying)
        individuals = archipelago.ask()
        recipes = [representation.express(individual.genome) for individual in individuals]
        summaries = self._bench.evaluator.summaries(recipes, self._bench.items["search"])
        told = []
        for individual, recipe, summary in zip(individuals, recipes, summaries, strict=True):
            self._summaries[individual.key], self._recipes[individual.key] = summary, recipe
            told.append(outcome(individual, summary, self._bench.space.objectives))
        known = len(archipelago.history)
        archipelago.tell(told)
        self._record(archipelago.history[known:], representation)
        space = self._bench.space
        figures = meter.read(
            archipelago.generation,
            space.evolution.generations,
            space.objectives,
            archipelago.reports,
            self._best_accuracy(),
            sum(summary.close for summary in summaries),
            self._pace,
        )
        self._tracker.generation(figures.generation, mirror.metrics(figures))
        self._on_generation(figures)

    def _record(self, individuals: Sequence[Lineage], representation: RecipeRepresentation) -> None:
        """Write the lineage; nothing in it depends on a clock, or on what was decoded side by side (as margins do)."""
        rows = []
        for individual in individuals:
            summary = self._summaries[individual.key]
            row = individual.to_dict(representation.encode)
            row["accuracy"] = summary.accuracy
            row["by_task"] = dict(summary.by_task)
            row["cost"] = {name: getattr(summary.cost, name) for name in ("tokens", "passes", "weight_reads", "flops")}
            row["open_share"] = summary.open_share
            rows.append(row)
        self._run.record([json.dumps(row, sort_keys=True, ensure_ascii=False) for row in rows])
        self._rows.extend(rows)

    def _choose(
        self, archipelago: Archipelago[RecipeGenome], representation: RecipeRepresentation, reason: str
    ) -> SearchResult:
        """Test the finalists again, on items that evolution never saw."""
        bench = self._bench
        ranked = [(i, a) for i in archipelago.archive.individuals if (a := self._summaries[i.key].accuracy) is not None]
        ranked.sort(key=lambda pair: (-pair[1], pair[0].order))
        finalists = [Contender(i.id, self._recipes[i.key]) for i, _ in ranked[:FINALISTS]]
        front = archipelago.archive.front[:FRONT_EXTRAS] if len(bench.space.objectives) > 1 else []
        extras = [Contender(i.id, self._recipes[i.key]) for i in front]
        names = [spec.name for spec in bench.pool]
        for rival in rivals(bench.space, bench.pool):  # one that the space's limits exclude is shown, but cannot win
            allowed = representation.genes.limits.allow([names.index(m.spec.name) for m in rival.recipe.members])
            (finalists if allowed else extras).append(rival)
        self._on_stage(f"choosing among {len(finalists)} finalists on {len(bench.items['selection'])} unseen items")
        selection = select(bench.evaluator, bench.items["selection"], finalists, extras, bench.space.objectives)
        result = SearchResult(
            champion=selection.champion.recipe,
            selection=selection,
            directory=self._run.path,
            ledger=Path(bench.evaluator.ledger.path),
            reason=reason,
            limit=limits(bench.space)[reason],
            generations=archipelago.generation + 1,
            evaluations=len(bench.evaluator.asked),
            seconds=self._seconds(),
            example_prompt=bench.items["selection"][0].prompt,
            search_accuracy={individual.id: accuracy for individual, accuracy in ranked[:FINALISTS]},
            tracking_uri=self._tracker.uri if self._tracker.alive else None,
        )
        write_result(self._run, result)
        return result

    def _best_accuracy(self) -> float | None:
        return max((s.accuracy for s in self._summaries.values() if s.accuracy is not None), default=None)

    def _seconds(self) -> float:
        return time.monotonic() - self._began


def limits(space: SearchSpace) -> dict[str, float | None]:
    """How far a search may go, by the name of the setting that says so."""
    return {
        "generations": space.evolution.generations,
        "stop_at.accuracy": None if space.stop_at is None else space.stop_at.accuracy,
        "budget.evaluations": space.budget.evaluations,
        CLOCK: space.budget.seconds,
    }


def representation_of(bench: Workbench, calibration: Calibration) -> RecipeRepresentation:
    """The genomes of a space, with the sizes of its loaded members and the recipes it starts from."""
    sizes = {
        name: MemberSize(
            shape.parameters, 2.0 * (shape.active_parameters + shape.output_parameters), shape.parameter_bytes
        )
        for name, shape in bench.swarm.shapes.items()
    }
    warm = {Path(file).stem: bench.bound(Recipe.load(Path(file).expanduser())) for file in bench.space.warm_start}
    return RecipeRepresentation(bench.space, calibration, sizes, warm)


def outcome(individual: Lineage, summary: Summary, objectives: Sequence[str]) -> Lineage:
    """The individual with what became of it."""
    if summary.failure is not None:
        return individual.failed(summary.failure.kind)
    return individual.scored([summary.objective(name) for name in objectives])


def calibrate(bench: Workbench, leads: Sequence[str], items: Sequence[Item], stop: Callable[[], bool]) -> Calibration:
    """The entropies that each possible lead shows when it decodes the calibration items alone, greedily.

    Raises:
        Stopped: ``stop`` said so.
    """
    requests, places = [], []
    for spec in bench.pool:
        for item in items if spec.name in leads else ():
            task = bench.tasks[item.task]
            alone = single(bench.space, spec)
            requests.append(Request(alone, item.prompt, item.key, max_bytes=task.max_bytes, stop=task.stop, trace=True))
            places.append((spec.name, item.task))
    entropies: dict[str, dict[str, list[float]]] = {name: {} for name in leads}
    completions = bench.swarm.decode(requests, stop_after=stop)
    if stop():
        raise Stopped("stopped as asked")
    for (lead, task_name), completion in zip(places, completions, strict=True):
        entropies[lead].setdefault(task_name, []).extend(step.entropy for step in completion.trace)
    return Calibration.of(entropies)


def _unfinished_stop(run: RunDirectory) -> int | None:
    """The generation behind which the clock had stopped a sitting that then died before its end."""
    ends = [event for event in run.events if event["event"] in ("stopped", "finished")]
    return int(ends[-1]["generation"]) if ends and ends[-1]["event"] == "stopped" else None


def _moment(run: RunDirectory) -> Moment:
    """Failures owed to device and time, from the journal and into it."""
    known = {
        (event["recipe"], event["item"]): Failure(event["kind"], event["message"])
        for event in run.events
        if event["event"] == "failure"
    }

    def note(recipe: str, item: str, failure: Failure) -> None:
        run.journal("failure", recipe=recipe, item=item, kind=failure.kind, message=failure.message)

    return Moment(known, note)
