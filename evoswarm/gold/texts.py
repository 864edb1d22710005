"""Which text of an item a greedy policy has to write to be right, and what leaving it means.

A policy that follows a right text to its end is right. One that leaves it is wrong, unless what it writes from there on
may be right all the same: that depends on the scorer. `Exact` takes white space around an answer (and the case of
letters, if told so) for nothing and anything else for wrong, so that the first symbol off the text decides nearly
always. Where the last number counts, or what contains the gold, or what stands behind a marker, other texts are right,
too, and leaving one says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from evoswarm.decoding.step.stopping import ending_of
from evoswarm.decoding.text.utf8 import split_character
from evoswarm.errors import TaskError
from evoswarm.tasks.scorers import Behind, Exact
from evoswarm.tasks.scorers.behind import BOX
from evoswarm.tasks.scorers.scorer import Scorer
from evoswarm.tasks.sourced_task import SourcedTask
from evoswarm.tasks.task import Item, Task


class Fate(IntEnum):
    """What becomes of a policy that has written a beginning of an answer."""

    WRONG = 0
    RIGHT = 1
    OPEN = 2


@dataclass(frozen=True)
class GoldText:
    """A text that is right as an item's answer.

    Attributes:
        item: whose answer it may be.
        text: as it is written; with the stop string, where that ends it.
        decidable: whether leaving it decides, but for white space and other spellings.
    """

    item: Item
    text: str
    decidable: bool = True


@dataclass(frozen=True)
class AnswerForm:
    """How the right answers of a task are written.

    Attributes:
        before: white space, or whatever else stands before the answer.
        worked: the answer as examples show it, instead of the gold alone.
        marker: that it stands behind; "" is none.
        ending: the stop string that is written behind it; "" is END.
    """

    before: str = ""
    worked: bool = False
    marker: str = ""
    ending: str = ""

    def text(self, task: Task, item: Item) -> str | None:
        """The right text of an item in this form, its ending left out; None where it would not be right."""
        answer = _worked(task, item) if self.worked else item.gold.strip()
        if answer is None:
            return None
        marked = f"{self.marker}{{{answer}}}" if self.marker == BOX else self.marker + answer
        text = self.before + marked
        return text if _can_be_written(task, text) and _score(task, item, text) == 1.0 else None


def forms(task: Task) -> Iterator[AnswerForm]:
    """How answers to a task may be written: bare, as examples show them, behind markers; each with every ending."""
    shown = isinstance(task, SourcedTask) and task.few_shot.count > 0
    between = task.few_shot.between if isinstance(task, SourcedTask) and shown else ""
    whole = [AnswerForm(before, worked) for worked in (True, False)[not shown :] for before in (between, "", " ")]
    marked = [AnswerForm(form.before, marker=marker) for marker in _markers(task) for form in whole if not form.worked]
    for form in dict.fromkeys((*whole, *marked)):
        for ending in ("", *task.stop):
            yield replace(form, ending=ending)


def decidable(task: Task) -> bool:
    """Whether the scorer of a task says of every beginning whether it may still become right."""
    return type(_scorer(task)) is Exact


def fate(task: Task, item: Item, raw: bytes, *, ended: bool) -> Fate:
    """What becomes of a policy that has written this much.

    Args:
        task: of the item.
        item: that is answered.
        raw: UTF-8, perhaps with an unfinished character at the end.
        ended: whether END was chosen behind it.
    """
    if not ended:
        ending = ending_of(raw, task.max_bytes, False, task.stop)
        if ending is None:
            return Fate.OPEN if _may_be_right(task, item, raw) else Fate.WRONG
        raw = ending[0]
    score = _score(task, item, raw.decode("utf-8", errors="replace"))
    return Fate.OPEN if score is None else Fate.RIGHT if score == 1.0 else Fate.WRONG


def _may_be_right(task: Task, item: Item, raw: bytes) -> bool:
    scorer = _scorer(task)
    if scorer is None:
        return True
    return scorer.may_be_right(item.gold, split_character(raw)[0].decode("utf-8", errors="replace"))


def _score(task: Task, item: Item, text: str) -> float | None:
    """None where the scorer fails."""
    try:
        return task.score(item, text)
    except TaskError:
        return None


def _can_be_written(task: Task, text: str) -> bool:
    return len(text.encode("utf-8", "surrogatepass")) <= task.max_bytes and not any(stop in text for stop in task.stop)


def _worked(task: Task, item: Item) -> str | None:
    try:
        return task.worked(item) if isinstance(task, SourcedTask) else None
    except TaskError:
        return None


def _scorer(task: Task) -> Scorer | None:
    return task.scorer if isinstance(task, SourcedTask) else None


def _markers(task: Task) -> Sequence[str]:
    scorer = _scorer(task)
    return scorer.markers if isinstance(scorer, Behind) else ()
