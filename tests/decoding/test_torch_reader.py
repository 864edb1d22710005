"""Reading in pieces gives what reading at once gives, for every family of caches."""

from __future__ import annotations

import random
import weakref
from pathlib import Path
from typing import Any, Never

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from evoswarm.decoding.forward import attention_backend, cache_backend, recurrent_backend
from evoswarm.decoding.forward.attention_backend import AttentionBackend
from evoswarm.decoding.forward.cache_backend import RecomputeBackend
from evoswarm.decoding.forward.recurrent_backend import RecurrentBackend
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.member import load_member
from evoswarm.decoding.reader import Chunk
from evoswarm.decoding.request import Counters, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests import oracle, oracle_member
from tests.decoding import tiny

COLUMNS = 60
CLOSE = 5e-4  # nats; what is read wrongly is off by more than 1e-2
HYBRID = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "layer_types": ["conv", "full_attention"],
}
FAMILIES = {
    "llama": (AttentionBackend, tiny.SMALL),
    "gpt2": (AttentionBackend, {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}),
    "gpt_neox": (
        AttentionBackend,
        {k: tiny.SMALL[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers")}
        | {"num_attention_heads": 2},
    ),
    "opt": (
        AttentionBackend,
        {
            "hidden_size": 32,
            "ffn_dim": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "word_embed_proj_dim": 32,
            "max_position_embeddings": 64,
        },
    ),
    "bloom": (AttentionBackend, {"hidden_size": 32, "n_layer": 2, "n_head": 2}),
    "mistral": (AttentionBackend, {**tiny.SMALL, "sliding_window": 4}),
    "gemma3_text": (AttentionBackend, {**tiny.SMALL, "sliding_window": 4}),
    "gemma2": (AttentionBackend, {**tiny.SMALL, "sliding_window": 4, "final_logit_softcapping": 5.0}),
    "mamba": (RecurrentBackend, {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}),
    "lfm2": (RecomputeBackend, HYBRID),
}


def chunk(past: Any, tokens: Any, slots: Any, prefix: Any, rows: Any) -> Any:
    slots_before = np.array(past, dtype=np.int64)
    before = past[-1] if len(past) else -1
    return Chunk(before, tokens, slots, rows, len(prefix), lambda: slots_before, lambda: tuple(prefix))


def log_probs(logits: Any) -> Any:
    return torch.log_softmax(logits.float(), -1)


@pytest.mark.parametrize("family", FAMILIES)
def test_ragged_chunks_behind_prefixes_of_any_length(family: str) -> None:
    backend, config = FAMILIES[family]
    model = tiny.random_model(family, COLUMNS, **config)
    reader = TorchReader(model, family, batch_tokens=64)
    assert type(reader.backend) is backend
    chance = random.Random(3)
    texts = [[chance.randrange(COLUMNS) for _ in range(length)] for length in (19, 11, 3, 1, 14)]
    slots, at, got = [[] for _ in texts], [0] * len(texts), [[] for _ in texts]
    free = iter(range(1, 200))
    while any(done < len(text) for done, text in zip(at, texts, strict=True)):
        chunks, owners = [], []
        for number, text in enumerate(texts):
            size = min(chance.randint(0, 6), len(text) - at[number])
            if size:
                new = tuple(next(free) for _ in range(size))
                past = slots[number] if reader.backend.needs_whole_past else slots[number][-1:]
                read = tuple(text[: at[number]])
                chunks.append(chunk(past, tuple(text[at[number] :][:size]), new, read, tuple(range(size))))
                owners.append(number)
                slots[number] += new
                at[number] += size
        by_chunk = {id(one): number for one, number in zip(chunks, owners, strict=True)}
        for batch, logits in reader.read(chunks, Counters()):
            for one in batch:
                got[by_chunk[id(one)]].append(logits[: len(one.tokens)])
                logits = logits[len(one.tokens) :]
    with torch.inference_mode():
        for text, rows in zip(texts, got, strict=True):
            want = model(torch.tensor([text]), use_cache=False).logits[0]
            assert (log_probs(torch.cat(rows)) - log_probs(want)).abs().max() < CLOSE


@pytest.mark.parametrize("family", FAMILIES)
def test_forks_of_one_prefix_and_rows_that_nobody_asked_for(family: str) -> None:
    model = tiny.random_model(family, COLUMNS, **FAMILIES[family][1])
    reader = TorchReader(model, family, batch_tokens=1024)
    prefix, forks = (5, 9, 2, 7, 7, 1), [(4,), (3, 8), (11, 12, 13)]
    slots = tuple(range(1, 7))
    list(reader.read([chunk((), prefix, slots, (), ())], Counters()))
    past = slots if reader.backend.needs_whole_past else slots[-1:]
    chunks = [
        chunk(past, fork, tuple(range(10 * n, 10 * n + len(fork))), prefix, (len(fork) - 1,))
        for n, fork in enumerate(forks, start=1)
    ]
    for batch, logits in reader.read(chunks, Counters()):
        assert logits.shape == (len(batch), COLUMNS)
        for one, row in zip(batch, logits, strict=True):
            with torch.inference_mode():
                want = model(torch.tensor([[*prefix, *one.tokens]]), use_cache=False).logits[0, -1]
            assert (log_probs(row) - log_probs(want)).abs().max() < CLOSE


ALLOCATORS = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
    "cpu elsewhere": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    "mps": RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB)"),
}


@pytest.mark.parametrize("lack", ALLOCATORS.values(), ids=ALLOCATORS)
def test_running_out_of_memory_halves_the_batch_and_goes_on(monkeypatch: pytest.MonkeyPatch, lack: Any) -> None:
    model = tiny.random_model("llama", COLUMNS, **tiny.SMALL)
    reader = TorchReader(model, "llama", batch_tokens=64)
    forward, sizes = reader.backend.forward, []

    def scarce(chunks: Any) -> Any:
        sizes.append(len(chunks))
        if len(chunks) > 2:
            raise lack
        return forward(chunks)

    monkeypatch.setattr(reader.backend, "forward", scarce)
    chunks = [chunk((), (n, n + 1), (2 * n + 1, 2 * n + 2), (), (1,)) for n in range(8)]
    found, counters = {}, Counters()
    for batch, logits in reader.read(chunks, counters):
        found.update({one.tokens: row for one, row in zip(batch, logits, strict=True)})
    assert sizes == [8, 4, 2, 2, 4, 2, 2]
    assert reader.batch_tokens < 64
    assert (counters.forwards, counters.chunk_tokens, counters.padded_tokens) == (4, 16, 16)
    with torch.inference_mode():
        for tokens, row in found.items():
            assert (row - model(torch.tensor([tokens])).logits[0, -1]).abs().max() < CLOSE
    assert len(found) == 8


def test_the_tensors_of_a_forward_that_broke_off_are_free_when_it_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = TorchReader(tiny.random_model("llama", COLUMNS, **tiny.SMALL), "llama", batch_tokens=64)
    forward, held = reader.backend.forward, []

    def scarce(chunks: Any) -> Any:
        assert all(one() is None for one in held)
        if len(chunks) > 1:
            large = torch.zeros(10)
            held.append(weakref.ref(large))
            raise torch.OutOfMemoryError("not enough for two")
        return forward(chunks)

    monkeypatch.setattr(reader.backend, "forward", scarce)
    assert len(list(reader.read([chunk((), (n,), (n + 1,), (), (0,)) for n in range(4)], Counters()))) == 4
    assert len(held) == 3


def test_another_error_is_no_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = TorchReader(tiny.random_model("llama", COLUMNS, **tiny.SMALL), "llama", batch_tokens=64)

    def broken(chunks: Any) -> Never:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(reader.backend, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        list(reader.read([chunk((), (n,), (n + 1,), (), (0,)) for n in range(2)], Counters()))
    assert reader.batch_tokens == 64


def test_no_room_for_a_single_prefix_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = TorchReader(tiny.random_model("llama", COLUMNS, **tiny.SMALL), "llama", batch_tokens=64)

    def hopeless(chunks: Any) -> Never:
        raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.")

    monkeypatch.setattr(reader.backend, "forward", hopeless)
    with pytest.raises(DoesNotFit, match="you tried to allocate 8 bytes"):
        list(reader.read([chunk((), (1,), (1,), (), (0,))], Counters()))


def test_a_cache_that_cannot_be_addressed_is_read_again_and_right(tmp_path: Path) -> None:
    tokenizer = tiny.KINDS["gpt2"]()
    model = tiny.random_model("lfm2", tokenizer.get_vocab_size(), **HYBRID)  # type: ignore[arg-type]
    path = tiny.save(tmp_path / "hybrid", model, tokenizer)
    swarm = Swarm([load_member(MemberSpec(name="hybrid", path=str(path), device="cpu"), 4096)])
    assert isinstance(swarm.members[0].reader.backend, RecomputeBackend)  # type: ignore[attr-defined]
    alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="hybrid")
    judge = oracle_member.OracleMember(path)
    for prompt in ("the cat", "1984"):
        done = swarm.decode([Request(alone, prompt, max_bytes=6)])[0]
        assert done.samples[0].text == oracle.decode(alone, [judge], prompt, "", 6)[0]


def test_a_layout_that_does_not_agree_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny.random_model("llama", COLUMNS, **tiny.SMALL)
    honest = AttentionBackend.forward
    monkeypatch.setattr(AttentionBackend, "forward", lambda self, chunks: honest(self, chunks) * 1.01)
    assert isinstance(TorchReader(model, "strange", 64).backend, RecomputeBackend)
    assert "member strange: its cache cannot be addressed" in caplog.text


def test_batches_keep_to_their_limits_and_hold_everything_once() -> None:
    reader = TorchReader(tiny.random_model("llama", COLUMNS, **tiny.SMALL), "llama", batch_tokens=32)
    chance = random.Random(1)
    for _ in range(50):
        shapes = [(chance.choice((1, 1, 1, 2, 9, 30)), chance.randrange(60)) for _ in range(chance.randint(0, 40))]
        chunks = [chunk([], (0,) * new, (0,) * new, (0,) * depth, ()) for new, depth in shapes]
        batches = list(reader._batches(chunks))
        assert sorted(id(one) for batch in batches for one in batch) == sorted(map(id, chunks))
        for batch in batches:
            lengths, depths = {len(one.tokens) for one in batch}, [one.depth for one in batch]
            assert len(batch) == 1 or len(batch) * max(lengths) <= 32
            assert len(batch) == 1 or len(batch) * (max(lengths) + max(depths)) <= 128
            assert max(lengths) <= 2 * min(lengths) + 8
    alike = [chunk([], (0,), (0,), (0, 0, 0), ()) for _ in range(32)]
    assert len(list(reader._batches(alike))) == 1


class _Products(TorchFunctionMode):
    """Counts the logits that are made."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **(kwargs or {}))
        if function is torch.nn.functional.linear and found.shape[-1] == COLUMNS:
            self.logits += found.numel()
        return found


@pytest.mark.parametrize("family", ["llama", "gpt2", "bloom", "mamba", "lfm2"])
def test_rows_that_nobody_asked_for_are_never_made(family: str) -> None:
    model = tiny.random_model(family, COLUMNS, **FAMILIES[family][1])
    reader = TorchReader(model, family, batch_tokens=64)
    chunks = [chunk((), (1, 2, 3, 4), (1, 2, 3, 4), (), (1,)), chunk((), (5, 6), (5, 6), (), ())]
    with _Products() as products:
        list(reader.read(chunks, Counters()))
    assert products.logits == COLUMNS


def test_recurrent_states_that_are_not_kept_take_no_slot() -> None:
    model = tiny.random_model("mamba", COLUMNS, **FAMILIES["mamba"][1])
    reader = TorchReader(model, "mamba", batch_tokens=64)
    before = [[pool.clone() for pool in pools] for pools in reader.backend.pools]  # type: ignore[attr-defined]
    prompt, other = (5, 9, 2, 7), (4, 4)
    chunks = [chunk((), other, (-1, 20), (), ()), chunk((), prompt, (-1, -1, -1, 21), (), ())]
    list(reader.read(chunks, Counters()))
    for pools, old in zip(reader.backend.pools, before, strict=True):  # type: ignore[attr-defined]
        for pool, was in zip(pools, old, strict=True):
            differ = (pool.view(torch.int32) != was.view(torch.int32)).flatten(1).any(1)  # bits: nan may stand there
            assert differ.nonzero().flatten().tolist() == [20, 21]
    going = [chunk((21,), (1,), (22,), prompt, (0,)), chunk((20,), (3, 8), (23, 24), other, (0, 1))]
    for batch, logits in reader.read(going, Counters()):
        whole = [(*one.prefix(), *one.tokens) for one in batch]
        with torch.inference_mode():
            want = [
                model(torch.tensor([text]), use_cache=False).logits[0, -len(one.rows) :]
                for text, one in zip(whole, batch, strict=True)
            ]
        assert (log_probs(logits) - log_probs(torch.cat(want))).abs().max() < CLOSE


@pytest.mark.parametrize("family", ["llama", "mamba"])
@pytest.mark.parametrize("limit", [None, 40, 5000])
def test_pools_grow_little_by_little_one_tensor_at_a_time(
    family: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = TorchReader(tiny.random_model(family, COLUMNS, **FAMILIES[family][1]), family, batch_tokens=64)
    reader.limit(None if limit is None else limit * reader.backend.slot_bytes())

    def pools() -> Any:
        if family == "mamba":
            return [pool for pair in reader.backend.pools for pool in pair]  # type: ignore[attr-defined]
        return [pool for layer in reader.backend.layers for pool in layer.pools]  # type: ignore[attr-defined]

    list(reader.read([chunk((), (1,), (1,), (), ())], Counters()))
    want = [pool[1].clone() for pool in pools()]
    first = {len(pool) for pool in pools()}
    for slot in (30, 1500, 4800, 20_000):
        list(reader.read([chunk((), (1,), (slot,), (), ())], Counters()))
        for pool, state in zip(pools(), want, strict=True):
            assert torch.equal(pool[1], state)
            assert torch.equal(pool[slot], state)
            assert not pool[0].any()
            most = 5001 if limit == 5000 and slot < 5000 else max(*first, 1.125 * slot + 1024)
            assert slot < len(pool) <= most


def test_while_a_pool_grows_no_other_one_exists_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for family in ("llama", "mamba"):
        reader = TorchReader(tiny.random_model(family, COLUMNS, **FAMILIES[family][1]), family, batch_tokens=64)
        module = {"llama": attention_backend, "mamba": recurrent_backend}[family]
        old = []

        def watched(pool: Any, needed: Any, limit: Any, old: Any = old) -> Any:
            larger = cache_backend.grown(pool, needed, limit)
            assert larger is not pool
            assert all(one() is None for one in old[:-1])  # the caller still holds the last until it has the new one
            old.append(weakref.ref(pool))
            return larger

        monkeypatch.setattr(module, "grown", watched)
        list(reader.read([chunk((), (1,), (9000,), (), ())], Counters()))
        assert len(old) == 4
