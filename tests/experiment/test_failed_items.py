"""A failed item is a wrong answer to that item, counted and shown; only what fails everywhere fails as a whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evoswarm.answering.answers import answer
from evoswarm.certificate.page import page
from evoswarm.cli.search_command import run_evaluate
from evoswarm.cli.showing.console import print_result
from evoswarm.cli.showing.generation_line import generation_line
from evoswarm.cli.showing.screen import make_console
from evoswarm.cli.telling.narrator import narrator_for
from evoswarm.decoding.request import Completion, DoesNotFit, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RunError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment import mirror
from evoswarm.experiment.evaluating import evaluate
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.outlook.plan import make_plan
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.spoilt import spoilt_tests
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace, check_files
from evoswarm.zoo.catalogue import member_path
from tests.experiment.runs import OUTCOMES, as_chosen, lines, same_outcome

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
    result = search(space, runs=folder / "runs", progress=Progress(generation=figures.append))
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
    assert generation_line(figures).endswith(f"| {count} failed: the context of small is too short ({count})")
    assert figures.as_dict()["failed"] == [{"kind": "prompt_too_long", "member": "small", "items": count}]
    values = mirror.metrics(figures.as_dict(), spoilt["space"])
    problems = {name: value for name, value in values.items() if name.startswith("problems/failed")}
    assert problems == dict.fromkeys([f"problems/failed{end}" for end in ("", "_prompt_too_long", "_by_small")], count)
    rows = [row["failed"] for row in lines(result.directory) if "failed" in row]
    assert sum(row[0]["items"] for row in rows if row) >= count  # type: ignore[index]
    print_result(make_console(), result)
    shown = " ".join(capsys.readouterr().out.split())  # sentences go over several lines
    assert "failed" in shown
    assert f"Warning: {result.warnings[0]}" in shown
    assert result.as_dict()["warnings"] == list(result.warnings)
    lost = spoilt_tests(result.certificate)
    assert lost.failures > 0
    assert f"{lost.failures} of 12 test items, which count as wrong answers: the context of small is too short" in shown
    assert shown.count("Recipes without small do not fail there for this reason.") == 1
    told = " ".join((result.directory / "certificate.txt").read_text().split())
    assert f"Of the answers of the champion, {lost.failures} failed and count as wrong (the context of small" in told


def test_evaluate_and_generate_say_who_failed(
    spoilt: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = spoilt["result"].directory / "recipes" / "member-small.json"
    with narrator_for("evaluate") as narrator:
        run_evaluate(recipe, spoilt["space"], "selection", narrator, runs=spoilt["folder"] / "again", ledger=None)
    shown = capsys.readouterr().out
    lost = evaluate(recipe, spoilt["space"], runs=spoilt["folder"] / "again").summary.failures
    assert f"Warning: The recipe fails on {lost} of 12 selection items, which count as wrong answers" in shown
    (row,) = answer(Recipe.load(recipe), ["a question that is much longer than any of the others"])
    assert row.failure is not None
    assert row.failure.startswith("prompt_too_long: the context of small is too short (")


def test_a_search_with_failures_is_replayed_to_the_byte(spoilt: dict[str, Any], tmp_path: Path) -> None:
    """From the ledger, and from an empty one."""
    first = spoilt["result"].directory
    runs = tmp_path / "runs"
    shutil.copytree(first.parent, runs)
    replayed: list[GenerationFigures] = []
    again = search(spoilt["space"], runs=runs, out=runs / "again", progress=Progress(generation=replayed.append))
    fresh = search(spoilt["space"], runs=tmp_path / "fresh")
    assert sum(one.decoded for one in replayed) == 0
    chosen = [name for name in OUTCOMES if "certificate" not in name and name != "champion.json"]
    assert all((again.directory / name).read_bytes() == (first / name).read_bytes() for name in chosen)
    assert as_chosen(again.directory) == as_chosen(first)
    assert same_outcome(fresh.directory, first)


def test_check_and_plan_count_prompts_that_are_too_long(
    spoilt: dict[str, Any], short_pool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space: SearchSpace = spoilt["space"]
    (note,) = [note for note in check_files(space, prompts=True) if note.startswith("pool: small reads 24 tokens")]
    planned = make_plan(space)
    assert [one.words for one in planned.obstacles.long] == [note.removeprefix("pool: ")]
    summary = spoilt["result"].selection
    alone = next(one.summary for one in summary.contenders if one.name == "member small")
    assert planned.obstacles.long[0].counts["selection"] == (alone.failures, 12)
    assert any(line.startswith("failures:") and "the context of small is too short" in line for line in planned.lines())
    assert not any(note.startswith("pool") for note in check_files(space))
    patient = space.pool[0].model_copy(update={"path": str(short_pool / "llama-b")})
    monkeypatch.setattr("tokenizers.Tokenizer.from_file", lambda file: pytest.fail("nothing is near the limit"))
    able = space.model_copy(update={"pool": (patient, space.pool[1])})
    assert not any(note.startswith("pool") for note in check_files(able, prompts=True))


def test_check_counts_prompts_as_chat_templates_make_them(short_pool: Path, tmp_path: Path) -> None:
    shutil.copytree(member_path("qwen3-d"), tmp_path / "chat")
    config = json.loads((tmp_path / "chat" / "config.json").read_text())
    (tmp_path / "chat" / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 20}))
    space = space_of(short_pool, tmp_path, f"pool=[{{name: chat, path: {tmp_path}/chat, chat_template: true}}]", long=3)
    (note,) = [note for note in check_files(space, prompts=True) if note.startswith("pool: chat reads 20 tokens")]
    (long,) = make_plan(space).obstacles.long
    assert note == f"pool: {long.words}"
    assert all(0 < count < 12 for count, _ in long.counts.values())


def test_plan_says_who_reaches_the_limit_and_what_that_cuts_off(short_pool: Path, tmp_path: Path) -> None:
    """Behind a marker that never comes nothing can be read: that is cut off, not wrong."""
    marked = "tasks.0.scorer={kind: regex, pattern: 'answer: (.*)'}"
    planned = make_plan(space_of(short_pool, tmp_path, marked, "tasks.0.max_bytes=5", long=1000))
    limits = {one.member: one for one in planned.obstacles.at_limit}
    assert (limits["small"].share, limits["small"].cut_off) == (1.0, 1.0)
    assert all(one.cut_off == one.share for one in limits.values())
    (line,) = [line for line in planned.lines() if line.startswith("limits:")]
    assert "words: answers that reached max_bytes" in line
    assert "small 100%, 100% before an answer could be read" in line


def test_a_search_and_its_certificate_say_what_was_cut_off(short_pool: Path, tmp_path: Path) -> None:
    """An answer that ends in one of some letters can be read; any other has come to nothing at its limit."""
    readable = "tasks.0.scorer={kind: regex, pattern: '[srth]$'}"
    space = space_of(short_pool, tmp_path, readable, "tasks.0.max_bytes=5", long=1000)
    figures: list[GenerationFigures] = []
    result = search(space, runs=tmp_path / "runs", progress=Progress(generation=figures.append))
    assert 0 < figures[0].cut_off < figures[0].at_limit
    assert figures[0].failed == ()
    assert generation_line(figures[0]).endswith(f"| {figures[0].cut_off} answers cut off")
    assert result.certificate is not None
    assert result.on_search is not None
    splits = result.on_search.cut_off, result.selection.champion.summary.cut_off, result.certificate.cut_off
    assert all(0 < cut_off < 12 for cut_off in splits)
    assert result.warnings == (
        "Answers of the champion to {} of 12 search, {} of 12 selection and {} of 12 test items were cut off by "
        "max_bytes before anything that the scorer could read; they count as wrong.".format(*splits),
    )
    told = " ".join(page(result.certificate).split())
    assert f"ended at the limit of bytes, {splits[2]} of them before anything could be read" in told


def test_what_fails_everywhere_ends_the_search_with_one_sentence_and_begins_anew(
    short_pool: Path, tmp_path: Path
) -> None:
    space = space_of(short_pool, tmp_path, "pool=[{name: small, path: " + str(short_pool / "small") + "}]")
    with pytest.raises(
        RunError, match=r"got failures only: .* on every item \(of 12\).*: the context of small is too short"
    ) as told:
        search(space, runs=tmp_path / "runs")
    assert "\n" not in str(told.value)
    assert make_plan(space).lines()[-1].startswith("failures:  a search would end after its first generation: the only")
    run = tmp_path / "runs" / "words-seed0"
    assert not (run / "individuals.jsonl").exists()
    assert json.loads((run / "journal.jsonl").read_text().splitlines()[-1]) == {"event": "gave_up"}


def test_a_search_that_gave_up_begins_anew_once_there_is_room(
    short_pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a moment spoilt is neither in the ledger nor in the lineage, nor are the thresholds made of it."""

    def crowded(*_: Any, **__: Any) -> Any:
        raise DoesNotFit("no room")

    space = space_of(short_pool, tmp_path, long=3)
    with monkeypatch.context() as patch, pytest.raises(RunError, match=r"out of memory \(no room\)$"):
        patch.setattr(Swarm, "decode", crowded)
        search(space, runs=tmp_path / "runs")
    with Ledger(tmp_path / "runs" / "ledger.sqlite") as ledger:
        assert ledger.count() == 0
    result = search(space, runs=tmp_path / "runs")
    assert result.directory == tmp_path / "runs" / "words-seed0"
    assert same_outcome(result.directory, search(space, runs=tmp_path / "elsewhere").directory)


def test_what_only_a_moment_spoilt_is_a_wrong_answer_of_this_run_and_no_row_of_the_ledger(
    short_pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, unlucky = Swarm.decode, set[str]()

    def crowded(swarm: Swarm, requests: Sequence[Request], **rest: Any) -> list[Completion]:
        if requests[0].logprobs is None and not requests[0].trace:  # entropies and traces want more than answers
            unlucky.update([requests[0].key] * (not unlucky))
            if any(request.key in unlucky for request in requests):
                raise DoesNotFit("no room")
        return decode(swarm, requests, **rest)

    figures: list[GenerationFigures] = []
    with monkeypatch.context() as patch:
        patch.setattr(Swarm, "decode", crowded)
        space = space_of(short_pool, tmp_path, "evolution.generations=1", long=1000)
        search(space, runs=tmp_path / "runs", progress=Progress(generation=figures.append), certify=False)
    (lost,) = figures[0].failed
    assert (lost.kind, lost.member, lost.items) == ("out_of_memory", "", 4)
    more = space_of(short_pool, tmp_path, long=1000)
    result = search(more, runs=tmp_path / "runs", progress=Progress(generation=figures.append), certify=False)
    assert (figures[1].replayed, figures[1].failed) == (True, (lost,)), "the journal says it again"
    rows = [row for row in lines(result.directory) if "failed" in row]
    assert rows
    assert all(row["failure"] is None and row["accuracy"] is not None for row in rows)
    with closing(sqlite3.connect(tmp_path / "runs" / "ledger.sqlite")) as database:
        assert database.execute("SELECT COUNT(*) FROM evaluations WHERE failure IS NOT NULL").fetchone() == (0,)
