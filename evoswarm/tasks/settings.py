"""What every task of a space says, whatever its source."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from evoswarm.settings import LONGEST_NAME, NAME, Contradiction, Settings
from evoswarm.tasks.scorers.settings import VERIFIER, ScorerSettings
from evoswarm.trust import NOBODY, Trust

if TYPE_CHECKING:
    from evoswarm.tasks.sourced_task import SourcedTask


class FewShot(Settings):
    """Worked examples put before every question, drawn from the source and never used as items.

    Attributes:
        count: how many.
        between: stands between an example's question and its answer.
        separator: stands behind every example.
        answer: template of an example's answer, of dataset tasks: for examples that show their reasoning, such as
            ``"{reasoning} #### {answer}"``; None shows the answer as the task words it.
    """

    count: int = Field(default=0, ge=0, le=64)
    between: str = ""
    separator: str = "\n\n"
    answer: str | None = None


class TaskSettings(Settings):
    """What all sources of tasks have in common; `evoswarm.tasks.sources` says what a new source has to bring.

    Attributes:
        name: of the task, in tables and objectives.
        weight: in the mean over tasks, which accuracy is.
        max_bytes: an answer ends after so many bytes of UTF-8, never inside a character.
        stop: an answer is cut before the first of these.
        few_shot: worked examples before every question.
        source: where the items come from; decides which other keys there are.
        scorer: how an answer is scored.
    """

    origin: ClassVar[str]
    """The key that says where the items come from: it is blamed for what no other key is to blame for."""
    endless: ClassVar[bool] = False
    """Whether the source makes as many items as one likes."""
    verifiable: ClassVar[bool] = False
    """Whether the source has a verifier of its own."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=NAME)
    weight: float = Field(default=1.0, gt=0)
    max_bytes: int = Field(default=32, ge=1, le=65536)
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    few_shot: FewShot = FewShot()
    source: str
    scorer: ScorerSettings = ScorerSettings()

    @property
    def described_origin(self) -> str:
        """Where the items come from, as messages name it."""
        return str(getattr(self, self.origin))

    @property
    def is_remote(self) -> bool:
        """Whether the items have to be fetched, so that nothing can be said of them before a search."""
        return False

    def contradictions(self) -> Iterator[Contradiction]:
        """What cannot be meant, as the settings alone show; paths begin at the task."""
        yield from self.scorer.contradictions(("scorer",))
        if self.scorer.kind == VERIFIER and not self.verifiable:
            from evoswarm.tasks.sources import SOURCES  # which knows this module

            known = " and ".join(name for name, source in SOURCES.items() if source.verifiable)
            message = f"expected another scorer (only {known} tasks have a verifier), got {VERIFIER!r}"
            yield Contradiction(("scorer", "kind"), message)
        yield from self._own_contradictions()

    def _own_contradictions(self) -> Iterator[Contradiction]:
        """Those of the source; a source whose items have columns also shows examples otherwise than by their golds."""
        if self.few_shot.answer is not None:
            yield Contradiction(
                ("few_shot", "answer"),
                f"expected no answer (only items of a dataset have columns), got {self.few_shot.answer[:60]!r}",
            )

    def fields_of(self, task: type[SourcedTask]) -> dict[str, Any]:
        """The values of a task's fields, which are keys of these settings; its scorer has to be made."""
        names = (field.name for field in dataclasses.fields(task) if field.name != "scorer")
        return {name: getattr(self, name) for name in names}

    @abstractmethod
    def task(self, trust: Trust = NOBODY) -> SourcedTask:
        """The task itself; no item is read yet.

        Args:
            trust: whose functions may score.

        Raises:
            TaskError: the source or the scorer cannot be had; the path of its `where` is a key of these settings.
        """
