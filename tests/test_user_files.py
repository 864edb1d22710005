"""One border for files of users: kinds and sizes are refused before anything is read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from evoswarm.errors import MemberError, RecipeError, RunError, SpaceError, Where
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace, check_files
from evoswarm.user_files import read_bytes, read_text


def test_a_text_is_read_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_bytes(b"\xef\xbb\xbfone\r\ntwo\n")
    assert read_text(file, limit=12) == "one\r\ntwo\n", "without the byte order mark, with its line ends"
    (tmp_path / "link").symlink_to(file)
    assert read_bytes(tmp_path / "link", limit=12) == file.read_bytes()
    with pytest.raises(RunError, match="expected a file of at most 11 bytes, got one of 12 or more"):
        read_text(file, limit=11)


@pytest.mark.parametrize(
    ("content", "got", "line"),
    [
        (b"a\nb\xe9\n", "the byte 0xe9", 2),
        ("é".encode("utf-16"), "UTF-16", 1),
        (b"\x1f\x8b\x08\x00\x80", "a gzip file", 1),
    ],
)
def test_what_is_no_utf_8_is_named(tmp_path: Path, content: bytes, got: str, line: int) -> None:
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(RunError, match=f"text:{line}: expected UTF-8, got {got}"):
        read_text(tmp_path / "text", limit=100)


def test_odd_kinds_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(str(tmp_path / "socket"))
        odd = {tmp_path: "a directory", tmp_path / "pipe": "a pipe", tmp_path / "socket": "a socket"}
        odd |= {Path("/dev/zero"): "a device", tmp_path / "none": "No such file", tmp_path / "\0": "null"}
        for path, got in odd.items():
            with pytest.raises(RecipeError, match=f"field: expected a readable file, got: .*{got}"):
                read_bytes(path, limit=10, raises=RecipeError, where=Where("space.yaml", "field"))


def test_a_pipe_is_read_where_one_is_welcome_and_no_further_than_the_limit() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"12345")
    os.close(writer)
    try:
        assert read_text(f"/dev/fd/{reader}", limit=5, pipes=True) == "12345"
    finally:
        os.close(reader)
    with pytest.raises(RunError, match="at most 20 bytes"):
        read_bytes("/proc/self/status", limit=20)  # has no size until it is read


def test_spaces_and_recipes_are_read_through_it() -> None:
    with pytest.raises(SpaceError, match="/dev/zero: expected a readable file, got: a device"):
        SearchSpace.from_yaml("/dev/zero")
    with pytest.raises(RecipeError, match="/dev/zero: expected a readable file, got: a device"):
        Recipe.load("/dev/zero")


def test_a_name_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    long = "x" * 5000
    with pytest.raises(RecipeError, match="expected a readable file, got: File name too long"):
        Recipe.load(long)
    space = "name: a\npool: [{name: a, path: PATH}]\ntasks: [{name: t, source: reasoning_gym, family: gcd}]\n"
    with pytest.raises(MemberError, match=r"pool\.0\.path: expected a model directory"):
        check_files(SearchSpace.from_text(space.replace("PATH", f"./{long}")))
