"""What every target is tried on: policies of all kinds over members of the built-in pool, and a hundred questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from evoswarm.answering.answers import answer
from evoswarm.decoding.member.files import identified, locate
from evoswarm.experiment.drawn import draw
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import About, Policy, PolicyDocument, Recipe, Route, Vote
from evoswarm.policies.about import SplitAccuracy, TaskAsked
from evoswarm.space import SearchSpace

SPACE = """
name: tried
pool: [{name: llama-a, path: "zoo:llama-a"}, {name: gpt2-c, path: "zoo:gpt2-c"}]
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 12}
  - {name: spelling, source: reasoning_gym, family: spell_backward, max_bytes: 12}
splits: {search: 2, selection: 2, test: 100}
tracking: {mlflow: false}
"""

ABOUT = About(
    run="tried-seed0",
    space="tried",
    space_digest="0" * 64,
    seed=0,
    evoswarm="0.1.0",
    date="2026-01-31",
    tasks={"sums": TaskAsked(max_bytes=12), "spelling": TaskAsked(max_bytes=12)},
    selection=SplitAccuracy(items=100, accuracy=0.9, low=0.82, high=0.95),
)


def alone(name: str, **fields: Any) -> dict[str, Any]:
    """The data of a recipe of one member of the pool, with the fingerprint that it has."""
    spec = MemberSpec(name=name, path=f"zoo:{name}")
    return {"members": [{"spec": identified(spec, locate(spec))}], "lead": name, "alphabet": "common", **fields}


def mix() -> Recipe:
    """Two members of two tokenizers, who both speak at every step."""
    members = [
        {**alone(name)["members"][0], "weight": weight} for name, weight in (("llama-a", 0.55), ("gpt2-c", 0.45))
    ]
    return Recipe.model_validate({**alone("llama-a"), "members": members, "lead": "llama-a"})


def vote() -> Vote:
    """A greedy answer of one member, and three samples of another."""
    sampler = alone("gpt2-c", samples=3, sampling_temperature=0.7)
    voters = [{"recipe": alone("llama-a"), "weight": 2}, {"recipe": sampler, "weight": 3}]
    return Vote.model_validate({"voters": voters})


def route() -> Route:
    """The mix, and one member alone for what looks like a word to spell: no task need be named."""
    clusters = [{"ngrams": {"rev ": 9}, "policy": 1, "like": "words"}]
    return Route.model_validate({"by": "cluster", "policies": [mix(), alone("gpt2-c")], "clusters": clusters})


@pytest.fixture(scope="session")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Policy], Path]:
    folder = tmp_path_factory.mktemp("policies")

    def write(name: str, policy: Policy) -> Path:
        file = folder / f"{name}.json"
        file.write_text(PolicyDocument(policy, ABOUT).to_json(), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="session")
def policy_file(_files: Callable[[str, Policy], Path]) -> Path:
    """A mix of two members of different tokenizers, whose file says how its tasks asked."""
    return _files("mix", mix())


@pytest.fixture(scope="session")
def vote_file(_files: Callable[[str, Policy], Path]) -> Path:
    """A vote, likewise."""
    return _files("vote", vote())


@pytest.fixture(scope="session")
def route_file(_files: Callable[[str, Policy], Path]) -> Path:
    """A route by the prompt, likewise."""
    return _files("route", route())


@pytest.fixture(scope="session")
def items() -> list[str]:
    """A hundred test items of the tasks: the questions as they are asked."""
    space = SearchSpace.from_text(SPACE, "tried.yaml")
    return [item.prompt for item in draw(space).items["test"]]


@pytest.fixture(scope="session")
def answers_of(_one_thread: None, items: list[str]) -> Callable[[Path], list[str]]:
    """What `evoswarm.answer` says to the items by a policy's file; asked once."""

    @cache
    def asked(file: Path) -> list[str]:
        found = answer(file, items)
        assert not [one.failure for one in found if one.failure]
        return [one.text for one in found]

    return asked


@pytest.fixture(scope="session")
def evoswarm_answers(policy_file: Path, answers_of: Callable[[Path], list[str]]) -> list[str]:
    """What `evoswarm.answer` says to the items by the mix."""
    return answers_of(policy_file)
