"""The champion teaches: its answers to fresh questions, as they are kept in the ledger, become a student's lessons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evoswarm.chat import PromptRefused
from evoswarm.errors import RunError, Where
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.experiment.workbench import Workbench
from evoswarm.export.distilled.fused import DistributionReader, keep, kept
from evoswarm.export.distilled.lessons import Lesson, SoftTargets
from evoswarm.export.distilled.plan import StudentPlan
from evoswarm.export.distilled.student import Student
from evoswarm.policies import Policy
from evoswarm.tasks.task import Item

AT_ONCE = 512
"""Questions that are answered together, and whose distributions are kept in one file."""

TEXTS_ONLY = "texts-only"
"""The file that says that the champion's symbols are not the student's tokens."""

_TRIED = 8  # answers that tell whether the champion's symbols are the student's tokens


@dataclass
class Taught:
    """What the champion taught, and what became of the rest; by task.

    Attributes:
        lessons: of all tasks.
        asked: questions.
        failed: questions without an answer.
        wrong: answers that score 0 and were dropped.
        unfit: answers that were cut off, or that the student's tokenizer or context has no room for.
        soft: lessons that follow the champion's distributions.
    """

    lessons: list[Lesson] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    unfit: Counter[str] = field(default_factory=Counter)
    soft: Counter[str] = field(default_factory=Counter)

    @property
    def by_task(self) -> Counter[str]:
        """How many lessons there are."""
        return Counter(lesson.task for lesson in self.lessons)


class Teacher:
    """Asks a champion and makes lessons of what it says.

    Args:
        bench: with its members and the ledger, which keeps the answers as they come.
        champion: bound to the pool.
        student: whose tokens the lessons are in.
        plan: of the student.
        work: where distributions are kept.
    """

    def __init__(self, bench: Workbench, champion: Policy, student: Student, plan: StudentPlan, work: Path) -> None:
        self._bench, self._champion, self._student, self._plan, self._work = bench, champion, student, plan, work
        self._reader = DistributionReader(bench.swarm, champion, bench.tasks, student, plan.candidates)
        texts_only = plan.soft == 0 or (work / TEXTS_ONLY).exists()
        self._follows: bool | None = False if texts_only else None

    def teach(self, items: Sequence[Item]) -> Taught:
        """The lessons of some questions; what was answered before is read from the ledger.

        Raises:
            RunError: of a task, there is nothing to be taught; or the ledger cannot be written.
            Stopped: Ctrl-C.
        """
        taught = Taught()
        batches = [items[start : start + AT_ONCE] for start in range(0, len(items), AT_ONCE)]
        for number, some in enumerate(batches, start=1):
            self._bench.evaluator.go_on()
            self._bench.progress.at("asking the champion", number, len(batches))
            self._teach(number, some, taught)
            self._bench.on_other_items()  # nobody asks these again
        for task in dict.fromkeys(item.task for item in items):
            if not taught.by_task[task]:
                raise RunError(
                    f"expected answers of the champion to teach, got none to {taught.asked[task]:,} questions of "
                    f"{task!r} ({taught.wrong[task]:,} were wrong and dropped, {taught.failed[task]:,} failed, "
                    f"{taught.unfit[task]:,} do not fit the student)",
                    Where("tasks"),
                )
        return taught

    def _teach(self, number: int, items: Sequence[Item], taught: Taught) -> None:
        evaluations = self._bench.evaluator.evaluate([self._champion], items)[0]
        found = list(self._written(items, evaluations, taught))
        softs, places = self._softs(number, items, found), {item: place for place, item in enumerate(items)}
        for item, question, answer, _ in found:
            soft = softs.get(places[item])
            taught.soft[item.task] += soft is not None
            taught.lessons.append(Lesson(item.task, question, answer, soft))

    def _written(
        self, items: Sequence[Item], evaluations: Sequence[Evaluation], taught: Taught
    ) -> Iterator[tuple[Item, tuple[int, ...], tuple[int, ...], Evaluation]]:
        """What can be taught: the item, the student's tokens of question and answer, and how it was answered."""
        for item, one in zip(items, evaluations, strict=True):
            taught.asked[item.task] += 1
            if one.failure is not None:
                taught.failed[item.task] += 1
                continue
            if not one.score and self._plan.wrong == "drop":
                taught.wrong[item.task] += 1
                continue
            question = self._question(item)
            answer = self._student.writes(one.answer, ended=one.ending in ("end", "stop"))
            room = self._student.context_length
            if (
                one.ending == "cut_off"
                or question is None
                or not answer
                or (room is not None and len(question) + len(answer) > room)
            ):
                taught.unfit[item.task] += 1
                continue
            yield item, question, answer, one

    def _question(self, item: Item) -> tuple[int, ...] | None:
        """A question in the student's tokens; None where its chat template refuses it."""
        try:
            return self._student.asks(self._champion.prompt_format.replace("{prompt}", item.prompt))
        except PromptRefused:
            return None

    def _softs(
        self,
        number: int,
        items: Sequence[Item],
        found: Sequence[tuple[Item, tuple[int, ...], tuple[int, ...], Evaluation]],
    ) -> dict[int, SoftTargets]:
        """Distributions by the places of their questions, read or read again from their file.

        Among all that were asked, and not among those that were answered: what failed for want of memory or time may
        be answered in the next sitting.
        """
        if self._follows is False:
            return {}
        file = self._work / f"soft-{number:05d}.npz"
        if file.exists():
            return kept(file)
        ended = [(item, one.answer) for item, _, _, one in found if one.ending == "end"]
        # What was read before is forgotten, so that whoever goes on after a kill reads in the same batches: other ones
        # round otherwise, and the weights would differ in their last digits.
        if self._follows is None and ended:
            self._bench.on_other_items()
            self._follows = self._reader.can_follow(ended[:_TRIED])
            if not self._follows:
                (self._work / TEXTS_ONLY).touch()  # whoever goes on need not load a member to find out
                return {}
        self._bench.on_other_items()
        by_item = self._reader.read(ended)
        softs = {place: by_item[item] for place, item in enumerate(items) if item in by_item}
        keep(file, softs)
        return softs
