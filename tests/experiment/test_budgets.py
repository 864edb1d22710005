"""Budgets end a search between generations, by what was asked for, whatever the ledger held."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import SpaceError
from evoswarm.experiment.files.beginning import limits
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.wording import ended_because
from evoswarm.space import SearchSpace
from tests.experiment.runs import as_chosen

Micro = Callable[..., SearchSpace]
COUNTS = {"evaluations": None, "decoded_tokens": "tokens", "flops": "flops"}
"""Budgets, and what they add up in the lineage's costs; evaluations are counted themselves."""


@pytest.fixture(scope="module")
def swarm(micro: Micro) -> Swarm:
    """The micro pool, loaded once."""
    return Swarm.load(micro().pool)


def spent(run: Path, budget: str, generation: int) -> int:
    """What the lineage says was asked for up to a generation: its costs are means of six items."""
    rows = [json.loads(line) for line in (run / "individuals.jsonl").read_text().splitlines()]
    column = COUNTS[budget]
    distinct = {row["key"]: 6 * row["cost"][column] if column else 6 for row in rows if row["generation"] <= generation}
    return round(sum(distinct.values()))


@pytest.mark.parametrize("budget", COUNTS)
@pytest.mark.parametrize("ledger", ["full", "empty"])
def test_a_budget_ends_behind_the_generation_that_spends_it(
    micro: Micro, finished: SearchResult, tmp_path: Path, swarm: Swarm, budget: str, ledger: str
) -> None:
    first = spent(finished.directory, budget, 0)
    assert first < spent(finished.directory, budget, 1)
    root = finished.directory.parent if ledger == "full" else tmp_path
    for number, (limit, generations) in enumerate([(first, 1), (first + 1, 2)]):
        result = search(
            micro(f"budget.{budget}={limit}"),
            runs=root,
            out=tmp_path / f"{budget}-{number}",
            swarm=swarm,
            certify=False,
        )
        assert (result.reason, result.limit) == (f"budget.{budget}", limit)
        assert result.generations == generations


@pytest.mark.parametrize("budget", COUNTS)
def test_the_reason_is_journalled_and_said(micro: Micro, tmp_path: Path, swarm: Swarm, budget: str) -> None:
    result = search(micro(f"budget.{budget}=1"), runs=tmp_path, swarm=swarm, certify=False)
    last = json.loads((result.directory / "journal.jsonl").read_text().splitlines()[-1])
    assert (last["event"], last["reason"], last["limit"]) == ("finished", f"budget.{budget}", 1)
    said = ended_because(result.reason, result.limit, result.generations)
    assert said.startswith("The search ended after 1 generation: ")
    assert said.endswith(f" (budget.{budget}).")
    assert "its limit was reached" not in said


@pytest.mark.parametrize("budget", COUNTS)
def test_a_raised_budget_goes_on_to_the_same_bytes(
    micro: Micro, finished: SearchResult, tmp_path: Path, swarm: Swarm, budget: str
) -> None:
    short = search(micro(f"budget.{budget}=1"), runs=tmp_path, swarm=swarm, certify=False)
    same = search(micro(f"budget.{budget}=1"), runs=tmp_path, swarm=swarm, certify=False)
    assert same.directory != short.directory  # it was finished: nothing to go on with
    more = search(micro(f"budget.{budget}=10_000_000_000_000"), runs=tmp_path, swarm=swarm, certify=False)
    assert (more.directory, more.reason, more.generations) == (short.directory, "generations", 3)
    for name in ("individuals.jsonl", "front.json"):
        assert (more.directory / name).read_bytes() == (finished.directory / name).read_bytes()
    assert as_chosen(more.directory) == as_chosen(finished.directory)


def test_every_limit_has_a_name_that_the_space_knows(micro: Micro) -> None:
    space = micro("budget={evaluations: 2, decoded_tokens: 3, flops: 4, seconds: 5}")
    said = {name: value for name, value in limits(space).items() if name.startswith("budget.")}
    assert said == {"budget.evaluations": 2, "budget.decoded_tokens": 3, "budget.flops": 4, "budget.seconds": 5}


@pytest.mark.parametrize("override", ["budget.decoded_tokens=0", "budget.flops=-1", "budget.tokens=5"])
def test_no_budget_of_nothing(micro: Micro, override: str) -> None:
    with pytest.raises(SpaceError, match=r"budget\."):
        micro(override)


def test_a_budget_that_does_not_pay_for_the_founders_is_told_at_the_start(
    micro: Micro, tmp_path: Path, swarm: Swarm
) -> None:
    notes: list[str] = []
    told = Progress(note=notes.append)
    search(micro("budget.evaluations=17"), runs=tmp_path, swarm=swarm, certify=False, progress=told)
    said = "evoswarm plan would refuse this: budget.evaluations: expected at least 18"
    assert [one.startswith(said) for one in notes].count(True) == 1
