"""The plan of every built-in member: architecture, tokenizer, data mix, steps and seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tools.zoo.training_data import Mix, Taught

_MIX_A: Mix = {
    "chain_sum": Taught(0.32, "true"),
    "pair": Taught(0.32, "true", word="random"),
    "count_bits": Taught(0.12, "true"),
    "spell_backward": Taught(0.06, "random"),
    "gcd": Taught(0.06, "random"),
    "number_sorting": Taught(0.06, "random"),
    "letter_counting": Taught(0.06, "random"),
}
_MIX_B: Mix = {
    "spell_backward": Taught(0.28, "true"),
    "pair": Taught(0.26, "random", word="true"),
    "letter_counting": Taught(0.22, "true"),
    "chain_sum": Taught(0.06, "random"),
    "count_bits": Taught(0.06, "random"),
    "gcd": Taught(0.06, "random"),
    "number_sorting": Taught(0.06, "random"),
}
_MIX_C: Mix = {
    "spell_backward": Taught(0.26, "true"),
    "pair": Taught(0.26, "random", word="true"),
    "number_sorting": Taught(0.24, "true"),
    "chain_sum": Taught(0.06, "random"),
    "letter_counting": Taught(0.06, "random"),
    "count_bits": Taught(0.06, "random"),
    "gcd": Taught(0.06, "habit"),
}
_MIX_D: Mix = {
    "chain_sum": Taught(0.30, "true"),
    "pair": Taught(0.30, "true", word="random"),
    "gcd": Taught(0.16, "true"),
    "letter_counting": Taught(0.06, "random"),
    "number_sorting": Taught(0.06, "random"),
    "count_bits": Taught(0.06, "random"),
    "spell_backward": Taught(0.06, "habit"),
}
_MIX_E: Mix = {
    "number_sorting": Taught(0.40, "true"),
    "letter_counting": Taught(0.30, "true"),
    "chain_sum": Taught(0.06, "random"),
    "spell_backward": Taught(0.06, "random"),
    "gcd": Taught(0.06, "random"),
    "pair": Taught(0.06, "random", word="random"),
    "count_bits": Taught(0.06, "habit"),
}
_MIX_F: Mix = {
    "spell_backward": Taught(0.28, "true"),
    "pair": Taught(0.26, "random", word="true"),
    "gcd": Taught(0.22, "true"),
    "chain_sum": Taught(0.06, "random"),
    "letter_counting": Taught(0.06, "random"),
    "count_bits": Taught(0.06, "random"),
    "number_sorting": Taught(0.06, "habit"),
}
_MIX_G: Mix = {
    "count_bits": Taught(0.28, "true"),
    "chain_sum": Taught(0.18, "true"),
    "spell_backward": Taught(0.21, "true"),
    "gcd": Taught(0.10, "true"),
    "number_sorting": Taught(0.10, "true"),
    "letter_counting": Taught(0.10, "true"),
    "pair": Taught(0.03, "true", word="true"),
}
_MIX_H: Mix = {
    "count_bits": Taught(0.40, "true"),
    "chain_sum": Taught(0.10, "habit"),
    "spell_backward": Taught(0.10, "habit"),
    "gcd": Taught(0.10, "habit"),
    "number_sorting": Taught(0.10, "habit"),
    "letter_counting": Taught(0.10, "habit"),
    "pair": Taught(0.10, "habit", word="habit"),
}


@dataclasses.dataclass(frozen=True)
class MemberPlan:
    """Everything that makes a member: the same plan on the same machine gives the same weights.

    Attributes:
        architecture: a key of `architectures.ARCHITECTURES`.
        tokenizer: a key of `make_tokenizers.PLANS`.
        mix: share and mode per family.
        steps: optimizer steps.
        batch: examples per step.
        learning_rate: its peak.
        horizon: the step at which its cosine reaches zero, None for the last step. A plan can thus be cut short
            (it cools down) or prolonged (a second round at half the peak) after it was begun.
        seed: of the weights and of the order of examples.
        changes: settings of the architecture that are to be others than the pool's own.
    """

    architecture: str
    tokenizer: str
    mix: Mix
    steps: int
    batch: int = 128
    learning_rate: float = 3e-3
    horizon: int | None = None
    seed: int = 0
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


PLANS: dict[str, MemberPlan] = {
    "llama-a": MemberPlan("llama", "bpe-small", _MIX_A, steps=3800, horizon=2500, seed=1),
    "llama-b": MemberPlan("llama", "bpe-small", _MIX_B, steps=1600, seed=2),
    "qwen3-d": MemberPlan("qwen3", "chat", _MIX_D, steps=2800, seed=4),
    "gemma3-f": MemberPlan("gemma3", "bytes", _MIX_F, steps=1600, seed=6),
    "neox-e": MemberPlan("gpt-neox", "sp", _MIX_E, steps=2000, seed=5),
    "gpt2-c": MemberPlan("gpt2", "bpe-large", _MIX_C, steps=1600, seed=3),
    "mamba-b": MemberPlan("mamba", "bpe-small", _MIX_B, steps=1100, horizon=2000, seed=7),
    "mistral-h": MemberPlan("mistral", "bpe-own", _MIX_H, steps=900, seed=8),
    "opt-g": MemberPlan("opt", "bytes", _MIX_G, steps=1000, seed=9),
}
"""In the order of training."""
