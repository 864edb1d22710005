"""What a run says of its champion is what its figures say: in the console, in the files, in the certificate."""

from __future__ import annotations

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from evoswarm.certificate.page import page
from evoswarm.cli.showing.console import print_ending, print_result
from evoswarm.evaluation.candidate import Candidate, Scored
from evoswarm.evaluation.evaluation import scores_of, summarize
from evoswarm.experiment.ending import ending_of
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.workbench import workbench
from evoswarm.policies import load_document
from evoswarm.policies.mix import Recipe
from evoswarm.policies.shares import percent
from evoswarm.report.run_files import RunFiles
from evoswarm.space import SearchSpace

SHARE = re.compile(r"([a-z-]+) speaks .*\((\S+|under \S+|over \S+) of steps\)")


def shares_told(lines: list[str]) -> dict[str, str]:
    """By member, the share that a sentence gives."""
    return {found[1]: found[2] for line in lines if (found := SHARE.search(line))}


def test_every_member_s_share_is_recounted_from_the_ledger(finished: SearchResult, tmp_path: Path) -> None:
    """A gated mix: what its words, its summary and its evaluations say of who spoke is one thing."""
    space = SearchSpace.from_yaml(finished.directory / "space.yaml")
    ledger = Path(shutil.copy(finished.ledger, tmp_path))
    with workbench(space, ledger, splits=("search", "selection")) as bench:
        items = bench.items["selection"]
        lead, other = bench.pool[:2]
        members = [{"spec": lead.model_dump()}, {"spec": other.model_dump(), "threshold": 0.05}]
        gated = Recipe.model_validate(
            {"members": members, "lead": lead.name, "alphabet": bench.space.alphabets[0], "epsilon": space.epsilon}
        )
        rows = bench.evaluator.evaluate([gated], items)[0]
        (summary,) = bench.evaluator.summaries([gated], items)
        assert summary.spoken == summarize(items, rows, bench.tasks).spoken
        steps = sum(row.steps for row in rows)
        own = sum(cost.steps for row in rows for cost in row.cost.members if cost.name == other.name)
        assert 0 < own < steps
        assert summary.spoken == {lead.name: 1.0, other.name: own / steps}
        assert summary.open_share == summary.spoken[other.name]
        assert shares_told(gated.words(summary.spoken)) == {other.name: percent(own / steps)}
        champion = Scored(Candidate("gated", gated, "gated"), replace(summary, scores=scores_of(rows)))
    stream = io.StringIO()
    ending = ending_of(RunFiles(finished.directory))
    assert ending is not None
    shown = replace(ending, selection=replace(ending.selection, champion=champion, winner=champion))
    print_ending(Console(file=stream, width=160), shown, finished.ledger, None)
    told, _, tables = stream.getvalue().partition("On the selection split (")
    assert shares_told(told.splitlines()) == {other.name: percent(own / steps)}
    assert "Shares of steps are of its answers to them." in told
    row = next(line for line in tables.splitlines() if line.startswith("│ champion (gated)"))
    assert row.rstrip("│ \n").endswith(percent(summary.open_share))


def test_files_console_and_certificate_give_one_figure_each(finished: SearchResult) -> None:
    stream = io.StringIO()
    print_result(Console(file=stream, width=160), finished)
    shown = stream.getvalue()
    front = json.loads((finished.directory / "front.json").read_text())
    champion = next(row for row in front["contenders"] if row["digest"] == front["champion"])
    assert champion["spoken"] == dict(finished.selection.champion.summary.spoken)
    assert f"has an accuracy of {champion['accuracy']:.3f}" in shown
    certificate = finished.certificate
    assert certificate is not None
    expected, about = champion["estimate"], load_document(finished.directory).about
    assert about is not None
    assert about.expected is not None
    assert (about.expected.accuracy, about.expected.items) == (expected["accuracy"], expected["items"])
    assert certificate.gap.expected == pytest.approx(expected["accuracy"], abs=1e-6)
    assert f"Expected of the champion on other items: {expected['accuracy']:.1%}" in " ".join(shown.split())
    assert f"was expected to score {100 * expected['accuracy']:.1f}% on others" in " ".join(page(certificate).split())
    assert certificate.opening.statement[1:] in " ".join(page(certificate).split())
    by_name = {one.name: percent(one.share_of_steps) for one in certificate.members}
    told = shares_told(list(certificate.subject.words))
    assert told.items() <= by_name.items()
    assert all(share == "100%" for name, share in by_name.items() if name not in told)
    assert f"{100 * certificate.gap.selection:.1f}% on the selection items" in " ".join(shown.split())


@pytest.mark.parametrize("word", ["had promised", "cannot be proven", "followers spoke", "joins where"])
def test_what_contradicted_is_gone(word: str, finished: SearchResult) -> None:
    stream = io.StringIO()
    print_result(Console(file=stream, width=160), finished)
    assert finished.certificate is not None
    assert word not in stream.getvalue() + page(finished.certificate)
