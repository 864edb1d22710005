"""Answers questions with a policy: an evaluation of a task that has questions and no right answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from evoswarm.answering.engine import Engine
from evoswarm.answering.question import Question, Reply
from evoswarm.evaluation.cost import Cost
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.policies import Policy, PolicyDocument, load_document

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

    @classmethod
    def of(cls, prompt: str, reply: Reply) -> Self:
        """What an engine replied."""
        return cls(prompt, reply.text, reply.cost, reply.open_share, reply.touched_share, reply.failure)

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


def answer(
    policy: Policy | str | Path,
    prompts: Sequence[str | Mapping[str, Any]],
    *,
    task: str | None = None,
    max_bytes: int | None = None,
    stop: Sequence[str] | None = None,
    file: str = "<recipe>",
    trust_remote_code: bool = False,
    allow_changed: bool = False,
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
        allow_changed: members may be others than the policy knew: their files have changed since.

    Raises:
        MemberError: a member cannot be loaded, or has changed and that is not allowed.
        RecipeError: the file holds no policy, or a member is not what the policy knew.
        RunError: a task is missing or unknown.

    Example:
        >>> [one.text for one in answer(vote, ["47+85="], max_bytes=8)]
        ['132']
    """
    document = load_document(policy) if isinstance(policy, str | Path) else PolicyDocument(policy)
    file = str(policy) if isinstance(policy, str | Path) else file
    asked = Question("", task=task, max_bytes=max_bytes, stop=None if stop is None else tuple(stop))
    return list(
        answers(document, prompts, asked, file=file, trust_remote_code=trust_remote_code, allow_changed=allow_changed)
    )


def answers(
    document: PolicyDocument,
    prompts: Sequence[str | Mapping[str, Any]],
    asked: Question,
    *,
    file: str = "<recipe>",
    trust_remote_code: bool = False,
    allow_changed: bool = False,
    progress: Progress = SILENT,
) -> Iterator[Answer]:
    """The same, some at a time, in order; see `answer`.

    Args:
        document: the policy, and what its file says of it.
        prompts: see `answer`.
        asked: how each of them is asked.
        file: the policy's, for errors.
        trust_remote_code: see ``Swarm.load``.
        allow_changed: see `answer`.
        progress: told what is being done.
    """
    engine = Engine.load(
        document,
        trust_remote_code=trust_remote_code,
        allow_changed=allow_changed,
        on_load=progress.loading,
        file=file,
    )
    progress.enter("decoding", f"answering {len(prompts):,} question{'s' * (len(prompts) > 1)}")
    for start in range(0, len(prompts), AT_ONCE):
        some = [replace(asked, prompt=prompt) for prompt in prompts[start : start + AT_ONCE]]
        if len(prompts) > AT_ONCE:
            progress.at(f"questions {start + 1:,} to {start + len(some):,} of {len(prompts):,}")
        replies = engine.answer(some, tell=progress.decoding)
        engine.forget()  # nobody asks these again
        yield from (Answer.of(engine.worded(one), reply) for one, reply in zip(some, replies, strict=True))
