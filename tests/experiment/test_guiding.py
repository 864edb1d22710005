"""Searches that are guided by right answers: what acts is journalled, and what cannot act says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase, digits

import pytest

from evoswarm.decoding.request import DoesNotFit
from evoswarm.decoding.swarm import Swarm
from evoswarm.experiment.certification import certify as certified
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.fitting import off
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.rivals.fitted import R5
from evoswarm.run_directory import FITTED, GUIDED, UNREAD
from evoswarm.run_directory.directory import events_of
from evoswarm.space import SearchSpace
from tests.experiment.runs import lines

Micro = Callable[..., SearchSpace]
EVERYTHING = "evolution.gold={founders: true, refine: 0.5, screen: 3, order: true}"


@pytest.fixture(scope="module")
def guided(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A search with every use of right answers."""
    return search(micro(EVERYTHING), runs=tmp_path_factory.mktemp("guided"), certify=False)


def test_what_was_expected_is_what_decoding_found(guided: SearchResult) -> None:
    rows = lines(guided.directory)
    assert rows
    for row in rows:
        promise = row["promise"]
        assert isinstance(promise, list)
        assert promise[0] == pytest.approx(row["accuracy"], abs=1e-4)
        assert 0 <= promise[1] <= 1


def test_the_lineage_names_fitted_founders_and_refined_children(guided: SearchResult) -> None:
    operators = {str(row["operator"]) for row in lines(guided.directory)}
    assert {"fitted:product", "fitted:mixture"} & operators
    assert any(one.endswith("+refine") for one in operators)


def test_a_guided_run_goes_on_to_the_same_bytes(
    micro: Micro, guided: SearchResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = search(micro(EVERYTHING, "evolution.generations=2"), runs=tmp_path, certify=False)
    known = [event for event in events_of(begun.directory) if event["event"] in (FITTED, GUIDED)]
    assert {event["event"] for event in known} == {FITTED, GUIDED}
    for file in tmp_path.glob("ledger*"):
        file.unlink()
    monkeypatch.setattr("evoswarm.experiment.fitting.fitted_founders", lambda *_: pytest.fail("fitted again"))
    result = search(micro(EVERYTHING), runs=tmp_path, certify=False)
    assert result.directory == begun.directory
    for name in ("individuals.jsonl", "champion.json"):
        assert (result.directory / name).read_bytes() == (guided.directory / name).read_bytes()
    questions = [event["question"] for event in events_of(result.directory) if event["event"] == GUIDED]
    assert len(questions) == len(set(questions)) > len(known) - 1


def test_a_run_with_fitted_founders_goes_on_without_reading_right_answers(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    founded = "evolution.gold.founders=true"
    begun = search(micro(founded, "evolution.generations=1"), runs=tmp_path, certify=False)
    monkeypatch.setattr(Swarm, "rows_along", lambda *_: pytest.fail("read again"))
    assert search(micro(founded), runs=tmp_path, certify=False).directory == begun.directory


def test_what_there_was_no_room_for_is_missing_in_later_sittings_too(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DoesNotFit("no room")

    said: list[str] = []
    with monkeypatch.context() as short:
        short.setattr(Swarm, "rows_along", full)
        begun = search(
            micro("evolution.generations=1"), runs=tmp_path, certify=False, progress=Progress(note=said.append)
        )
    missing = "There is no fitted mix: there is nothing to fit it to: no room."
    assert missing in said
    said.clear()
    monkeypatch.setattr(Swarm, "rows_along", lambda *_: pytest.fail("read again"))
    result = search(micro(), runs=tmp_path, certify=False, progress=Progress(note=said.append))
    assert missing in said
    assert [event["why"] for event in events_of(result.directory) if event["event"] == UNREAD] == ["no room"]
    assert result.directory == begun.directory
    assert {one.key: one.why for one in certified(result.directory).absent}[R5] == missing


def test_mixes_are_fitted_before_members_forget_the_items(
    micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, forget = list[str](), Workbench.on_other_items

    def forgetting(bench: Workbench) -> None:
        told.append("forget")
        forget(bench)

    monkeypatch.setattr(Workbench, "on_other_items", forgetting)
    search(
        micro("evolution.generations=1"),
        runs=tmp_path,
        certify=False,
        progress=Progress(step=lambda one: told.append(one.words)),
    )
    assert told.index("fitting mixes to right answers") < told.index("forget")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "genome={kind: vote, samples: [1, 3]}",
            "(refine, screen, order) is off: it searches for votes, and only mixes are fitted",
        ),
        ("genome.samples=[3]", "(refine, screen, order) is off: no recipe answers greedily (genome.samples)"),
        ("genome.samples=[1, 3]", "(refine, screen, order) is off: answers may be drawn (genome.samples)"),
        ("evolution.algorithm=tpe", "(refine, screen, order) is off: tpe breeds no children (evolution.algorithm)"),
        ("objectives=[accuracy, flops]", "(refine, screen, order) is off: accuracy is not the only objective"),
    ],
)
def test_what_cannot_act_says_so(micro: Micro, override: str, sentence: str) -> None:
    with workbench(micro(EVERYTHING, override), ":memory:") as bench:
        assert any(sentence in one for one in off(bench))


def test_with_few_right_texts_nobody_is_judged_by_them(micro: Micro) -> None:
    unreachable = ("tasks.0.stop=[a, e, i, o, u, y]", "tasks.1.stop=['1', '2', '3', '4', '5', '6', '7', '8', '9']")
    with workbench(micro(EVERYTHING, *unreachable), ":memory:") as bench:
        said = off(bench)[-1]
    assert re.search(r"\(refine, screen, order\) is off: right answers are known as texts of [0-2] of 6", said)


def test_free_text_has_no_right_text(micro: Micro) -> None:
    unreachable = [f"tasks.{place}.stop={list(letters)}" for place, letters in enumerate((ascii_lowercase, digits))]
    with workbench(micro(EVERYTHING, *unreachable), ":memory:") as bench:
        (said,) = off(bench)
        absent = fits_of(bench).absent
    assert absent == "There is no fitted mix: there is nothing to fit it to: no text is known that is right."
    assert said.endswith("right answers are known as texts of 0 of 6 search items (no text is known that is right)")


def test_a_search_tells_what_is_off(micro: Micro, tmp_path: Path) -> None:
    said: list[str] = []
    votes = micro(EVERYTHING, "genome={kind: vote, samples: [1, 3]}", "evolution.generations=1")
    result = search(votes, runs=tmp_path, certify=False, progress=Progress(note=said.append))
    assert sum("evolution.gold" in one for one in said) == 1
    assert not {FITTED, GUIDED} & {event["event"] for event in events_of(result.directory)}
    assert all("promise" not in row for row in lines(result.directory))


def test_digests_of_before_stay(micro: Micro) -> None:
    plain = micro("evolution.gold.founders=false")
    assert "gold" not in plain.to_yaml()
    assert plain.continuation_digest != micro().continuation_digest
    assert plain.digest != micro(EVERYTHING).digest
    assert plain.continuation_digest != micro(EVERYTHING).continuation_digest
