"""Who may open the test items: the first champion of a space, and others by force only."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import combinations
from pathlib import Path

import pytest

from evoswarm.cli import run as command
from evoswarm.cli.given.asking import confirmed
from evoswarm.evaluation.asked import item_digest
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import OpenedBefore, OpeningBook
from evoswarm.evaluation.openings.opening import OpeningRecord
from evoswarm.evaluation.openings.places import OPENINGS, FilePlace, LedgerPlace
from evoswarm.experiment.certification import certify
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.evaluating import evaluate
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.openings.guard import Guard, OpeningDeclined, book_of
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import PAGE, SearchResult
from evoswarm.experiment.session import search
from evoswarm.run_directory import CERTIFICATE
from evoswarm.space import SearchSpace
from tests.experiment.runs import copied, open_for, other_champion

Micro = Callable[..., SearchSpace]


def test_another_champion_needs_force_and_the_certificate_says_so(
    finished: SearchResult, micro: Micro, tmp_path: Path
) -> None:
    run = copied(finished, tmp_path / "runs")
    other = other_champion(run)
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        certify(run)
    kept = run / f"certificate-{finished.champion.digest[:12]}.json"
    assert kept.read_bytes() == (finished.directory / CERTIFICATE).read_bytes()  # an old verdict is not the new one's
    assert not (run / CERTIFICATE).exists()
    certificate = certify(run, force=True)
    assert certificate.subject.champion == other.digest
    assert (certificate.opening.forced, certificate.opening.others_of_this_space) == (True, 1)
    assert "FORCED" in (run / PAGE).read_text()
    assert certify(run) == certificate  # the same opening again needs no force
    (run / "champion.json").write_text(finished.champion.to_json())
    assert certify(run) == finished.certificate  # who came later does not count


def test_a_refusal_does_not_wait_for_models(
    finished: SearchResult, micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(finished, tmp_path / "runs")
    other_champion(run)
    monkeypatch.setattr("evoswarm.decoding.pool.load_member", lambda *_: pytest.fail("a member was loaded"))
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        certify(run)


def test_a_champion_without_fingerprints_is_known_once_it_is_loaded(finished: SearchResult, tmp_path: Path) -> None:
    """Its digest is another one until then: to refuse it early would be to refuse the champion itself."""
    run = copied(finished, tmp_path / "runs")
    data = json.loads((run / "champion.json").read_text())
    for member in data["members"]:
        member["spec"]["fingerprint"] = None
    (run / "champion.json").write_text(json.dumps(data))
    assert certify(run) == finished.certificate
    assert not list(run.glob("certificate-*"))


def test_a_look_by_hand_does_not_replace_force(
    finished: SearchResult, micro: Micro, space_file: Path, tmp_path: Path
) -> None:
    """To evaluate a recipe on the test split is an opening; its certificate would still be a second look."""
    run = copied(finished, tmp_path / "runs")
    other = other_champion(run)
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        evaluate(other, space_file, "test", runs=tmp_path / "runs", open_test=True)
    seen = evaluate(other, space_file, "test", runs=tmp_path / "runs", force=True)
    assert seen.opening is not None
    assert seen.opening.others == 1
    with pytest.raises(OpenedBefore, match="got items opened for another recipe before"):
        certify(run)
    assert not (run / CERTIFICATE).exists()
    certificate = certify(run, force=True)
    assert certificate.opening.forced
    assert certify(run) == certificate


def test_a_look_by_hand_at_the_champion_itself_needs_no_force(micro: Micro, tmp_path: Path) -> None:
    result = search(micro("evolution.generations=1"), runs=tmp_path, certify=False)
    evaluate(result.champion, micro(), "test", runs=tmp_path, open_test=True)
    assert not certify(result.directory).opening.forced


def test_a_second_search_says_so_when_it_begins_and_ends_normally_without_a_verdict(
    micro: Micro, tmp_path: Path
) -> None:
    """The test items of a space are opened once, whatever the seed; the search is no less finished for that."""
    space = micro("evolution.generations=1")
    with Ledger(tmp_path / LEDGER) as ledger:
        open_for("somebody else", ledger, space)
    told: list[str] = []
    result = search(space, runs=tmp_path, progress=Progress(stage=lambda one: told.append(one.name), note=told.append))
    begins = told.index("Of the 6 test items, 6 have been opened before:")
    assert begins < told.index("loading")
    assert told[begins + 1].startswith("  for somebody els of micro, by certificate, 1970-01-01")
    assert "with any other, the certificate is refused" in told[begins + 2]
    assert result.certificate is None
    assert "opened for another recipe" in str(result.refusal)
    assert not (result.directory / CERTIFICATE).exists()
    last = (result.directory / "journal.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "finished"
    assert certify(result.directory, force=True).opening.forced


OVER_THE_SAME_QUESTIONS = [
    ("prompt_format='Q: {prompt}'",),
    ("name=renamed", "evolution.population=7", "noise_seed=3"),
    ("tasks.0.max_bytes=5", "tasks.1.stop=['x']", "tasks.0.name=other"),
    ("tasks.0.scorer={kind: contains}", "alphabet=bytes"),
    ("splits.test=4",),
]


def guard_of(root: Path, space: SearchSpace, stack: ExitStack, *runs: Path) -> Guard:
    """The guard of a space over what a directory of runs knows."""
    ledger = stack.enter_context(Ledger(root / LEDGER))
    return Guard(book_of(ledger, root, *runs), draw(space), space)


@pytest.mark.parametrize("overrides", OVER_THE_SAME_QUESTIONS, ids=lambda overrides: overrides[0])
def test_the_same_questions_are_known_again(finished: SearchResult, micro: Micro, overrides: tuple[str, ...]) -> None:
    space = micro(*overrides)
    with ExitStack() as stack:
        seen = guard_of(finished.directory.parent, space, stack).seen()
    assert (seen.items, seen.opened, seen.others) == (space.splits.test, space.splits.test, 1)
    assert seen.by[0].champions == (finished.champion.digest,)


def test_a_space_with_one_other_task_shares_the_questions_of_the_first(finished: SearchResult, micro: Micro) -> None:
    space = micro("tasks.1.family=basic_arithmetic", "tasks.1.form=question", "tasks.1.name=other")
    with ExitStack() as stack:
        assert guard_of(finished.directory.parent, space, stack).seen().opened == 3


def test_a_ledger_of_an_earlier_version_protects_its_items_under_any_prompt(micro: Micro, tmp_path: Path) -> None:
    drawn = draw(micro())
    digests = [item_digest(item, drawn.tasks[item.task], "{prompt}") for item in drawn.items["test"]]
    Ledger(tmp_path / LEDGER).close()
    with closing(sqlite3.connect(tmp_path / LEDGER)) as old, old:
        old.execute("CREATE TABLE openings (number INTEGER PRIMARY KEY, space TEXT, champion TEXT, opened_at REAL)")
        old.execute("CREATE TABLE opened_items (item TEXT, space TEXT, champion TEXT)")
        old.execute("INSERT INTO openings VALUES (1, 'space', 'somebody', 7.0)")
        old.executemany("INSERT INTO opened_items VALUES (?, 'space', 'somebody')", [(digest,) for digest in digests])
    asked_otherwise = micro("prompt_format='Q: {prompt}'", "tasks.0.max_bytes=5")
    with ExitStack() as stack:
        assert guard_of(tmp_path, asked_otherwise, stack).seen().opened == 3  # by what is the same of the other task
        assert guard_of(tmp_path, micro(), stack).seen().opened == 6
        assert guard_of(tmp_path, asked_otherwise, stack).seen().opened == 6  # once it is known which they are
    for file in tmp_path.glob(f"{LEDGER}*"):
        file.unlink()
    with ExitStack() as stack:
        assert guard_of(tmp_path, asked_otherwise, stack).seen().opened == 6


def removed(root: Path, lost: str) -> None:
    """Delete what one place knows."""
    if lost == "ledger":
        for file in root.glob(f"{LEDGER}*"):
            file.unlink()
    elif lost == "journal":
        (root / OPENINGS).unlink()
    else:
        shutil.rmtree(root / "micro-seed0")


@pytest.mark.parametrize("lost", list(combinations(("ledger", "journal", "run"), 2)), ids=" and ".join)
def test_losing_any_two_places_loses_nothing(
    finished: SearchResult, micro: Micro, tmp_path: Path, lost: tuple[str, str]
) -> None:
    root = copied(finished, tmp_path / "runs").parent
    for place in lost:
        removed(root, place)
    for place in ("none", "ledger", "journal"):  # what was lost is written again, so that others may go
        if place != "none":
            removed(root, place)
        with ExitStack() as stack:
            seen = guard_of(root, micro(), stack).seen()
        assert (seen.opened, seen.others) == (6, 1), f"behind the loss of {place}"


def unopened(finished: SearchResult, target: Path) -> Path:
    """The run of a finished search, as if its test items had stayed closed."""
    run = copied(finished, target)
    for file in target.rglob(OPENINGS):
        file.unlink()
    with closing(sqlite3.connect(target / LEDGER)) as database, database:
        database.execute("DELETE FROM opened")
    for name in (CERTIFICATE, PAGE):
        (run / name).unlink()
    return run


def test_an_opening_can_be_declined_at_the_last_moment(finished: SearchResult, tmp_path: Path) -> None:
    run, asked = unopened(finished, tmp_path / "runs"), list[str]()

    def answers(yes: bool) -> Callable[[str], bool]:
        def answer(question: str) -> bool:
            asked.append(question)
            return yes

        return answer

    with pytest.raises(OpeningDeclined, match="the test items stay closed"):
        certify(run, ask=answers(False))
    assert not (run / CERTIFICATE).exists()
    assert (tmp_path / "runs" / OPENINGS).read_text() == ""
    assert certify(run, ask=answers(True)) == finished.certificate
    certify(run, ask=answers(False))  # the same opening again: nobody is asked
    assert finished.certificate is not None
    statement = finished.certificate.opening.statement
    assert asked == [f"{statement[0].lower()}{statement[1:]} Open them?"] * 2


def test_an_opening_of_before_is_put_on_record_in_full_with_its_run(
    finished: SearchResult, micro: Micro, tmp_path: Path
) -> None:
    """An earlier version's says nothing of runs, and one by hand may be of none: the run would keep no copy."""
    run, space, champion = unopened(finished, tmp_path / "runs"), micro(), finished.champion
    keys = frozenset(key for keys in draw(space).test_keys for key in keys)
    before = OpeningRecord(at=1.0, how="ledger", search="x", champions=(champion.digest,), questions=keys)
    with ExitStack() as stack:
        OpeningBook([LedgerPlace(stack.enter_context(Ledger(run.parent / LEDGER)))]).record(before)
        by_hand = guard_of(run.parent, space, stack).open([champion], "evaluate")
        opened = guard_of(run.parent, space, stack, run).open([champion], "certificate", runs=[run])
        again = guard_of(run.parent, space, stack, run).open([champion], "certificate", runs=[run])
    assert [by_hand.runs, opened.runs] == [(), (str(run),)]
    assert again == opened
    assert FilePlace(run / OPENINGS).digests() == {opened.line()[0]}


def test_a_certificate_outlives_the_news_that_others_opened_first(
    finished: SearchResult, micro: Micro, tmp_path: Path
) -> None:
    run = copied(finished, tmp_path / "runs")
    before = {name: (run / name).read_bytes() for name in (CERTIFICATE, PAGE, "champion.json")}
    with Ledger(run.parent / LEDGER) as ledger:
        open_for("somebody else", ledger, micro())  # known only now, and earlier
    assert certify(run) == finished.certificate
    assert {name: (run / name).read_bytes() for name in before} == before
    (run / CERTIFICATE).unlink()
    with pytest.raises(OpenedBefore):
        certify(run)


def test_an_opening_by_another_process_at_the_last_moment_is_a_refusal_on_record(
    finished: SearchResult, micro: Micro, tmp_path: Path
) -> None:
    run = unopened(finished, tmp_path / "runs")

    def meanwhile(_: str) -> bool:
        with Ledger(run.parent / LEDGER) as ledger:
            open_for("somebody else", ledger, micro())
        return True

    with pytest.raises(OpenedBefore) as caught:
        certify(run, ask=meanwhile)
    assert json.loads((run / "champion.json").read_text())["about"]["refusal"] == caught.value.message


def test_a_question_needs_a_terminal(
    finished: SearchResult, space_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["certify", str(finished.directory)], ["search", str(space_file)]):
        assert command([*words, "--ask"]) == 2
        assert "--ask: expected a terminal to ask at, got none: nothing was opened" in capsys.readouterr().err


def test_what_is_typed_decides(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for typed, meant in {"y\n": True, "Yes\n": True, "n\n": False, "\n": False, "": False}.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert confirmed("open them?") is meant
    assert capsys.readouterr().err.startswith("Open them? [y/N] ")


def test_a_look_by_hand_needs_a_word_and_knows_what_it_costs(
    finished: SearchResult, space_file: Path, tmp_path: Path
) -> None:
    run, asked = unopened(finished, tmp_path / "runs"), list[str]()
    root = run.parent

    def declines(cost: str) -> bool:
        asked.append(cost)
        return False

    for word, force in ((False, False), (declines, False), (False, True)):  # force is no word for unseen items
        with pytest.raises(OpeningDeclined):
            evaluate(finished.champion, space_file, "test", runs=root, open_test=word, force=force)
    assert asked == ["this opens 6 test items; a later certificate on any of them would have to be forced"]
    assert (root / OPENINGS).read_text() == ""
    first = evaluate(run / "champion.json", space_file, "test", runs=root, open_test=True).opening
    assert FilePlace(run / OPENINGS).digests() == FilePlace(root / OPENINGS).digests() != set()
    removed(root, "ledger")
    elsewhere = tmp_path / "elsewhere"
    again = evaluate(run, space_file, "test", runs=elsewhere).opening  # its own copy says that it did already
    assert first is not None
    assert again is not None
    assert (first.again, again.again) == (False, True)


def test_the_end_of_a_search_says_why_there_is_no_verdict(
    space_file: Path, micro: Micro, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with Ledger(tmp_path / "runs" / LEDGER) as ledger:
        open_for("somebody else", ledger, micro())
    assert command(["search", str(space_file), "--set", "evolution.generations=1"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "No verdict expected test items that nobody has seen, got items opened for another recipe" in printed
    assert "evoswarm certify runs/micro-seed0 --force" in printed
