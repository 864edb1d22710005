"""What a space says of a task of the harness. The harness is imported when the task is made, not before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from evoswarm.settings import Contradiction
from evoswarm.tasks.scorers.settings import ScorerSettings
from evoswarm.tasks.settings import FewShot, TaskSettings
from evoswarm.trust import NOBODY, Trust

if TYPE_CHECKING:
    from evoswarm.tasks.harness.task import HarnessTask

Documents = Literal["training", "validation", "test"]

LONGEST = 65536  # bytes of an answer


class HarnessSettings(TaskSettings):
    """Items from a task of the lm-evaluation-harness: its prompts, few shots, filters and one of its metrics.

    Attributes:
        benchmark: the harness's name of the task; or a YAML file that describes one, from the working directory, which
            the caller has to allow (``--allow-scorer FILE.yaml``): its templates and functions are code.
        include_path: a folder of more tasks that have names; the caller has to allow it likewise.
        documents: the harness's split that items are drawn from; None is the one that the harness judges by.
        limit: only so many of its first documents; None is all.
        num_fewshot: worked examples before every question; None is what the task says.
        fewshot_seed: of the choice of examples; the harness's own is 1234.
        metric: whose values are the scores, one that is a mean over items; None is the task's first.
        filter: the task's pipeline that finds the answer within a text; None is its first.
        max_bytes: at most; the task's own limit of tokens holds where four bytes each come to less.
        stop: an answer is cut before the first of these; none are the task's own.
    """

    source: Literal["lm_eval"]
    benchmark: str = Field(min_length=1)
    include_path: str | None = Field(default=None, min_length=1)
    documents: Documents | None = None
    limit: int | None = Field(default=None, ge=1)
    num_fewshot: int | None = Field(default=None, ge=0, le=64)
    fewshot_seed: int = Field(default=1234, ge=0)
    metric: str | None = Field(default=None, min_length=1)
    filter: str | None = Field(default=None, min_length=1)
    max_bytes: int = Field(default=LONGEST, ge=1, le=LONGEST)

    origin: ClassVar[str] = "benchmark"

    @property
    def is_file(self) -> bool:
        """Whether it is a file of the user's."""
        return self.benchmark.endswith((".yaml", ".yml"))

    @property
    def is_remote(self) -> bool:
        """Whether its documents are on the hub: those of the harness's own tasks are."""
        return not self.is_file and self.include_path is None

    def _own_contradictions(self) -> Iterator[Contradiction]:
        if self.scorer != ScorerSettings():
            yield Contradiction(("scorer",), "expected no scorer (the harness's metric scores; see metric), got one")
        if self.few_shot != FewShot():
            yield Contradiction(("few_shot",), "expected num_fewshot (the harness words its examples), got few_shot")
        if self.is_file and self.include_path is not None:
            message = f"expected none (the benchmark is a file), got {self.include_path[:60]!r}"
            yield Contradiction(("include_path",), message)

    def task(self, trust: Trust = NOBODY) -> HarnessTask:
        """See `TaskSettings.task`; the harness is imported, and the task's documents are read."""
        from evoswarm.tasks.harness.task import make_task

        return make_task(self, trust)
