"""Which models of transformers have the common shape, and where in them everything is.

Only what is known is taken: a class of the library itself, modules of the kinds expected, no hooks, and of every
setting that changes what a model says one that is carried out here. Whatever else a model may be stays with its
library. Weights that are multiplied with the same thing are laid side by side, and the model's own become views.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from evoswarm.decoding.forward.lean.decoder import LeanDecoder, Turns
from evoswarm.decoding.forward.lean.layers import (
    Attention,
    FeedForward,
    Layer,
    LayerNorm,
    Linear,
    Norm,
    RmsNorm,
    SideBySide,
)

log = logging.getLogger(__name__)

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "silu": functional.silu,
    "relu": functional.relu,
    "gelu": functional.gelu,
    "gelu_new": partial(functional.gelu, approximate="tanh"),
    "gelu_pytorch_tanh": partial(functional.gelu, approximate="tanh"),
}
STEADY = ("default", "linear", "llama3", "yarn")  # kinds of rope that turn a position alike, however long the text is
JOINED_ON_CPU = 1 << 18  # numbers of weights
FULL, SLIDING = "full_attention", "sliding_attention"
BY_LAYER = ("Qwen2ForCausalLM", "Qwen3ForCausalLM", "Gemma3ForCausalLM")  # say of each layer what it sees


class NotKnown(Exception):
    """Something of a model is not carried out here; says what."""


def lean_decoder(model: Any) -> LeanDecoder | None:
    """The decoder of a causal LM; None where it is not of the common shape."""
    cls = type(model)
    make = FAMILIES.get(cls.__name__)
    if make is None or not cls.__module__.startswith("transformers.models."):
        return None
    try:
        _expect(model.config._attn_implementation == "sdpa", f"attention by {model.config._attn_implementation}")
        for module in model.modules():
            _expect(not (module._forward_hooks or module._forward_pre_hooks), "hooks")
            _expect("forward" not in vars(module), "a forward of its own")
        return make(model)
    except (NotKnown, AttributeError, KeyError, TypeError, ValueError) as error:
        log.info("%s is read by transformers: %s", cls.__name__, error)
        return None


def _expect(so: bool, what: str) -> None:
    if not so:
        raise NotKnown(what)


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    _expect(name in ACTIVATIONS, f"activation {name}")
    return ACTIVATIONS[name]


def _linear(module: Any) -> Linear:
    if type(module) is Conv1D:
        return Linear(module.weight.data.t(), module.bias.data)
    _expect(type(module) is nn.Linear, f"a product by {type(module).__name__}")
    return Linear(module.weight.data, None if module.bias is None else module.bias.data)


def _joined(*modules: Any) -> Linear | SideBySide:
    """Products of one thing as one; the modules go on as they were, with views of its weights.

    Large ones stay apart in a processor's memory: one product of several weights took 1.05 to 1.2 of their time there.
    """
    parts = [_linear(module) for module in modules]
    biased = [part.bias is not None for part in parts]
    _expect(all(biased) or not any(biased), "products with a bias and without")
    if parts[0].weight.is_cpu and sum(part.weight.numel() for part in parts) > JOINED_ON_CPU:
        return SideBySide(tuple(parts))
    whole = Linear(
        torch.cat([part.weight for part in parts]),
        torch.cat([part.bias for part in parts if part.bias is not None]) if all(biased) else None,
    )
    begin = 0
    for module in modules:
        end = begin + len(module.weight)
        module.weight.data = whole.weight[begin:end]
        if whole.bias is not None:
            module.bias.data = whole.bias[begin:end]
        begin = end
    return whole


def _layer_norm(module: Any) -> LayerNorm:
    _expect(type(module) is nn.LayerNorm, f"a norm by {type(module).__name__}")
    weight, bias = (None if one is None else one.data for one in (module.weight, module.bias))
    return LayerNorm(weight, bias, module.eps)


def _rms_norm(*modules: Any) -> RmsNorm:
    """One norm, or those of heads side by side, given as often as there are heads: ``[heads, size]`` then."""
    kind, module = type(modules[0]).__name__, modules[0]
    _expect(kind.endswith("RMSNorm"), f"a norm by {kind}")
    if kind.startswith("Gemma"):  # about one, multiplied before rounding
        weights, eps = [1.0 + one.weight.data.float() for one in modules], module.eps
    else:
        weights, eps = [one.weight.data for one in modules], module.variance_epsilon
    return RmsNorm(weights[0] if len(weights) == 1 else torch.stack(weights), float(eps))


def _turns(model: Any, rotary: Any, kind: str | None = None) -> Turns:
    of_kind = rotary.rope_type if kind is None else rotary.rope_type[kind]
    _expect(of_kind in STEADY, f"positions turned by {of_kind}")
    like = torch.empty(0, dtype=model.dtype, device=model.device)
    named = {} if kind is None else {"layer_type": kind}
    return Turns(lambda positions: rotary(like, position_ids=positions, **named))


def _windows(model: Any) -> list[int | None]:
    """Per layer how many tokens it sees; None is all. A family that knows no windows looks at no setting of them."""
    config, family = model.config, type(model).__name__
    window: int | None = getattr(config, "sliding_window", None)
    if family == "MistralForCausalLM":
        return [window] * config.num_hidden_layers
    if family not in BY_LAYER:
        return [None] * config.num_hidden_layers
    kinds: Sequence[str] = config.layer_types
    _expect(set(kinds) <= {FULL, SLIDING}, f"attention of the kinds {sorted(set(kinds))}")
    _expect(SLIDING not in kinds or window is not None, "a window of no size")
    return [window if kind == SLIDING else None for kind in kinds]


def _head_size(config: Any) -> int:
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _llama(model: Any) -> LeanDecoder:
    """Llama, Mistral, Qwen and Gemma: rotary positions, root mean squares, gates."""
    config, inner = model.config, model.model
    _expect(getattr(config, "attn_logit_softcapping", None) is None, "capped attention")
    _expect(not getattr(config, "use_bidirectional_attention", False), "attention in both directions")
    by_kind = isinstance(inner.rotary_emb.rope_type, Mapping)
    heads, shared = config.num_attention_heads, config.num_key_value_heads
    layers = []
    for number, (block, window) in enumerate(zip(inner.layers, _windows(model), strict=True)):
        own, mlp = block.self_attn, block.mlp
        normed = hasattr(own, "q_norm")
        both_sides = hasattr(block, "pre_feedforward_layernorm")
        attention = Attention(
            joined=_joined(own.q_proj, own.k_proj, own.v_proj),
            out=_linear(own.o_proj),
            heads=heads,
            shared=shared,
            by_head=False,
            scale=float(own.scaling),
            norm=_rms_norm(*[own.q_norm] * heads, *[own.k_norm] * shared) if normed else None,
            turns=config.layer_types[number] if by_kind else "all",
            window=window,
        )
        widths = [len(one.weight) for one in (own.q_proj, own.k_proj, own.v_proj)]
        _expect(widths == [one * _head_size(config) for one in (heads, shared, shared)], "heads of other sizes")
        after: Norm | None = _rms_norm(block.post_attention_layernorm) if both_sides else None
        layers.append(
            Layer(
                attention=attention,
                before_attention=_rms_norm(block.input_layernorm),
                after_attention=after,
                feed_forward=FeedForward(
                    _joined(mlp.gate_proj, mlp.up_proj), _linear(mlp.down_proj), _gate_activation(config), True
                ),
                before_forward=_rms_norm(
                    block.pre_feedforward_layernorm if both_sides else block.post_attention_layernorm
                ),
                after_forward=_rms_norm(block.post_feedforward_layernorm) if both_sides else None,
                parallel=False,
            )
        )
    kinds = sorted(set(config.layer_types)) if by_kind else []
    return LeanDecoder(
        embed=inner.embed_tokens,
        embed_positions=None,
        layers=layers,
        norm=_rms_norm(inner.norm),
        output=_linear(model.lm_head),
        softcap=getattr(config, "final_logit_softcapping", None),
        turns={kind: _turns(model, inner.rotary_emb, kind) for kind in kinds}
        or {"all": _turns(model, inner.rotary_emb)},
    )


def _gate_activation(config: Any) -> Callable[[Tensor], Tensor]:
    return _activation(getattr(config, "hidden_activation", None) or config.hidden_act)


def _gpt_neox(model: Any) -> LeanDecoder:
    """GPT-NeoX (Pythia): rotary positions in a part of each head, both parts of a layer side by side."""
    config, inner = model.config, model.gpt_neox
    layers = [
        Layer(
            attention=Attention(
                joined=_linear(block.attention.query_key_value),
                out=_linear(block.attention.dense),
                heads=config.num_attention_heads,
                shared=config.num_attention_heads,
                by_head=True,
                scale=float(block.attention.scaling),
                norm=None,
                turns="all",
                window=None,
            ),
            before_attention=_layer_norm(block.input_layernorm),
            after_attention=None,
            feed_forward=FeedForward(
                _linear(block.mlp.dense_h_to_4h),
                _linear(block.mlp.dense_4h_to_h),
                _activation(config.hidden_act),
                False,
            ),
            before_forward=_layer_norm(block.post_attention_layernorm),
            after_forward=None,
            parallel=bool(block.use_parallel_residual),
        )
        for block in inner.layers
    ]
    return LeanDecoder(
        embed=inner.embed_in,
        embed_positions=None,
        layers=layers,
        norm=_layer_norm(inner.final_layer_norm),
        output=_linear(model.lm_head),
        softcap=None,
        turns={"all": _turns(model, inner.rotary_emb)},
    )


def _plain(norms: Sequence[Any], joined: Linear | SideBySide, rest: Sequence[Any], scale: float, config: Any) -> Layer:
    """A layer with learned positions: norms in front, no turns, no gates."""
    out, into, back = (_linear(one) for one in rest)
    heads = config.num_attention_heads
    return Layer(
        attention=Attention(joined, out, heads, heads, False, scale, None, None, None),
        before_attention=_layer_norm(norms[0]),
        after_attention=None,
        feed_forward=FeedForward(into, back, _activation(config.activation_function), False),
        before_forward=_layer_norm(norms[1]),
        after_forward=None,
        parallel=False,
    )


def _gpt2(model: Any) -> LeanDecoder:
    """GPT-2: learned positions."""
    config, inner = model.config, model.transformer
    _expect(not config.add_cross_attention, "attention to another text")
    layers = [
        _plain(
            norms=(block.ln_1, block.ln_2),
            joined=_linear(block.attn.c_attn),
            rest=(block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj),
            scale=float(block.attn.scaling),
            config=config,
        )
        for block in inner.h
    ]
    return LeanDecoder(inner.wte, inner.wpe, layers, _layer_norm(inner.ln_f), _linear(model.lm_head), None)


def _opt(model: Any) -> LeanDecoder:
    """OPT: learned positions behind two that nobody uses."""
    config, inner = model.config, model.model.decoder
    _expect(config.do_layer_norm_before and inner.final_layer_norm is not None, "norms behind what they are for")
    _expect(inner.project_in is None and inner.project_out is None, "embeddings of another width")
    layers = [
        _plain(
            norms=(block.self_attn_layer_norm, block.final_layer_norm),
            joined=_joined(block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj),
            rest=(block.self_attn.out_proj, block.fc1, block.fc2),
            scale=float(block.self_attn.scaling),
            config=config,
        )
        for block in inner.layers
    ]
    learned = inner.embed_positions
    return LeanDecoder(
        embed=inner.embed_tokens,
        embed_positions=lambda positions: functional.embedding(positions + learned.offset, learned.weight),
        layers=layers,
        norm=_layer_norm(inner.final_layer_norm),
        output=_linear(model.lm_head),
        softcap=None,
    )


FAMILIES: Mapping[str, Callable[[Any], LeanDecoder]] = {
    "LlamaForCausalLM": _llama,
    "MistralForCausalLM": _llama,
    "Qwen2ForCausalLM": _llama,
    "Qwen3ForCausalLM": _llama,
    "GemmaForCausalLM": _llama,
    "Gemma3ForCausalLM": _llama,
    "GPTNeoXForCausalLM": _gpt_neox,
    "GPT2LMHeadModel": _gpt2,
    "OPTForCausalLM": _opt,
}
