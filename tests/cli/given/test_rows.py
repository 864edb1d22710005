"""Rows of any content as files that others read."""

from __future__ import annotations

import csv
import json
import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.cli.given.rows import csv_rows, free_part, jsonl_rows, renamed, rows_file
from evoswarm.errors import RunError, Where
from evoswarm.spreadsheets import unmarked

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


class Kept:
    """What was written, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def write(self, text: str) -> None:
        self.pieces.append(text)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_any_text_comes_back_from_csv(rows: list[tuple[str, str]]) -> None:
    kept = Kept()
    write = csv_rows(kept, ["a", "b"])
    for a, b in rows:
        write({"a": a, "b": b, "not asked for": 1})
    header, *found = csv.reader(kept.pieces)
    assert header == ["a", "b"]
    assert [tuple(map(unmarked, row)) for row in found] == rows
    assert len(kept.pieces) == len(rows) + 1  # each goes its way at once


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, ""),
        ("", ""),
        ("x", "x"),
        (1.0, "1.0"),
        (True, "true"),
        ([1, "ä"], '[1, "ä"]'),
        ({"a": None}, '{"a": null}'),
        (math.nan, ""),
        (date(2026, 1, 31), "2026-01-31"),
        (Decimal("1.50"), "1.50"),
        ([math.inf, {"a": math.nan}, date(2026, 1, 31)], '[null, {"a": null}, "2026-01-31"]'),
    ],
)
def test_what_is_no_text_is_json(value: Any, field: str) -> None:
    kept = Kept()
    csv_rows(kept, ["first", "value"])({"first": "a", "value": value})
    assert list(csv.reader(kept.pieces))[1] == ["a", field]


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl"])
def test_half_a_character_is_written_as_its_escape(tmp_path: Path, name: str) -> None:
    with rows_file(tmp_path / name, ["a"]) as write:
        write({"a": "\ud800x"})
    text = (tmp_path / name).read_text(encoding="utf-8-sig")
    assert "\\ud800x" in text
    if name.endswith("jsonl"):
        assert json.loads(text) == {"a": "\ud800x"}


def test_what_json_does_not_know_is_a_text_or_nothing() -> None:
    kept = Kept()
    jsonl_rows(kept)(
        {"at": datetime(2026, 1, 31, 12), "price": Decimal("1.50"), "part": (1.5, -math.inf), "no": math.nan}
    )
    row = json.loads(kept.pieces[0], parse_constant=pytest.fail)
    assert row == {"at": "2026-01-31 12:00:00", "price": "1.50", "part": [1.5, None], "no": None}


@pytest.mark.parametrize(("name", "text"), [("t.txt", "\ufeffa,b\r\n1,2\r\n"), ("t.tsv", "a\tb\r\n1\t2\r\n")])
def test_a_table_that_is_asked_for_is_one(tmp_path: Path, name: str, text: str) -> None:
    with rows_file(tmp_path / name, ["a", "b"], table=True) as write:
        write({"a": 1, "b": 2})
    assert (tmp_path / name).read_bytes().decode() == text


def test_a_name_that_is_taken_twice_is_refused() -> None:
    where = Where("mine.csv")
    assert renamed(["gold", "level"], {"gold", "text"}, where) == {"gold": "input_gold"}
    for columns, ours in ((["gold", "input_gold"], {"gold"}), (["gold"], {"gold", "input_gold"})):
        with pytest.raises(RunError, match=r"'gold' .* or 'input_gold' .* got both"):
            renamed(columns, ours, where)


def test_what_is_kept_of_a_file_lies_where_the_file_would_and_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link, part = tmp_path / "rows.jsonl", tmp_path / "there" / "mine.jsonl.part"
    link.symlink_to(tmp_path / "there" / "mine.jsonl")
    part.write_text("earlier")
    for number in (2, 3):
        free = free_part(link)
        with pytest.raises(KeyboardInterrupt), rows_file(link, ["a"], free) as write:
            write({"a": number})
            raise KeyboardInterrupt
        assert free == part.with_name(f"mine.jsonl.part-{number}")
        assert json.loads(free.read_text()) == {"a": number}
    assert part.read_text() == "earlier"
