"""What the sections about the whole tell: words and figures are those of the files, in whatever state a run is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evoswarm.certificate.page import summary
from evoswarm.experiment.result import SearchResult
from evoswarm.policies.document import load_document
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.champion import champion
from evoswarm.report.sections.compute import compute
from evoswarm.report.sections.repeat import repeat
from evoswarm.report.sections.verdict import CLOSED, verdict
from evoswarm.run_directory import CERTIFICATE, CHAMPION, INDIVIDUALS, JOURNAL, SPACE


@pytest.fixture
def uncertified(finished: SearchResult, tmp_path: Path) -> Path:
    """The run as it was before its test items were opened."""
    run = shutil.copytree(finished.directory, tmp_path / "uncertified")
    (run / CERTIFICATE).unlink()
    content = json.loads((run / CHAMPION).read_text())
    for key in ("test", "verdict"):
        del content["about"][key]
    (run / CHAMPION).write_text(json.dumps(content))
    return run


class TestVerdict:
    def test_certified(self, finished: SearchResult) -> None:
        known = finished.certificate
        assert known is not None
        said = verdict(RunFiles(finished.directory))
        _, sentence, *more = summary(known)
        assert (said["outcome"], said["sentence"]) == (known.verdict.outcome, sentence)
        assert said["more"][: len(more)] == more
        assert said["score"] == {"split": "test", **known.score.model_dump(), "items": known.items.test}

    def test_closed(self, uncertified: Path) -> None:
        said = verdict(RunFiles(uncertified))
        assert (said["outcome"], said["sentence"]) == ("none", CLOSED)
        about = load_document(uncertified).about
        assert about is not None
        assert about.expected is not None
        assert (said["score"]["split"], said["score"]["mean"]) == ("expected", about.expected.accuracy)

    def test_refused(self, uncertified: Path) -> None:
        document = load_document(uncertified)
        assert document.about is not None
        content = json.loads((uncertified / CHAMPION).read_text())
        content["about"]["refusal"] = "Others had opened them."
        (uncertified / CHAMPION).write_text(json.dumps(content))
        said = verdict(RunFiles(uncertified))
        assert (said["outcome"], said["sentence"]) == ("refused", "Others had opened them.")

    def test_unfinished(self, finished: SearchResult, tmp_path: Path) -> None:
        shutil.copy(finished.directory / SPACE, tmp_path)
        begun = verdict(RunFiles(tmp_path))
        assert begun["sentence"].startswith("The search has not ended: 0 of 3 generations are scored.")
        rows = (finished.directory / INDIVIDUALS).read_text().splitlines(keepends=True)
        (tmp_path / INDIVIDUALS).write_text("".join(row for row in rows if json.loads(row)["generation"] < 2))
        (tmp_path / JOURNAL).write_text('{"event": "interrupted"}\n')
        stopped = verdict(RunFiles(tmp_path))
        assert stopped["sentence"].startswith("The search was interrupted: 2 of 3 generations are scored.")
        assert (stopped["outcome"], stopped["score"]) == ("unfinished", None)


class TestChampion:
    def test_figures_are_those_of_the_certificate(self, finished: SearchResult) -> None:
        known, said = finished.certificate, champion(RunFiles(finished.directory))
        assert known is not None
        assert said is not None
        assert said["words"] == list(known.subject.words)
        told = {one["name"]: one for one in said["members"]}
        for member in known.members:
            assert told[member.name]["steps"] == member.share_of_steps
            worth = None if member.without is None else member.without.difference.model_dump()
            assert told[member.name]["worth"] == worth
        rivals = [one for one in said["compared"] if one["group"] == "rival"]
        assert [one["key"] for one in rivals] == [rival.key for rival in known.rivals]
        assert [one["difference"] for one in rivals] == [rival.difference.model_dump() for rival in known.rivals]
        everybody = len(known.rivals) + len(known.diagnostics) + len(known.ceilings)
        assert len(said["compared"]) == everybody

    def test_without_a_certificate_the_selection_items_tell(self, finished: SearchResult, uncertified: Path) -> None:
        said = champion(RunFiles(uncertified))
        assert said is not None
        summary_ = finished.selection.champion.summary
        assert said["words"] == finished.champion.words(summary_.spoken)
        assert (said["split"], said["compared"]) == ("selection", [])
        assert said["compute"]["flops"] == pytest.approx(finished.cost.flops)
        assert all(one["worth"] is None for one in said["members"])


def test_compute_is_as_it_was_journalled(finished: SearchResult) -> None:
    run = RunFiles(finished.directory)
    said = compute(run)
    assert said is not None
    search = said["search"]
    assert search["generation"] == [0, 1, 2]
    assert search["rows_forwarded"] == [one["rows_forwarded"] for one in run.generations]
    assert sum(search["new_evaluations"]) == run.generations[-1]["evaluations"]
    assert next(iter(search["sharing"])) == "0"
    for one in said["read"] or ():
        cost = next(cost for cost in finished.cost.members if cost.name == one["name"])
        assert one["prompt"] + one["answer"] == pytest.approx(cost.tokens, rel=1e-4)


def test_what_repeats_it(finished: SearchResult) -> None:
    said = repeat(RunFiles(finished.directory))
    assert said["space"] == (finished.directory / SPACE).read_text(encoding="utf-8")
    known = {spec.name: spec.fingerprint for spec in finished.champion.specs}
    told = {one["name"]: one["fingerprint"] for one in said["members"]}
    assert known.items() <= told.items()
    assert all(told.values()), "members alone are contenders, so all are known"
    facts = dict(said["facts"])
    assert (facts["champion"], facts["ended by"]) == (finished.champion.digest, "generations: 3")
    assert {name for name, _ in said["files"]} == {path.name for path in finished.directory.iterdir()} - {
        "report.html",
        "openings.jsonl",
    }
