"""Small spaces over members that exist in name only, and a calibration table for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from evoswarm.genomes.kinds import Material
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace

TASKS = ({"name": "sums", "source": "reasoning_gym", "family": "chain_sum"},)


def make_space(members: int = 5, **fields: Any) -> SearchSpace:
    pool = [{"name": f"m{index}", "path": f"models/m{index}", "fingerprint": f"f{index}"} for index in range(members)]
    data = {"name": "small", "pool": pool, "alphabet": "auto", "tasks": TASKS, **fields}
    return SearchSpace.model_validate(data).resolved("bytes")


def make_calibration(members: int = 5, steps: int = 200, alphabet: AlphabetName = "bytes") -> Calibration:
    rng, most = Random(0), 2 if alphabet == "bytes" else 6
    return Calibration.of(
        {
            f"m{index}": {task: [most * rng.random() for _ in range(steps)] for task in ("sums", "words")}
            for index in range(members)
        }
    )


@pytest.fixture(scope="session")
def space() -> Callable[..., SearchSpace]:
    """Make a space of so many members."""
    return make_space


@pytest.fixture(scope="session")
def representation() -> Callable[..., MixGenomes]:
    """Make the representation of a space, given by the fields of its ``genome``."""

    def make(
        members: int = 5,
        sizes: Mapping[str, MemberSize] | None = None,
        warm_start: Mapping[str, Recipe] | None = None,
        **genome: Any,
    ) -> MixGenomes:
        space = make_space(members, genome=genome)
        return MixGenomes(
            Material(
                space, sizes or {}, warm_start or {}, lambda alphabet: make_calibration(members, alphabet=alphabet)
            )
        )

    return make
