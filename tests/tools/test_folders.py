"""Folders that tools make are whole or not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.folders import main, whole_folder, write_json


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "made" / "one"
    with pytest.raises(ZeroDivisionError), whole_folder(target) as folder:
        write_json(folder, "config.json", {"a": 1})
        _ = 1 / 0
    assert list(target.parent.iterdir()) == [], "nothing is left of what went wrong"
    with whole_folder(target) as folder:
        (folder.parent / "beside").write_text("work")
        write_json(folder, "config.json", {"é": 1})
        assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["one"]
    assert (target / "config.json").read_text(encoding="utf-8") == '{"é": 1}'


def test_another_process_may_be_faster(tmp_path: Path) -> None:
    target = tmp_path / "one"
    with whole_folder(target) as folder:
        write_json(folder, "slow.json", 0)
        target.mkdir()
        (target / "fast.json").write_text("1")
    assert [path.name for path in target.iterdir()] == ["fast.json"]


def test_names_are_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[str] = []

    def make(name: str) -> Path:
        made.append(name)
        return Path(name)

    monkeypatch.setattr(sys, "argv", ["tool"])
    main("About it.", ["a", "b"], make)
    assert made == ["a", "b"]
    monkeypatch.setattr(sys, "argv", ["tool", "b", "c"])
    with pytest.raises(SystemExit):
        main("About it.", ["a", "b"], make)
    assert "expected one of a, b, got 'c'" in capsys.readouterr().err
    assert made == ["a", "b"], "nothing is made before all names are known"
