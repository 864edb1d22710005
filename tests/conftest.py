"""A micro search that really runs: two members of the built-in pool, a handful of items."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.tracing import trace
from evoswarm.space import SearchSpace
from evoswarm.zoo.catalogue import member_path

MEMBERS = ("llama-a", "llama-b")

MICRO = """
name: micro
pool:
  - {{name: llama-a, path: {pool}/llama-a}}
  - {{name: llama-b, path: {pool}/llama-b}}
tasks:
  - {{name: spell, source: reasoning_gym, family: spell_backward, max_bytes: 12}}
  - {{name: sum, source: reasoning_gym, family: chain_sum, max_bytes: 8}}
splits: {{search: 6, selection: 6, test: 6}}
evolution: {{generations: 3, islands: 2, population: 3}}
tracking: {{mlflow: false}}
"""


@pytest.fixture(scope="session")
def _one_thread() -> Iterator[None]:
    """Tiny models are slower on several threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def pool(_one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of two members, as a user's own model directories."""
    root = tmp_path_factory.mktemp("models")
    for name in MEMBERS:
        shutil.copytree(member_path(name), root / name)
    return root


@pytest.fixture(scope="session")
def space_file(pool: Path) -> Path:
    """The micro space as a file."""
    file = pool / "micro.yaml"
    file.write_text(MICRO.format(pool=pool), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def micro(space_file: Path) -> Callable[..., SearchSpace]:
    """Reads the micro space with overrides."""

    def read(*overrides: str) -> SearchSpace:
        return SearchSpace.from_yaml(space_file, overrides)

    return read


@pytest.fixture(scope="session")
def finished(micro: Callable[..., SearchSpace], tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A search that ended; nobody may change its directory."""
    return search(micro(), runs=tmp_path_factory.mktemp("finished") / "runs")


@pytest.fixture
def late_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the last moment of every search: nothing is left to do that could see it."""

    def press(*given: Any) -> None:
        trace(*given)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("evoswarm.experiment.session.trace", press)
