"""What ``config.json`` of an exported policy says."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedConfig

from evoswarm.run_directory import CHAMPION


class PolicyConfig(PreTrainedConfig):  # type: ignore[misc]  # transformers has no types
    """The configuration of a policy as a model of transformers.

    Attributes:
        policy: its file, in the folder.
        task: whose questions are asked; None where its tasks asked alike.
        raw: prompts are worded already: neither template nor worked examples of the task apply.
    """

    model_type = "evoswarm"

    def __init__(
        self,
        policy: str = CHAMPION,
        task: str | None = None,
        raw: bool = False,
        vocab_size: int = 262,
        eos_token_id: int | None = 256,
        pad_token_id: int | None = 257,
        **others: Any,
    ) -> None:
        self.policy, self.task, self.raw, self.vocab_size = policy, task, raw, vocab_size
        super().__init__(eos_token_id=eos_token_id, pad_token_id=pad_token_id, **others)
