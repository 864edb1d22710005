"""The zoo, loaded once, and the pools of the shipped spaces made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
import torch

from evoswarm.decoding.member import Member
from evoswarm.decoding.swarm import Swarm
from evoswarm.space import SearchSpace, make_tasks
from evoswarm.tasks.task import Item, Task
from tests.decoding.recipes import ZOO, spec

SPACES = Path(__file__).parents[2] / "search_spaces"


@dataclass(frozen=True)
class Ready:
    """A shipped space made ready.

    Attributes:
        space: as shipped.
        swarm: its pool; exact copies of a member are one.
        tasks: by name.
        items: a few of each task.
    """

    space: SearchSpace
    swarm: Swarm
    tasks: dict[str, Task]
    items: list[Item]


@pytest.fixture(scope="session")
def members() -> Iterator[dict[str, Member]]:
    """The members of the zoo by name."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield {one.spec.name: one for one in Swarm.load([spec(name) for name in ZOO]).members}
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def shipped(members: dict[str, Member]) -> Callable[[str], Ready]:
    """A shipped space by name."""

    def ready(name: str) -> Ready:
        space = SearchSpace.from_yaml(SPACES / f"{name}.yaml")
        pool = dict.fromkeys(one.path.removeprefix("zoo:") for one in space.pool)
        tasks = make_tasks(space)
        items = [item for task in tasks for item in islice(task.items(), 3)]
        return Ready(space, Swarm([members[one] for one in pool]), {task.name: task for task in tasks}, items)

    return cache(ready)
