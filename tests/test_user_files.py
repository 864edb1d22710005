"""One border for files of users: kinds and sizes are refused before anything is read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from evoswarm.errors import MemberError, RecipeError, RunError, SpaceError, TaskError, Where
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace, check_files
from evoswarm.tasks.rows import read_rows
from evoswarm.user_files import expanded, read_bytes, read_text


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


class TestExpanded:
    """``~`` and variables of the environment, wherever a user writes a path."""

    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.setenv("MODELS", "models")

    def test_home_and_variables(self, tmp_path: Path) -> None:
        for written, meant in {
            "~/x": "home/x",
            "$HOME/x": "home/x",
            "${MODELS}/x": "models/x",
            "~/$MODELS-1": "home/models-1",
        }.items():
            assert expanded(written) == str(tmp_path / meant), "absolute, so that nobody takes it for a hub id"

    def test_all_else_stays(self) -> None:
        for path in ("owner/name", "zoo:llama-a", "./x", "a~b", "5$", "$-x"):
            assert expanded(path) == path

    def test_what_is_there_by_that_very_name_stays(self, tmp_path: Path) -> None:
        for name in ("$NOBODY.json", "a$MODELS"):
            (tmp_path / name).write_text("")
            assert expanded(name) == name
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "$NOBODY").write_text("")
        assert expanded("~/$NOBODY") == str(tmp_path / "home" / "$NOBODY")

    def test_a_variable_that_is_not_set_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMPTY", "")
        for written, got in {
            "$NOBODY/x": r"\$NOBODY, which is not set",
            "${EMPTY}/x": r"\$\{EMPTY\}, which is empty",
        }.items():
            with pytest.raises(ValueError, match=got):
                expanded(written)

    def test_a_space_a_study_and_a_recipe_may_hold_such(self, tmp_path: Path) -> None:
        spec = MemberSpec(name="a", path="~/a")
        recipe = Recipe(members=(RecipeMember(spec=spec),), lead="a")
        recipe.save(tmp_path / "models" / "warm.json")
        assert Recipe.load("$MODELS/warm.json").specs[0].path == str(tmp_path / "home" / "a")
        (tmp_path / "models" / "ask.jsonl").write_text('{"question": "?", "answer": "!"}\n')
        assert len(read_rows("${MODELS}/ask.jsonl").rows) == 1
        with pytest.raises(TaskError, match=r"expected a path of variables that are set, got \$NOBODY"):
            read_rows("$NOBODY/ask.jsonl")
        text = "name: x\npool: [{name: a, path: $NOBODY/a}]\ntasks: [{name: t, source: reasoning_gym, family: gcd}]\n"
        with pytest.raises(SpaceError, match=r"space>:2:\d+: pool.0.path: expected a path of .* got \$NOBODY"):
            SearchSpace.from_text(text)
