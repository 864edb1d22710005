"""Question by question: what the champion and each member alone answered, from the files of a run alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evoswarm.errors import RunError
from evoswarm.evaluation.evaluation import scores_of
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.per_question.asked_policy import asked_policy
from evoswarm.experiment.per_question.rows import AnswerRow, decoded_answers, kept_answers
from evoswarm.experiment.result import SearchResult
from evoswarm.run_directory import CERTIFICATE
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import SplitName
from tests.experiment.runs import copied, other_champion


def rows_of(path: Path, split: SplitName = "selection", ledger: Path | None = None) -> list[AnswerRow]:
    with kept_answers(asked_policy(path), split, ledger) as answers:
        return list(answers.rows)


def said(row: AnswerRow) -> list[Any]:
    """All but what rounding may change: margins depend on what was decoded side by side."""
    known = [one for one in (row.champion, *row.members.values()) if one is not None]
    return [row.item, row.question, *((one.answer, one.score, one.cost, one.ending) for one in known)]


def test_they_are_what_the_search_scored(finished: SearchResult) -> None:
    rows = rows_of(finished.directory)
    contenders = {one.name: one.scores for one in finished.comparison}
    assert scores_of([row.champion for row in rows if row.champion]) == finished.selection.champion.scores
    for name in ("llama-a", "llama-b"):
        alone = [one for row in rows if (one := row.members[name]) is not None]
        assert scores_of(alone) == contenders[f"member {name}"]
    assert [row.number for row in rows] == list(range(1, 7))
    assert all(row.question and row.item.gold for row in rows)


def test_the_models_may_be_gone(finished: SearchResult, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "runs")
    for file in [run / "space.yaml", run / "champion.json", *(run / "recipes").iterdir()]:
        file.write_text(file.read_text().replace(str(finished.directory.parents[1]), "").replace("/models", "/gone"))
    assert [row.champion for row in rows_of(run)] == [row.champion for row in rows_of(finished.directory)]


def test_any_recipe_of_the_run_will_do(finished: SearchResult) -> None:
    recipe = finished.directory / "recipes" / "member-llama-b.json"
    for row in rows_of(recipe):
        assert row.champion == row.members["llama-b"]


def test_a_recipe_elsewhere_needs_its_space(finished: SearchResult, tmp_path: Path) -> None:
    recipe = Path(shutil.copy(finished.directory / "champion.json", tmp_path / "mine.json"))
    with pytest.raises(RunError, match="--space SPACE"):
        asked_policy(recipe)
    asked = asked_policy(recipe, finished.directory / "space.yaml")
    with kept_answers(asked, "selection", finished.ledger) as answers:
        assert [row.champion for row in answers.rows] == [row.champion for row in rows_of(finished.directory)]


def test_a_recipe_elsewhere_knows_its_run_by_name(
    finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Path(shutil.copy(finished.directory / "champion.json", tmp_path / "mine.json"))
    run = copied(finished, tmp_path / "runs")
    with pytest.raises(RunError, match=r"got a recipe that lies elsewhere \(its run was called micro-seed0\)"):
        asked_policy(recipe)
    monkeypatch.chdir(tmp_path)
    assert rows_of(recipe) == rows_of(run)
    (run / "space.yaml").write_text((run / "space.yaml").read_text().replace("seed: 0", "seed: 1"))
    with pytest.raises(RunError, match="its run was called"):  # another one of this name
        asked_policy(recipe)


def test_another_space_is_not_that_of_the_run(finished: SearchResult, tmp_path: Path) -> None:
    """Neither its journal nor its certificate says anything of others' items."""
    other = tmp_path / "other.yaml"
    other.write_text((finished.directory / "space.yaml").read_text().replace("family: chain_sum", "family: gcd"))
    with kept_answers(asked_policy(finished.directory, other), "selection") as answers:
        rows = list(answers.rows)
    assert [row.champion is not None for row in rows] == [row.item.task == "spell" for row in rows]
    with (
        pytest.raises(RunError, match="got no run directory"),
        kept_answers(asked_policy(finished.directory, other), "test"),
    ):
        pytest.fail("it was opened")


class TestWhatIsNotThere:
    def test_it_is_counted(self, finished: SearchResult, tmp_path: Path) -> None:
        nowhere = tmp_path / "none.sqlite"
        with kept_answers(asked_policy(finished.directory), "selection", nowhere) as answers:
            rows = list(answers.rows)
        assert answers.lacking == {"": 6, "llama-a": 6, "llama-b": 6}
        assert all(row.champion is None and set(row.members.values()) == {None} for row in rows)
        assert not nowhere.exists()  # to look is not to make one

    def test_it_is_decoded_where_that_is_asked_for(self, finished: SearchResult, tmp_path: Path) -> None:
        fresh = tmp_path / "ledger.sqlite"
        with decoded_answers(asked_policy(finished.directory), "selection", fresh) as answers:
            rows = list(answers.rows)
        assert list(map(said, rows)) == list(map(said, rows_of(finished.directory)))
        assert rows_of(finished.directory, ledger=fresh) == rows
        assert not answers.lacking

    def test_what_the_run_had_no_time_or_memory_for_is_known(self, finished: SearchResult, tmp_path: Path) -> None:
        run = copied(finished, tmp_path / "runs")
        with Ledger(finished.ledger) as ledger:
            digest = finished.champion.digest
            item = next(iter(ledger._database.execute("SELECT item FROM evaluations WHERE recipe = ?", [digest])))[0]
        event = {"event": "failure", "recipe": digest, "item": item, "kind": "time_out", "message": "too slow"}
        with (run / "journal.jsonl").open("a") as journal:
            journal.write(json.dumps(event) + "\n")
        splits: tuple[SplitName, ...] = ("search", "selection", "test")
        with_none = [row for split in splits for row in rows_of(run, split, tmp_path / "none.sqlite")]
        assert [row.champion.failure.kind for row in with_none if row.champion and row.champion.failure] == ["time_out"]


class TestHeldOut:
    def test_what_a_certificate_opened_is_shown(self, finished: SearchResult) -> None:
        rows = rows_of(finished.directory, "test")
        assert finished.certificate is not None
        scores = scores_of([row.champion for row in rows if row.champion])
        assert sum(scores) / len(scores) == pytest.approx(finished.certificate.score.mean)

    def test_nothing_else_is(self, finished: SearchResult, tmp_path: Path) -> None:
        run = copied(finished, tmp_path / "runs")
        before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
        refused = "expected test items that a certificate of this recipe has opened"
        with pytest.raises(RunError, match=refused):
            rows_of(run / "recipes" / "uniform-mix.json", "test")
        assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before
        (run / CERTIFICATE).unlink()
        with pytest.raises(RunError, match=rf"{refused}.* got no such certificate in .* \(evoswarm certify .* makes"):
            rows_of(run, "test")
        with pytest.raises(ValueError, match="expected another split"), decoded_answers(asked_policy(run), "test"):
            pytest.fail("it was opened")

    def test_another_champion_has_another_certificate(self, finished: SearchResult, tmp_path: Path) -> None:
        run = copied(finished, tmp_path / "runs")
        other_champion(run)
        with pytest.raises(RunError, match="got no such certificate"):
            rows_of(run, "test")


def test_a_source_that_has_changed_is_said(finished: SearchResult, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "runs")
    text = (run / "space.yaml").read_text()
    (run / "space.yaml").write_text(text.replace("family: chain_sum", "family: gcd"))
    assert SearchSpace.from_yaml(run / "space.yaml")
    with pytest.raises(RunError, match="the family gcd has changed since the run began, in the selection split"):
        rows_of(run)
