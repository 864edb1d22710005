"""Batches that go on in place give what reading afresh gives, whoever leaves, joins, forks or takes a slot again."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch

from evoswarm.decoding.forward import in_place
from evoswarm.decoding.forward.attention_backend import AttentionBackend
from evoswarm.decoding.forward.in_place import InPlaceBatch
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.reader import Chunk
from evoswarm.decoding.request import Counters
from tests.decoding import tiny
from tests.decoding.test_torch_reader import CLOSE, COLUMNS, FAMILIES, log_probs

ATTENTION = [name for name, (backend, _) in FAMILIES.items() if backend is AttentionBackend]
STEPS = 20


class Text:
    """A text that is read token by token through a reader."""

    def __init__(self, reader: Any, tokens: Any, slots: Any = ()) -> None:
        self.reader, self.tokens, self.slots = reader, list(tokens), list(slots)

    def chunk(self) -> Any:
        """What has not been read yet."""
        past, new = np.array(self.slots, dtype=np.int64), tuple(self.tokens[len(self.slots) :])
        slots = tuple(self.reader.slots.take(len(new)))
        self.slots += slots
        return Chunk(past[-1] if len(past) else -1, new, slots, (len(new) - 1,), len(past), lambda: past, tuple)

    def fork(self) -> Any:
        return Text(self.reader, self.tokens, self.slots)


class Bench:
    """Texts, what is known of their rows, and how often buffers were extended."""

    def __init__(self, monkeypatch: Any, family: Any) -> None:
        self.model = tiny.random_model(family, COLUMNS, **FAMILIES[family][1])
        self.reader = TorchReader(self.model, family, batch_tokens=1024)
        self.chance = random.Random(5)
        self.appended = 0
        extended = InPlaceBatch.extended

        def counted(batch: Any, layer: Any, which: Any, states: Any) -> Any:
            self.appended += (layer, which) == (0, 0) and (layer, which) in batch.buffers
            return extended(batch, layer, which, states)

        monkeypatch.setattr(InPlaceBatch, "extended", counted)

    def text(self, length: Any) -> Any:
        return Text(self.reader, [self.chance.randrange(COLUMNS) for _ in range(length)])

    def read(self, texts: Any) -> None:
        """One turn; every row is compared with that of a text read at once. Then each text has one more token."""
        chunks = {id(chunk): (chunk, text) for text in texts for chunk in (text.chunk(),)}
        seen = 0
        for batch, logits in self.reader.read([chunk for chunk, _ in chunks.values()], Counters()):
            assert len(batch) == len(logits)
            for chunk, row in zip(batch, logits, strict=True):
                with torch.inference_mode():
                    want = self.model(torch.tensor([chunks[id(chunk)][1].tokens]), use_cache=False).logits[0, -1]
                assert (log_probs(row) - log_probs(want)).abs().max() < CLOSE
                seen += 1
        assert seen == len(texts)
        for text in texts:
            text.tokens.append(self.chance.randrange(COLUMNS))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    return Bench(monkeypatch, request.param)


every_family = pytest.mark.parametrize("bench", ATTENTION, indirect=True)
one_family = pytest.mark.parametrize("bench", ["mistral"], indirect=True)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers that must be widened every few tokens."""
    monkeypatch.setattr(in_place, "SPARE_COLUMNS", 3)
    monkeypatch.setattr(in_place, "SPARE_SHARE", 1000)


@every_family
@pytest.mark.usefixtures("narrow")
def test_twenty_steps_of_batches_that_stay_shrink_turn_and_fork(bench: Any) -> None:
    texts = [bench.text(length) for length in (9, 4, 1, 12, 4, 7)]
    for step in range(STEPS):
        bench.read(texts)
        if step in (5, 6, 14):
            texts.pop(step % 3)
        if step == 9:
            texts.reverse()
        if step in (10, 16):
            other = texts[0].fork()
            other.tokens[-1] = (other.tokens[-1] + 1) % COLUMNS
            texts.append(other)
        if step == 12:
            texts.append(bench.text(3))
    assert bench.appended >= 8


@one_family
def test_a_batch_that_stays_is_gathered_once(bench: Any) -> None:
    texts = [bench.text(length) for length in (9, 4, 1)]
    backend = bench.reader.backend
    bench.read(texts)
    assert backend.buffer_bytes() == 0
    for step in range(STEPS):
        bench.chance.shuffle(texts)  # the order is that of the buffer
        bench.read(texts)
        assert backend.buffer_bytes() >= backend.slot_bytes() * 3 * (9 + step)
    assert bench.appended == STEPS - 1


@one_family
def test_a_batch_goes_on_without_those_that_ended(bench: Any) -> None:
    texts = [bench.text(length) for length in (3, 9, 1, 4, 4, 6, 2, 8)]
    for step in range(12):
        bench.read(texts)
        if step > 3 and len(texts) > 4:
            gone = texts.pop(bench.chance.randrange(len(texts)))
            if step % 2:
                bench.reader.slots.free(gone.slots)
    assert bench.appended == 10


@one_family
def test_buffers_go_when_the_batch_does(bench: Any) -> None:
    backend = bench.reader.backend
    texts = [bench.text(5), bench.text(6)]
    for _ in range(4):
        bench.read(texts)
    assert backend.buffer_bytes() > 0
    for _ in range(3):
        bench.read([bench.text(2)])
    assert backend.buffer_bytes() == 0
    bench.read(texts)


@one_family
def test_buffers_keep_to_their_limit(bench: Any) -> None:
    backend = bench.reader.backend
    backend.buffer_limit = 60 * backend.slot_bytes()
    few, many = [bench.text(3)], [bench.text(30), bench.text(2)]
    for _ in range(6):
        bench.read(few)
        assert 0 <= backend.buffer_bytes() <= backend.buffer_limit
    before = bench.appended
    assert before > 0
    for _ in range(6):
        bench.read(many)
        assert backend.buffer_bytes() <= backend.buffer_limit
    assert bench.appended == before


@one_family
def test_two_that_fork_in_the_place_of_two(bench: Any) -> None:
    texts = [bench.text(5), bench.text(9)]
    for _ in range(3):
        bench.read(texts)
    other = texts[0].fork()
    other.tokens[-1] = (other.tokens[-1] + 1) % COLUMNS
    for _ in range(3):
        bench.read([texts[0], other])
    assert bench.appended == 2, "once before the fork, and once when the two had gone on"


@one_family
def test_several_tokens_at_a_time_are_appended_too(bench: Any) -> None:
    texts = [bench.text(5), bench.text(9)]
    for _ in range(5):
        bench.read(texts)
        for text in texts:
            text.tokens += [bench.chance.randrange(COLUMNS) for _ in range(2)]
    assert bench.appended == 3


@one_family
def test_slots_given_back_and_taken_again_are_other_texts(bench: Any) -> None:
    """The same slots in the same order behind prefixes of the same lengths: only the giving back tells them apart."""
    texts = [bench.text(5), bench.text(9), bench.text(4)]
    for _ in range(4):
        bench.read(texts)
    for _ in range(3):
        lengths = [len(text.slots) for text in texts]
        owned = [list(text.slots) for text in texts]
        for text in reversed(texts):
            bench.reader.slots.free(reversed(text.slots))
        texts = [bench.text(length) for length in lengths]
        bench.read(texts)
        assert [text.slots for text in texts] == owned
        bench.read(texts)


@one_family
def test_slots_of_some_taken_again_by_texts_that_come_in_their_place(bench: Any) -> None:
    stays, goes = bench.text(6), bench.text(7)
    for _ in range(5):
        bench.read([stays, goes])
        bench.read([stays, goes])
        depth = len(goes.slots)
        last = goes.slots[-1]
        bench.reader.slots.free(goes.slots)
        goes = bench.text(depth)
        alone = goes.chunk()  # read without the other, so that the batch looks as if it had not changed
        goes.slots = list(alone.slots)
        list(bench.reader.read([alone], Counters()))
        assert last in goes.slots
        goes.tokens.append(3)


@one_family
def test_a_forward_that_broke_off_leaves_no_half_extended_buffer(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [bench.text(5), bench.text(9)]
    for _ in range(3):
        bench.read(texts)
    extended = InPlaceBatch.extended

    def scarce(batch: Any, layer: Any, which: Any, states: Any) -> Any:
        if layer == 1:
            raise torch.OutOfMemoryError("no room for the second layer")
        return extended(batch, layer, which, states)

    before = bench.appended
    with monkeypatch.context() as patch:
        patch.setattr(InPlaceBatch, "extended", scarce)
        bench.read(texts)
    assert bench.reader.backend.buffer_bytes() == 0
    assert bench.reader.batch_tokens == 1024, "without its buffers the batch fits"
    for _ in range(3):
        bench.read(texts)
    assert bench.appended > before + 1
