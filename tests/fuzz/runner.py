"""Runs cases in a process of their own, which is killed when one takes too long, and says what came out."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from tests.fuzz.kinds import kind_of

Verdict = Literal["accepted", "refused", "traceback", "hang", "died", "hungry"]
FAULTS: frozenset[Verdict] = frozenset({"traceback", "hang", "died", "hungry"})
MOST_SECONDS = 10.0
"""Of a processor, so that a busy machine makes nobody guilty; by the clock six times as much."""
PATIENCE = 6
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What came of one case.

    Attributes:
        number: of the case.
        kind: what was spoilt.
        verdict: ``refused`` is one sentence and exit code 2; ``died`` is the process; ``hungry`` is a command that
            wanted more memory than the process may have.
        command: the last one that ran.
        spoilt: what was done, in words.
        said: the end of what was printed.
        seconds: of a processor.
    """

    number: int
    kind: str
    verdict: Verdict
    command: str
    spoilt: str
    said: str
    seconds: float

    @property
    def named(self) -> bool:
        """Whether what was said names the file."""
        return Path(self.spoilt.split(":")[0].split(" ")[0]).name in self.said

    def __str__(self) -> str:
        lines = self.said.strip().splitlines()
        return f"{self.number} ({self.kind}, {self.command}): {self.verdict}: {self.spoilt}: {lines[-1:]}"


class _Worker:
    def __init__(self, material: Path) -> None:
        asks, self._asks = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", str(material), str(asks)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            pass_fds=[asks],
            env={**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_TRACKING_URI": "", "HF_HUB_OFFLINE": "1"},
        )
        os.close(asks)
        if not self._reply(600.0):
            raise RuntimeError("expected a worker that starts, got one that died or hangs")
        self._busy = self._processor_seconds()

    def ask(self, number: int) -> tuple[str | None, float]:
        """The reply, empty where it died, None where it takes too long; and the seconds of a processor that it took."""
        os.write(self._asks, f"{number}\n".encode())
        reply = self._reply(MOST_SECONDS)
        before, self._busy = self._busy, self._processor_seconds()
        return reply, self._busy - before

    def end(self) -> None:
        """Kill it and what it has started."""
        os.close(self._asks)
        if self._process.poll() is None:
            for child in psutil.Process(self._process.pid).children(recursive=True):
                child.kill()
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _reply(self, most: float) -> str | None:
        assert self._process.stdout is not None
        began, busy = time.monotonic(), self._processor_seconds()
        while True:
            if select.select([self._process.stdout], [], [], 0.2)[0]:
                return self._process.stdout.readline().decode()  # empty: it has closed its end, so it is dying
            if self._processor_seconds() - busy > most or time.monotonic() - began > PATIENCE * most:
                return None

    def _processor_seconds(self) -> float:
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return float(times.user + times.system + times.children_user + times.children_system)


def run_cases(numbers: Iterable[int], material: Path) -> Iterator[Outcome]:
    """What comes of these cases, one after the other."""
    worker: _Worker | None = None
    try:
        for number in numbers:
            worker = worker or _Worker(material)
            reply, seconds = worker.ask(number)
            if not reply:
                verdict: Verdict = "hang" if reply is None else "died"
                worker.end()
                worker = None
                yield Outcome(number, kind_of(number), verdict, "", "", "", seconds)
            else:
                yield _outcome(number, json.loads(reply), seconds)
    finally:
        if worker is not None:
            worker.end()


def _outcome(number: int, record: dict[str, object], seconds: float) -> Outcome:
    codes, said = record["codes"], str(record["said"])
    assert isinstance(codes, list)
    verdict: Verdict = "accepted"
    if "Traceback" in said or "panicked" in said or any(code not in (0, 2) for code in codes):
        verdict = "traceback"
    elif 2 in codes:
        verdict = "hungry" if "expected enough memory" in said else "refused"
    return Outcome(number, kind_of(number), verdict, str(record["command"]), str(record["spoilt"]), said, seconds)


def counts(outcomes: Iterable[Outcome]) -> dict[str, dict[str, int]]:
    """Verdicts by kind."""
    found: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.kind, Counter())[outcome.verdict] += 1
    return {kind: dict(sorted(verdicts.items())) for kind, verdicts in sorted(found.items())}
