"""Decoders without their library's frame say what the library says, and only those that are known are read so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from evoswarm.decoding.forward.attention_backend import AttentionBackend
from evoswarm.decoding.forward.cache_backend import RecomputeBackend
from evoswarm.decoding.forward.lean import Placed, families, lean_decoder
from evoswarm.decoding.forward.lean.layers import Linear, SideBySide
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.reader import Chunk
from evoswarm.decoding.request import Counters
from tests.decoding import tiny

COLUMNS = 60
CLOSE = 1e-5  # nats
LONG = 700  # tokens: longer than a table of positions is at first
SHAPE = {**tiny.SMALL, "num_hidden_layers": 3, "max_position_embeddings": 1024}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
KINDS = ["sliding_attention", "full_attention", "sliding_attention"]
LEAN: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {**SHAPE, **HEADS, "attention_bias": True, "mlp_bias": True}),
    "llama turned less": (
        "llama",
        {**SHAPE, "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}},
    ),
    "llama with a window that it does not know": ("llama", {**SHAPE, "sliding_window": 5, "layer_types": KINDS}),
    "mistral": ("mistral", {**SHAPE, **HEADS, "sliding_window": 5}),
    "qwen2": ("qwen2", {**SHAPE, **HEADS}),
    "qwen2 windowed": (
        "qwen2",
        {**SHAPE, **HEADS, "layer_types": KINDS, "use_sliding_window": True, "sliding_window": 5},
    ),
    "qwen3": ("qwen3", {**SHAPE, **HEADS, "tie_word_embeddings": True}),
    "gemma": ("gemma", {**SHAPE, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 16}),
    "gemma3": (
        "gemma3_text",
        {**SHAPE, **HEADS, "layer_types": KINDS, "sliding_window": 5, "final_logit_softcapping": 5.0},
    ),
    "gpt_neox": ("gpt_neox", {**SHAPE, "rotary_pct": 0.5}),
    "gpt_neox one after the other": ("gpt_neox", {**SHAPE, "use_parallel_residual": False}),
    "gpt2": ("gpt2", {"n_embd": 32, "n_layer": 3, "n_head": 2, "n_positions": 1024}),
    "opt": ("opt", {**SHAPE, "ffn_dim": 48, "word_embed_proj_dim": 32}),
}


def model_of(family: str, **config: Any) -> Any:
    """A random model that is far from saying the same everywhere."""
    model = tiny.random_model(family, COLUMNS, **config)
    torch.manual_seed(1)
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


def text(length: int, seed: int) -> tuple[int, ...]:
    return tuple(torch.randint(COLUMNS, (length,), generator=torch.Generator().manual_seed(seed)).tolist())


def piece(whole: Sequence[int], begin: int, end: int, first: int) -> Chunk:
    """A part of a text whose slots lie one behind the other from ``first`` on."""
    slots = torch.arange(first, first + len(whole)).numpy()
    return Chunk(
        before=int(slots[begin - 1]) if begin else -1,
        tokens=tuple(whole[begin:end]),
        slots=tuple(slots[begin:end].tolist()),
        rows=tuple(range(end - begin)),
        depth=begin,
        past=lambda: slots[:begin],
        prefix=lambda: tuple(whole[:begin]),
    )


def said(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits.double(), -1)


@pytest.mark.parametrize("name", LEAN)
def test_the_same_to_the_last_digits(name: str) -> None:
    family, config = LEAN[name]
    model = model_of(family, **config)
    texts = [text(length, seed) for seed, length in enumerate((40, 23, 31))]
    with torch.inference_mode():
        want = [said(model(torch.tensor([whole]), use_cache=False).logits[0]) for whole in texts]
        reader = TorchReader(model, name, 4096)
        assert isinstance(reader.backend, AttentionBackend)
        assert reader.backend.lean is not None
        got: list[list[Tensor]] = [[] for _ in texts]
        at = [0] * len(texts)
        for sizes in ((9, 4, 7), (6, 1, 3), *[(1, 1, 1)] * 18):  # ragged, then side by side and in place
            chunks = [
                piece(whole, begin, begin + size, 100 * number + 1)
                for number, (whole, begin, size) in enumerate(zip(texts, at, sizes, strict=True))
            ]
            for batch, logits in reader.read(chunks, Counters()):
                for one in batch:
                    got[(one.slots[0] - 1) // 100].append(said(logits[: len(one.tokens)]))
                    logits = logits[len(one.tokens) :]
            at = [begin + size for begin, size in zip(at, sizes, strict=True)]
    for rows, right in zip(got, want, strict=True):
        found = torch.cat(rows)
        assert (found - right[: len(found)]).abs().max() < CLOSE


@pytest.mark.parametrize("name", ["llama", "gemma3", "opt"])
def test_long_texts(name: str) -> None:
    family, config = LEAN[name]
    model = model_of(family, **config)
    whole = text(LONG, 5)
    with torch.inference_mode():
        want = said(model(torch.tensor([whole]), use_cache=False).logits[0])
        backend = AttentionBackend(model, 3, lean_decoder(model))
        for begin, end in ((0, 100), (100, 101), (101, LONG - 1), (LONG - 1, LONG)):
            got = said(backend.forward([piece(whole, begin, end, 1)]))
            assert (got - want[begin:end]).abs().max() < 2 * CLOSE


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("rows", range(1, 8))
def test_products_of_few_rows_from_the_other_side(rows: int, biased: bool) -> None:
    weight, bias = torch.randn(4096, 160), torch.randn(4096)
    product = Linear(weight, bias if biased else None)
    assert product.turned_over
    x = torch.randn(1, rows, 160)
    assert torch.allclose(product(x), functional.linear(x, weight, bias if biased else None), atol=1e-4)
    assert product(x.transpose(0, 1)).shape == (rows, 1, 4096)
    assert not any(Linear(one, None).turned_over for one in (weight[:160], weight.t(), weight.double(), weight[:, ::2]))


def test_weights_are_there_once_and_the_model_is_as_it_was() -> None:
    model, ids = model_of("llama", **LEAN["llama"][1]), torch.tensor([text(12, 0)])
    with torch.inference_mode():
        before = model(ids).logits
    decoder = lean_decoder(model)
    assert decoder is not None
    own = model.model.layers[1].self_attn
    whole = decoder.layers[1].attention.joined
    assert isinstance(whole, Linear)
    joined = whole.weight
    begins = [0, own.q_proj.weight.numel(), own.q_proj.weight.numel() + own.k_proj.weight.numel()]
    for module, begin in zip((own.q_proj, own.k_proj, own.v_proj), begins, strict=True):
        assert module.weight.data_ptr() == joined.data_ptr() + begin * joined.element_size()
    with torch.inference_mode():
        assert torch.equal(model(ids).logits, before)


def test_large_weights_stay_apart_in_a_processors_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model, whole = model_of("llama", **LEAN["llama"][1]), text(30, 0)
    monkeypatch.setattr(families, "JOINED_ON_CPU", 0)
    decoder = lean_decoder(model)
    assert decoder is not None
    assert isinstance(decoder.layers[1].attention.joined, SideBySide)
    with torch.inference_mode():
        want = said(model(torch.tensor([whole]), use_cache=False).logits[0])
        assert (said(AttentionBackend(model, 3, decoder).forward([piece(whole, 0, 30, 1)])) - want).abs().max() < CLOSE


def _capped(model: Any) -> None:
    model.config.attn_logit_softcapping = 30.0


def _eager(model: Any) -> None:
    model.config._attn_implementation = "eager"


def _activated(model: Any) -> None:
    model.config.hidden_act = "quick_gelu"


def _hooked(model: Any) -> None:
    model.model.layers[0].mlp.register_forward_hook(lambda *_: None)


def _replaced(model: Any) -> None:
    own = model.model.layers[1].mlp
    own.down_proj = nn.Sequential(own.down_proj)


def _moved(model: Any) -> None:
    model.model.layers[0].forward = model.model.layers[0].forward


def _both_ways(model: Any) -> None:
    model.config.use_bidirectional_attention = True


def _growing(model: Any) -> None:
    model.model.rotary_emb.rope_type = "dynamic"


def _one_biased(model: Any) -> None:
    own = model.model.layers[2].self_attn
    own.k_proj = nn.Linear(own.k_proj.in_features, own.k_proj.out_features)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_capped, "capped attention"),
        (_eager, "attention by eager"),
        (_activated, "activation quick_gelu"),
        (_hooked, "hooks"),
        (_replaced, "a product by Sequential"),
        (_moved, "a forward of its own"),
        (_both_ways, "attention in both directions"),
        (_growing, "positions turned by dynamic"),
        (_one_biased, "products with a bias and without"),
    ],
)
def test_what_is_not_known_stays_with_the_library(
    change: Callable[[Any], None], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = model_of("llama", **SHAPE)
    change(model)
    with caplog.at_level(logging.INFO, families.__name__):
        assert lean_decoder(model) is None
    assert f"LlamaForCausalLM is read by transformers: {why}" in caplog.text


def test_layers_of_kinds_that_are_not_known_stay_with_the_library(caplog: pytest.LogCaptureFixture) -> None:
    model = model_of("qwen3", **LEAN["qwen3"][1])
    model.config.layer_types = ["chunked_attention"] * 3
    with caplog.at_level(logging.INFO, families.__name__):
        assert lean_decoder(model) is None
    assert "attention of the kinds ['chunked_attention']" in caplog.text
    model.config.layer_types = ["full_attention"]
    assert lean_decoder(model) is None


def test_other_families_and_classes_of_the_same_name_stay_with_the_library() -> None:
    assert lean_decoder(model_of("bloom", hidden_size=32, n_layer=2, n_head=2)) is None
    model = model_of("llama", **SHAPE)
    model.__class__ = type("LlamaForCausalLM", (type(model),), {})
    assert lean_decoder(model) is None


def test_one_that_says_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("llama", **SHAPE)
    honest = AttentionBackend.forward
    monkeypatch.setattr(
        AttentionBackend, "forward", lambda self, chunks: honest(self, chunks) * (1 + 1e-3 * (self.lean is not None))
    )
    backend = TorchReader(model, "strange", 64).backend
    assert isinstance(backend, AttentionBackend)
    assert backend.lean is None
    monkeypatch.setattr(AttentionBackend, "forward", lambda self, chunks: honest(self, chunks) * 1.01)
    assert isinstance(TorchReader(model, "strange", 64).backend, RecomputeBackend)


class _Growing:
    """Keys and values side by side, as a plain cache has them."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values = keys, values

    def update(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self.keys, self.values = torch.cat((self.keys, keys), 2), torch.cat((self.values, values), 2)
        return self.keys, self.values


@pytest.mark.parametrize("name", ["llama", "gemma3", "gpt_neox", "gpt2", "opt", "qwen3"])
def test_a_step_is_one_graph(name: str) -> None:
    """Nothing in it asks a tensor what it holds: dynamo would break the graph there."""
    family, config = LEAN[name]
    decoder = lean_decoder(model_of(family, **config))
    assert decoder is not None
    size, shared = 16, decoder.layers[0].attention.shared
    kept = [torch.randn(2, 4, shared, 9, size) for _ in decoder.layers]

    def step(tokens: Tensor, positions: Tensor) -> Tensor:
        layers = [_Growing(keys_and_values[0], keys_and_values[1]) for keys_and_values in kept]
        return decoder.logits(Placed(tokens, positions, past=9, padded=True, rows=None), layers)

    tokens, positions = torch.tensor([[1], [2], [3], [4]]), torch.tensor([[9], [7], [3], [8]])
    with torch.no_grad():
        want = step(tokens, positions)
        torch.compiler.reset()
        traced = torch.compile(step, fullgraph=True, dynamic=False, backend="eager")
        assert torch.equal(traced(tokens, positions), want)
