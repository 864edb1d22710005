"""A certificate that is killed half-way goes on where it was."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.experiment.certification import certify
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import CERTIFICATE
from evoswarm.space import SearchSpace
from tests.experiment.test_certify import Micro
from tests.forked import Forked

SITTING = """
import os, signal, sys
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.certification import certify

write, left = Ledger.write, [int(sys.argv[2])]

def dying(self, evaluations):
    write(self, evaluations)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

Ledger.write = dying
certify(sys.argv[1])
"""


def kept(run: Path) -> int:
    with Ledger(run.parent / LEDGER) as ledger:
        return ledger.count()


@pytest.fixture
def crowded(micro: Micro) -> SearchSpace:
    """Room for the states of few streams: a certificate takes many waves."""
    return micro("evolution.generations=1", "decoding.state_memory_bytes=100000")


def test_the_second_sitting_decodes_only_the_rest(
    crowded: SearchSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: SearchResult = search(crowded, runs=tmp_path / "runs", certify=False)
    run, before = found.directory, kept(found.directory)
    died = Forked(SITTING, run, 3)
    _, said = died.communicate()
    assert died.returncode == -signal.SIGKILL, said
    half = kept(run)
    assert half > before
    written: list[Key] = []
    write = Ledger.write

    def noting(ledger: Ledger, evaluations: dict[Key, Evaluation]) -> None:
        written.extend(evaluations)
        write(ledger, evaluations)

    monkeypatch.setattr(Ledger, "write", noting)
    certificate = certify(run)
    assert len(written) == len(set(written)) == kept(run) - half, "nothing was decoded that had been kept"
    undisturbed = search(crowded, runs=tmp_path / "undisturbed").directory
    assert (run / CERTIFICATE).read_bytes() == (undisturbed / CERTIFICATE).read_bytes()
    assert certificate.items.test == 6
