"""Rows of any content as files that others read."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.cli.given.rows import csv_rows, rows_file

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
    assert [tuple(row) for row in found] == rows
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
