"""A failed item is a wrong answer to that item, counted and shown; only what fails everywhere fails as a whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evoswarm.cli.console import generation_line, print_result
from evoswarm.cli.search_command import make_console
from evoswarm.errors import RunError
from evoswarm.experiment import mirror
from evoswarm.experiment.result import GenerationFigures, SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import evaluate
from evoswarm.recipe import Recipe
from evoswarm.space import SearchSpace
from tests.experiment.runs import OUTCOMES, lines, same_outcome

SHORT = 24  # tokens that one member can read
WORDS = ["stone", "river", "cloud", "table", "horse", "plant", "chair", "bread", "glass", "light", "tiger", "spoon"]


@pytest.fixture(scope="module")
def short_pool(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two members, and the first once more with a context too short for long questions."""
    root = tmp_path_factory.mktemp("short")
    for name, original in (("small", "llama-b"), ("llama-a", "llama-a"), ("llama-b", "llama-b")):
        shutil.copytree(pool / original, root / name)
    config = json.loads((root / "small" / "config.json").read_text())
    config["max_position_embeddings"] = SHORT
    (root / "small" / "config.json").write_text(json.dumps(config))
    return root


def space_of(root: Path, folder: Path, *overrides: str, long: int = 1) -> SearchSpace:
    """Words to be spelt backwards; every so many-th question is a long one."""
    folder.mkdir(exist_ok=True)
    words = [*WORDS, *(word[::-1] for word in WORDS), *(a[:3] + b[:2] for a in WORDS for b in WORDS)]
    rows = [{"question": f"rev {word}=", "answer": word[::-1]} for word in dict.fromkeys(words)]
    for number in range(0, len(rows), long):
        rows[number]["question"] = "a question that is much longer than any of the others: " + rows[number]["question"]
    (folder / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    members = "".join(f"  - {{name: {name}, path: {root / name}}}\n" for name in ("small", "llama-a"))
    (folder / "words.yaml").write_text(
        f"name: words\npool:\n{members}"
        f"tasks:\n  - {{name: words, source: dataset, path: {folder}/words.jsonl, max_bytes: 8}}\n"
        "splits: {search: 12, selection: 12, test: 12}\n"
        "evolution: {generations: 2, islands: 1, population: 4}\n"
        "tracking: {mlflow: false}\n"
    )
    return SearchSpace.from_yaml(folder / "words.yaml", overrides)


@pytest.fixture(scope="module")
def spoilt(short_pool: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A search in which a member cannot read every other question."""
    folder = tmp_path_factory.mktemp("spoilt")
    space = space_of(short_pool, folder, long=2)
    figures: list[GenerationFigures] = []
    result = search(space, runs=folder / "runs", on_generation=figures.append)
    return {"space": space, "result": result, "figures": figures, "folder": folder}


def test_member_that_fails_on_some_items_is_scored_as_if_they_were_wrong(
    spoilt: dict[str, Any], short_pool: Path
) -> None:
    result: SearchResult = spoilt["result"]
    contenders = {
        entry["name"]: entry for entry in json.loads((result.directory / "front.json").read_text())["contenders"]
    }
    alone = contenders["member small"]
    assert alone["failed"] == [{"kind": "prompt_too_long", "member": "small", "items": alone["failures"]}]
    assert 0 < alone["failures"] < 12
    assert alone["failure"] is None
    assert alone["accuracy"] is not None
    space: SearchSpace = spoilt["space"]
    patient = space.pool[0].model_copy(update={"path": str(short_pool / "llama-b")})
    recipe = Recipe.load(result.directory / alone["recipe"])
    spec = recipe.members[0].spec.model_copy(update={"path": patient.path, "fingerprint": None})
    same = recipe.model_copy(update={"members": (recipe.members[0].model_copy(update={"spec": spec}),)})
    able = space.model_copy(update={"pool": (patient, space.pool[1])})
    expected = evaluate(same, able, runs=spoilt["folder"] / "able").summary
    got = evaluate(recipe, space, runs=spoilt["folder"] / "again").summary
    assert expected.failures == 0
    assert got.accuracy
    assert got.accuracy == alone["accuracy"] == pytest.approx(sum(got.scores) / 12)
    lost = [place for place, (a, b) in enumerate(zip(got.scores, expected.scores, strict=True)) if a != b]
    assert len(lost) <= alone["failures"]
    assert not any(got.scores[place] for place in lost)


def test_the_champion_is_one_that_can_answer(spoilt: dict[str, Any]) -> None:
    result: SearchResult = spoilt["result"]
    best = max(s.accuracy for s in result.comparison if s.summary.failure is None)
    assert result.selection.best.accuracy == best
    assert result.certificate is not None


def test_lines_table_json_and_metrics_show_failures(spoilt: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    figures, result = spoilt["figures"][0], spoilt["result"]
    count = figures.failed[0].items
    assert figures.failed[0].member == "small"
    assert generation_line(figures).endswith(f"| {count} failed: prompt too long for small ({count})")
    assert figures.as_dict()["failed"] == [{"kind": "prompt_too_long", "member": "small", "items": count}]
    values = mirror.metrics(figures, spoilt["space"])
    assert (
        values["failed_items"] == values["failed_items/prompt_too_long"] == values["failed_items/member/small"] == count
    )
    assert values["failed_items/no_mass"] == values["failed_items/member/llama-a"] == 0
    rows = [row["failed"] for row in lines(result.directory) if "failed" in row]
    assert sum(row[0]["items"] for row in rows if row) >= count
    print_result(make_console(), result)
    shown = capsys.readouterr().out
    assert "failed" in shown
    assert ("Warning: The champion fails on" in shown) == bool(result.warnings)


def test_a_search_with_failures_is_replayed_to_the_byte(spoilt: dict[str, Any], tmp_path: Path) -> None:
    """From the ledger, and from an empty one."""
    first = spoilt["result"].directory
    runs = tmp_path / "runs"
    shutil.copytree(first.parent, runs)
    replayed: list[GenerationFigures] = []
    again = search(spoilt["space"], runs=runs, out=runs / "again", on_generation=replayed.append)
    fresh = search(spoilt["space"], runs=tmp_path / "fresh")
    assert sum(one.decoded for one in replayed) == 0
    certified = [name for name in OUTCOMES if "certificate" not in name]
    assert all((again.directory / name).read_bytes() == (first / name).read_bytes() for name in certified)
    assert same_outcome(fresh.directory, first)


def test_what_fails_everywhere_ends_the_search_with_one_sentence_and_begins_anew(
    short_pool: Path, tmp_path: Path
) -> None:
    space = space_of(short_pool, tmp_path, "pool=[{name: small, path: " + str(short_pool / "small") + "}]")
    with pytest.raises(
        RunError, match=r"got failures only: .* on every item \(of 12\).*: prompt too long for small"
    ) as told:
        search(space, runs=tmp_path / "runs")
    assert "\n" not in str(told.value)
    run = tmp_path / "runs" / "words-seed0"
    assert not (run / "individuals.jsonl").exists()
    assert json.loads((run / "journal.jsonl").read_text().splitlines()[-1]) == {"event": "gave_up"}
