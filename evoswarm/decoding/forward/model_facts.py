"""What a causal language model of transformers says of itself: how much it computes, and how far it reads."""

from __future__ import annotations

from typing import Any

from torch import nn

from evoswarm.decoding.request import MemberShape


def context_length(model: Any) -> int | None:
    """The longest sequence that it can read, tokens; None where there is no limit."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else None


def shape_of(model: Any) -> MemberShape:
    """Count parameters; experts count with the share that is active."""
    config = model.config.get_text_config()
    output = model.get_output_embeddings()
    output_parameters = 0 if output is None else sum(one.numel() for one in output.parameters())
    tables = {id(one) for module in model.modules() if isinstance(module, nn.Embedding) for one in module.parameters()}
    tables |= set() if output is None else {id(one) for one in output.parameters()}
    experts = getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None) or 1
    chosen = getattr(config, "num_experts_per_tok", None) or experts
    active = sum(
        one.numel() * (chosen / experts if ".experts." in name else 1.0)
        for name, one in model.named_parameters()
        if id(one) not in tables
    )
    heads = getattr(config, "num_attention_heads", 0) or 0
    hidden = getattr(config, "hidden_size", 0)
    size = getattr(config, "head_dim", None) or (hidden // heads if heads else 0)
    attends = 0 if type(model.config).__name__.lower().startswith(("mamba", "rwkv")) else int(config.num_hidden_layers)
    every = list(model.parameters())
    return MemberShape(
        active_parameters=int(active),
        output_parameters=output_parameters,
        parameters=sum(one.numel() for one in every),
        parameter_bytes=sum(one.numel() * one.element_size() for one in every),
        attention_width=heads * size * attends,
    )
