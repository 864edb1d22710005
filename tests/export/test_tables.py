"""A run as tables: what Parquet and CSV hold is what the run and its ledger hold."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from evoswarm.cli import run
from evoswarm.errors import EvoswarmError
from evoswarm.experiment.result import SearchResult
from evoswarm.export.source import read_source
from evoswarm.export.tables.column import TableColumn, TablePlan
from evoswarm.export.tables.target import PLANS
from evoswarm.export.tables.writing import write_table
from evoswarm.export.target import Options
from evoswarm.export.targets import TARGETS
from evoswarm.spreadsheets import unmarked

Row = dict[str, Any]


@pytest.fixture(scope="module")
def tables(finished: SearchResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run as tables."""
    out = tmp_path_factory.mktemp("exported") / "tables"
    assert run(["export", str(finished.directory), "--to", "tables", str(out), "--quiet"]) == 0
    return out


def parquet(file: Path) -> list[Row]:
    rows: list[Row] = pa.parquet.read_table(file.with_suffix(".parquet")).to_pylist()
    return rows


def csv(file: Path, columns: dict[str, str]) -> list[Row]:
    """A CSV file read back by what is said of its columns."""
    types = {"whole number": pa.int64(), "number": pa.float64(), "truth": pa.bool_()}
    options = pa.csv.ConvertOptions(
        column_types={name: types.get(kind, pa.string()) for name, kind in columns.items()},
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    rows: list[Row] = pa.csv.read_csv(
        file.with_suffix(".csv"),
        convert_options=options,
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
    ).to_pylist()
    for row in rows:
        for name, kind in columns.items():
            if kind == "text" and row[name] is not None:
                row[name] = unmarked(row[name])
            elif kind == "texts" and row[name] is not None:
                row[name] = json.loads(row[name])
    return rows


def test_csv_is_parquet_and_every_column_is_described(tables: Path) -> None:
    said = json.loads((tables / "columns.json").read_text())
    page = (tables / "README.md").read_text()
    assert list(said["tables"]) == [plan.name for plan in PLANS]
    for name, table in said["tables"].items():
        rows = parquet(tables / name)
        columns = {one["name"]: one["type"] for one in table["columns"]}
        assert len(rows) == table["rows"] > 0
        assert all(list(row) == list(columns) for row in rows)
        assert csv(tables / name, columns) == rows
        schema = pa.parquet.read_schema(tables / f"{name}.parquet")
        for one in table["columns"]:
            assert schema.field(one["name"]).metadata[b"description"].decode() == one["says"]
            assert f"| `{one['name']}` | {one['type']} |" in page
    assert sorted(path.name for path in tables.iterdir()) == sorted(
        ["README.md", "columns.json", *(f"{plan.name}.{end}" for plan in PLANS for end in ("csv", "parquet"))]
    )


def test_individuals_are_the_lineage(tables: Path, finished: SearchResult) -> None:
    lines = [json.loads(line) for line in (finished.directory / "individuals.jsonl").read_text().splitlines()]
    rows = parquet(tables / "individuals")
    assert len(rows) == len(lines)
    slept = Counter[str]()
    for row, line in zip(rows, lines, strict=True):
        for name in ("id", "generation", "island", "number", "operator", "parents", "migrated_from", "failure"):
            assert row[name] == line[name]
        assert (row["policy"], row["accuracy"], row["open_share"]) == (
            line["key"],
            line["accuracy"],
            line["open_share"],
        )
        assert [row["objective.accuracy"]] == line["objectives"]
        assert {task: row[f"accuracy.{task}"] for task in ("spell", "sum")} == line["by_task"]
        assert {name: row[name] for name in line["cost"]} == line["cost"]
        genes = json.loads(row["genome"])
        assert genes == line["genome"]
        for index, member in enumerate(("llama-a", "llama-b")):
            assert row[f"gene.weight:{member}"] == genes["weights"][index]
            assert row[f"gene.member:{member}"] is genes["members"][index]
        assert row["gene.lead"] == ("llama-a", "llama-b")[genes["lead"]]
        assert row["gene.rule"] == genes["rule"]
        slept.update(row["asleep"])
    assert slept["sampling_temperature"] == len(rows), "nothing is drawn in this space"
    assert 0 < slept["rule"] < len(rows), "it sleeps in members alone"


def test_evaluations_are_those_of_the_ledger(tables: Path, finished: SearchResult) -> None:
    """They come to what the search says of every policy, and are what the command ``answers`` shows."""
    rows, items = parquet(tables / "evaluations"), {row["item"]: row for row in parquet(tables / "items")}
    by_policy: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        assert all(row[name] == items[row["item"]][name] for name in ("task", "split", "number"))
        assert sum(row[f"flops.{name}"] or 0 for name in ("llama-a", "llama-b")) == pytest.approx(row["flops"])
        by_policy.setdefault((row["policy"], row["split"]), []).append(row)
    for individual in parquet(tables / "individuals"):
        found = by_policy[individual["policy"], "search"]
        assert len(found) == 6
        for name in ("tokens", "passes", "weight_reads", "flops"):
            assert sum(row[name] for row in found) / 6 == pytest.approx(individual[name])
        assert sum(row["score"] for row in found) / 6 == pytest.approx(individual["accuracy"])
    for contender in parquet(tables / "front"):
        found = by_policy[contender["policy"], "selection"]
        assert {row["contender"] for row in found} == {contender["name"]}
        assert sum(row["score"] for row in found) / 6 == pytest.approx(contender["accuracy"])
        assert sum(row["flops.llama-a"] or 0 for row in found) / 6 == pytest.approx(contender["flops.llama-a"] or 0)
    assert {policy for policy, split in by_policy if split == "test"} >= {finished.champion.digest}


def test_answers_are_what_the_command_answers_shows(
    tables: Path, finished: SearchResult, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, items = parquet(tables / "evaluations"), {row["item"]: row for row in parquet(tables / "items")}
    for split in ("search", "selection", "test"):
        assert run(["answers", str(finished.directory), "--split", split, "--json"]) == 0
        shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        own = [row for row in rows if row["split"] == split]
        for number, answer in enumerate(shown, start=1):
            item = items[answer["item"]]
            assert (item["number"], item["question"], item["gold"]) == (number, answer["question"], answer["gold"])
            (champion,) = [r for r in own if r["policy"] == finished.champion.digest and r["item"] == answer["item"]]
            said = ("answer", "score", "ending", "failure", "flops")
            assert [champion[name] for name in said] == [answer[name] for name in said]
            for member, told in answer["members"].items():
                alone = [r for r in own if r["member"] == member and r["item"] == answer["item"]]
                assert (told["answer"], told["score"]) in [(r["answer"], r["score"]) for r in alone]


def test_the_front_is_that_of_the_run(tables: Path, finished: SearchResult) -> None:
    front = json.loads((finished.directory / "front.json").read_text())
    rows = parquet(tables / "front")
    assert [row["name"] for row in rows] == [one["name"] for one in front["contenders"]]
    assert {row["policy"] for row in rows if row["on_front"]} == {one["digest"] for one in front["front"]}
    assert [row["policy"] for row in rows if row["champion"]] == [finished.champion.digest]
    for row, one in zip(rows, front["contenders"], strict=True):
        assert (row["file"], row["origin"], row["accuracy"]) == (one["recipe"], one["origin"], one["accuracy"])
        estimate = one.get("estimate", {})
        assert row["expected_accuracy"] == estimate.get("accuracy")
        assert row["expected_items"] == estimate.get("items")
        for member in ("llama-a", "llama-b"):
            cost = one["cost"]["members"].get(member, {})
            assert row[f"passes.{member}"] == cost.get("passes")
            assert row[f"spoken.{member}"] == one["spoken"].get(member)


def test_test_items_are_there_once_a_certificate_opened_them_and_what_lacks_is_said(
    finished: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Path(shutil.copytree(finished.directory, tmp_path / "runs" / "own"))
    for file in own.glob("certificate*"):
        file.unlink()
    monkeypatch.setenv("EVOSWARM_LEDGER", str(finished.ledger))
    assert run(["export", str(own), "--to", "tables", str(tmp_path / "closed")]) == 0
    assert "test items are left out: no certificate has opened them for the champion" in capsys.readouterr().out
    for name in ("items", "evaluations"):
        assert {row["split"] for row in parquet(tmp_path / "closed" / name)} == {"search", "selection"}
    monkeypatch.setenv("EVOSWARM_LEDGER", str(tmp_path / "none.sqlite"))
    individuals = own / "individuals.jsonl"
    first, *rest = individuals.read_text().splitlines(keepends=True)
    other = json.loads(first)
    other["genome"]["weights"][0] = 0.3
    individuals.write_text(json.dumps(other) + "\n" + "".join(rest))
    assert run(["export", str(own), "--to", "tables", str(tmp_path / "bare")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"evaluations are lacking: there is no ledger {tmp_path}/none.sqlite" in said
    assert "evaluations of 1 policy are lacking: what they were made of is not known here any more" in said
    assert pa.parquet.read_table(tmp_path / "bare" / "evaluations.parquet").num_rows == 0
    individuals.write_text(first.replace('"lead"', '"load"'))
    assert run(["export", str(own), "--to", "tables", str(tmp_path / "broken")]) == 2
    assert "individuals.jsonl" in (error := capsys.readouterr().err)
    assert "expected a genome of the kind mix" in error
    assert not (tmp_path / "broken").exists()


TEXTS = [
    "",
    "=1+1",
    "'=1+1",
    "-5",
    "a,b;c",
    'he said "no"',
    "two\r\nlines\n",
    "Grüße, 世界 🦊",
    "\ud800",
    None,
    " @x",
    "NA",
    "null",
]


def test_odd_texts_come_back_from_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.export.tables.writing.AT_ONCE", 2)
    plan = TablePlan(
        "odd",
        "Odd values.",
        (
            TableColumn("text", "text", "A text.", lambda row: row),
            TableColumn("texts", "texts", "Twice.", lambda row: None if row is None else [row, row]),
            TableColumn("length", "whole number", "Its length.", lambda row: None if row is None else len(row)),
            TableColumn("real", "number", "A number.", lambda row: None if row is None else len(row) / 3 - 1),
            TableColumn("odd", "truth", "Whether that is odd.", lambda row: None if row is None else len(row) % 2 == 1),
        ),
    )
    assert write_table(plan.of({}, TEXTS), tmp_path) == len(TEXTS)
    rows = parquet(tmp_path / "odd")
    assert [row["text"] for row in rows] == [text if text != "\ud800" else "\\ud800" for text in TEXTS]
    assert [row["real"] for row in rows] == [None if text is None else len(text) / 3 - 1 for text in TEXTS]
    assert csv(tmp_path / "odd", {column.name: column.type for column in plan.columns}) == rows
    assert pa.parquet.ParquetFile(tmp_path / "odd.parquet").num_row_groups == math.ceil(len(TEXTS) / 2)
    raw = (tmp_path / "odd.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert not re.search(rb'^"[=+@]', raw, re.MULTILINE), "no field begins like a formula"


def test_rows_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.export.tables.writing.AT_ONCE", 100)
    sizes: list[int] = []

    def rows() -> Iterator[int]:
        for number in range(1000):
            sizes.append((tmp_path / "numbers.parquet").stat().st_size)
            yield number

    plan = TablePlan("numbers", "Numbers.", (TableColumn("square", "number", "Of it.", lambda row: float(row) ** 2),))
    write_table(plan.of({}, rows()), tmp_path)
    assert sizes[100] < sizes[-1], "what came first is on the disk before the last is read"


@pytest.mark.parametrize(
    ("file", "key", "value", "said"),
    [
        ("individuals.jsonl", "accuracy", "much", r"individuals: accuracy: expected a number in row 2 .*got 'much'"),
        ("individuals.jsonl", "migrated_from", 5, "individuals: migrated_from: expected a text in row 2"),
        ("individuals.jsonl", "items", "x", r"individuals.jsonl.* items: expected a number of items, got 'x'"),
        ("front.json", "failures", 2**70, "front: failures: expected a whole number in row 2"),
        ("front.json", "search_accuracy", [], "front.json: search_accuracy: expected search_accuracy as a search"),
    ],
)
def test_a_damaged_run_is_refused_in_a_sentence(
    file: str, key: str, value: Any, said: str, finished: SearchResult, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(finished.directory, tmp_path / "run"))
    text = (own / file).read_text()
    if file == "front.json":
        data = json.loads(text)
        (data if key in data else data["contenders"][1])[key] = value
        text = json.dumps(data)
    else:
        lines = text.splitlines(keepends=True)
        lines[1] = json.dumps({**json.loads(lines[1]), key: value}) + "\n"
        text = "".join(lines)
    (own / file).write_text(text)
    with pytest.raises(EvoswarmError, match=said):
        written = TARGETS["tables"].write
        assert written is not None
        written(read_source(own), tmp_path, Options(tmp_path))
