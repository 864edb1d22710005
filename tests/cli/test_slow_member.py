"""A member that takes long over every forward: somebody is told all the while."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence

import pytest
from torch import Tensor

from evoswarm.cli.telling.heartbeat import IN_LOG, Heartbeat
from evoswarm.cli.telling.narrator import Narrator
from evoswarm.cli.telling.teller import Person
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.reader import Chunk
from evoswarm.decoding.swarm import Swarm
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]
BEAT = 0.25
FORWARD = 7.0
"""Seconds of a forward, by the clock of the test."""


class Log(io.StringIO):
    """Notes when something was written, by a clock that only the test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.spoken = [0.0]

    def write(self, text: str) -> int:
        self.spoken.append(self.now)
        return super().write(text)

    @property
    def longest_silence(self) -> float:
        return max(later - earlier for earlier, later in zip(self.spoken, [*self.spoken[1:], self.now], strict=True))


def slowed(swarm: Swarm, during: Callable[[], None]) -> None:
    """Every forward of the first member takes as long as this does."""
    reader = swarm.members[0].reader
    assert isinstance(reader, TorchReader)
    backend, forward = reader.backend, reader.backend.forward

    def slow(chunks: Sequence[Chunk]) -> Tensor:
        during()
        return forward(chunks)

    backend.forward = slow  # type: ignore[method-assign]  # what stands for a slow model


def test_the_longest_silence_is_bounded_however_slow_a_member_is(micro: Micro, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    monkeypatch.setattr("evoswarm.evaluation.advance.time.monotonic", lambda: log.now)
    narrator = Narrator(Person(log), "evaluate", clock=lambda: log.now, beats=False)
    swarm = Swarm.load(micro().pool)

    def forward() -> None:
        for _ in range(round(FORWARD / BEAT)):
            log.now += BEAT
            narrator.beat()  # as the heart does, from its thread

    slowed(swarm, forward)
    with workbench(micro(), ":memory:", swarm=swarm, progress=narrator.progress) as bench:
        bench.evaluator.evaluate([single(bench.space, bench.pool[0])], bench.items["search"])
    assert log.now >= 4 * FORWARD
    assert log.longest_silence <= max(IN_LOG.shortest, IN_LOG.share * log.now) + BEAT
    assert log.longest_silence < FORWARD
    said = log.getvalue()
    assert "of 6 answers" in said
    assert "symbols, at most " in said, "before the first answer is there"


def test_it_is_told_while_a_forward_is_at_work(micro: Micro) -> None:
    """The heart beats in a thread: the forward waits until it has been heard."""
    log, waits = Log(), 0
    narrator = Narrator(Person(log), "evaluate", clock=lambda: log.now, beats=False)
    heard = threading.Event()

    def beat() -> None:
        log.now += 1.0
        narrator.beat()
        heard.set()

    def forward() -> None:
        nonlocal waits
        before = len(log.spoken)
        while len(log.spoken) < before + 2:
            heard.clear()
            assert heard.wait(30), "the heart has stopped"
        waits += 1

    swarm = Swarm.load(micro().pool)
    slowed(swarm, forward)
    heart = Heartbeat(beat, seconds=0.001)
    heart.start()
    try:
        with workbench(micro(), ":memory:", swarm=swarm, progress=narrator.progress) as bench:
            bench.evaluator.evaluate([single(bench.space, bench.pool[0])], bench.items["search"][:2])
    finally:
        heart.stop()
    assert waits > 1
    told = len(log.spoken)
    assert told >= 2 * waits
    heart.stop()
    assert len(log.spoken) == told, "who has stopped says nothing more"


@pytest.mark.parametrize("quiet", [True, False])
def test_quiet_is_silent(micro: Micro, capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    from evoswarm.cli.telling.narrator import narrator_for

    with narrator_for("search", quiet=quiet) as narrator:
        narrator.enter("evolving", "evolving")
    assert capsys.readouterr() == ("", "" if quiet else "evolving ...\n")
