"""Two real members and a task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.ledger import Ledger
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.task import Item


@pytest.fixture(scope="session")
def swarm() -> Iterator[Swarm]:
    """Two tiny members."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Swarm.load([MemberSpec(name=name, path=f"zoo:{name}") for name in ("llama-a", "llama-b")])
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def task() -> ReasoningGymTask:
    """Words to be spelt backwards."""
    return ReasoningGymTask.verified(name="spell", family="spell_backward", max_bytes=10)


@pytest.fixture(scope="session")
def items(task: ReasoningGymTask) -> list[Item]:
    """Four of its items."""
    source = task.items()
    return [next(source) for _ in range(4)]


@pytest.fixture(scope="session")
def recipes(swarm: Swarm) -> list[Recipe]:
    """Each member alone, and both together."""
    first, second = swarm.specs
    return [
        Recipe(members=(RecipeMember(spec=first),), lead=first.name),
        Recipe(members=(RecipeMember(spec=second),), lead=second.name),
        Recipe(members=(RecipeMember(spec=first), RecipeMember(spec=second)), lead=first.name),
    ]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A fresh ledger, and the folder that it lies in."""
    with Ledger(tmp_path / "runs" / "ledger.sqlite") as fresh:
        yield fresh
