"""The files of a run: naming, whole writes, the journal, replay."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from evoswarm.durable import TEMPORARY, write_file
from evoswarm.errors import RunError
from evoswarm.run_directory import INDIVIDUALS, JOURNAL, MIRRORED, TRACKING, RunDirectory, RunWanted, run_directory

IDENTITY = {"name": "x", "seed": 0, "search": "abc"}


def begin(root: Path, identity: dict[str, object] = IDENTITY, out: Path | None = None, **limits: float | None) -> Path:
    """Open and let go."""
    asked = {"generations": 5, **{name.replace("_", "."): value for name, value in limits.items()}}
    run = run_directory(RunWanted(root, "x-seed0", identity, asked, out))
    run.close()
    return run.path


def finish(path: Path, reason: str = "generations", limit: float = 5) -> None:
    run = RunDirectory(path)
    run.journal("finished", reason=reason, limit=limit)
    run.close()


def test_a_new_run_takes_the_plain_name(tmp_path: Path) -> None:
    assert begin(tmp_path / "runs") == tmp_path / "runs" / "x-seed0"


@pytest.mark.parametrize("name", [JOURNAL, INDIVIDUALS, "front.json"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, name: str) -> None:
    first = begin(tmp_path)
    with (first / name).open("ab") as file:
        file.write(b"\xff\n")
    with pytest.raises(RunError) as caught, closing(RunDirectory(first)) as run:
        run.read(name)
    line = 2 if name == JOURNAL else 1
    assert str(caught.value) == f"{first / name}:{line}: expected UTF-8, got the byte 0xff"


def test_an_unfinished_run_is_continued_and_a_finished_one_gets_the_next_number(tmp_path: Path) -> None:
    first = begin(tmp_path)
    assert begin(tmp_path) == first
    finish(first)
    second = begin(tmp_path)
    assert second == tmp_path / "x-seed0-2"
    assert begin(tmp_path) == second
    finish(second)
    assert begin(tmp_path) == tmp_path / "x-seed0-3"


def test_a_finished_run_goes_on_when_its_limit_was_raised(tmp_path: Path) -> None:
    first = begin(tmp_path)
    finish(first, "generations", 5)
    assert begin(tmp_path, generations=6) == first
    finish(first, "budget.evaluations", 1000)
    assert begin(tmp_path, budget_evaluations=2000) == first
    assert begin(tmp_path, budget_evaluations=None) == first
    assert begin(tmp_path, generations=7, budget_evaluations=1000) == tmp_path / "x-seed0-2"


def test_what_the_clock_ended_goes_on_in_another_sitting(tmp_path: Path) -> None:
    first = begin(tmp_path, budget_seconds=10)
    finish(first, "budget.seconds", 10)
    assert begin(tmp_path, budget_seconds=10) == first


def test_another_limit_does_not_count(tmp_path: Path) -> None:
    first = begin(tmp_path)
    finish(first, "stop.at", 0.9)
    assert begin(tmp_path, generations=6, stop_at=0.9) == tmp_path / "x-seed0-2"


def test_another_space_of_the_same_name_gets_a_number(tmp_path: Path) -> None:
    begin(tmp_path)
    assert begin(tmp_path, {**IDENTITY, "search": "other"}) == tmp_path / "x-seed0-2"
    assert begin(tmp_path) == tmp_path / "x-seed0"


def test_out_of_the_same_search_is_continued(tmp_path: Path) -> None:
    out = tmp_path / "mine"
    assert begin(tmp_path, out=out) == begin(tmp_path, out=out) == out


@pytest.mark.parametrize(
    ("other", "field"),
    [
        ({"name": "y"}, 'its name is "x", not "y"'),
        ({"seed": 1}, "its seed is 0, not 1"),
        ({"search": "z"}, "pool, tasks or settings"),
    ],
)
def test_out_of_another_search_is_refused(tmp_path: Path, other: dict[str, object], field: str) -> None:
    out = begin(tmp_path, out=tmp_path / "mine")
    before = (out / JOURNAL).read_text()
    with pytest.raises(RunError, match=field) as caught:
        begin(tmp_path, {**IDENTITY, **other}, out=out)
    assert "mine" in str(caught.value)
    assert (out / JOURNAL).read_text() == before


def test_out_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "friend.txt").write_text("dear")
    with pytest.raises(RunError, match="other files"):
        begin(tmp_path, out=tmp_path / "letters")
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["friend.txt"]


def test_out_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        begin(tmp_path, out=tmp_path / "file")
    with pytest.raises(RunError, match="file"):
        begin(tmp_path, out=tmp_path / "file" / "run")


def test_files_are_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory(tmp_path / "run")
    run.write("a/b.json", "old\n")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"got a full one: everything written before is kept.*run the same command"):
        run.write("a/b.json", "new\n")
    monkeypatch.undo()
    assert run.read("a/b.json") == "old\n"
    assert [path.name for path in (tmp_path / "run" / "a").iterdir()] == ["b.json"]
    run.close()


def test_the_journal_survives(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    assert not run.continued
    failure = {"recipe": "r", "item": "i", "kind": "out_of_memory", "message": "\u2028"}
    run.journal("failure", **failure)
    run.close()
    again = RunDirectory(tmp_path / "run")
    assert again.continued
    assert again.last("failure") == {"event": "failure", **failure}
    assert again.last("stopped") is None
    again.close()


def line(number: int, **more: object) -> str:
    return json.dumps({"id": number, "text": "\u2028", **more}, ensure_ascii=False)


def test_replay_compares_and_then_goes_on(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.record([line(0), line(1)])
    run.close()
    with (tmp_path / "run" / INDIVIDUALS).open("a") as file:
        file.write('{"id": 2, "broken')  # the crash
    again = RunDirectory(tmp_path / "run")
    assert again.replaying
    again.record([line(0)])
    assert again.replaying
    again.record([line(1), line(2)])
    assert not again.replaying
    again.close()
    assert (tmp_path / "run" / INDIVIDUALS).read_text() == "\n".join([line(0), line(1), line(2)]) + "\n"


def test_the_first_difference_stops_the_replay(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.record([line(0, score=0.5), line(1, score=0.25)])
    run.close()
    before = (tmp_path / "run" / INDIVIDUALS).read_bytes()
    again = RunDirectory(tmp_path / "run")
    again.record([line(0, score=0.5)])
    with pytest.raises(RunError, match=r"individuals\.jsonl:2: .*another score: 0\.75 instead of 0\.25"):
        again.record([line(1, score=0.75), line(2)])
    again.close()
    assert (tmp_path / "run" / INDIVIDUALS).read_bytes() == before


def _hold(path: str, held: Event, leave: Event) -> None:
    run = RunDirectory(path)
    held.set()
    leave.wait(30)
    run.close()


def test_two_processes_do_not_write_one_run(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, leave = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path / "run"), held, leave))
    process.start()
    assert held.wait(30)
    with pytest.raises(RunError, match="another evoswarm at work"):
        RunDirectory(tmp_path / "run")
    leave.set()
    process.join()
    RunDirectory(tmp_path / "run").close()


def test_a_link_stays_a_link_and_what_it_points_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/rows.jsonl")
    for text in ("one", "two"):
        write_file(tmp_path / "link", text)
        assert (tmp_path / "there" / "rows.jsonl").read_text() == text
        assert (tmp_path / "link").is_symlink()


def test_devices_and_pipes_are_written_to_and_stay(tmp_path: Path) -> None:
    write_file(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "x")
    assert os.read(reader, 10) == b"x"
    os.close(reader)
    assert pipe.is_fifo()
    with pytest.raises(RunError, match="/dev/full"):
        write_file(Path("/dev/full"), "x")


def test_a_run_that_died_before_its_first_word_takes_its_place_again(tmp_path: Path) -> None:
    for text in ("", '{"event": "beg'):
        (tmp_path / "x-seed0").mkdir(exist_ok=True)
        (tmp_path / "x-seed0" / JOURNAL).write_text(text)
        assert begin(tmp_path) == tmp_path / "x-seed0"
        (tmp_path / "x-seed0" / JOURNAL).write_text(text)
        assert begin(tmp_path, out=tmp_path / "x-seed0") == tmp_path / "x-seed0"
        (tmp_path / "x-seed0" / JOURNAL).unlink()


def test_a_broken_last_line_of_the_journal_is_cut_away(tmp_path: Path) -> None:
    path = begin(tmp_path)
    with (path / JOURNAL).open("a") as journal:
        journal.write('{"event": "stopped", "gener')
    run = RunDirectory(path)
    assert [event["event"] for event in run.events] == ["began"]
    run.journal("stopped", generation=3)
    run.close()
    assert [json.loads(line)["event"] for line in (path / JOURNAL).read_text().splitlines()] == ["began", "stopped"]


def test_a_damaged_line_of_the_journal_is_named(tmp_path: Path) -> None:
    path = begin(tmp_path)
    with (path / JOURNAL).open("a") as journal:
        journal.write('scribble\n{"event": "stopped", "generation": 1}\n')
    with pytest.raises(RunError, match=r"journal\.jsonl:2: expected an event"):
        RunDirectory(path)
    (path / JOURNAL).write_text('{"event": "began", "identity": {}}\n')
    RunDirectory(path).close()  # nobody holds it


def test_what_was_being_written_at_a_crash_is_thrown_away(tmp_path: Path) -> None:
    path = begin(tmp_path)
    (path / "recipes").mkdir()
    for leftover in (path / f"{TEMPORARY}abc", path / "recipes" / f"{TEMPORARY}def"):
        leftover.write_text("half")
    (path / "recipes" / "mine.json").write_text("{}")
    RunDirectory(path).close()
    assert sorted(entry.name for entry in path.rglob("*")) == [JOURNAL, "mine.json", "recipes"]


def test_a_finished_run_goes_on_until_its_end_is_mirrored(tmp_path: Path) -> None:
    def open_again(mirrored: bool) -> str:
        run = run_directory(RunWanted(tmp_path, "x-seed0", IDENTITY, {"generations": 5}, mirrored=mirrored))
        run.close()
        return run.path.name

    def note(event: str, **values: str) -> None:
        run = RunDirectory(tmp_path / "x-seed0")
        run.journal(event, **values)
        run.close()

    begin(tmp_path)
    note(TRACKING, key="k")
    finish(tmp_path / "x-seed0")
    assert open_again(mirrored=True) == "x-seed0"
    note(MIRRORED)
    assert open_again(mirrored=True) == "x-seed0-2"
    finish(tmp_path / "x-seed0")  # it went on, and ended once more
    assert open_again(mirrored=True) == "x-seed0"
    assert open_again(mirrored=False) == "x-seed0-2"


def test_a_finished_run_that_mlflow_never_followed_is_finished(tmp_path: Path) -> None:
    finish(begin(tmp_path))
    run = run_directory(RunWanted(tmp_path, "x-seed0", IDENTITY, {"generations": 5}, mirrored=True))
    run.close()
    assert run.path.name == "x-seed0-2"


def test_a_full_disk_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = RunDirectory(tmp_path / "run")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RunError, match="room on the disk, got a full one: everything written before is kept"):
        run.record([line(0)])
    with pytest.raises(RunError, match="room on the disk, got a full one"):
        run.journal("stopped")
    monkeypatch.undo()
    assert run.events == []
    assert (tmp_path / "run" / INDIVIDUALS).read_bytes() == (tmp_path / "run" / JOURNAL).read_bytes() == b""
    run.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the user's that a stranger's run directory must not change."""
    file = tmp_path / "secret"
    file.write_text("mine, without a line feed at its end")
    return file


@pytest.mark.parametrize("name", [JOURNAL, INDIVIDUALS])
def test_a_link_in_place_of_a_file_that_grows_is_neither_followed_nor_cut(
    tmp_path: Path, secret: Path, name: str
) -> None:
    path = begin(tmp_path)
    (path / name).unlink(missing_ok=True)
    (path / name).symlink_to(secret)
    with pytest.raises(RunError, match=rf"{name}: expected a regular file .*, got a link"):
        RunDirectory(path)
    assert secret.read_text() == "mine, without a line feed at its end"


@pytest.mark.parametrize("name", [JOURNAL, INDIVIDUALS])
def test_a_pipe_or_a_device_in_place_of_a_file_is_not_opened(tmp_path: Path, name: str) -> None:
    path = begin(tmp_path)
    (path / name).unlink(missing_ok=True)
    os.mkfifo(path / name)
    with pytest.raises(RunError, match=rf"{name}: expected a regular file .*, got a pipe"):
        RunDirectory(path)


def test_a_link_in_place_of_a_whole_file_is_replaced(tmp_path: Path, secret: Path) -> None:
    run = RunDirectory(begin(tmp_path))
    (run.path / "certificate.txt").symlink_to(secret)
    run.write("certificate.txt", "new\n")
    assert not (run.path / "certificate.txt").is_symlink()
    assert run.read("certificate.txt") == "new\n"
    assert secret.read_text() == "mine, without a line feed at its end"
    run.close()


def test_a_linked_directory_within_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    run = RunDirectory(begin(tmp_path))
    (run.path / "recipes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"recipes: expected a directory .*, got a link"):
        run.write("recipes/champion.json", "{}")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert run.files() == [run.path / JOURNAL]
    run.close()


def test_a_pipe_in_a_run_is_not_read(tmp_path: Path) -> None:
    run = RunDirectory(begin(tmp_path))
    os.mkfifo(run.path / "front.json")
    with pytest.raises(RunError, match=r"front\.json: expected a readable file, got: a pipe"):
        run.read("front.json")
    run.close()


def test_a_run_that_is_a_link_itself_is_its_users(tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    (tmp_path / "mine").symlink_to("large disk")
    assert begin(tmp_path, out=tmp_path / "mine") == tmp_path / "mine"
    assert (tmp_path / "large disk" / JOURNAL).is_file()


def test_a_last_line_that_only_lacks_its_line_feed_is_kept(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.record([line(0), line(1)])
    run.close()
    file = tmp_path / "run" / INDIVIDUALS
    whole = file.read_bytes()
    file.write_bytes(whole.removesuffix(b"\n"))
    RunDirectory(tmp_path / "run").close()
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("damage", "got"),
    [
        (lambda data: data.replace(b"\n", b""), "two lines in one"),
        (lambda data: data + b"scribble", "'scribble' behind the last line feed"),
    ],
)
def test_what_no_crash_leaves_is_refused_and_stays(tmp_path: Path, damage: Callable[[bytes], bytes], got: str) -> None:
    run = RunDirectory(tmp_path / "run")
    run.record([line(0), line(1)])
    run.close()
    file = tmp_path / "run" / INDIVIDUALS
    file.write_bytes(damage(file.read_bytes()))
    before = file.read_bytes()
    with pytest.raises(RunError, match=got):
        RunDirectory(tmp_path / "run")
    assert file.read_bytes() == before


LIMITED = """
import resource, sys
from pathlib import Path
from evoswarm.errors import RunError
from evoswarm.run_directory import RunDirectory
run = RunDirectory(sys.argv[1])
run.journal("one", text="x" * 100)
run.record(["{\\"id\\": 0}"])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for write in (lambda: run.journal("two", text="y" * 2000), lambda: run.record(["z" * 2000])):
    try:
        write()
    except RunError as error:
        assert "File too large" in str(error), error
    else:
        raise SystemExit("expected no room")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
run.journal("three")
run.record(["{\\"id\\": 1}"])
run.close()
"""


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "run")], check=True, timeout=60)
    events = [json.loads(text)["event"] for text in (tmp_path / "run" / JOURNAL).read_text().splitlines()]
    assert events == ["one", "three"]
    assert (tmp_path / "run" / INDIVIDUALS).read_text() == '{"id": 0}\n{"id": 1}\n'
