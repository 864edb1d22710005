"""Ctrl-C, by real signals: it ends after the batch, it is never forgotten, and everything is kept."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.errors import RunError
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.interrupt import Interrupt, SearchInterrupted, kept_in
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import GENERATION
from evoswarm.space import SearchSpace
from tests.experiment.runs import as_chosen, lines, same_outcome

Micro = Callable[..., SearchSpace]


def test_ctrl_c_ends_after_the_batch_and_the_same_call_goes_on(
    micro: Micro, finished: SearchResult, tmp_path: Path
) -> None:
    def press(figures: GenerationFigures) -> None:
        if figures.generation == 0:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SearchInterrupted, match=r"everything is kept in .*micro-seed0.*goes on from there") as caught:
        search(micro(), runs=tmp_path, progress=Progress(generation=press))
    assert signal.getsignal(signal.SIGINT) is before
    run = caught.value.directory
    assert {row["generation"] for row in lines(run)} == {0}
    events = [json.loads(line)["event"] for line in (run / "journal.jsonl").read_text().splitlines()]
    assert [one for one in events if one != GENERATION] == ["began", "items", "fitted", "interrupted"]
    assert same_outcome(search(micro(), runs=tmp_path).directory, finished.directory)


def test_a_second_ctrl_c_is_taken_at_its_word(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, Interrupt(tmp_path) as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.asked()
        os.kill(os.getpid(), signal.SIGINT)
    assert type(caught.value) is KeyboardInterrupt


def test_a_press_that_nobody_saw_is_raised_at_the_end(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SearchInterrupted, match="its result is shown") as caught, Interrupt(tmp_path):
        os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.ended
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(RunError, match="the disk is full"), Interrupt(tmp_path):
        os.kill(os.getpid(), signal.SIGINT)
        raise RunError("the disk is full")
    with Interrupt(tmp_path):
        pass


def test_a_search_that_ended_when_ctrl_c_came_is_kept(
    micro: Micro, finished: SearchResult, tmp_path: Path, late_ctrl_c: None
) -> None:
    with pytest.raises(SearchInterrupted) as caught:
        search(micro(), runs=tmp_path, certify=False)
    run = caught.value.directory
    assert caught.value.ended
    assert as_chosen(run) == as_chosen(finished.directory)
    events = [json.loads(line)["event"] for line in (run / "journal.jsonl").read_text().splitlines()]
    assert [one for one in events if one != GENERATION] == ["began", "items", "fitted", "finished"]


def test_in_other_threads_ctrl_c_is_left_alone(tmp_path: Path) -> None:
    seen: list[bool] = []

    def enter() -> None:
        with Interrupt(tmp_path) as interrupt:
            seen.append(interrupt.asked())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]


def test_between_two_searches_it_is_said_where_everything_is_kept(tmp_path: Path) -> None:
    with pytest.raises(SearchInterrupted, match=f"everything is kept in {tmp_path}"), kept_in(tmp_path):
        raise KeyboardInterrupt
    with pytest.raises(SearchInterrupted, match="inner"), kept_in(tmp_path):
        raise SearchInterrupted(Path("inner"))
