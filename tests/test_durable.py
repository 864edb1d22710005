"""A file that is written bit by bit is whole or not there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from evoswarm.durable import WholeFile, counted_lines
from evoswarm.errors import RunError


def test_nothing_is_there_until_everything_is(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    with WholeFile(target) as file:
        file.write("a\n")
        assert not target.exists()
        file.write("b\r\n")
    assert target.read_bytes() == b"a\nb\r\n"
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_what_was_there_stays_where_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("mine")
    with pytest.raises(KeyboardInterrupt), WholeFile(target) as file:
        file.write("a")
        raise KeyboardInterrupt
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("file")
    with WholeFile(tmp_path / "link", mark=True) as file:
        file.write("a")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"\xef\xbb\xbfa"


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="expected a place that can be"), WholeFile(tmp_path / "file" / "below"):
        pytest.fail("the work began")


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with WholeFile(pipe) as file:
        file.write("a")
        file.write("b")
    reader.join()
    assert read == ["ab"]


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="expected room on the disk"), WholeFile(Path("/dev/full")) as file:
        file.write("a" * 100_000)
        file.write("b")


def test_lines_are_counted_and_only_the_last_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    assert counted_lines(file) == (0, "")
    file.write_bytes(b'{"a": 1}\n\xff\n{"b": "\xe2\x80\xa8"}\n{"broken')
    assert counted_lines(file) == (3, '{"b": "\u2028"}\n')
