"""What came of a distillation, for cards and files."""

from __future__ import annotations

from dataclasses import dataclass

from evoswarm.export.distilled.comparing import StudentComparison
from evoswarm.export.distilled.plan import StudentPlan
from evoswarm.export.distilled.teacher import Taught
from evoswarm.export.distilled.training import TrainingEnd


@dataclass(frozen=True)
class Made:
    """A student, and how it was made.

    Attributes:
        plan: of it.
        parameters: how many it has.
        example: a question that it was taught, worded.
        chat_template: whether it is asked through its tokenizer's template.
        taught: by its champion.
        ended: what came of its training.
        compared: with its champion.
    """

    plan: StudentPlan
    parameters: int
    example: str
    chat_template: bool
    taught: Taught
    ended: TrainingEnd
    compared: StudentComparison
