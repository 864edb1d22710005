"""A first look at the members: what each does alone is shown before a search begins, and zero is said at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli.given.early import check_certify
from evoswarm.errors import RunError, TaskError
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.certification import certify
from evoswarm.experiment.first_look.likely_mistakes import beyond_each, likely_mistakes
from evoswarm.experiment.first_look.look import Alone, Answered, FirstLook
from evoswarm.experiment.first_look.looking import looked, looked_within
from evoswarm.experiment.first_look.taking import look_at
from evoswarm.experiment.openings.guard import book_of
from evoswarm.experiment.openings.nothing_scored import NothingScored
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single
from evoswarm.space import SearchSpace
from evoswarm.trust import NOBODY
from tests.experiment.runs import copied

FOREIGN = 'prompt_format="### Instruction:\\nPlease answer.\\n{prompt}\\n### Response:\\n"'


class Told:
    """What a search tells, in order."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.looks: list[FirstLook] = []

    @property
    def progress(self) -> Progress:
        return Progress(generation=lambda figures: self.kinds.append("generation"), first_look=self._look)

    def _look(self, look: FirstLook) -> None:
        self.kinds.append("look")
        self.looks.append(look)


@pytest.fixture(scope="module")
def lost(micro: Callable[..., SearchSpace], tmp_path_factory: pytest.TempPathFactory) -> tuple[SearchResult, Told]:
    """A search that asks in a way that its members do not know; nobody may change its directory."""
    told = Told()
    space = micro(FOREIGN, "evolution.generations=2")
    return search(space, runs=tmp_path_factory.mktemp("lost") / "runs", progress=told.progress), told


def test_it_says_how_often_each_member_is_right_alone(finished: SearchResult) -> None:
    look = finished.first_look
    assert look is not None
    assert FirstLook.from_json((finished.directory / "first_look.json").read_text()) == look
    assert look.items == 6
    assert (look.members, look.tasks) == (("llama-a", "llama-b"), ("spell", "sum"))
    space = SearchSpace.from_yaml(finished.directory / "space.yaml")
    with workbench(space, finished.ledger) as bench:
        items = bench.items["search"]
        rows = bench.evaluator.evaluate([single(bench.space, spec) for spec in bench.pool], items)
        assert bench.evaluator.decoded == 0, "it is of the answers that the search itself stands on"
    for name, row in zip(look.members, rows, strict=True):
        for one in (one for one in look.alone if one.member == name):
            own = [evaluation for item, evaluation in zip(items, row, strict=True) if item.task == one.task]
            assert one == _counted(one, own)
    assert {one.accuracy for one in look.alone} > {0.0}, "these are members that know something"


def _counted(one: Alone, own: list[Evaluation]) -> Alone:
    limits = [row for row in own if row.ending in ("limit", "cut_off")]
    return Alone(
        one.member,
        one.task,
        items=len(own),
        accuracy=sum(row.score or 0.0 for row in own) / len(own),
        at_limit=len(limits),
        cut_off=sum(row.ending == "cut_off" for row in own),
        empty=sum(row.answer == "" for row in own),
        holding=one.holding,
        failed=0,
        failure="",
    )


def test_it_shows_answers_of_several_members_right_and_wrong(finished: SearchResult) -> None:
    look = finished.first_look
    assert look is not None
    for task in look.tasks:
        rows = [one for one in look.shown if one.task == task]
        assert len({(one.member, one.question) for one in rows}) == 3
        assert {one.member for one in rows} == set(look.members)
        right = {one.is_right for one in rows}
        assert right == ({False, True} if max(one.accuracy for one in look.of(task)) else {False})
        assert all(one.question in one.prompt and one.gold for one in rows)


def test_it_comes_before_evolution_and_again_when_a_run_goes_on(
    finished: SearchResult, micro: Callable[..., SearchSpace], tmp_path: Path
) -> None:
    run = copied(finished, tmp_path / "runs")
    told = Told()
    again = search(micro("evolution.generations=4"), runs=run.parent, progress=told.progress, certify=False)
    assert again.directory == run
    assert told.kinds == ["look", *["generation"] * 4]
    assert told.looks == [finished.first_look]
    (run / "first_look.json").write_text("spoilt")
    last = search(micro("evolution.generations=5"), runs=run.parent, progress=told.progress, certify=False)
    assert last.first_look == finished.first_look, "it is looked at anew, in the ledger"


def test_zero_is_said_before_anything_evolves(lost: tuple[SearchResult, Told]) -> None:
    result, told = lost
    assert told.kinds == ["look", "generation", "generation"]
    (look,) = told.looks
    assert {one.accuracy for one in look.alone} == {0.0}
    assert look.warnings[0].startswith("No member alone answers any of the 6 calibration items rightly. Usually it is")
    for cause in ("foreign to the models", "chat template", "no stop string", "max_bytes"):
        assert cause in look.warnings[0]
    assert all(one.prompt.endswith("### Response:\n") for one in look.shown)
    assert look.as_dict() == json.loads((result.directory / "first_look.json").read_text())


def test_nothing_is_opened_for_a_champion_that_scores_nothing(
    lost: tuple[SearchResult, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = lost
    monkeypatch.setattr("evoswarm.decoding.pool.load_member", lambda *_: pytest.fail("a member was loaded"))
    assert result.accuracy == 0.0
    assert result.certificate is None
    assert result.refusal is not None
    assert "got 0 on each of its 6 items" in result.refusal
    for force in (False, True):
        with pytest.raises(NothingScored, match="fresh once only"):
            certify(result.directory, force=force)
    with pytest.raises(RunError, match="got 0 on each of its 6 items"):  # the champion's file says so
        check_certify(result.directory, NOBODY, None, lambda space: None)
    with Ledger(result.ledger) as ledger:
        assert book_of(ledger, result.directory.parent, result.directory).openings == {}
    assert not (result.directory / "certificate.json").exists()


def test_a_certificate_shows_it_again(finished: SearchResult, tmp_path: Path) -> None:
    told = Told()
    assert certify(copied(finished, tmp_path / "runs"), progress=told.progress) == finished.certificate
    assert told.looks == [finished.first_look]


def test_a_search_that_begins_anew_looks_anew(micro: Callable[..., SearchSpace], pool: Path) -> None:
    with workbench(micro(), ":memory:") as bench:
        look = look_at(bench, bench.items["search"])
        before = (bench.evaluator.asked, bench.evaluator.decoded)
    assert before == (0, 0), "what it asks counts on no budget"
    assert look.warnings == ()


def test_gold_texts_are_told_with_it_and_refused_before_a_member_is_loaded(
    micro: Callable[..., SearchSpace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = micro("tasks.0.max_bytes=4")
    with workbench(space, ":memory:") as bench:
        (warning, *_) = looked(bench, bench.items["search"]).warnings
    assert "tasks.0.max_bytes: expected gold texts of at most 4 bytes" in warning
    monkeypatch.setattr("evoswarm.decoding.pool.load_member", lambda *_: pytest.fail("a member was loaded"))
    with pytest.raises(TaskError, match="no answer can be right about them"):
        search(micro("tasks.0.max_bytes=1"), runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_plan_asks_as_many_as_its_time_allows(micro: Callable[..., SearchSpace], finished: SearchResult) -> None:
    with workbench(micro(), ":memory:") as bench:
        few, all_of_them = (looked_within(bench, seconds, Progress()) for seconds in (0.0, 60.0))
    assert (few.items, all_of_them.items) == (4, 6)
    assert all_of_them == finished.first_look


def alone(task: str, accuracy: float, **counts: int) -> Alone:
    known = {"at_limit": 0, "cut_off": 0, "empty": 0, "holding": 0, "failed": 0, **counts}
    return Alone(member="llama-a", task=task, items=20, accuracy=accuracy, failure="", **known)


def answered(task: str, prompt: str) -> Answered:
    return Answered(task, "llama-a", prompt, prompt, "1", "2", 0.0, "end", "")


def said(space: SearchSpace, *rows: Alone, shown: tuple[Answered, ...] = (), unused: tuple[str, ...] = ()) -> str:
    return "\n".join(likely_mistakes(space, FirstLook(40, rows, shown), lambda: unused))


def test_where_all_is_well_nothing_is_said(micro: Callable[..., SearchSpace]) -> None:
    assert said(micro(), alone("spell", 0.5), alone("sum", 0.05, at_limit=12, holding=20)) == ""


def test_a_task_that_nobody_can_do_may_be_for_a_mix(micro: Callable[..., SearchSpace]) -> None:
    rows = (alone("spell", 0.04), alone("sum", 0.9))
    assert said(micro(), *rows) == ""
    (note,) = beyond_each(FirstLook(40, rows, ()))
    assert note.startswith("No member alone answers more than 4% of spell (20 items) rightly. The members may be right")
    assert beyond_each(FirstLook(40, (alone("spell", 0.0), alone("sum", 0.0)), ())) == (), "that is another matter"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            {"at_limit": 19},
            "spell: answers of every member nearly always run to max_bytes (12 bytes), and tasks.0.stop",
        ),
        ({"cut_off": 5, "at_limit": 5}, "spell: 5 of 20 answers reached max_bytes (12 bytes) before anything that"),
        ({"empty": 11}, "spell: 11 of 20 answers are empty"),
        ({"holding": 5}, "spell: 5 of 20 answers hold the gold text among other words"),
    ],
)
def test_what_speaks_for_a_mistake_is_said(
    micro: Callable[..., SearchSpace], counts: dict[str, int], words: str
) -> None:
    assert words in said(micro(), alone("spell", 0.0, **counts), alone("sum", 0.0))


def test_unused_templates_and_spaces_at_the_end_are_said(micro: Callable[..., SearchSpace]) -> None:
    rows = (alone("spell", 0.0), alone("sum", 0.0))
    text = said(micro(), *rows, shown=(answered("sum", "1 + 1 = "), answered("spell", "cat:")), unused=("a", "b"))
    assert "a and b have a chat template that is not used: set chat_template: true" in text
    assert "sum: prompts end in a space" in text
    assert "spell: prompts" not in text


def test_answers_that_always_run_on_are_said_of_right_ones_too(micro: Callable[..., SearchSpace]) -> None:
    text = said(micro("tasks.1.stop=[';']"), alone("spell", 0.5), alone("sum", 0.5, at_limit=20))
    assert "sum: answers of every member nearly always run to max_bytes (8 bytes), and none of the stop strings" in text
    rows = (alone("spell", 0.5), alone("sum", 0.5, at_limit=20))
    assert said(micro("tasks.1.max_bytes=2"), *rows, shown=(answered("sum", "1+0="),)) == "", (
        "a digit is all that is asked"
    )
