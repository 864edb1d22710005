"""Spaces and studies that are spoilt by chance are read or refused in a sentence; what they name is not looked at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from ruamel.yaml import YAML

from evoswarm.errors import SpaceError
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.settings import StudySettings
from tests.fuzz.material import SPACE, STUDY
from tests.fuzz.mutations import spoil_bytes, spoil_data
from tests.fuzz.sentences import refusal

CASES = 100


@pytest.mark.parametrize(
    ("kind", "good", "read"),
    [("space", SPACE, SearchSpace.from_yaml), ("study", STUDY, StudySettings.from_yaml)],
    ids=["space", "study"],
)
def test_spoilt_yaml(tmp_path: Path, kind: str, good: str, read: Callable[[Path], object]) -> None:
    file = tmp_path / f"{kind}.yaml"
    file.write_text(good)
    read(file)
    found: Counter[str] = Counter()
    for number in range(CASES):
        chance = Random(f"{kind} {number}")
        if chance.random() < 0.4:
            content, done = spoil_bytes(good.encode(), chance)
        else:
            data, done = YAML(typ="safe", pure=True).load(good), ""
            for _ in range(chance.choice([1, 1, 2, 3])):
                data, more = spoil_data(data, chance)
                done += f"{more}; "
            content = json.dumps(data).encode()  # JSON is YAML
        file.write_bytes(content)
        said = refusal(lambda: read(file), SpaceError, f"{number}: {done}")
        found["read" if said is None else "refused"] += 1
        assert said is None or said.startswith(str(file)), f"{number}: {done}: {said}"
    assert found["read"] > CASES / 20
    assert found["refused"] > CASES / 2
