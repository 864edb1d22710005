"""Answers questions with a policy: an evaluation of a task that has questions and no right answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import sentence
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.workbench import naming
from evoswarm.policies import Policy
from evoswarm.tasks.task import Item

AT_ONCE = 256
"""Questions that are answered together: enough to fill a device, few enough that answers come soon."""


@dataclass(frozen=True)
class Answer:
    """What a policy said to a question.

    Attributes:
        prompt: the question as asked.
        text: the answer; empty on failure.
        cost: deployed alone, per member.
        open_share: share of steps at which a follower spoke.
        touched_share: share of the lead's tokens in which a follower spoke.
        failure: why there is no answer.
    """

    prompt: str
    text: str
    cost: Cost
    open_share: float
    touched_share: float
    failure: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All but the question, as JSON data."""
        data: dict[str, Any] = {
            "text": self.text,
            "cost": self.cost.as_dict(),
            "open_share": self.open_share,
            "touched_share": self.touched_share,
        }
        if self.failure is not None:
            data["failure"] = self.failure
        return data


@dataclass(frozen=True)
class _Questions:
    """A ``Task`` without right answers: nobody knows better what counts as the same answer than its text."""

    max_bytes: int
    stop: tuple[str, ...]
    name: str = "questions"
    weight: float = 1.0
    scorer_id: str = "none"

    def items(self) -> Iterator[Item]:
        """None: questions come from elsewhere."""
        return iter(())

    def extract(self, text: str) -> str:
        """The text, white space around it aside."""
        return text.strip()

    def score(self, item: Item, text: str) -> float:
        """Nothing is right or wrong."""
        return 0.0


def answer(
    policy: Policy,
    prompts: Sequence[str],
    *,
    max_bytes: int = 256,
    stop: Sequence[str] = (),
    file: str = "<recipe>",
    trust_remote_code: bool = False,
) -> list[Answer]:
    """Load the policy's members and answer; of several answers, votes are counted on texts.

    Args:
        policy: of any kind.
        prompts: raw questions; the policy's prompt format applies.
        max_bytes: an answer's limit.
        stop: strings that end an answer.
        file: the policy's, for errors.
        trust_remote_code: see ``Swarm.load``.

    Raises:
        MemberError: a member cannot be loaded.
        RecipeError: a member is not what the policy knew.

    Example:
        >>> [one.text for one in answer(vote, ["47+85="], max_bytes=8)]
        ['132']
    """
    return list(
        answers(policy, prompts, max_bytes=max_bytes, stop=stop, file=file, trust_remote_code=trust_remote_code)
    )


def answers(
    policy: Policy,
    prompts: Sequence[str],
    *,
    max_bytes: int = 256,
    stop: Sequence[str] = (),
    file: str = "<recipe>",
    trust_remote_code: bool = False,
) -> Iterator[Answer]:
    """The same, some at a time, in order; see `answer`."""
    swarm = Swarm.load(policy, trust_remote_code=trust_remote_code)
    task = _Questions(max_bytes, tuple(stop))
    for start in range(0, len(prompts), AT_ONCE):
        items = [Item(prompt, task.name, prompt, "") for prompt in prompts[start : start + AT_ONCE]]
        with Ledger(":memory:") as ledger, naming(file):
            rows = Evaluator(swarm, {task.name: task}, ledger).evaluate([policy], items)[0]
        yield from (_answer(item.prompt, row) for item, row in zip(items, rows, strict=True))


def _answer(prompt: str, row: Evaluation) -> Answer:
    return Answer(
        prompt=prompt,
        text="" if row.failure else row.answer,
        cost=row.cost,
        open_share=row.open_share,
        touched_share=row.lead_tokens_touched / row.lead_tokens if row.lead_tokens else 0.0,
        failure=None if row.failure is None else f"{row.failure.kind}: {sentence(row.failure)}",
    )
