"""What `make gpu` measures runs where there is no GPU, small; and what there is no time for is left out, and said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks import gpu


def test_every_part_runs_and_the_table_has_a_line_for_each(tmp_path: Path) -> None:
    gpu.main(["--quick", "--out", str(tmp_path / "gpu.json")])
    told = json.loads((tmp_path / "gpu.json").read_text())
    settings = [(row["alphabet"], row["members"], row["streams"]) for row in told["rows"]]
    names = ("tokens", "common")
    assert settings == [(name, count, streams) for count in (1, 3) for name in names for streams in (1, 2)]
    assert len(told["bytes"]) == 2
    assert told["left_out"] == []
    assert all(value > 0 for row in told["rows"] for value in row.values() if not isinstance(value, str))
    page = (tmp_path / "gpu.md").read_text()
    assert told["gpu"] in page
    assert told["date"] in page
    assert page.count("\n| `tokens` |") == page.count("\n| `common` |") == 4


def test_what_there_is_no_time_for_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpu.main(["--quick", "--minutes", "0", "--out", str(tmp_path / "gpu.json")])
    told = json.loads((tmp_path / "gpu.json").read_text())
    assert not told["rows"]
    assert not told["bytes"]
    assert len(told["left_out"]) == 9
    assert capsys.readouterr().out.count("left out: ") == 9
    assert "tokens, 1 member, 1 streams" in (tmp_path / "gpu.md").read_text()
