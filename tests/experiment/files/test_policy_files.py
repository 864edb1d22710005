"""What the policy files of a run say: where they come from, what was scored, and what a certificate adds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from evoswarm.certificate.document import Certificate
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.experiment.certification import certify
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.policies import About, load_document, load_policy
from evoswarm.space import SearchSpace
from tests.experiment.runs import copied, other_champion

Micro = Callable[..., SearchSpace]


def about(file: Path) -> About:
    found = load_document(file).about
    assert found is not None
    return found


def test_the_champion_says_where_it_comes_from(finished: SearchResult) -> None:
    run, space = finished.directory, SearchSpace.from_yaml(finished.directory / "space.yaml")
    said = about(run)
    assert (said.run, said.space, said.seed, said.space_digest) == (run.name, "micro", 0, space.digest)
    assert said.evoswarm == version("evoswarm")
    began = json.loads((run / "journal.jsonl").read_text().splitlines()[0])
    assert said.date == began["date"]
    asked = {name: (task.max_bytes, task.stop, task.prompt, task.examples) for name, task in said.tasks.items()}
    assert asked == {"spell": (12, (), None, ""), "sum": (8, (), None, "")}


def test_scores_and_verdict_are_those_of_the_certificate(finished: SearchResult) -> None:
    said = about(finished.directory)
    certificate = Certificate.from_json((finished.directory / "certificate.json").read_text())
    assert said.selection is not None
    assert said.test is not None
    assert said.verdict is not None
    assert said.selection.accuracy == pytest.approx(finished.accuracy, abs=1e-6)
    assert said.selection.items == 6
    assert set(said.selection.by_task) == {"spell", "sum"}
    assert (said.test.accuracy, said.test.low, said.test.high) == tuple(certificate.score.model_dump().values())
    assert {name: one.accuracy for name, one in said.test.by_task.items()} == {
        name: one.mean for name, one in certificate.by_task.items()
    }
    assert (said.verdict.outcome, said.verdict.sentence) == (
        certificate.verdict.outcome,
        certificate.verdict.sentence,
    )


def test_every_contender_says_what_it_scored(finished: SearchResult) -> None:
    front = json.loads((finished.directory / "front.json").read_text())
    for row in front["contenders"]:
        said = about(finished.directory / row["recipe"])
        assert said.selection is not None
        assert said.selection.accuracy == pytest.approx(row["accuracy"], abs=1e-6)
        if row["digest"] == finished.champion.digest:  # its certificate is known
            assert said == about(finished.directory)
        else:
            assert (said.test, said.verdict) == (None, None)


def test_a_later_certificate_enters_the_file_of_an_old_run(finished: SearchResult, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "runs")
    certified = about(run)
    front = json.loads((run / "front.json").read_text())
    (twin,) = {row["recipe"] for row in front["contenders"] if row["digest"] == front["champion"]}
    for name in ("champion.json", twin):
        (run / name).write_text(finished.champion.to_json())  # as earlier versions wrote it
    certify(run)
    assert about(run) == certified == about(run / twin)
    assert load_policy(run) == finished.champion


def test_a_refusal_and_a_forced_certificate_are_said(finished: SearchResult, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "runs")
    other = other_champion(run)
    with pytest.raises(OpenedBefore) as caught:
        certify(run)
    said = about(run)
    assert (said.refusal, said.verdict, said.test) == (caught.value.message, None, None)
    assert f"no certificate: {said.refusal}" in said.sentence()
    certify(run, force=True)
    said = about(run)
    assert said.refusal is None
    assert said.verdict is not None
    assert said.verdict.forced
    assert load_policy(run) == other


def test_a_run_with_relative_paths_answers_from_anywhere(
    micro: Micro, pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pool)
    members = "pool=[{name: llama-a, path: ./llama-a}, {name: llama-b, path: llama-b}]"
    space = micro(members, "evolution={generations: 1, islands: 1, population: 3}")
    result = search(space, runs=tmp_path / "runs", certify=False)
    moved = tmp_path / "elsewhere"
    os.rename(result.directory, moved)
    monkeypatch.chdir(tmp_path)
    for file in (moved, *(moved / "recipes").iterdir()):
        policy = load_policy(file)
        assert {Path(spec.path) for spec in policy.specs} <= {pool / "llama-a", pool / "llama-b"}
    assert load_policy(moved).digest == result.champion.digest
