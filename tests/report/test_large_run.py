"""Runs that are made up for the tests of this folder are what a search would write, or a stranger could send."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.drawn import draw
from evoswarm.policies import Recipe
from evoswarm.report.page import page_of
from evoswarm.report.run_files import RunFiles
from tests.report.imagined import HastyEvaluator, ImaginedSwarm
from tests.report.watched import OpenPage


def test_a_made_up_run_is_what_a_search_writes(imagined_run: Path) -> None:
    run = RunFiles(imagined_run)
    seen: set[str] = set()
    for row in run.individuals:
        assert seen.issuperset(row["parents"])
        seen.add(row["id"])
    by_operator = Counter(row["operator"] for row in run.individuals)
    assert {"migration", "crossover+mutation", "mutation", "random"} <= by_operator.keys()
    assert any(row["failure"] == "non_finite" for row in run.individuals)
    assert any(row.get("failed") and row["failure"] is None for row in run.individuals)
    best = [max(row["accuracy"] or 0.0 for row in run.individuals if row["generation"] == one) for one in (0, 2)]
    assert best[0] < best[1], "there is something to find"
    assert run.certificate is not None
    assert len((run.front or {})["front"]) >= 3


def test_hasty_sums_are_those_of_the_real_evaluator(imagined_run: Path) -> None:
    space = RunFiles(imagined_run).space
    drawn = draw(space)
    swarm = ImaginedSwarm(space.pool, drawn.items["selection"])
    files = sorted((imagined_run / "recipes").glob("*.json"))
    mixes = [Recipe.from_json(file.read_text()) for file in files if '"kind"' not in file.read_text()]
    assert len(mixes) > 10
    with Ledger(":memory:") as ledger:
        real, hasty = (
            kind(swarm, drawn.tasks, ledger).summaries(mixes, drawn.items["selection"])
            for kind in (Evaluator, HastyEvaluator)
        )
    assert real == hasty


def test_a_strangers_run_can_be_read_and_does_nothing_to_the_page(
    hostile: Path, open_page: OpenPage, tmp_path: Path
) -> None:
    run = RunFiles(hostile)
    assert run.champion is not None
    assert run.certificate is not None
    texts = json.dumps([run.individuals, run.front, run.events, run.space.description, run.certificate.model_dump()])
    assert all(attack in texts for attack in ("</script>", "<!--<script>", "onerror", "\\ud800", "\\u202e", "\\u0000"))
    file = tmp_path / "page.html"
    file.write_text(page_of([run]), encoding="utf-8")
    page = open_page(file)
    page.wait_for_selector("html[data-ready=yes]")
    assert page.locator("img, svg[onload], main script").count() == 0
    assert page.locator("main b").evaluate_all("all => all.filter(one => one.textContent === 'bold').length") == 0
