"""Whether models are of one shape, so that a mean of their weights is a model: told by their files alone.

Two such models have the same architecture, the same sizes, tensors of the same names and shapes, and the same map from
tokens to ids. Where they were trained apart from the beginning their mean is a model that says nothing; where they were
fine-tuned from one model it is often better than each (Wortsman et al. 2022, arXiv:2203.05482).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evoswarm.canonical import digest_of
from evoswarm.checkpoint.adapter import adapter_of
from evoswarm.checkpoint.description import Description, Unfit
from evoswarm.checkpoint.vocabulary import Vocabulary
from evoswarm.checkpoint.weights import read_header, weight_files

FLOATING = ("F64", "F32", "F16", "BF16")
"""Kinds of numbers, as safetensors call them, of which a mean can be taken."""

TABLES = ("I64", "I32", "U8", "BOOL")
"""Kinds of numbers in which older checkpoints keep masks and positions: nothing that was trained."""

_NOT_SHAPE = frozenset(
    {
        *("_name_or_path", "transformers_version", "dtype", "torch_dtype", "use_cache", "initializer_range"),
        *("bos_token_id", "eos_token_id", "pad_token_id"),
        *("_attn_implementation_autoset", "gradient_checkpointing", "unsloth_version", "unsloth_fixed"),
    }
)
"""Settings that say where a model comes from and how it was trained, not what it computes; ends of answers are compared
by their tokens."""


def shape_digest(description: Description) -> str:
    """What a model has in common with those whose weights can be averaged with its own, as a digest.

    Raises:
        Unfit: its weights cannot be averaged with any others; says why, as the end of a sentence.
    """
    config = description.json("config.json")
    _refuse(description, config)
    tensors: dict[str, list[int]] = {}
    for file in weight_files(description):
        header = read_header(file)
        if header is None:
            raise Unfit("its weights are pickled: only safetensors are averaged")
        for name, entry in header.items():
            if entry["dtype"] not in (*FLOATING, *TABLES):
                raise Unfit(f"it stores numbers as {entry['dtype']}: only F32, F16, BF16 and F64 are averaged")
            tensors[name] = entry["shape"]
    tokens = Vocabulary(description).tokens()
    if not tensors or tokens is None:
        raise Unfit("it has no safetensors" if not tensors else "it has no tokenizer.json to compare")
    return digest_of([_computed(config), tensors, tokens])


def _refuse(description: Description, config: Mapping[str, Any]) -> None:
    if adapter_of(description) is not None:
        raise Unfit("it is an adapter: merge it into its base first (merge_and_unload) to have it averaged")
    if config.get("auto_map"):
        raise Unfit("it needs code of its own")
    if config.get("quantization_config") is not None or description.text_config().get("quantization_config"):
        raise Unfit("its weights are quantised")


def _computed(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide what a model computes."""
    return {
        key: _computed(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in _NOT_SHAPE and "dropout" not in key and "pdrop" not in key
    }
