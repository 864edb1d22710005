"""From a champion to a student in a folder: fresh questions, answers, training, and what came of it.

What is worked out is kept beside the place of the export, so that the same command goes on where it was stopped or
killed: the answers in the ledger, distributions and the state of training in a folder that is removed at the end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from evoswarm.canonical import digest_of, sha256
from evoswarm.decoding.member import Content, locate
from evoswarm.durable import locked, plain_errors, write_within
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment.drawn import Drawn, draw
from evoswarm.experiment.files.finished_run import read_run
from evoswarm.experiment.files.places import ledger_file, root_of
from evoswarm.experiment.interrupt import Interrupt
from evoswarm.experiment.openings.guard import Guard, book_of
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.export.distilled.card import FIGURES, card, figures_of
from evoswarm.export.distilled.comparing import compare
from evoswarm.export.distilled.folder import write_model
from evoswarm.export.distilled.lessons import LessonBook
from evoswarm.export.distilled.made import Made
from evoswarm.export.distilled.plan import StudentPlan
from evoswarm.export.distilled.questions import fresh_items, tasks_wanted
from evoswarm.export.distilled.student import Student, read_student
from evoswarm.export.distilled.teacher import Teacher
from evoswarm.export.distilled.training import Trainer, TrainingEnd
from evoswarm.export.source import Source
from evoswarm.export.target import Options
from evoswarm.policies import Policy
from evoswarm.policies.document import naming
from evoswarm.space import SearchSpace

WORK = ".distilling"
"""Ends the name of the folder beside an export in which its work is kept."""

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
    progress.enter("loading", "reading the student")
    student = read_student(plan, space.pool)
    work = options.out.with_name(options.out.name + WORK)
    with _working(work, _begun(source, plan, student, space)), Interrupt(work) as interrupt:
        try:
            with workbench(
                space, ledger_file(root_of(run)), stop=interrupt.asked, progress=progress, drawn=drawn
            ) as bench:
                with naming(str(source.file)):
                    champion = bench.bound(source.policy)
                made = _made(bench, drawn, champion, student, plan, tasks, work, folder, run, progress)
        except Stopped as error:
            raise DistillingInterrupted(work) from error
        write_within(folder, FIGURES, json.dumps(figures_of(made), indent=2) + "\n")
        write_within(folder, "README.md", card(made, source, options.out.name))
    shutil.rmtree(work, ignore_errors=True)
    return made


def _made(
    bench: Workbench,
    drawn: Drawn,
    champion: Policy,
    student: Student,
    plan: StudentPlan,
    tasks: dict[str, float],
    work: Path,
    folder: Path,
    run: Path,
    progress: Progress,
) -> Made:
    """Teach, train, write, compare.

    Raises:
        Stopped: Ctrl-C; everything is kept.
    """
    progress.enter("items", "looking for questions outside the test split")
    items = fresh_items(bench.space, drawn, tasks, plan.questions)
    progress.enter("decoding", f"asking the champion {len(items):,} fresh questions")
    taught = Teacher(bench, champion, student, plan, work).teach(items)
    ended = _trained(LessonBook(taught.lessons, tasks, plan.training.seed), student, plan, work, progress, bench)
    limits = {name: bench.tasks[name].max_bytes for name in tasks}
    write_model(student, folder, max(limits.values()))
    progress.enter("test", "comparing the student with its champion")
    spec = student.spec.model_copy(update={"path": str(folder), "revision": None})
    guard = Guard(book_of(bench.evaluator.ledger, root_of(run), run), drawn, bench.asked)
    compared = compare(bench, drawn, champion, spec, tasks, guard, run)
    return Made(
        plan=plan,
        parameters=student.parameters,
        example=champion.prompt_format.replace("{prompt}", items[0].prompt),
        chat_template=student.spec.chat_template,
        taught=taught,
        ended=ended,
        compared=compared,
    )


def _trained(
    book: LessonBook, student: Student, plan: StudentPlan, work: Path, progress: Progress, bench: Workbench
) -> TrainingEnd:
    answers, steps = f"{len(book):,} answers", f"{plan.training.steps:,} steps"
    progress.enter("exporting", f"training {student.parameters:,} parameters on {answers}, {steps}")
    return Trainer(student, plan, book, work).run(progress, bench.evaluator.go_on)


def _begun(source: Source, plan: StudentPlan, student: Student, space: SearchSpace) -> dict[str, Any]:
    """What makes two works the same one: whoever goes on must want the same student."""
    return {
        "champion": source.policy.digest,
        "questions": space.continuation_digest,
        "plan": plan.digest,
        "files": sha256(Content(locate(student.spec)).lines),
        "torch": torch.__version__,
    }


@contextmanager
def _working(work: Path, begun: dict[str, Any]) -> Iterator[None]:
    """The folder of a work, alone in it; one that is there is gone on with.

    Raises:
        RunError: it is of another student, another process is at it, or it cannot be written.
    """
    with plain_errors(work):
        work.mkdir(parents=True, exist_ok=True)
        file = work / _PLAN
        with locked(work / "lock", _BUSY):
            if file.exists():
                before = json.loads(file.read_text(encoding="utf-8"))
                others = [name for name, value in begun.items() if before.get(name) != value]
                if others:
                    raise RunError(
                        f"expected the work on this student, got that on another ({', '.join(others)} differ): remove "
                        "it, or name another place",
                        Where(str(work)),
                    )
            write_within(work, _PLAN, json.dumps({**begun, "digest": digest_of(begun)}, indent=2) + "\n")
            yield
