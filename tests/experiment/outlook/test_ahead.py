"""What a whole command takes: rivals and test are in the plan, and in the time that is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evoswarm.cli.showing.generation_line import generation_line
from evoswarm.cli.telling.events import GenerationEvent
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment.algorithms import generation_size
from evoswarm.experiment.figures import LATER_SHARE, GenerationFigures, _to_come
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.outlook.ahead import Ahead, Outlook, PlannedPart, finalists
from evoswarm.experiment.outlook.along import RowsTaken
from evoswarm.experiment.outlook.casting import casts
from evoswarm.experiment.outlook.plan import Plan, generations_of, make_plan
from evoswarm.experiment.outlook.prices import Taken, Work
from evoswarm.experiment.outlook.rehearsal import Rehearsal, finale
from evoswarm.experiment.outlook.scenes import Act, Scene
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Policy
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import SPLITS, Item, SplitName

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


def test_a_plan_counts_rows_along_right_answers_in_its_memory(micro: Micro, monkeypatch: pytest.MonkeyPatch) -> None:
    space = micro("evolution.generations=1")
    monkeypatch.setattr(RowsTaken, "bytes", lambda taken, items: 1e12 * items)
    assert make_plan(space).memory_bytes > 1e12 * space.splits.search


def test_a_plan_shows_what_the_members_do_alone(planned: Plan, finished: SearchResult) -> None:
    assert planned.first_look == finished.first_look
    assert planned.as_dict()["first_look"] == planned.first_look.as_dict()


def test_a_plan_foretells_whether_mixing_pays_and_refuses_what_shows_nothing(planned: Plan) -> None:
    assert planned.prospect is not None
    assert planned.prospect.items == planned.first_look.items
    assert planned.prospect.along
    said = [line for line in planned.lines() if line.startswith("mixing:")]
    assert [line.removeprefix("mixing:    ") for line in said] == planned.prospect.lines()
    assert planned.as_dict()["prospect"]["over_member"] == planned.prospect.over_member.as_dict()
    (few,) = [one for one in planned.refusals if one.path == ("splits", "test")]
    assert few.message.endswith("got 6")
    assert planned.as_dict()["refusals"] == [one.sentence for one in planned.refusals]
    assert f"refused:   {few.sentence}" in planned.lines()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches foretell from their first generation on, however busy the machine is."""
    monkeypatch.setattr("evoswarm.experiment.session.Ahead", partial(Ahead, patience=0.0))
    monkeypatch.setattr("evoswarm.experiment.outlook.ahead.LEAST", 600.0)


@pytest.mark.usefixtures("at_once")
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
    partly = replace(figures[0], seconds_left=None, left_by_part={"search": 4.0})
    assert "more than 4.0 s left (search 4.0 s)" in generation_line(partly), "what comes behind it is not known"
    event = GenerationEvent.of(figures[0])
    assert (event.generation, event.left_by_part) == (1, figures[0].left_by_part)
    again: list[GenerationFigures] = []
    search(micro("evolution.generations=5"), runs=tmp_path, progress=Progress(generation=again.append))
    assert [bool(one.left_by_part) for one in again] == [not one.replayed for one in again]


@pytest.mark.usefixtures("at_once")
def test_what_is_left_of_a_search_without_certificate_ends_with_the_choice(micro: Micro, tmp_path: Path) -> None:
    figures: list[GenerationFigures] = []
    search(micro("evolution.generations=2"), runs=tmp_path, progress=Progress(generation=figures.append), certify=False)
    assert list(figures[0].left_by_part) == PARTS[:2]


@pytest.mark.usefixtures("at_once")
def test_pricing_a_certificate_leaves_nothing_behind(micro: Micro, finished: SearchResult, tmp_path: Path) -> None:
    """Neither in the ledger nor in what a search counts, finds and certifies."""
    figures: list[GenerationFigures] = []
    space = micro()
    found = search(space, runs=tmp_path, progress=Progress(generation=figures.append))
    assert list(figures[0].left_by_part) == PARTS, "it was priced"
    founders = len(space.pool) * space.splits.search  # each member alone, whose answers were looked at before
    assert figures[0].decoded == figures[0].fresh - founders
    assert (found.evaluations, found.champion.digest) == (finished.evaluations, finished.champion.digest)
    with Ledger(found.ledger) as ours, Ledger(finished.ledger) as theirs:
        assert ours.count() == theirs.count()


def test_nothing_is_foretold_where_nobody_listens_or_too_little_was_spent(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not SILENT.foretells
    assert not Progress(generation=print).within(print).foretells
    monkeypatch.setattr("evoswarm.experiment.outlook.ahead.finale", None)  # whoever calls it fails
    figures: list[GenerationFigures] = []
    few = micro("evolution.generations=2")
    search(few, runs=tmp_path, progress=Progress(generation=figures.append), certify=False)
    assert [(one.seconds_left, one.left_by_part) for one in figures] == [(None, {})] * 2


@pytest.mark.usefixtures("at_once")
def test_an_estimate_that_fails_ends_no_search(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("evoswarm.experiment.outlook.ahead.finale", None)
    figures: list[GenerationFigures] = []
    search(micro(), runs=tmp_path, progress=Progress(generation=figures.append), certify=False)
    assert len([one for one in caplog.messages if "cannot be foretold" in one]) == 1, "it is not tried again"
    assert [one.seconds_left for one in figures] == [None] * 3


def test_playing_ends_in_time_with_the_parts_that_are_done_and_ctrl_c_passes_through(micro: Micro) -> None:
    pressed: list[bool] = []
    with workbench(micro(), ":memory:", splits=SPLITS, stop=lambda: bool(pressed)) as bench:
        alone = [Candidate(spec.name, single(bench.space, spec)) for spec in bench.pool]
        cast = casts(bench, [2])[0]
        swarm = bench.as_deployed().evaluator.swarm
        assert finale(bench, alone, cast, stop=lambda: True) == []
        chosen = finale(bench, alone, {"search": cast["search"], "selection": cast["selection"]})
        assert [one.name for one in chosen] == PARTS[1:2]
        known = Rehearsal([Act(tuple(chosen), cast["search"])])
        assert [known.knows(name) for name in PARTS[1:]] == [True, False, False]
        ahead = Ahead(bench, patience=0.0)
        assert ahead.seconds(alone, search=0.0) is None, "the search is over"
        pressed.append(True)
        with pytest.raises(Stopped):
            finale(bench, alone, cast)
        with pytest.raises(Stopped):
            ahead.seconds(alone, search=1.0)
        assert swarm.counters.symbols > 0
        assert ahead.spent > 0.0


def test_an_unknown_part_leaves_the_sum_unknown() -> None:
    counts: dict[str, Any] = dict.fromkeys(("evaluations", "fresh", "decoded", "close", "at_limit", "cut_off"), 0)
    one = GenerationFigures(0, 2, (), (), None, failed=(), seconds=1.0, seconds_left=4.0, replayed=False, **counts)
    assert one.before({"choosing": 1.0, "rivals": None}).seconds_left is None
    assert one.before({"choosing": 1.0, "rivals": None}).left_by_part == {"search": 4.0, "choosing": 1.0}
    assert one.before({"choosing": 1.0}).seconds_left == 5.0
    assert one.before(None).left_by_part == {}


def test_rivals_are_tuned_against_the_first_finalist(micro: Micro, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than against the cheapest of those that are right on two items, or wrong on both."""
    champions: list[Policy] = []

    def heard(space: SearchSpace, pool: object, champion: Policy, *rest: object, **more: object) -> None:
        champions.append(champion)
        raise Stopped("that is enough")

    monkeypatch.setattr("evoswarm.experiment.outlook.rehearsal.tune", heard)
    with workbench(micro(), ":memory:", splits=SPLITS) as bench:
        mix = Candidate("mix", uniform(bench.space, bench.pool))
        alone = [Candidate(spec.name, single(bench.space, spec)) for spec in bench.pool]
        cast = casts(bench, [2])[0]
        for some in ([mix, *alone], [*alone, mix]):
            assert [one.name for one in finale(bench, some, cast)] == PARTS[1:2], "what was done before is kept"
        assert champions == [mix.policy, alone[0].policy]


def test_fitted_mixes_are_among_those_who_are_chosen_from(micro: Micro) -> None:
    """In a plan; that they are tested again counts for the choice."""
    with workbench(micro(), ":memory:", splits=SPLITS) as bench:
        some = [Candidate(spec.name, single(bench.space, spec)) for spec in bench.pool]
        whole = casts(bench, [2])[0]
        cast: dict[SplitName, Sequence[Item]] = {"search": whole["search"], "selection": whole["selection"]}
        alone = finale(bench, some, cast)
        assert "gold_paths" not in vars(bench), "a search at work does not fit for a forecast"
        fits = fits_of(bench)
        ((count, seconds),) = bench.fits_taken
        assert (count, fits_of(bench), len(bench.fits_taken)) == (6, fits, 1), "what the ledger knows takes no time"
        assert seconds > 0.0
        made = finale(bench, some, cast, fits=fits)
        assert fits.mixes
        assert made[0].evaluations >= alone[0].evaluations + 2 * len(fits.mixes)


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
        assert isinstance(bench.swarm, Swarm)
        prompts = {text for view in bench.swarm.views for text in view.contexts.prompt_texts}
        assert {item.prompt for split in bench.items.values() for item in split} <= prompts
        assert bench.lent is False
        bench.on_other_items()
        assert not any(len(view.contexts) for view in bench.swarm.views)


def test_a_budget_of_evaluations_limits_the_generations_of_a_plan(micro: Micro) -> None:
    space = micro("evolution.generations=9")
    each = generation_size(space) * space.splits.search
    played = Scene("0", 2, Taken(Work(rounds=1.0), 1.0), 10, tokens=20.0, flops=200.0)
    known = Rehearsal([Act((played,), ())])
    assert generations_of(space, known) == 9
    budgets = {1: 1, each: 1, each + 1: 2, 5 * each: 5, 99 * each: 9}

    def within(budget: str) -> int:
        return generations_of(micro("evolution.generations=9", f"budget.{budget}"), known)

    assert {one: within(f"evaluations={one}") for one in budgets} == budgets
    assert (within("decoded_tokens=61"), within("flops=601.0")) == (2, 2), "20 tokens on 2 of 6 items"
    assert within(f"seconds={1.5 * known.part('0', 6).seconds}") == 2


def test_what_is_left_ends_where_a_budget_does(micro: Micro, tmp_path: Path) -> None:
    figures: list[GenerationFigures] = []
    space = micro("evolution.generations=99")
    each = generation_size(space) * space.splits.search
    short = micro("evolution.generations=99", f"budget.evaluations={each + 1}")
    search(short, runs=tmp_path, progress=Progress(generation=figures.append).within(figures.append), certify=False)
    assert len(figures) == 2
    assert figures[0].seconds_left == pytest.approx(LATER_SHARE * figures[0].seconds), "one generation more"
    assert figures[1].seconds_left == 0.0
