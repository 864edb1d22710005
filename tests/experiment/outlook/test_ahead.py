"""What a whole command takes: rivals and test are in the plan, and in the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli.showing.console import generation_line
from evoswarm.cli.telling.events import GenerationEvent
from evoswarm.experiment.algorithms import generation_size
from evoswarm.experiment.figures import LATER_SHARE, GenerationFigures, _to_come
from evoswarm.experiment.outlook.ahead import Outlook, PlannedPart, finalists
from evoswarm.experiment.outlook.plan import Plan, generations_of, make_plan
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]
PARTS = ["search", "choosing", "rivals", "test"]


@pytest.fixture(scope="module")
def planned(micro: Micro) -> Plan:
    return make_plan(micro())


def test_a_plan_names_every_part_of_the_command(micro: Micro, planned: Plan) -> None:
    space = micro()
    parts = planned.outlook.parts
    assert list(parts) == ["start", *PARTS]
    assert all(part.seconds > 0 for part in parts.values())
    assert all(parts[name].evaluations > 0 and parts[name].tokens > 0 for name in PARTS)
    assert planned.seconds == pytest.approx(sum(part.seconds for part in parts.values()))
    assert parts["choosing"].evaluations == finalists(space) * space.splits.selection
    time, work = (next(line for line in planned.lines() if line.startswith(name)) for name in ("time:", "work:"))
    assert all(f"{name} " in time and f"{name} " in work for name in PARTS)


def test_the_plan_counts_what_a_certificate_asks(micro: Micro, planned: Plan) -> None:
    """The test asks the champion and rivals at least, all on new items; tuning tries many more."""
    space = micro()
    rivals, test = planned.outlook.parts["rivals"], planned.outlook.parts["test"]
    assert test.evaluations >= 2 * space.splits.test
    assert rivals.evaluations / space.splits.selection > 2 * test.evaluations / space.splits.test


def test_a_plan_shows_what_the_members_do_alone(planned: Plan, finished: SearchResult) -> None:
    assert planned.first_look == finished.first_look
    assert planned.as_dict()["first_look"] == planned.first_look.as_dict()


def test_a_search_says_what_is_left_until_the_end_of_the_command(micro: Micro, tmp_path: Path) -> None:
    figures: list[GenerationFigures] = []
    found = search(micro(), runs=tmp_path, progress=Progress(generation=figures.append))
    assert found.certificate is not None
    for one in figures:
        assert list(one.left_by_part) == PARTS
        assert one.seconds_left == pytest.approx(sum(one.left_by_part.values()))
    assert [one.left_by_part["search"] > 0 for one in figures] == [True] * (len(figures) - 1) + [False]
    line = generation_line(figures[0])
    assert "left (search " in line
    assert all(f"{name} " in line for name in PARTS)
    event = GenerationEvent.of(figures[0])
    assert (event.generation, event.left_by_part) == (1, figures[0].left_by_part)
    again: list[GenerationFigures] = []
    search(micro("evolution.generations=4"), runs=tmp_path, progress=Progress(generation=again.append))
    assert [bool(one.left_by_part) for one in again] == [not one.replayed for one in again]


def test_what_is_left_of_a_search_without_certificate_ends_with_the_choice(micro: Micro, tmp_path: Path) -> None:
    figures: list[GenerationFigures] = []
    search(micro("evolution.generations=1"), runs=tmp_path, progress=Progress(generation=figures.append), certify=False)
    assert list(figures[0].left_by_part) == PARTS[:2]


def test_pricing_a_certificate_leaves_nothing_behind(micro: Micro, tmp_path: Path) -> None:
    """Neither in the ledger nor in what a search counts."""
    figures: list[GenerationFigures] = []
    space = micro("evolution.generations=1")
    found = search(space, runs=tmp_path, progress=Progress(generation=figures.append), certify=False)
    founders = len(space.pool) * space.splits.search  # each member alone, whose answers were looked at before
    assert figures[0].decoded == figures[0].fresh - founders
    assert found.evaluations == figures[0].evaluations + sum(one.summary.items for one in found.selection.contenders)


def test_parts_add_up() -> None:
    outlook = Outlook({"search": PlannedPart(1.5, 10, 100.0), "test": PlannedPart(2.0, 5, 50.0)})
    assert (outlook.seconds, outlook.evaluations, outlook.tokens) == (3.5, 15, 150.0)


def test_generations_to_come_take_what_the_last_took_but_less_than_the_first() -> None:
    assert _to_come([10.0]) == LATER_SHARE * 10.0
    assert _to_come([10.0, 4.0]) == 4.0
    assert _to_come([10.0, 4.0, 2.0]) == 3.0
    assert _to_come([10.0, 4.0, 2.0, 3.0]) == 3.0


def test_a_search_forgets_what_it_asked_unless_others_share_its_pool(micro: Micro, tmp_path: Path) -> None:
    """Between search and selection items, and before the test items."""
    space = micro("evolution.generations=1")
    with workbench(space, ":memory:") as bench:
        search(space, runs=tmp_path / "lent", swarm=bench.swarm, certify=False)
        prompts = {text for view in bench.swarm.views for text in view.contexts.prompt_texts}  # type: ignore[attr-defined]
        assert {item.prompt for split in bench.items.values() for item in split} <= prompts
        assert bench.lent is False
        bench.on_other_items()
        assert not any(len(view.contexts) for view in bench.swarm.views)  # type: ignore[attr-defined]


def test_a_budget_of_evaluations_limits_the_generations_of_a_plan(micro: Micro) -> None:
    space = micro("evolution.generations=9")
    each = generation_size(space) * space.splits.search
    assert generations_of(space) == 9
    budgets = {1: 1, each: 1, each + 1: 2, 5 * each: 5, 99 * each: 9}
    found = {one: generations_of(micro("evolution.generations=9", f"budget.evaluations={one}")) for one in budgets}
    assert found == budgets
