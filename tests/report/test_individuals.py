"""Everybody who was evaluated, as columns: of searches for mixes, votes and routes, of races, of several objectives."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.swarm import Swarm
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.policies import load_policy
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.finalists import finalists
from evoswarm.report.sections.individuals import individuals
from evoswarm.report.sections.numbers import short
from evoswarm.run_directory import REPORT
from evoswarm.space import SearchSpace
from tests.report.watched import OpenPage

ONE_TASK = "tasks=[{name: sum, source: reasoning_gym, family: chain_sum, max_bytes: 8}]"
KINDS = {
    "vote": ("genome.kind=vote", "genome.samples=[1,4]"),
    "route by task": ("genome.kind=route", "genome.routes=2"),
    "route by prompt": ("genome.kind=route", "genome.routes=2", ONE_TASK),
    "race": ("racing={rungs: [6, 0.5]}", "splits.search=24", "evolution.gold.founders=false"),
    "objectives": ("objectives=[accuracy, flops]", "genome.rules=[mixture]", "genome.gates=false"),
}
"""Searches of two generations, one to three seconds of CPU each."""


@dataclass(frozen=True)
class Drawn:
    """A run as its files and as the page has it."""

    path: Path

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.path / "individuals.jsonl").read_text().splitlines()]

    @cached_property
    def columns(self) -> dict[str, Any]:
        found = individuals(RunFiles(self.path))
        assert found is not None
        return found


@pytest.fixture(scope="module")
def swarm(micro: Callable[..., SearchSpace]) -> Swarm:
    """The micro pool, loaded once."""
    return Swarm.load(micro().pool)


@pytest.fixture(scope="module", params=KINDS)
def drawn(
    request: pytest.FixtureRequest,
    micro: Callable[..., SearchSpace],
    swarm: Swarm,
    tmp_path_factory: pytest.TempPathFactory,
) -> Drawn:
    """A search of each kind that ended; nobody may change its directory."""
    space = micro(*KINDS[request.param], "evolution={generations: 2, islands: 2, population: 3}")
    runs = tmp_path_factory.mktemp("drawn")
    return Drawn(search(space, runs=runs, swarm=swarm, certify=False).directory)


def test_every_individual_has_a_value_in_every_column(drawn: Drawn) -> None:
    columns, count = drawn.columns, len(drawn.rows)
    lists = {name: one for name, one in columns.items() if isinstance(one, list)}
    assert {len(one) for name, one in lists.items() if name not in ("members", "operators", "kinds", "loci")} == {count}
    nested = [*columns["genes"].values(), *columns["objectives"].values(), *columns["by_task"].values()]
    assert {len(one) for one in nested} == {count}
    assert len(columns["loci"]) == len(columns["genes"])


def test_columns_say_what_the_lines_say(drawn: Drawn) -> None:
    columns = drawn.columns
    for place, row in enumerate(drawn.rows):
        assert row["id"] == columns["id"][place]
        assert row["operator"] == columns["operators"][columns["operator"][place]]
        assert [columns["id"][parent] for parent in columns["parents"][place]] == row["parents"]
        assert columns["items"][place] == row.get("items")
        assert columns["flops"][place] == pytest.approx(row["cost"]["flops"], rel=1e-5)
        for task, score in row["by_task"].items():
            assert columns["by_task"][task][place] == pytest.approx(score, rel=1e-5)


def test_who_takes_part_is_who_the_policies_of_finalists_name(drawn: Drawn) -> None:
    found = finalists(RunFiles(drawn.path))
    assert found is not None
    known = {one["key"]: load_policy(drawn.path / one["recipe"]) for one in found["contenders"]}
    columns = drawn.columns
    names = [columns["members"][member] for member in range(len(columns["members"]))]
    told = {key: who for key, who in zip(columns["key"], columns["who"], strict=True) if key in known}
    assert told, "somebody who was evolved is a finalist"
    for key, who in told.items():
        assert [names[member] for member in who] == sorted(spec.name for spec in known[key].specs)


def test_genes_that_sleep_are_named(drawn: Drawn) -> None:
    columns = drawn.columns
    alone = next(place for place, who in enumerate(columns["who"]) if len(who) == 1)
    asleep = [columns["loci"][place] for place in columns["asleep"][alone]]
    other = 1 - columns["who"][alone][0]
    assert {one["gene"].removesuffix("s") for one in asleep if one["member"] == other} >= {"weight", "temperature"}


def test_its_page_draws_whatever_was_searched_for(drawn: Drawn, open_page: OpenPage) -> None:
    """On a telephone; half a second of CPU each."""
    from playwright.sync_api import expect  # where there is no browser, this test is skipped

    page = open_page(drawn.path / REPORT, width=400)
    for section in ("cost", "generations", "settled"):
        charts = page.locator(f"#{section} .chart")
        for number in range(charts.count()):
            charts.nth(number).scroll_into_view_if_needed()
        expect(page.locator(f"#{section} .chart:not([data-drawn])")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_finalists_carry_what_the_file_says(finished: SearchResult) -> None:
    found = finalists(RunFiles(finished.directory))
    front = json.loads((finished.directory / "front.json").read_text())
    assert found is not None
    assert [one["name"] for one in found["contenders"]] == [one["name"] for one in front["contenders"]]
    champion = next(one for one in found["contenders"] if one["key"] == found["champion"])
    assert champion["words"] == load_policy(finished.directory).words(
        next(one["spoken"] for one in front["contenders"] if one["digest"] == front["champion"])
    )
    assert sum(one["front"] for one in found["contenders"]) == len(front["front"])


@pytest.mark.parametrize("drawn", ["objectives"], indirect=True)
def test_what_the_space_leaves_no_choice_is_told_once(drawn: Drawn) -> None:
    assert drawn.columns["fixed"] == {"rule": "mixture", "open_share": 1.0, "samples": 1}
    assert not {"rule", "open_share", "samples"} & {one["gene"] for one in drawn.columns["loci"]}


def test_numbers_are_short_and_infinite_ones_are_words() -> None:
    assert [short(value) for value in (1 / 3, math.inf, -math.inf, 12345678, True, None)] == [
        *(0.333333, "max", "min", 12345678, True, None)
    ]
