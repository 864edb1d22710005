"""Answers questions with a recipe."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.cost import Cost, cost_of
from evoswarm.evaluation.failures import sentence
from evoswarm.evaluation.judge import majority
from evoswarm.experiment.workbench import naming
from evoswarm.policies.mix import Recipe


@dataclass(frozen=True)
class Row:
    """One answer.

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

    def to_json(self) -> str:
        """The row as one line of JSON."""
        data: dict[str, Any] = {
            "prompt": self.prompt,
            "text": self.text,
            "cost": self.cost.as_dict(),
            "open_share": self.open_share,
            "touched_share": self.touched_share,
        }
        if self.failure is not None:
            data["failure"] = self.failure
        return json.dumps(data, ensure_ascii=False)


def answer(
    recipe: Recipe,
    prompts: Sequence[str],
    *,
    max_bytes: int = 256,
    stop: Sequence[str] = (),
    file: str = "<recipe>",
    trust_remote_code: bool = False,
) -> list[Row]:
    """Load the recipe's members and answer.

    With several samples the answer is the most frequent text, white space around it aside: without a task nobody
    knows better what counts as the same answer.

    Args:
        recipe: any.
        prompts: raw questions; the recipe's prompt format applies.
        max_bytes: an answer's limit.
        stop: strings that end an answer.
        file: the recipe's, for errors.
        trust_remote_code: see ``Swarm.load``.

    Raises:
        MemberError: a member cannot be loaded.
        RecipeError: a member is not what the recipe knew.
    """
    swarm = Swarm.load(recipe, trust_remote_code=trust_remote_code)
    with naming(file):
        swarm.check(recipe)
    requests = [Request(recipe, prompt, key=prompt, max_bytes=max_bytes, stop=tuple(stop)) for prompt in prompts]
    completions = swarm.decode(requests)
    return [_row(prompt, completion, swarm) for prompt, completion in zip(prompts, completions, strict=True)]


def _row(prompt: str, completion: Completion, swarm: Decoder) -> Row:
    texts = [sample.text for sample in completion.samples]
    failure = completion.failure
    tokens = completion.lead_tokens
    return Row(
        prompt=prompt,
        text=texts[majority([text.strip() for text in texts])] if texts and failure is None else "",
        cost=cost_of(completion.use, swarm.shapes),
        open_share=completion.open_share,
        touched_share=completion.lead_tokens_touched / tokens if tokens else 0.0,
        failure=None if failure is None else f"{failure.kind}: {sentence(failure)}",
    )
