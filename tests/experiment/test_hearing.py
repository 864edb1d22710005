"""Where answers are free text, mixes are fitted in the end along right ones that the search wrote itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evoswarm.decoding.request import DoesNotFit
from evoswarm.experiment import fitted
from evoswarm.experiment.certification import certify
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.hearing import hear, hear_again
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.gold.rows import RowsDoNotFit
from evoswarm.policies import Policy
from evoswarm.rivals.fitted import best_fitted
from evoswarm.run_directory import HEARD, RunDirectory
from evoswarm.run_directory.directory import events_of
from evoswarm.space import SearchSpace
from evoswarm.tasks.compact_forms import entries

SPACE = """
name: free
alphabet: bytes
pool:
  - {{name: llama-a, path: "zoo:llama-a"}}
  - {{name: gemma3-f, path: "zoo:gemma3-f"}}
tasks:
  - {{name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 12}}
  - name: free
    source: dataset
    path: {file}
    prompt: "{{q}}"
    answer: "{{a}}"
    max_bytes: 12
    scorer: {{kind: regex, pattern: "([a-z])$"}}
splits: {{search: 12, selection: 8, test: 8}}
genome: {{samples: [1], gates: false, rules: [mixture]}}
evolution: {{generations: 1, islands: 1, population: 4}}
tracking: {{mlflow: false}}
"""
"""The result of `free` is the last letter of a word spelled backward: what stands before it is free."""

Free = Callable[..., SearchSpace]


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Free:
    file = tmp_path_factory.mktemp("free") / "free.jsonl"
    found = {one.prompt: one.answer[-1] for one in entries("spell_backward", {}, 1, 120)}
    file.write_text("".join(json.dumps({"q": q, "a": a}) + "\n" for q, a in found.items()), "utf-8")
    space = file.with_name("free.yaml")
    space.write_text(SPACE.format(file=file), "utf-8")
    return lambda *overrides: SearchSpace.from_yaml(space, overrides)


def population(bench: Workbench) -> list[Policy]:
    return [uniform(bench.space, bench.pool), *(single(bench.space, spec) for spec in bench.pool)]


@pytest.fixture
def bench(free: Free, tmp_path: Path) -> Iterator[Workbench]:
    with workbench(free(), tmp_path / "ledger.sqlite", splits=("search",)) as made:
        yield made


def test_fits_know_what_was_written_and_the_certificate_knows_them_again(
    free: Free, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, run = fits_of(bench), RunDirectory(tmp_path / "run")
    assert before.untold == ("free",)
    assert not before.heard
    assert hear(bench, run, population(bench)[-1:]).endswith("(6 of 6).")  # gemma3-f can spell
    found = fits_of(bench)
    assert (found.untold, found.heard) == (("free",), 6)
    assert found.mixes[0].description == "fitted to 12 right answers, 6 of them as recipes of the search wrote them"
    by_task = bench.evaluator.summaries([one.mixes[0].policy for one in (before, found)], bench.items["search"])
    told, heard = (summary.by_task["free"] for summary in by_task)
    assert told < heard == 1.0
    run.close()
    monkeypatch.setattr(fitted, "fitted_mixes", lambda *_, **__: pytest.fail("fitted again"))
    with workbench(free(), tmp_path / "ledger.sqlite", splits=("search",)) as other:
        assert fits_of(other) == before
        hear_again(other, RunDirectory(tmp_path / "run"))
        assert fits_of(other) == found
    rival = best_fitted(bench.evaluator, bench.items["search"], found)
    assert rival is not None
    assert rival.description.startswith(
        "Fitted to right answers to the search items, 6 of them as recipes of the search"
    )


def test_what_is_of_other_tasks_decides_nothing(bench: Workbench, tmp_path: Path) -> None:
    sums = [item for item in bench.items["search"] if item.task == "sums"]
    before = fits_of(bench, sums)
    hear(bench, RunDirectory(tmp_path / "run"), population(bench))
    assert fits_of(bench, sums) == before


def test_of_what_nobody_answers_rightly_nothing_is_fitted(bench: Workbench, tmp_path: Path) -> None:
    before, run = fits_of(bench), RunDirectory(tmp_path / "run")
    said = hear(bench, run, [])
    assert said.startswith("No mix is fitted to free: no right answer is known there as members would write it, and no")
    assert fits_of(bench) == before


@pytest.mark.parametrize("error", [DoesNotFit("no room"), RowsDoNotFit("no room")])
def test_what_there_was_no_room_for_is_missing_in_later_sittings_too(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object) -> None:
        raise error

    before, run = fits_of(bench), RunDirectory(tmp_path / "run")
    with monkeypatch.context() as short:
        short.setattr("evoswarm.gold.paths.read_rows", full)
        assert hear(bench, run, population(bench)) == "No mix is fitted to free: no room."
    assert fits_of(bench) == before
    assert hear(bench, run, population(bench)) == "No mix is fitted to free: no room.", "as it was in the first sitting"
    hear_again(bench, run)
    assert fits_of(bench) == before


def test_a_search_says_what_it_fits_to_and_goes_on_to_the_same(free: Free, tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        result = search(free(), runs=tmp_path, certify=False, progress=Progress(note=said.append))
    assert said.count("No founder is fitted to free: no right answer is known there as members would write it.") == 2
    assert len([one for one in said if one.startswith("Mixes are fitted to free, too, along right answers")]) == 2
    assert [event["event"] for event in events_of(result.directory)].count(HEARD) == 1
    fits = [one.candidate.description for one in result.selection.contenders if one.candidate.key == "fitted"]
    assert fits
    assert all("as recipes of the search wrote them" in one for one in fits)
    assert "as recipes of the search wrote them" in str(certify(result.directory).to_json())
