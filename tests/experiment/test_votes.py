"""A search for votes is a search like any other: lineage, resume, MLflow, racing, certificate, answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm import SearchResult, SearchSpace, certify, evaluate, search
from evoswarm.answering.answers import answer
from evoswarm.cli import run as command
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.policies import Vote, load_policy
from tests.experiment.killing import KILLING
from tests.experiment.runs import as_chosen
from tests.forked import Forked

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # within MLflow

Micro = Callable[..., SearchSpace]
KIND = ("--set", "genome.kind=vote", "--set", "evolution.generations=2", "--set", "tracking.mlflow=true")
VOTES = ("genome.kind=vote", "genome.samples=[1,4]", "splits={search: 12, selection: 16, test: 12}")


@pytest.fixture(scope="module")
def found(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """Sums and words, of which either member knows one half: only a vote over several answers knows both."""
    runs = tmp_path_factory.mktemp("votes")
    space = micro(*VOTES, "evolution={generations: 5, islands: 2, population: 6}", "tracking.mlflow=true")
    return search(space, runs=runs)


def test_the_champion_is_a_vote_that_beats_both_members(found: SearchResult) -> None:
    assert isinstance(found.champion, Vote)
    assert [spec.name for spec in found.champion.specs] == ["llama-a", "llama-b"]
    alone = [one.accuracy for one in found.comparison if one.name.startswith("member ")]
    assert len(alone) == 2
    assert found.accuracy > max(alone)
    assert load_policy(found.directory) == found.champion


def test_the_lineage_tells_the_genes_of_votes(found: SearchResult) -> None:
    rows = [json.loads(line) for line in (found.directory / "individuals.jsonl").read_text().splitlines()]
    assert rows[0]["operator"] == "uniform"
    assert set(rows[0]["genome"]) == {"voting", "weights", "temperatures", "samples"}
    assert {parent for row in rows for parent in row["parents"]} <= {row["id"] for row in rows}
    assert not (found.directory / "calibration.json").exists(), "votes have no gates"


def test_the_certificate_compares_with_what_is_no_vote(found: SearchResult) -> None:
    certificate = found.certificate
    assert certificate is not None
    assert (certificate.subject.kind, certificate.subject.lead) == ("vote", "")
    assert [rival.key for rival in certificate.rivals] == ["R1", "R2", "R4", "R6"]
    assert [member.role for member in certificate.members] == ["voter", "voter"]
    assert "oting" in certificate.verdict.sentence
    assert "ixing" not in certificate.verdict.sentence
    assert certify(found.directory) == certificate


def test_mlflow_has_the_vote_voter_by_voter(found: SearchResult) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(found.tracking_uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = {one.info.run_name: one.data.params for one in client.search_runs(experiments)}
    assert isinstance(found.champion, Vote)
    of_champion = runs[f"champion of {found.directory.name}"]
    for voter in found.champion.voters:
        assert float(of_champion[f"weight.{voter.recipe.lead}"]) == voter.weight
    assert of_champion["rule"] == "vote of whole answers"


def test_the_same_search_again_decodes_nothing(
    found: SearchResult, micro: Micro, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def decode(self: Evaluator, batch: object) -> None:
        raise AssertionError("something was decoded")

    monkeypatch.setattr(Evaluator, "_decode", decode)
    space = micro(*VOTES, "evolution={generations: 5, islands: 2, population: 6}")
    again = search(space, out=tmp_path / "again", runs=tmp_path, ledger=found.ledger)
    for name in ("individuals.jsonl", "front.json"):
        assert (again.directory / name).read_bytes() == (found.directory / name).read_bytes()
    assert as_chosen(again.directory) == as_chosen(found.directory)


def test_it_is_evaluated_and_answers_like_any_recipe(
    found: SearchResult, micro: Micro, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = evaluate(found.directory, micro(*VOTES), ledger=found.ledger).summary
    assert summary == found.selection.champion.summary
    (row,) = answer(found.champion, ["3+4="], max_bytes=8)
    assert [member.name for member in row.cost.members] == ["llama-a", "llama-b"]
    assert min(member.tokens for member in row.cost.members) > 0
    assert command(["generate", str(found.directory), "3+4=", "--max-bytes", "8"]) == 0
    assert capsys.readouterr().out == row.text + "\n"


@pytest.mark.parametrize("algorithm", ["random", "island", "nsga2", "cmaes", "tpe"])
def test_every_algorithm_searches_for_votes(micro: Micro, found: SearchResult, tmp_path: Path, algorithm: str) -> None:
    space = micro(*VOTES, f"evolution.algorithm={algorithm}", "evolution.generations=2")
    result = search(space, out=tmp_path / algorithm, runs=tmp_path, ledger=found.ledger, certify=False)
    assert isinstance(result.champion, Vote)


def test_votes_race(micro: Micro, found: SearchResult, tmp_path: Path) -> None:
    space = micro(*VOTES, "racing={rungs: [4]}")
    result = search(space, out=tmp_path / "raced", runs=tmp_path, ledger=found.ledger, certify=False)
    assert isinstance(result.champion, Vote)
    rows = [json.loads(line) for line in (result.directory / "individuals.jsonl").read_text().splitlines()]
    assert {row["items"] for row in rows} >= {12}


def test_a_search_for_votes_that_is_killed_and_run_again_leaves_the_same(space_file: Path, tmp_path: Path) -> None:
    arguments = [str(space_file), str(tmp_path / "searches"), *KIND, "--seeds", "0", "3"]
    done = Forked(KILLING, *arguments)
    told, said = done.communicate()
    assert done.returncode == 0, said
    cases = json.loads(told)["cases"].values()
    assert len(cases) == 2
    for case in cases:
        assert case["died"], case
        assert case["differ"] == [], case
