"""What is known of a policy beside what decides its answers: how it was asked, what it scored, where it comes from.

All of it stands under ``about`` in a policy's file. None of it is part of a digest, and a file without it is a policy
all the same: those of earlier versions are.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from evoswarm.member_spec import Strict

ABOUT = "about"
"""The key of a policy's file."""

Share = Annotated[float, Field(ge=0, le=1)]


def _plain_data(value: Any) -> Any:
    """JSON data as it is; what holds no text in JSON is refused."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"expected values as JSON has them, got: {error}") from None
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"expected a date such as 2026-01-31, got {value!r:.40}") from None
    return value


class TaskAsked(Strict):
    """How a task asked its questions, and where their answers ended: who asks alike is answered as was scored.

    Attributes:
        max_bytes: an answer ends after so many bytes of UTF-8, never inside a character.
        stop: an answer is cut before the first of these.
        prompt: template of the question, of tasks whose items are rows of a table.
        examples: worked examples that stand before every question, as they are.
        scorer: settings of the scorer, as a space says them; its ``extract`` finds the answer within a text, which
            votes count.
    """

    max_bytes: int = Field(ge=1)
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    prompt: str | None = None
    examples: str = ""
    scorer: Annotated[dict[str, Any], BeforeValidator(_plain_data)] = Field(default_factory=dict)


class Accuracy(Strict):
    """A mean score with its 95% interval.

    Attributes:
        items: how many were scored.
        accuracy: the mean.
        low: lower end of the interval.
        high: upper end.
    """

    items: int = Field(ge=1)
    accuracy: Share
    low: Share
    high: Share

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low: expected a number of at most high ({self.high}), got {self.low}")
        return self

    def words(self) -> str:
        """Such as ``71.2% (62.0% to 79.1%) on 120``."""
        return f"{self.accuracy:.1%} ({self.low:.1%} to {self.high:.1%}) on {self.items:,}"


class SplitAccuracy(Accuracy):
    """The score on a split: the weighted mean over tasks.

    Attributes:
        by_task: likewise, by task.
    """

    by_task: dict[str, Accuracy] = Field(default_factory=dict)


class VerdictSaid(Strict):
    """What the certificate says.

    Attributes:
        outcome: in two words.
        sentence: why, as the certificate says it.
        forced: the test items had been opened for another champion of the space before.
        opened_before: how many other recipes had opened some of them before.
    """

    outcome: Literal["adds value", "no value", "undecided"]
    sentence: str = Field(min_length=1)
    forced: bool = False
    opened_before: int = Field(default=0, ge=0)


class About(Strict):
    """What is known of a policy.

    Attributes:
        run: name of the run directory that it comes from.
        space: name of the search space.
        space_digest: SHA-256 of all that the space says.
        seed: of the search.
        evoswarm: version that wrote this.
        date: of the day on which the search began; None where the run does not know.
        tasks: how each task asked, by name.
        selection: what it scored on the selection split, which it was chosen on.
        expected: what it is expected to score on other items, by all that it was chosen on.
        test: what it scored on the test split; None where nobody has certified it.
        verdict: of its certificate; None likewise.
        refusal: why a certificate was refused; None where none was.
        spoken: by member's name, the share of the steps of its answers to the selection items at which it spoke.
    """

    run: str
    space: str
    space_digest: str
    seed: int
    evoswarm: str
    date: Annotated[str | None, BeforeValidator(_day)] = None
    tasks: dict[str, TaskAsked] = Field(min_length=1)
    selection: SplitAccuracy | None = None
    expected: Accuracy | None = None
    test: SplitAccuracy | None = None
    verdict: VerdictSaid | None = None
    refusal: str | None = None
    spoken: dict[str, Share] = Field(default_factory=dict)

    def with_certificate(self, test: SplitAccuracy, verdict: VerdictSaid) -> Self:
        """The same once test items have been opened."""
        return self.model_copy(update={"test": test, "verdict": verdict, "refusal": None})

    def refused(self, why: str) -> Self:
        """The same where a certificate was asked for and refused."""
        return self.model_copy(update={"refusal": why})

    def sentence(self) -> str:
        """In one line: which run, what it scored, and what its certificate says."""
        if self.test is not None:
            score = f"{self.test.words()} test items"
        elif self.selection is not None:
            score = f"{self.selection.words()} selection items, which it was chosen on"
            score += "" if self.expected is None else f", and {self.expected.accuracy:.1%} are expected on others"
        else:
            score = "no score is known"
        return f"from the run {self.run} (space {self.space}): {score}; {self._standing()}"

    def _standing(self) -> str:
        if self.verdict is None:
            return f"no certificate: {self.refusal}" if self.refusal else "not certified"
        forced = ", forced: its test items had been seen before" if self.verdict.forced else ""
        return f"certificate: {self.verdict.outcome}{forced}"
