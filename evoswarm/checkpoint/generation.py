"""How its owner lets a model answer: what ``generation_config.json`` says of greedy and sampled answers.

What it does not say is what ``generate`` of transformers takes for it; so where it only asks for samples, the 50
likeliest tokens are drawn from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from evoswarm.checkpoint.adapter import adapter_of
from evoswarm.checkpoint.description import Description

FILE = "generation_config.json"
USUAL_TOP_K = 50
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "repetition_penalty": (1, None),
    "no_repeat_ngram_size": (0, None),
    "num_beams": (1, None),
    "penalty_alpha": (0, None),
    "typical_p": (1, None),
    "epsilon_cutoff": (0, None),
    "eta_cutoff": (0, None),
    "top_h": (None,),
    "min_length": (0, None),
    "min_new_tokens": (0, None),
    "bad_words_ids": (None, []),
    "sequence_bias": (None, {}, []),
    "suppress_tokens": (None, []),
    "begin_suppress_tokens": (None, []),
    "forced_bos_token_id": (None,),
    "forced_eos_token_id": (None,),
    "exponential_decay_length_penalty": (None,),
    "guidance_scale": (1, None),
}
"""Settings that change answers too, and values with which they do not. Answers here are decoded without them."""


@dataclass(frozen=True)
class Generation:
    """How an owner's answers are decoded.

    Attributes:
        sampled: an answer is drawn; otherwise it is greedy, and the rest does not matter.
        temperature: > 0.
        top_k: 0 is all.
        top_p: 1 is all.
        min_p: 0 is all.
        left_out: settings that would change answers, and that nothing here obeys: ``repetition_penalty 1.1``, ...
    """

    sampled: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON data."""
        return {**asdict(self), "left_out": list(self.left_out)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read ``to_json`` back."""
        return cls(**{**data, "left_out": tuple(data["left_out"])})


def generation_of(directory: Path) -> Generation:
    """What the files of a model say; those of an adapter's base where it has no such file itself.

    Raises:
        Unfit: a setting that counts has a value that ``generate`` would refuse; names the file.
    """
    files = Description(directory)
    if not files.has(FILE):
        adapter = adapter_of(files)
        base = None if adapter is None else adapter.local_base
        files = files if base is None else Description(base)
    content = files.json(FILE)
    left_out = tuple(
        f"{key} {content[key]}"[:80]
        for key, neutral in NEUTRAL.items()
        if key in content and not any(content[key] == one for one in neutral)
    )
    if not _flag(files, "do_sample"):
        return Generation(left_out=left_out)
    return Generation(
        sampled=True,
        temperature=_number(files, "temperature", 1.0, "a number above 0", lambda value: value > 0),
        top_k=_top_k(files),
        top_p=_number(files, "top_p", 1.0, "a number in (0, 1]", lambda value: 0 < value <= 1),
        min_p=_number(files, "min_p", 0.0, "a number in [0, 1]", lambda value: 0 <= value <= 1),
        left_out=left_out,
    )


def _flag(files: Description, key: str) -> bool:
    value: bool = files.entry(FILE, key, bool, "true or false", default=False)
    return value


def _top_k(files: Description) -> int:
    value = files.entry(FILE, "top_k", int, "a whole number (0 is all tokens)", default=USUAL_TOP_K)
    if value < 0:
        raise files.odd(FILE, "top_k", "a whole number of at least 0 (which is all tokens)", value)
    return int(value)


def _number(files: Description, key: str, default: float, expected: str, fits: Callable[[float], bool]) -> float:
    value = files.entry(FILE, key, (int, float), expected, default=default)
    if isinstance(value, bool) or not math.isfinite(value) or not fits(value):
        raise files.odd(FILE, key, f"{expected} (do_sample is on)", value)
    return float(value)
