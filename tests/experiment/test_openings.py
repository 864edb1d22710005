"""Who may open the test items: the first champion of a space, and others by force only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.cli import run as command
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.experiment.certification import certify
from evoswarm.experiment.evaluating import evaluate
from evoswarm.experiment.places import LEDGER
from evoswarm.experiment.result import PAGE, SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import CERTIFICATE
from evoswarm.space import SearchSpace
from tests.experiment.runs import copied, open_for, other_champion

Micro = Callable[..., SearchSpace]


def test_another_champion_needs_force_and_the_certificate_says_so(
    finished: SearchResult, micro: Micro, tmp_path: Path
) -> None:
    run = copied(finished, tmp_path / "runs")
    other = other_champion(run)
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        certify(run)
    kept = run / f"certificate-{finished.champion.digest[:12]}.json"
    assert kept.read_bytes() == (finished.directory / CERTIFICATE).read_bytes()  # an old verdict is not the new one's
    assert not (run / CERTIFICATE).exists()
    certificate = certify(run, force=True)
    assert certificate.subject.champion == other.digest
    assert (certificate.opening.forced, certificate.opening.others_of_this_space) == (True, 1)
    assert "FORCED" in (run / PAGE).read_text()
    assert certify(run) == certificate  # the same opening again needs no force
    (run / "champion.json").write_text(finished.champion.to_json())
    assert certify(run) == finished.certificate  # who came later does not count


def test_a_refusal_does_not_wait_for_models(
    finished: SearchResult, micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(finished, tmp_path / "runs")
    other_champion(run)
    monkeypatch.setattr("evoswarm.decoding.pool.load_member", lambda *_: pytest.fail("a member was loaded"))
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        certify(run)


def test_a_champion_without_fingerprints_is_known_once_it_is_loaded(finished: SearchResult, tmp_path: Path) -> None:
    """Its digest is another one until then: to refuse it early would be to refuse the champion itself."""
    run = copied(finished, tmp_path / "runs")
    data = json.loads((run / "champion.json").read_text())
    for member in data["members"]:
        member["spec"]["fingerprint"] = None
    (run / "champion.json").write_text(json.dumps(data))
    assert certify(run) == finished.certificate
    assert not list(run.glob("certificate-*"))


def test_a_look_by_hand_does_not_replace_force(
    finished: SearchResult, micro: Micro, space_file: Path, tmp_path: Path
) -> None:
    """To evaluate a recipe on the test split is an opening; its certificate would still be a second look."""
    run = copied(finished, tmp_path / "runs")
    other = other_champion(run)
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        evaluate(other, space_file, "test", runs=tmp_path / "runs", open_test=True)
    seen = evaluate(other, space_file, "test", runs=tmp_path / "runs", force=True)
    assert seen.opening is not None
    assert seen.opening.others == 1
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        certify(run)
    assert not (run / CERTIFICATE).exists()
    certificate = certify(run, force=True)
    assert certificate.opening.forced
    assert certify(run) == certificate


def test_a_look_by_hand_at_the_champion_itself_needs_no_force(micro: Micro, tmp_path: Path) -> None:
    result = search(micro("evolution.generations=1"), runs=tmp_path, certify=False)
    evaluate(result.champion, micro(), "test", runs=tmp_path, open_test=True)
    assert not certify(result.directory).opening.forced


def test_a_second_search_ends_normally_without_a_verdict(micro: Micro, tmp_path: Path) -> None:
    """The test items of a space are opened once, whatever the seed; the search is no less finished for that."""
    space = micro("evolution.generations=1")
    with Ledger(tmp_path / LEDGER) as ledger:
        open_for("somebody else", ledger, space)
    result = search(space, runs=tmp_path)
    assert result.certificate is None
    assert "opened for another recipe" in str(result.refusal)
    assert not (result.directory / CERTIFICATE).exists()
    last = (result.directory / "journal.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "finished"
    assert certify(result.directory, force=True).opening.forced


def test_the_end_of_a_search_says_why_there_is_no_verdict(
    space_file: Path, micro: Micro, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with Ledger(tmp_path / "runs" / LEDGER) as ledger:
        open_for("somebody else", ledger, micro())
    assert command(["search", str(space_file), "--set", "evolution.generations=1"]) == 0
    printed = capsys.readouterr().out
    assert "No verdict: expected test items that nobody has seen, got items opened for another recipe" in printed
    assert "evoswarm certify runs/micro-seed0 --force" in printed
