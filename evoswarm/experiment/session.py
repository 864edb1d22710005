"""The composition root: from a search space to a run directory with a champion in it.

Replay is resume. A search is a deterministic function of space, seed, ledger and journal, so a run that died goes
on by being run again: what was decoded is read from the ledger, and every line written is compared.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from evoswarm.certificate.document import Certificate
from evoswarm.decoding.decoder import Decoder
from evoswarm.evaluation.mixes import Stopped
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.evolution.algorithm import Algorithm
from evoswarm.experiment import mirror
from evoswarm.experiment.algorithms import algorithm_of
from evoswarm.experiment.alphabet import with_known_alphabet
from evoswarm.experiment.asking import example
from evoswarm.experiment.calibrating import calibration_of, genomes_for
from evoswarm.experiment.certification import certify_champion
from evoswarm.experiment.contest import Known, contest_of, decided
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.evolving import Evolving
from evoswarm.experiment.files.beginning import beginning, limits, run_wanted
from evoswarm.experiment.files.places import SPACE, ledger_file
from evoswarm.experiment.files.policy_files import PolicyOrigin
from evoswarm.experiment.files.run_history import retire, transient_failures
from evoswarm.experiment.files.same_items import require_same_items
from evoswarm.experiment.first_look.look import FirstLook
from evoswarm.experiment.first_look.looking import first_look, gold_notes
from evoswarm.experiment.fitting import fit_last, founders, off, read_first
from evoswarm.experiment.guiding import guide_of
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted
from evoswarm.experiment.openings.guard import Guard, OpeningDeclined, book_of
from evoswarm.experiment.openings.nothing_scored import NothingScored
from evoswarm.experiment.openings.remedy import remedy_of
from evoswarm.experiment.openings.words import foretell
from evoswarm.experiment.outlook.ahead import Ahead
from evoswarm.experiment.outlook.refusals import short_budget
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.reporting import report_written
from evoswarm.experiment.result import SearchResult, champion_document, write_result
from evoswarm.experiment.tracing import trace
from evoswarm.experiment.wording import generation_terms
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes import PolicyGenomes, check_kind
from evoswarm.policies import Policy
from evoswarm.run_directory import RunDirectory, run_directory
from evoswarm.space import SearchSpace, named_store
from evoswarm.tasks.task import SplitName
from evoswarm.tracking import Tracker
from evoswarm.trust import Trust


def search(
    space: SearchSpace | str | Path,
    *,
    out: str | Path | None = None,
    seed: int | None = None,
    progress: Progress = SILENT,
    runs: str | Path = "runs",
    swarm: Decoder | None = None,
    certify: bool = True,
    trust: Trust | None = None,
    ledger: str | Path | None = None,
    ask: Callable[[str], bool] | None = None,
) -> SearchResult:
    """Search for the recipe that answers best, and write everything to a run directory.

    An unfinished run of the same space and seed is continued. Ctrl-C ends after the current batch.

    Args:
        space: a search space, or its YAML file.
        out: the run directory; None is one of the space's name under ``runs``.
        seed: replaces the space's.
        progress: told what is being done.
        runs: the directory of all runs: the ledger and MLflow's store are kept here.
        swarm: the space's pool, loaded already (several searches over one pool share what it has read); None loads it.
        certify: test the champion on held-out items at the end, unless they were opened for another champion.
        ask: asked then, with what the items can show, whether they may be opened; None opens them.
        trust: whose code may run where the space asks for it; None is what the space was read with.
        ledger: its file; None is ``EVOSWARM_LEDGER``, or beside the runs.

    Raises:
        EvoswarmError: the space, a task, a member or the run directory is not what it should be.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.

    Example:
        >>> told = Progress(generation=lambda one: print(one.generation, one.best is not None))
        >>> result = search(space, progress=told)
        0 True
        1 True
        >>> result.directory.name
        'tokens-seed0'
    """
    checked = _seeded(space if isinstance(space, SearchSpace) else SearchSpace.from_yaml(space), seed)
    checked = checked if trust is None else checked.trusting(trust)
    check_kind(checked)
    named_store(checked)  # a refusal comes before anything is written
    root = Path(runs)
    splits: tuple[SplitName, ...] = ("search", "selection", "test") if certify else ("search", "selection")
    lent = swarm is not None
    place, kept = None if out is None else Path(out), ledger_file(root, ledger)
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt(place or root))  # before members are loaded: libraries lose presses
        beginning(checked, root, place)  # likewise
        drawn = draw(checked, progress)
        gold_notes(checked, drawn)  # they are told with the first look; here what cannot be won is refused
        foretell(checked, drawn, kept, root, progress, certify=certify)
        for refused in short_budget(checked):
            progress.note(f"evoswarm plan would refuse this: {refused.sentence}")
        checked, swarm = with_known_alphabet(
            checked, kept, swarm, lambda one: run_wanted(one, root, place).begun, progress
        )
        progress.begun(beginning(checked, root, place))
        run = stack.enter_context(_run_of(checked, root, place))
        interrupt.directory = run.path
        bench = stack.enter_context(
            workbench(
                checked,
                kept,
                splits=splits,
                transient=transient_failures(run),
                stop=interrupt.asked,
                progress=progress,
                swarm=swarm,
                lent=lent,
                drawn=drawn,
            )
        )
        require_same_items(run, checked, bench.items)
        stack.enter_context(_libraries_kept())
        tracker = Tracker.of(checked, root)
        stack.callback(mirror.wait, tracker, progress)

        def certified(champion: Policy) -> Certificate:
            guard = Guard(book_of(bench.evaluator.ledger, root, run.path), drawn, bench.asked, tracker)
            return certify_champion(bench, run, champion, guard, force=False, progress=progress, ask=ask)

        return Session(bench, run, tracker, interrupt, progress, certified if certify else None).go()


def _seeded(space: SearchSpace, seed: int | None) -> SearchSpace:
    return space if seed is None else space.model_copy(update={"seed": seed})


@contextmanager
def _run_of(space: SearchSpace, root: Path, out: Path | None) -> Iterator[RunDirectory]:
    """The run directory of a search, with its space in it; let go at the end."""
    run = run_directory(run_wanted(space, root, out))
    try:
        run.write(SPACE, space.to_yaml())
        yield run
    finally:
        run.close()


@contextmanager
def _libraries_kept() -> Iterator[None]:
    """What libraries have made so far stays: the collector need not go through it again and again."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Session:
    """One search at work.

    Args:
        bench: the space made ready.
        run: where everything is written.
        tracker: tells MLflow.
        interrupt: whether Ctrl-C was pressed.
        progress: told what is being done.
        certified: makes the champion's certificate; None where the test items stay closed.
    """

    def __init__(
        self,
        bench: Workbench,
        run: RunDirectory,
        tracker: Tracker,
        interrupt: Interrupt,
        progress: Progress,
        certified: Callable[[Policy], Certificate] | None,
    ) -> None:
        self._bench, self._run, self._tracker, self._interrupt = bench, run, tracker, interrupt
        self._progress, self._certificate_of = progress, certified
        self._began, self._ahead = time.monotonic(), Ahead(bench)
        self._look: FirstLook | None = None

    def go(self) -> SearchResult:
        """Calibrate, evolve, choose, write.

        Raises:
            SearchInterrupted: Ctrl-C.
        """
        bench, run = self._bench, self._run
        self._tracker.begin(mirror.search_run(bench.space, run, bench.items))
        status, evolving = "FAILED", None
        try:
            read_first(bench, run)
            calibrate = partial(calibration_of, bench, run, self._progress)
            genomes = genomes_for(bench, calibrate, founders(bench, run, calibrate))
            self._look = first_look(bench, run, self._progress)
            algorithm = algorithm_of(bench.space, genomes, guide_of(bench, genomes, run))
            evolving = Evolving(
                bench, run, self._tracker, self._interrupt.asked, self._progress, algorithm, genomes, self._ahead
            )
            self._progress.enter("evolving", f"evolving on {bench.space.splits.search} items")
            self._progress.note(generation_terms(bench.space.objectives[0]))
            for sentence in off(bench):
                self._progress.note(sentence)
            reason = evolving.go()
            heard = fit_last(bench, run, [evolving.policies[digest] for digest in evolving.on_all_items])
            if heard:
                self._progress.note(heard)
            bench.on_other_items()
            result = self._certified(self._choose(algorithm, genomes, evolving, reason))
            trace(bench, run, result.champion, self._progress)
            result = replace(result, seconds=self._seconds())
            run.journal("finished", reason=reason, limit=result.limit, champion=result.champion.digest)
            report_written(run, bench.asked, self._progress)
            status = "FINISHED"
            return result
        except (Stopped, KeyboardInterrupt) as error:
            status = "KILLED"
            run.journal("interrupted")
            raise SearchInterrupted(run.path) from error
        finally:
            self._tracker.finish(status, {} if evolving is None else evolving.lineage())

    def _certified(self, result: SearchResult) -> SearchResult:
        """The result with its certificate; without one where the test items may not be opened for the champion."""
        if self._certificate_of is None:
            retire(self._run, result.champion)
            return result
        try:
            certificate = self._certificate_of(result.champion)
        except (NothingScored, OpenedBefore, OpeningDeclined) as refusal:
            remedy = remedy_of(refusal.message, self._run.path, scores=result.accuracy > 0)
            return replace(result, refusal=refusal.message, remedy=remedy)
        return replace(result, certificate=certificate)

    def _seconds(self) -> float:
        """So far, less those that went into foretelling."""
        return time.monotonic() - self._began - self._ahead.spent

    def _choose(
        self,
        algorithm: Algorithm[Any],
        genomes: PolicyGenomes[Any, Any],
        evolving: Evolving,
        reason: str,
    ) -> SearchResult:
        """Test the finalists again, on items that evolution never saw."""
        bench, unseen = self._bench, len(self._bench.items["selection"])
        known = Known.of(algorithm.archive, evolving)
        self._progress.enter("choosing", f"choosing the champion on {unseen} unseen items")
        contest = contest_of(bench, genomes, known)
        if contest.unfitted:
            self._progress.note(contest.unfitted)
        selection = decided(bench, genomes, contest, self._progress)
        origin = PolicyOrigin.of(bench, self._run)
        chosen = origin.document(selection.champion.policy, selection.champion.summary)
        result = SearchResult(
            champion=selection.champion.policy,
            selection=selection,
            directory=self._run.path,
            ledger=Path(bench.evaluator.ledger.path),
            reason=reason,
            limit=limits(bench.space)[reason],
            generations=algorithm.generation + 1,
            evaluations=bench.evaluator.asked,
            seconds=self._seconds(),
            example=example(chosen, bench.items["selection"][0]),
            search_accuracy=contest.search_accuracy,
            origin=origin,
            on_search=evolving.on_all_items.get(selection.champion.policy.digest),
            tracking_uri=self._tracker.uri if self._tracker.alive else None,
            first_look=self._look,
        )
        write_result(self._run, result)
        self._tracker.champions(mirror.champions(result, bench.space))
        document, certificate = champion_document(self._run, result)
        self._tracker.outcome(self._run, mirror.outcome(self._run.path, document, result.cost, certificate))
        return result
