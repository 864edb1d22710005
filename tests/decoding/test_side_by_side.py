"""Members on different devices read at the same time, and everything is counted once."""

from __future__ import annotations

import threading
from typing import Any, Never

import numpy as np
import pytest
import torch

from evoswarm.decoding.forward.side_by_side import Reading, read_side_by_side
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.reader import Chunk
from evoswarm.decoding.request import Counters, DoesNotFit
from tests.decoding import tiny

COLUMNS = 60


@pytest.fixture
def readers() -> Any:
    made = []
    for number in range(3):
        reader = TorchReader(tiny.random_model("llama", COLUMNS, number, **tiny.SMALL), str(number), batch_tokens=6)
        reader.device = f"cpu:{number}"  # as if each were a device of its own
        made.append(reader)
    return made


def nothing() -> Any:
    return np.empty(0, dtype=np.int64)


def chunks(reader: Any, count: Any) -> Any:
    return [Chunk(-1, (n, n + 1), tuple(reader.slots.take(2)), (1,), 0, nothing, tuple) for n in range(count)]


def rows(batch: Any, logits: Any) -> Any:
    return {chunk.tokens: row for chunk, row in zip(batch, logits, strict=True)}


def read(readers: Any, counts: Any, counters: Any, consume: Any = rows) -> Any:
    return read_side_by_side(
        [Reading(reader, chunks(reader, count), consume) for reader, count in zip(readers, counts, strict=True)],
        counters,
    )


def plain(counters: Any) -> Any:
    return {name: value for name, value in counters.figures().items() if "seconds" not in name}


def test_results_and_counters_are_those_of_one_after_the_other(readers: Any) -> None:
    together, apart = Counters(), Counters()
    got = read(readers, (10, 4, 0), together)
    want = [read([reader], [count], apart)[0] for reader, count in zip(readers, (10, 4, 0), strict=True)]
    assert [len(batches) for batches in got] == [4, 2, 0]
    for one, other in zip(got, want, strict=True):
        assert [list(batch) for batch in one] == [list(batch) for batch in other]
        for batch, expected in zip(one, other, strict=True):
            assert all(torch.equal(row, expected[tokens]) for tokens, row in batch.items())
    assert plain(together) == plain(apart)
    assert together.chunk_tokens == together.padded_tokens == 28


def test_devices_forward_at_the_same_time_and_the_caller_consumes(
    readers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet = threading.Barrier(2)
    names = set()
    for reader in readers[:2]:
        forward = reader.backend.forward

        def waiting(batch: Any, forward: Any = forward) -> Any:
            names.add(threading.current_thread().name)
            meet.wait(timeout=20)  # passes only when both are inside
            return forward(batch)

        monkeypatch.setattr(reader.backend, "forward", waiting)
    here = threading.current_thread()
    assert read(readers[:2], (4, 4), Counters(), lambda *_: threading.current_thread()) == [[here] * 2] * 2
    assert len(names) == 2


def test_on_one_device_there_is_no_thread(readers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", None)
    for reader in readers:
        reader.device = "cpu"
    assert [len(batches) for batches in read(readers, (4, 0, 7), Counters())] == [2, 0, 3]
    readers[0].device = "cpu:1"
    assert [len(batches) for batches in read(readers, (4, 0, 0), Counters())] == [2, 0, 0]


def test_two_on_one_device_beside_another_take_turns(readers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    readers[1].device = readers[0].device
    inside = []
    for reader in readers[:2]:
        forward = reader.backend.forward

        def alone(batch: Any, forward: Any = forward) -> Any:
            inside.append(1)
            assert len(inside) == 1
            logits = forward(batch)
            inside.pop()
            return logits

        monkeypatch.setattr(reader.backend, "forward", alone)
    assert [len(batches) for batches in read(readers, (4, 7, 4), Counters())] == [2, 3, 2]


def test_what_breaks_on_one_device_is_raised_and_all_have_ended(readers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def hopeless(batch: Any) -> Never:
        raise torch.OutOfMemoryError("nothing left")

    monkeypatch.setattr(readers[1].backend, "forward", hopeless)
    counters, before = Counters(), threading.active_count()
    with pytest.raises(DoesNotFit, match="nothing left"):
        read(readers, (30, 4, 30), counters)
    assert threading.active_count() == before
    assert counters.chunk_tokens == counters.padded_tokens > 0


def test_what_breaks_where_batches_are_consumed_ends_all_devices(readers: Any) -> None:
    before = threading.active_count()

    def broken(batch: Any, logits: Any) -> Never:
        raise ValueError("not these")

    counters = Counters()
    with pytest.raises(ValueError, match="not these"):
        read(readers, (30, 30, 30), counters, broken)
    assert threading.active_count() == before
    assert 0 < counters.forwards <= 9
