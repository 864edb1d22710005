"""What every reader must do, whatever runs the model; and a swarm whose members are no torch modules."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from evoswarm.decoding.compiled.nodes import ROOT, Nodes
from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.member import Member
from evoswarm.decoding.member.tokenizer import read_tokenizer
from evoswarm.decoding.memory.prefix_tree import PrefixTree
from evoswarm.decoding.reader import Chunk, Reader
from evoswarm.decoding.request import Counters, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests import oracle
from tests.decoding import tiny
from tests.decoding.elman import ElmanReader
from tests.decoding.recipes import PROMPTS, SURE
from tests.decoding.test_torch_reader import FAMILIES
from tests.oracle_member import OracleMember

COLUMNS = 60
CLOSE = 5e-4


def torch_reader(family: str) -> TorchReader:
    return TorchReader(tiny.random_model(family, COLUMNS, **FAMILIES[family][1]), family, batch_tokens=64)


READERS: dict[str, Callable[[], Reader]] = {
    "numpy": lambda: ElmanReader(COLUMNS),
    "torch, attention": lambda: torch_reader("llama"),
    "torch, recurrent": lambda: torch_reader("mamba"),
    "torch, recomputed": lambda: torch_reader("lfm2"),
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return READERS[request.param]()


class Kept:
    """Keeps the rows of nodes."""

    def __init__(self) -> None:
        self.nodes = Nodes()
        self.rows: dict[int, Tensor] = {}

    def put(self, nodes: Any, logits: Tensor) -> None:
        for node, row in zip(nodes.tolist(), logits, strict=True):
            self.nodes.row[node] = node
            self.rows[node] = torch.log_softmax(row.double(), 0)

    def drop(self, rows: Any) -> None:
        for node in rows.tolist():
            self.nodes.row[node] = -1
            self.rows.pop(node, None)


def nothing() -> Any:
    return np.empty(0, dtype=np.int64)


def read_all(tree: PrefixTree, counters: Counters) -> None:
    while tree.waiting:
        read_side_by_side([tree.reading()], counters)
    tree.end_reading()


def afresh(reader: Reader, text: tuple[int, ...]) -> Tensor:
    """``[tokens, columns]`` log-probabilities, the text read in one piece."""
    lease = reader.slots.lease()
    slots = tuple(lease.take(len(text)))
    chunk = Chunk(-1, text, slots, tuple(range(len(text))), 0, nothing, tuple)
    ((batch, logits),) = reader.read([chunk], Counters())
    assert list(batch) == [chunk]
    rows = logits if isinstance(logits, Tensor) else torch.from_dlpack(logits)  # type: ignore[attr-defined]
    return torch.log_softmax(rows.double(), 1)


def test_it_says_what_it_is(reader: Reader) -> None:
    assert reader.device == "cpu"
    assert reader.dtype.startswith("float")
    assert reader.columns == reader.vocabulary == COLUMNS
    assert reader.context_length is None or reader.context_length > 0
    assert reader.shape.parameters >= reader.shape.active_parameters > 0
    reader.limit(1 << 20, 1 << 20)
    reader.drop_buffers()


def test_every_chunk_comes_back_once_with_the_rows_asked_for(reader: Reader) -> None:
    chance, counters, lease = random.Random(2), Counters(), reader.slots.lease()
    chunks = []
    for length in (1, 7, 2, 2, 5, 1, 3):
        text = tuple(chance.randrange(COLUMNS) for _ in range(length))
        rows = tuple(sorted(chance.sample(range(length), chance.randint(0, length))))
        slots = tuple(lease.take(len(text)))
        chunks.append(Chunk(-1, text, slots, rows, 0, nothing, tuple))
    seen = []
    for batch, logits in reader.read(chunks, counters):
        seen += batch
        rows = logits if isinstance(logits, Tensor) else torch.from_dlpack(logits)  # type: ignore[assignment, attr-defined]
        assert rows.shape == (sum(len(chunk.rows) for chunk in batch), COLUMNS)  # type: ignore[attr-defined]
        want = [afresh(reader, chunk.tokens)[list(chunk.rows)] for chunk in batch]
        assert (torch.log_softmax(rows.double(), 1) - torch.cat(want)).abs().max() < CLOSE  # type: ignore[attr-defined]
    assert sorted(map(id, seen)) == sorted(map(id, chunks))
    assert counters.chunk_tokens == 21 <= counters.padded_tokens
    assert 0 < counters.forwards <= 7


def test_pieces_forks_and_what_was_dropped_are_read_as_a_whole_text_is(reader: Reader) -> None:
    chance, counters, rows = random.Random(4), Counters(), Kept()
    tree = PrefixTree(reader, rows.nodes, rows, None, counters)
    texts = [tuple(chance.randrange(COLUMNS) for _ in range(12)) for _ in range(3)]
    texts += [text[:6] + tuple(chance.randrange(COLUMNS) for _ in range(5)) for text in texts for _ in range(2)]
    for ends in ((4,), (6, 7), (9, 10), (11,)):
        for end in ends:
            for text in texts:
                tree.want([reduce(tree.nodes.behind, text[2:end], tree.prompt(text[:2]))])
        read_all(tree, counters)
        assert tree.state_bytes >= 0
        if ends[0] == 6:
            tree.shrink(0)
            assert tree.state_bytes == 0
            beside = Kept()
            other = PrefixTree(reader, beside.nodes, beside, None, Counters())  # takes the freed slots
            other.want([other.prompt(texts[0][::-1])])
            read_all(other, Counters())
    for text in texts:
        whole = afresh(reader, text)
        node = ROOT
        for step, token in enumerate(text):
            node = tree.nodes.child(node, token)
            if node in rows.rows:
                assert (rows.rows[node] - whole[step]).abs().max() < CLOSE
    assert len(rows.rows) >= 60
    distinct = {text[:end] for text in texts for end in range(1, 12)}
    assert counters.rows_forwarded == len(distinct)


def test_slots_come_back_when_their_tree_is_gone(reader: Reader) -> None:
    for _ in range(3):
        kept = Kept()
        tree = PrefixTree(reader, kept.nodes, kept, None, Counters())
        tree.want([tree.prompt((1, 2, 3, 4))])
        read_all(tree, Counters())
        del tree
        gc.collect()
    assert reader.slots.end == 5


class ElmanOracle(OracleMember):
    """The judge's member whose rows the network gives."""

    def __init__(self, directory: Any, reader: Any) -> None:
        super().__init__(directory)
        self.reader = reader

    def row(self, ids: Any) -> Any:
        if ids not in self.rows:
            logits = torch.from_numpy(self.reader.logits(ids))
            row = torch.softmax(logits[self.columns], 0).numpy()
            self.rows[ids] = (row[: len(self.tokens)], float(row[len(self.tokens) :].sum()))
        return self.rows[ids]


@pytest.fixture(scope="module")
def elman(tiny_path: Callable[[str], Path]) -> Any:
    """A member that is no torch module, and its judge."""

    def make(name: str, kind: str, seed: int) -> tuple[Member, ElmanOracle]:
        path = tiny_path(kind)
        spec = MemberSpec(name=name, path=str(path), fingerprint=name)
        tokenizer = read_tokenizer(spec, path)
        reader = ElmanReader(len(tokenizer) + 3, seed)
        return Member(spec, reader, tokenizer, (1,), None), ElmanOracle(path, reader)

    return make


def test_a_swarm_without_torch_modules_decodes_as_the_judge_does(elman: Any) -> None:
    made = [elman("first", "gpt2", 0), elman("second", "llama2", 1)]
    swarm, judges = Swarm([member for member, _ in made]), [judge for _, judge in made]
    parts = [RecipeMember(spec=spec, weight=weight) for spec, weight in zip(swarm.specs, (1.0, 0.7), strict=True)]
    mix = Recipe(members=(parts[0], parts[1].model_copy(update={"threshold": 0.5})), lead="first")
    compared = 0
    for prompt, done in zip(PROMPTS, swarm.decode([Request(mix, one, max_bytes=8) for one in PROMPTS]), strict=True):
        want = oracle.decode(mix, judges, prompt, "", 8)
        if min(done.margin, want.margin) > SURE:
            assert done.samples[0].text == want.text
            compared += 1
    assert compared >= 4
    assert swarm.counters.rows_forwarded == swarm.counters.chunk_tokens > 0


def test_a_member_that_is_none_and_one_that_is_speak_together(
    elman: Any, any_member: Callable[[str], Member], any_oracle: Callable[[str], OracleMember]
) -> None:
    member, judge = elman("first", "gpt2", 2)
    swarm = Swarm([member, any_member("gpt2")])
    mix = Recipe(members=tuple(RecipeMember(spec=spec) for spec in swarm.specs), lead="first")
    done = swarm.decode([Request(mix, "the cat", max_bytes=6)])[0]
    want = oracle.decode(mix, [judge, any_oracle("gpt2")], "the cat", "", 6)
    assert min(done.margin, want.margin) > SURE
    assert done.samples[0].text == want.text


def test_in_tokens_greedy_is_the_likeliest_token(elman: Any) -> None:
    member, _ = elman("first", "gpt2", 3)
    swarm = Swarm([member])
    alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="first", alphabet="tokens")
    done = swarm.decode([Request(alone, "the cat", max_symbols=9, max_bytes=200, trace=True)])[0]
    ids, said = list(member.render("the cat")), np.append(member.codec.order, 1)
    chosen = []
    while len(chosen) < len(done.trace):
        logits = member.reader.logits(ids)
        ids.append(int(said[logits[said].argmax()]))
        chosen.append(ids[-1])
    end = len(member.codec.token_bytes)
    assert [step.symbol for step in done.trace] == [end if token == 1 else token for token in chosen]
    assert len(chosen) > 3
