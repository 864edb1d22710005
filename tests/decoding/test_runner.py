"""Reading in pieces gives what reading at once gives, for every family of caches."""

from __future__ import annotations

import random

import pytest
import torch

from evoswarm.decoding.cache_layouts import AttentionPool, Chunk, RecurrentPool, Reread
from evoswarm.decoding.member import load_member
from evoswarm.decoding.request import Counters, Request
from evoswarm.decoding.runner import Runner
from evoswarm.decoding.swarm import Swarm
from evoswarm.recipe import MemberSpec, Recipe, RecipeMember
from tests import oracle
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
    "llama": (AttentionPool, tiny.SMALL),
    "gpt2": (AttentionPool, {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}),
    "gpt_neox": (
        AttentionPool,
        {k: tiny.SMALL[k] for k in ("hidden_size", "intermediate_size", "num_hidden_layers")}
        | {"num_attention_heads": 2},
    ),
    "opt": (
        AttentionPool,
        {
            "hidden_size": 32,
            "ffn_dim": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "word_embed_proj_dim": 32,
            "max_position_embeddings": 64,
        },
    ),
    "bloom": (AttentionPool, {"hidden_size": 32, "n_layer": 2, "n_head": 2}),
    "mistral": (AttentionPool, {**tiny.SMALL, "sliding_window": 4}),
    "gemma3_text": (AttentionPool, {**tiny.SMALL, "sliding_window": 4}),
    "gemma2": (AttentionPool, {**tiny.SMALL, "sliding_window": 4, "final_logit_softcapping": 5.0}),
    "mamba": (RecurrentPool, {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}),
    "lfm2": (Reread, HYBRID),
}


def log_probs(logits):
    return torch.log_softmax(logits.float(), -1)


@pytest.mark.parametrize("family", FAMILIES)
def test_ragged_chunks_behind_prefixes_of_any_length(family):
    layout, config = FAMILIES[family]
    model = tiny.random_model(family, COLUMNS, **config)
    runner = Runner(model, family, batch_tokens=64)
    assert type(runner.layout) is layout
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
                past = slots[number] if runner.layout.needs_whole_past else slots[number][-1:]
                read = tuple(text[: at[number]])
                chunks.append(Chunk(tuple(past), tuple(text[at[number] :][:size]), new, read, tuple(range(size))))
                owners.append(number)
                slots[number] += new
                at[number] += size
        by_chunk = {id(chunk): number for chunk, number in zip(chunks, owners, strict=True)}
        for batch, logits in runner.run(chunks, Counters()):
            for chunk in batch:
                got[by_chunk[id(chunk)]].append(logits[: len(chunk.tokens)])
                logits = logits[len(chunk.tokens) :]
    with torch.inference_mode():
        for text, rows in zip(texts, got, strict=True):
            want = model(torch.tensor([text]), use_cache=False).logits[0]
            assert (log_probs(torch.cat(rows)) - log_probs(want)).abs().max() < CLOSE


@pytest.mark.parametrize("family", FAMILIES)
def test_forks_of_one_prefix_and_rows_that_nobody_asked_for(family):
    model = tiny.random_model(family, COLUMNS, **FAMILIES[family][1])
    runner = Runner(model, family, batch_tokens=1024)
    prefix, forks = (5, 9, 2, 7, 7, 1), [(4,), (3, 8), (11, 12, 13)]
    slots = tuple(range(1, 7))
    list(runner.run([Chunk((), prefix, slots, (), ())], Counters()))
    past = slots if runner.layout.needs_whole_past else slots[-1:]
    chunks = [
        Chunk(past, fork, tuple(range(10 * n, 10 * n + len(fork))), prefix, (len(fork) - 1,))
        for n, fork in enumerate(forks, start=1)
    ]
    for batch, logits in runner.run(chunks, Counters()):
        assert logits.shape == (len(batch), COLUMNS)
        for chunk, row in zip(batch, logits, strict=True):
            with torch.inference_mode():
                want = model(torch.tensor([[*prefix, *chunk.tokens]]), use_cache=False).logits[0, -1]
            assert (log_probs(row) - log_probs(want)).abs().max() < CLOSE


def test_running_out_of_memory_halves_the_batch_and_goes_on(monkeypatch):
    model = tiny.random_model("llama", COLUMNS, **tiny.SMALL)
    runner = Runner(model, "llama", batch_tokens=64)
    forward, sizes = runner.layout.forward, []

    def scarce(chunks):
        sizes.append(len(chunks))
        if len(chunks) > 2:
            raise torch.OutOfMemoryError("not enough for more than two")
        return forward(chunks)

    monkeypatch.setattr(runner.layout, "forward", scarce)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    chunks = [Chunk((), (n, n + 1), (2 * n + 1, 2 * n + 2), (), (1,)) for n in range(8)]
    found = {}
    for batch, logits in runner.run(chunks, Counters()):
        found.update({chunk.tokens: row for chunk, row in zip(batch, logits, strict=True)})
    assert sizes[0] == 8
    assert runner.batch_tokens < 64
    with torch.inference_mode():
        for tokens, row in found.items():
            assert (row - model(torch.tensor([tokens])).logits[0, -1]).abs().max() < CLOSE
    assert len(found) == 8


def test_no_room_for_a_single_prefix_is_an_error(monkeypatch):
    runner = Runner(tiny.random_model("llama", COLUMNS, **tiny.SMALL), "llama", batch_tokens=64)

    def hopeless(chunks):
        raise torch.OutOfMemoryError("nothing left")

    monkeypatch.setattr(runner.layout, "forward", hopeless)
    with pytest.raises(torch.OutOfMemoryError):
        list(runner.run([Chunk((), (1,), (1,), (), (0,))], Counters()))


def test_a_cache_that_cannot_be_addressed_is_read_again_and_right(tmp_path):
    tokenizer = tiny.KINDS["gpt2"]()
    model = tiny.random_model("lfm2", tokenizer.get_vocab_size(), **HYBRID)
    path = tiny.save(tmp_path / "hybrid", model, tokenizer)
    swarm = Swarm([load_member(MemberSpec(name="hybrid", path=str(path), device="cpu"), 4096)])
    assert isinstance(swarm.members[0].runner.layout, Reread)
    alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="hybrid")
    judge = oracle.OracleMember(path)
    for prompt in ("the cat", "1984"):
        done = swarm.decode([Request(alone, prompt, max_bytes=6)])[0]
        assert done.samples[0].text == oracle.decode(alone, [judge], prompt, "", 6)[0]


def test_a_layout_that_does_not_agree_is_not_used(monkeypatch, caplog):
    model = tiny.random_model("llama", COLUMNS, **tiny.SMALL)
    honest = AttentionPool.forward
    monkeypatch.setattr(AttentionPool, "forward", lambda self, chunks: honest(self, chunks) * 1.01)
    assert isinstance(Runner(model, "strange", 64).layout, Reread)
    assert "member strange: its cache cannot be addressed" in caplog.text
