"""From a champion to a student in a folder: fresh questions, answers, training, and what came of it.

What is worked out is kept beside the place of the export, so that the same command goes on where it was stopped or
killed: the answers in the ledger, distributions and the state of training in a folder that goes once the student is in
its place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from evoswarm.canonical import sha256
from evoswarm.decoding.member import Content, locate
from evoswarm.durable import locked, plain_errors, write_within
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment.drawn import Drawn, draw
from evoswarm.experiment.files.finished_run import read_run
from evoswarm.experiment.files.places import ledger_file, root_of
from evoswarm.experiment.files.same_items import same_items
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted
from evoswarm.experiment.openings.guard import Guard, book_of
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.export.distilled import work_of
from evoswarm.export.distilled.card import FIGURES, card, figures_of
from evoswarm.export.distilled.comparing import StudentComparison, compare
from evoswarm.export.distilled.folder import write_model
from evoswarm.export.distilled.lessons import LessonBook
from evoswarm.export.distilled.made import Made
from evoswarm.export.distilled.plan import StudentPlan
from evoswarm.export.distilled.questions import fresh_items, tasks_wanted
from evoswarm.export.distilled.student import Student, read_student
from evoswarm.export.distilled.teacher import Taught, Teacher
from evoswarm.export.distilled.training import Trainer, TrainingEnd, training_device
from evoswarm.export.source import Source
from evoswarm.export.target import Options
from evoswarm.policies import Policy
from evoswarm.policies.document import naming
from evoswarm.run_directory.directory import events_of
from evoswarm.space import SearchSpace
from evoswarm.user_files import MIB, read_text

_PLAN = "plan.json"
_BUSY = "expected nobody at work on this student, got another process that is"


class DistillingInterrupted(KeyboardInterrupt):
    """Ctrl-C; what is done is kept."""

    def __init__(self, work: Path) -> None:
        super().__init__(f"interrupted: everything is kept in {work}, and the training goes on from there")


def distil(source: Source, plan: StudentPlan, folder: Path, options: Options) -> Made:
    """Train a student and write it to a folder.

    Args:
        source: a run with its champion.
        plan: of the student.
        folder: to write to: empty, on the disk of the place that the caller named.
        options: of the caller's; ``out`` is that place.

    Raises:
        EvoswarmError: the run, its tasks, its members or the student are not what they should be; or something cannot
            be written.
        DistillingInterrupted: Ctrl-C; everything is kept, and the same call goes on.
    """
    assert source.run is not None  # the target takes nothing else
    run, progress = source.run, options.progress
    space, _ = read_run(run, options.trust)
    tasks = tasks_wanted(space, plan)
    drawn = draw(space, progress)
    same_items(run, events_of(run), space, drawn.items)
    progress.enter("loading", "reading the student")
    student = read_student(plan, space.pool)
    training_device(student.spec, plan.training)  # known now, and not after hours of asking
    work = work_of(options.out)
    try:
        with _working(work, _begun(source, plan, student, space)), Interrupt(work) as interrupt:
            ledger, stop = ledger_file(root_of(run)), interrupt.asked
            with workbench(space, ledger, stop=stop, progress=progress, drawn=drawn) as bench:
                with naming(str(source.file)):
                    champion = bench.bound(source.policy)
                made = _Distillation(bench, drawn, champion, student, plan, tasks, run, work).made(folder)
            write_within(folder, FIGURES, json.dumps(figures_of(made), indent=2) + "\n")
            write_within(folder, "README.md", card(made, source, options.out.name))
    except (Stopped, SearchInterrupted) as error:
        raise DistillingInterrupted(work) from error
    return made


@dataclass(frozen=True)
class _Distillation:
    """One at work.

    Attributes:
        bench: of the run.
        drawn: the items of all splits.
        champion: bound to the pool.
        student: to train.
        plan: of it.
        tasks: that are taught, with their weights.
        run: the run directory.
        work: the folder in which the work is kept.
    """

    bench: Workbench
    drawn: Drawn
    champion: Policy
    student: Student
    plan: StudentPlan
    tasks: Mapping[str, float]
    run: Path
    work: Path

    def made(self, folder: Path) -> Made:
        """Teach, train, write to a folder, compare.

        Raises:
            Stopped: Ctrl-C; everything is kept.
        """
        bench, progress = self.bench, self.bench.progress
        progress.enter("items", "looking for questions outside the test split")
        items = fresh_items(bench.space, self.drawn, self.tasks, self.plan.questions)
        progress.enter("decoding", f"asking the champion {len(items):,} fresh questions")
        taught = Teacher(bench, self.champion, self.student, self.plan, self.work).teach(items)
        ended = self._trained(taught)
        write_model(self.student, folder, max(bench.tasks[name].max_bytes for name in self.tasks))
        progress.enter("test", "comparing the student with its champion")
        return Made(
            plan=self.plan,
            parameters=self.student.parameters,
            example=self.champion.prompt_format.replace("{prompt}", items[0].prompt),
            chat_template=self.student.spec.chat_template,
            taught=taught,
            ended=ended,
            compared=self._compared(folder),
        )

    def _trained(self, taught: Taught) -> TrainingEnd:
        book = LessonBook(taught.lessons, self.tasks, self.plan.training.seed)
        of_what = f"{self.student.parameters:,} parameters on {len(book):,} answers"
        self.bench.progress.enter("exporting", f"training {of_what}, {self.plan.training.steps:,} steps")
        trainer = Trainer(self.student, self.plan, book, self.work)
        return trainer.run(self.bench.progress, self.bench.evaluator.go_on)

    def _compared(self, folder: Path) -> StudentComparison:
        bench, run = self.bench, self.run
        spec = self.student.spec.model_copy(update={"path": str(folder), "revision": None})
        guard = Guard(book_of(bench.evaluator.ledger, root_of(run), run), self.drawn, bench.asked)
        return compare(bench, self.drawn, self.champion, spec, self.tasks, guard, run)


def _begun(source: Source, plan: StudentPlan, student: Student, space: SearchSpace) -> dict[str, str]:
    """What makes two works the same one: whoever goes on must want the same student."""
    return {
        "champion": source.policy.digest,
        "questions": space.continuation_digest,
        "plan": plan.digest,
        "files": sha256(Content(locate(student.spec)).lines),
        "torch": str(torch.__version__),
    }


@contextmanager
def _working(work: Path, begun: Mapping[str, str]) -> Iterator[None]:
    """The folder of a work, alone in it; one that is there is gone on with.

    Raises:
        RunError: it is of another student, another process is at it, or it cannot be written.
    """
    with plain_errors(work):
        work.mkdir(parents=True, exist_ok=True)
    with locked(work / "lock", _BUSY):
        others = [name for name, value in begun.items() if _before(work).get(name, value) != value]
        if others:
            raise RunError(
                f"expected the work on this student, got that on another ({', '.join(others)} differ): remove it, or "
                "name another place",
                Where(str(work)),
            )
        write_within(work, _PLAN, json.dumps(begun, indent=2) + "\n")
        yield


def _before(work: Path) -> dict[str, str]:
    """What an earlier sitting was at; nothing where there was none.

    Raises:
        RunError: that cannot be read.
    """
    file = work / _PLAN
    if not os.path.lexists(file):
        return {}
    try:
        found = json.loads(read_text(file, limit=MIB))
        return {str(name): str(value) for name, value in found.items()}
    except (AttributeError, ValueError):
        message = "expected what a work was begun with, got another text: remove the folder"
        raise RunError(message, Where(str(file))) from None
