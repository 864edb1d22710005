"""Answers questions with a policy: an evaluation of a task that has questions and no right answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError, Where
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.failures import sentence
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.asking import Asking
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.policies import Policy, PolicyDocument, load_document
from evoswarm.policies.document import naming
from evoswarm.policies.places import looked_for
from evoswarm.tasks.task import Item

AT_ONCE = 256
"""Questions that are answered together: enough to fill a device, few enough that answers come soon."""


@dataclass(frozen=True)
class Answer:
    """What a policy said to a question.

    Attributes:
        prompt: the question as asked; of a row, as its task words it.
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
    """A ``Task`` without right answers, whose questions are asked as another task asked."""

    asking: Asking
    weight: float = 1.0
    scorer_id: str = "none"

    @property
    def name(self) -> str:
        """Of the task that asked so."""
        return self.asking.task

    @property
    def max_bytes(self) -> int:
        """Likewise."""
        return self.asking.max_bytes

    @property
    def stop(self) -> tuple[str, ...]:
        """Likewise."""
        return self.asking.stop

    def items(self) -> Iterator[Item]:
        """None: questions come from elsewhere."""
        return iter(())

    def extract(self, text: str) -> str:
        """The answer within a text."""
        return self.asking.extract(text)

    def score(self, item: Item, text: str) -> float:
        """Nothing is right or wrong."""
        return 0.0


def answer(
    policy: Policy | str | Path,
    prompts: Sequence[str | Mapping[str, Any]],
    *,
    task: str | None = None,
    max_bytes: int | None = None,
    stop: Sequence[str] | None = None,
    file: str = "<recipe>",
    trust_remote_code: bool = False,
) -> list[Answer]:
    """Load the policy's members and answer, as the tasks asked that it was scored on.

    A policy's file says how they did; of a policy that is no file, an answer has 256 bytes and no stop strings, and
    votes are counted on whole texts.

    Args:
        policy: of any kind; or its file, or a run directory with a champion.
        prompts: raw questions, or rows with the columns of the task's template; that, the task's worked examples and
            the policy's prompt format apply.
        task: of the file, whose questions they are; None where its tasks asked alike.
        max_bytes: an answer's limit, in place of the task's.
        stop: strings that end an answer, in place of the task's.
        file: the policy's, for errors.
        trust_remote_code: see ``Swarm.load``.

    Raises:
        MemberError: a member cannot be loaded.
        RecipeError: the file holds no policy, or a member is not what the policy knew.
        RunError: a task is missing or unknown.

    Example:
        >>> [one.text for one in answer(vote, ["47+85="], max_bytes=8)]
        ['132']
    """
    document = load_document(policy) if isinstance(policy, str | Path) else PolicyDocument(policy)
    file = str(policy) if isinstance(policy, str | Path) else file
    asking = Asking.of(document, task, max_bytes=max_bytes, stop=stop, file=file)
    return list(answers(document.policy, prompts, asking, file=file, trust_remote_code=trust_remote_code))


def answers(
    policy: Policy,
    prompts: Sequence[str | Mapping[str, Any]],
    asking: Asking,
    *,
    file: str = "<recipe>",
    trust_remote_code: bool = False,
    progress: Progress = SILENT,
) -> Iterator[Answer]:
    """The same, some at a time, in order; see `answer`. ``progress`` is told what is being done."""
    task = _Questions(asking)
    try:
        swarm = Swarm.load(policy, trust_remote_code=trust_remote_code, on_load=progress.loading)
    except MemberError as error:
        places = looked_for(policy, file)
        if not places:
            raise
        raise MemberError(f"{error.message} ({places})", error.where or Where(file)) from None
    progress.enter("decoding", f"answering {len(prompts):,} question{'s' * (len(prompts) > 1)}")
    for start in range(0, len(prompts), AT_ONCE):
        some = prompts[start : start + AT_ONCE]
        worded = [asking.worded(prompt) for prompt in some]
        asked = [prompt if isinstance(prompt, str) else text for prompt, text in zip(some, worded, strict=True)]
        items = [Item(key, task.name, text, "") for key, text in zip(asked, worded, strict=True)]
        with Ledger(":memory:") as ledger, naming(file):
            if len(prompts) > AT_ONCE:
                progress.at(f"questions {start + 1:,} to {start + len(items):,} of {len(prompts):,}")
            evaluator = Evaluator(swarm, {task.name: task}, ledger, tell=progress.decoding)
            rows = evaluator.evaluate([policy], items)[0]
        swarm.forget()  # nobody asks these again
        yield from (_answer(prompt, row) for prompt, row in zip(asked, rows, strict=True))


def _answer(prompt: str, row: Evaluation) -> Answer:
    return Answer(
        prompt=prompt,
        text="" if row.failure else row.answer,
        cost=row.cost,
        open_share=row.open_share,
        touched_share=row.lead_tokens_touched / row.lead_tokens if row.lead_tokens else 0.0,
        failure=None if row.failure is None else f"{row.failure.kind}: {sentence(row.failure)}",
    )
