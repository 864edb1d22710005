"""Rope scaling that switches by the longest text of a batch: no distribution depends on what stands beside it.

The truth is a forward of one text alone, from its first token on, whatever its length.
"""

from __future__ import annotations

import logging
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.decoding.compiled.nodes import NO_ROW, Nodes
from evoswarm.decoding.forward.longrope import LongRopeBackend
from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.forward.switches import switches
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.member import load_member
from evoswarm.decoding.memory.prefix_tree import PrefixTree
from evoswarm.decoding.request import Counters, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests.decoding import tiny

SWITCH = 20
FACTORS = {"short_factor": [1.0] * 8, "long_factor": [1.0 + 3 * step for step in range(8)]}
LONG = {"rope_type": "longrope", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": SWITCH}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0}
BESIDE = {"original_max_position_embeddings": SWITCH}  # where Phi-3 names it
KINDS = {
    "llama": {"rope_parameters": {**LONG, **FACTORS}},
    "phi3": {"rope_parameters": {**LONG, **FACTORS}, "sliding_window": None, **BESIDE},
    "phi3-windowed": {"rope_parameters": {**LONG, **FACTORS}, "sliding_window": 12, **BESIDE},
}


@cache
def model(kind: Any) -> Any:
    """A tiny model of a kind."""
    return tiny.random_model(kind.partition("-")[0], 258, **{**tiny.SMALL, **KINDS[kind], "tie_word_embeddings": False})  # type: ignore[dict-item]


@cache
def alone(kind: Any, tokens: Any) -> Any:
    """``[columns]`` log-probabilities behind a text, by a forward of that text alone."""
    with torch.no_grad():
        return torch.log_softmax(model(kind)(torch.tensor([tokens]), use_cache=False).logits[0, -1], -1)


def test_the_switch_is_found_by_trying() -> None:
    assert switches(model("llama"), "m") == (SWITCH,)
    assert switches(model("phi3"), "m") == (SWITCH,)
    plain = tiny.random_model("llama", 258, **tiny.SMALL)
    assert switches(plain, "m") == ()
    nested = {"full_attention": {**LONG, **FACTORS}, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}
    config = {**tiny.SMALL, "rope_parameters": nested, "layer_types": ["sliding_attention", "full_attention"]}
    assert switches(tiny.random_model("gemma3_text", 258, **config), "m") == (SWITCH,)


def test_without_it_a_longer_text_beside_changes_what_is_said() -> None:
    """What this is about: transformers takes one set of frequencies for all texts of a batch."""
    one = model("llama")
    short, long = torch.arange(8)[None], torch.arange(8)[None] + 60
    ids = torch.arange(8).expand(2, 8) * 5
    mask = torch.ones_like(ids)
    with torch.no_grad():
        beside = one(ids, position_ids=torch.cat([short, long]), attention_mask=mask).logits[0]
        same = one(ids, position_ids=torch.cat([short, short]), attention_mask=mask).logits[0]
    assert (beside - same).abs().max() > 0.01


class Kept:
    """Rows as they come out, by node."""

    def __init__(self) -> None:
        self.logits, self.nodes = {}, Nodes()

    def put(self, nodes: Any, logits: Any) -> None:
        for node, row in zip(nodes.tolist(), logits, strict=True):
            self.logits[node], self.nodes.row[node] = row.clone(), node

    def drop(self, rows: Any) -> None:
        for node in rows.tolist():
            self.nodes.row[node] = NO_ROW
            self.logits.pop(node, None)


class Bench:
    """A prefix tree over one model; every row that comes out is held against its text alone."""

    def __init__(self, kind: Any, batch_tokens: Any = 4096, state_bytes: Any = None) -> None:
        self.kind, self.reader, self.rows = kind, TorchReader(model(kind), "m", batch_tokens), Kept()
        self.counters = Counters()
        self.tree = PrefixTree(self.reader, self.rows.nodes, self.rows, state_bytes, self.counters)

    def read(self, prompt: Any, texts: Any) -> Any:
        """Ask for the rows behind all these texts at once."""
        start = self.tree.prompt(prompt)
        nodes = [reduce(self.tree.nodes.behind, text, start) for text in texts]
        self.tree.want([node for node in nodes if self.tree.nodes.row[node] == NO_ROW])
        while self.tree.waiting:
            read_side_by_side([self.tree.reading()], self.counters)
        self.tree.end_reading()
        return nodes

    def check(self, prompt: Any, texts: Any) -> None:
        for node, text in zip(self.read(prompt, texts), texts, strict=True):
            tokens = [*prompt, *text]
            assert self.tree._tokens(node) == tuple(tokens)
            got = torch.log_softmax(self.rows.logits[node].float(), -1)
            torch.testing.assert_close(got, alone(self.kind, tuple(tokens)), atol=2e-4, rtol=0)


STEM = (5, 9, 40, 7, 100, 31, 17, 80, 3, 66, 12, 55, 90, 200, 33, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_that_of_its_text_alone(kind: Any) -> None:
    """Short and long beside each other, forks before and behind the switch, prompts on either side of it."""
    bench = Bench(kind)
    assert isinstance(bench.reader.backend, LongRopeBackend)
    tail = tuple(range(120, 150))
    bench.check(STEM, [(), tail[:3], tail[:5], (9, 8)])
    for length in range(2, 9):
        bench.check(STEM, [tail[:length], (*tail[:2], 60, 61, 62, 63)[:length], (9, 8, 7, 6, 5, 4, 3)[:length]])
    bench.check(STEM, [tail, tail[:1], (9, 9, 9)])
    bench.check((*STEM, *tail), [(), (1,), (2, 3)])
    bench.check((*STEM, *tail[:12]), [(44,), (45, 46)])
    bench.check(STEM[:4], [(), (1, 2, 3), (*STEM[4:], *tail[:6])])


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=5), min_size=1, max_size=5
    ),
    st.sampled_from([None, 30_000]),
)
def test_whatever_is_asked_in_whatever_order(turns: Any, state_bytes: int) -> None:
    bench = Bench("llama", batch_tokens=48, state_bytes=state_bytes)
    branches = [tuple(range(10 + 60 * branch, 41 + 60 * branch)) for branch in range(3)]
    for asked in turns:
        bench.check(STEM[:6], [branches[branch][:length] for branch, length in asked])


def test_nothing_is_read_twice_but_what_passes_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("llama")
    tail = tuple(range(120, 150))
    read = []
    for side in bench.reader.backend.regimes:  # type: ignore[attr-defined]
        monkeypatch.setattr(side, "forward", lambda chunks, own=side.forward: _counted(read, chunks, own))
    for length in range(14):
        bench.read(STEM, [tail[:length], tail[1 : length + 1]])
    tokens = [sum(len(chunk.tokens) for chunk in chunks) for chunks in read]
    first = [len(STEM)] + [2] * (SWITCH - len(STEM))
    assert tokens[: len(first)] == first
    assert tokens[len(first) : len(first) + 2] == [SWITCH + 1, SWITCH + 1 - len(STEM)]
    assert set(tokens[len(first) + 2 :]) == {2}
    assert bench.counters.rows_forwarded == len(STEM) + 2 * 13


def _counted(read: Any, chunks: Any, forward: Any) -> Any:
    read.append(chunks)
    return forward(chunks)


@pytest.mark.parametrize("alphabet", ["bytes", "tokens"])
def test_answers_are_those_of_the_model_alone(tmp_path: Path, alphabet: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tiny.save(tmp_path / "long", model("llama"), tiny.KINDS["plain bytes"]())
    spec = MemberSpec(name="long", path=str(path), device="cpu")
    prompts = ["47+85=", "one two three four", "x" * 30, "what is it?"]

    def ask(some: Any) -> Any:
        swarm = Swarm([load_member(spec, 4096)])
        recipe = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="long", alphabet=alphabet)
        return [one.samples[0].text for one in swarm.decode([Request(recipe, p, max_bytes=24) for p in some])]

    with caplog.at_level(logging.WARNING, "evoswarm"):
        together = ask(prompts)
    assert not caplog.records
    assert together == [ask([prompt])[0] for prompt in prompts]
    if alphabet == "tokens":
        member = load_member(spec, 4096)
        assert [one.rstrip("\ufffd") for one in together] == [greedy(member, prompt, 24) for prompt in prompts]


def greedy(member: Any, prompt: Any, most: Any) -> Any:
    """Token by token, a forward of the whole text for each."""
    tokens, answer = list(member.render(prompt)), b""
    silent = [token for token, text in enumerate(member.codec.token_bytes) if text is None and token not in (1,)]
    while len(answer) < most:
        with torch.no_grad():
            row = model("llama")(torch.tensor([tokens]), use_cache=False).logits[0, -1]
        row[silent] = -torch.inf
        token = int(row.argmax())
        if token == 1:
            break
        tokens.append(token)
        answer += member.codec.token_bytes[token]
    return answer.decode(errors="replace").rstrip("\ufffd")


def test_dynamic_scaling_is_read_as_far_as_it_does_not_change(tmp_path: Path) -> None:
    """Beyond ``max_position_embeddings`` every token changes all frequencies: that is where its context ends."""
    one = tiny.random_model("llama", 258, **{**tiny.SMALL, "max_position_embeddings": 24, "rope_parameters": DYNAMIC})
    assert switches(one, "m") == ()
    path = tiny.save(tmp_path / "dynamic", one, tiny.KINDS["plain bytes"]())
    swarm = Swarm([load_member(MemberSpec(name="m", path=str(path), device="cpu"), 4096)])
    recipe = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="m", alphabet="tokens")
    fine, long = swarm.decode([Request(recipe, "47+85=", max_symbols=3), Request(recipe, "x" * 25, max_symbols=3)])
    assert fine.failure is None
    assert long.failure.kind == "prompt_too_long"


def test_what_changes_with_every_text_is_refused() -> None:
    """Scaling by the longest position that is nowhere declared, as code of a checkpoint's own may do it."""
    one = tiny.random_model("llama", 258, **tiny.SMALL)
    rotary = one.model.rotary_emb
    forward = rotary.forward
    rotary.forward = lambda x, position_ids: forward(x, position_ids / (1.0 + position_ids.max() / 64.0))
    with pytest.raises(MemberError, match=r"member 'm': expected a model that says the same of a text whatever"):
        switches(one, "m")
    with pytest.raises(MemberError, match="member 'm'"):
        TorchReader(one, "m", 64)
