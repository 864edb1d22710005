"""What a call of ``generate`` asks for, and whether a policy answers it by itself.

A policy answers with its own way of decoding whatever is a question of limits, ends and temperature. All else (beams,
penalties, cut-offs, processors) is transformers' own work on the distribution of the next symbol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from evoswarm.errors import RunError

_ANSWERED = frozenset(
    {
        "max_new_tokens",
        "max_length",
        "do_sample",
        "temperature",
        "stop_strings",
        "num_return_sequences",
        "return_dict_in_generate",
        "use_cache",
        "eos_token_id",
        "pad_token_id",
        "bos_token_id",
        "transformers_version",
    }
)
_NEUTRAL: Mapping[str, Any] = {
    "num_beams": 1,
    "num_beam_groups": 1,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "typical_p": 1.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "diversity_penalty": 0.0,
    "length_penalty": 1.0,
    "early_stopping": False,
    "min_length": 0,
    "min_new_tokens": 0,
    "output_scores": False,
    "output_logits": False,
    "output_attentions": False,
    "output_hidden_states": False,
    "remove_invalid_values": False,
    "token_healing": False,
}


@dataclass(frozen=True)
class CallSettings:
    """What a call asks for, the defaults of the folder among it.

    Attributes:
        said: by name, as `GenerationConfig` has them; None is not there.
        limited: the call says how long an answer may be, and not the folder alone.
    """

    said: Mapping[str, Any]
    limited: bool

    @classmethod
    def of(
        cls,
        defaults: GenerationConfig,
        given: GenerationConfig | None,
        named: Mapping[str, Any],
        written: int | None,
    ) -> CallSettings:
        """What arguments say, before a configuration that is given, before that of the model.

        Args:
            defaults: of the model.
            given: to the call.
            named: arguments of the call, others among them.
            written: the limit that the folder says: somebody who changed it means the other one.
        """
        known = vars(GenerationConfig())
        own = {key: value for key, value in named.items() if key in known}
        said = {**defaults.to_diff_dict()}
        limited = defaults.max_new_tokens != written or defaults.max_length is not None
        for later in ({} if given is None else given.to_diff_dict(), own):
            limits = {key for key in ("max_length", "max_new_tokens") if later.get(key) is not None}
            if limits == {"max_length"}:
                said.pop("max_new_tokens", None)  # who says one means it, not what the folder says
            limited = limited or bool(limits)
            said |= later
        return cls({key: value for key, value in said.items() if value is not None}, limited)

    @property
    def beyond(self) -> tuple[str, ...]:
        """Names of what a policy does not do by itself."""
        return tuple(
            sorted(
                key
                for key, value in self.said.items()
                if key not in _ANSWERED and not (key in _NEUTRAL and _NEUTRAL[key] == value)
            )
        )

    def ends(self, end: int) -> list[int]:
        """Token ids that end an answer as END does, which is ``end``; the answer holds them."""
        said = self.said.get("eos_token_id", end)
        return [one for one in torch.as_tensor(said).flatten().tolist() if one != end]

    @property
    def temperature(self) -> float | None:
        """Of what is drawn; None answers as the policy was tuned."""
        return float(self.said.get("temperature", 1.0)) if self.said.get("do_sample") else None

    @property
    def stop(self) -> tuple[str, ...] | None:
        """Strings that end an answer; None are the task's."""
        found: str | Sequence[str] | None = self.said.get("stop_strings")
        return None if found is None else (found,) if isinstance(found, str) else tuple(found)

    @property
    def copies(self) -> int:
        """Answers to every prompt."""
        return int(self.said.get("num_return_sequences", 1))

    def room(self, prompt: int) -> int | None:
        """How many symbols an answer may have behind a prompt of so many; None is what its task allows.

        Raises:
            RunError: none.
        """
        if not self.limited:
            return None
        found = self.said.get("max_new_tokens")
        room = int(self.said["max_length"]) - prompt if found is None else int(found)
        if room < 1:
            raise RunError(f"expected room for an answer behind {prompt} tokens of prompt, got room for {room}")
        return room
