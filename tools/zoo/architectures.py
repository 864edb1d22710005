"""The architectures of the built-in pool, small enough to train on a CPU in minutes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    GenerationConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    OPTConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

ARCHITECTURES: dict[str, Callable[..., PreTrainedConfig]] = {
    "llama": partial(
        LlamaConfig,
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.04,
    ),
    "gpt2": partial(
        GPT2Config,
        n_embd=96,
        n_layer=3,
        n_head=4,
        n_positions=256,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        initializer_range=0.04,
    ),
    "qwen3": partial(
        Qwen3Config,
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=24,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.04,
    ),
    "gpt-neox": partial(
        GPTNeoXConfig,
        hidden_size=96,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=False,
        initializer_range=0.04,
    ),
    "gemma3": partial(
        Gemma3TextConfig,
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=24,
        query_pre_attn_scalar=24,
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        max_position_embeddings=256,
        initializer_range=0.04,
    ),
    "mamba": partial(
        MambaConfig,
        hidden_size=112,
        num_hidden_layers=4,
        state_size=8,
        expand=2,
        time_step_max=0.5,
        initializer_range=0.04,
        residual_in_fp32=True,
        tie_word_embeddings=True,
    ),
    "opt": partial(
        OPTConfig,
        hidden_size=64,
        word_embed_proj_dim=64,
        ffn_dim=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=256,
        dropout=0.0,
        init_std=0.04,
    ),
    "mistral": partial(
        MistralConfig,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        sliding_window=None,
        tie_word_embeddings=True,
        initializer_range=0.04,
    ),
}


def build_model(
    architecture: str,
    tokenizer: PreTrainedTokenizerFast,
    ends: list[int],
    seed: int,
    changes: Mapping[str, Any] | None = None,
) -> PreTrainedModel:
    """Returns a freshly initialised float32 model with its generation config.

    Args:
        architecture: a key of `ARCHITECTURES`.
        tokenizer: gives the size of the vocabulary and the pad and begin ids.
        ends: the end ids, the tokenizer's own first.
        seed: of the weights; torch's global generator is left as it was.
        changes: settings of the architecture that are to be others than those above.
    """
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": ends[0],
        "use_cache": True,
    }
    config = ARCHITECTURES[architecture](**common, **(changes or {}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=32,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends if len(ends) > 1 else ends[0],
    )
    return model
