"""Openings: the union of places, question by question, and what each place loses and gets back."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from evoswarm.errors import RunError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import HeldOutQuestions, OpenedBefore, OpeningBook
from evoswarm.evaluation.openings.opening import OpeningRecord
from evoswarm.evaluation.openings.places import OPENINGS, FilePlace, LedgerPlace


def asked(*names: str) -> HeldOutQuestions:
    """HeldOutQuestions whose keys are their names; earlier ledgers knew them by other digests."""
    return HeldOutQuestions(tuple((name,) for name in names), tuple(frozenset({f"digest of {name}"}) for name in names))


def opening(
    at: float, *names: str, by: str = "one", search: str = "space", runs: tuple[str, ...] = ()
) -> OpeningRecord:
    return OpeningRecord(
        at=at, how="certificate", search=search, champions=(by,), questions=frozenset(names), space="micro", runs=runs
    )


def book(*openings: OpeningRecord) -> OpeningBook:
    whole = OpeningBook([LedgerPlace(Ledger(":memory:"))])
    for one in openings:
        whole.record(one)
    return whole


def test_another_policy_has_seen_them_whatever_its_space() -> None:
    whole = book(opening(1, "a", "b", search="another space"))
    seen = whole.seen("two", asked("b", "c"))
    assert (seen.items, seen.opened, seen.others, seen.of_space("space"), seen.again) == (2, 1, 1, 0, False)
    assert "got 1 of 2 items opened for another recipe before (the first for one of micro" in str(OpenedBefore.by(seen))
    assert whole.seen("two", asked("c")).opened == 0


def test_the_same_policy_opens_nothing_anew() -> None:
    seen = book(opening(1, "a", "b")).seen("one", asked("a", "b"))
    assert (seen.opened, seen.again) == (0, True)
    assert not book(opening(1, "a")).seen("one", asked("a", "b")).again  # the test split was made larger


def test_who_came_later_takes_nothing_away_item_by_item() -> None:
    whole = book(opening(1, "a"), opening(2, "a", "b", by="two"))
    assert whole.seen("one", asked("a")).opened == 0
    grown = whole.seen("one", asked("a", "b"))  # b was seen by another before
    assert (grown.opened, grown.others) == (1, 1)


def test_policies_that_were_opened_together_are_not_each_other_s_others() -> None:
    both = opening(1, "a").model_copy(update={"champions": ("one", "two")})
    assert book(both).seen("one", asked("a")).opened == 0
    assert book(both).seen("three", asked("a")).others == 2


@pytest.mark.parametrize(
    "lost", ["ledger", "journal", "copy", "ledger and journal", "ledger and copy", "journal and copy"]
)
def test_what_one_place_knows_all_know_again(tmp_path: Path, lost: str) -> None:
    run, first = tmp_path / "run", opening(1, "a", runs=(str(tmp_path / "run"),))
    run.mkdir()

    def opened() -> OpeningBook:
        ledger = Ledger(tmp_path / "ledger.sqlite")
        file = FilePlace(tmp_path / OPENINGS)
        whole = OpeningBook([LedgerPlace(ledger), file], {str(run): FilePlace(run / OPENINGS)}, file)
        whole.read()
        return whole

    opened().record(first)
    for name in lost.split(" and "):
        file = {"ledger": tmp_path / "ledger.sqlite", "journal": tmp_path / OPENINGS, "copy": run / OPENINGS}[name]
        for path in tmp_path.glob("ledger.sqlite*") if name == "ledger" else [file]:
            path.unlink()
    assert opened().seen("two", asked("a")).opened == 1
    digest = first.line()[0]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert LedgerPlace(ledger).digests() == {digest}
    assert [FilePlace(folder / OPENINGS).digests() for folder in (tmp_path, run)] == [{digest}, {digest}]
    assert len((tmp_path / OPENINGS).read_text().splitlines()) == 1  # nothing is written twice


def test_a_torn_last_line_is_said_and_cut_off_and_others_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = FilePlace(tmp_path / OPENINGS)
    place.add(dict([opening(1, "a").line()]))
    whole = place.path.read_text()
    place.path.write_text(whole + opening(2, "b").line()[1][:60])
    with caplog.at_level(logging.WARNING):
        assert [one.at for one in place.read(()).values()] == [1]
    assert "the last line was cut short by a crash" in caplog.text
    place.add(dict([opening(3, "c").line()]))
    assert [one.at for one in place.read(()).values()] == [1, 3]
    place.path.write_text(whole.removesuffix("\n"))  # whole but for its line feed
    assert len(place.read(())) == 1


def test_an_opening_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    place = FilePlace(tmp_path / OPENINGS)
    place.add(dict([opening(1, "a").line()]))
    for old, new in (('"a"', '"z"'), ('"opening"', '"closing"'), ('{"', '["')):
        changed = place.path.read_text().replace(old, new)
        (tmp_path / "changed.jsonl").write_text(changed)
        with pytest.raises(RunError, match=r"changed.jsonl:1: expected an opening .* changed by hand or damaged"):
            FilePlace(tmp_path / "changed.jsonl").read(())


def test_items_of_an_earlier_ledger_stay_protected_and_become_questions(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with sqlite3.connect(path) as old:  # as versions before wrote it
        old.execute(
            "CREATE TABLE openings (number INTEGER PRIMARY KEY, space TEXT NOT NULL, champion TEXT NOT NULL, "
            "opened_at REAL NOT NULL, UNIQUE (space, champion))"
        )
        old.execute(
            "CREATE TABLE opened_items (item TEXT, space TEXT, champion TEXT, PRIMARY KEY (item, space, champion))"
        )
        old.execute("INSERT INTO openings VALUES (1, 'space', 'one', 7.0)")
        old.executemany("INSERT INTO opened_items VALUES (?, 'space', 'one')", [("digest of a",), ("digest of b",)])
    old.close()
    with Ledger(path) as ledger:
        file = FilePlace(tmp_path / OPENINGS)
        whole = OpeningBook([LedgerPlace(ledger), file], lock=file)
        whole.read()
        assert whole.knows_digests
        assert whole.seen("two", asked("a")).opened == 1
        with whole.alone():  # its lock is held already
            whole.translate(asked("a"))
        written = file.path.read_bytes()
        whole.translate(asked("a"))
        assert file.path.read_bytes() == written
        assert len(whole.seen("two", asked("a")).by) == 1  # known by its digest and by its key, and one opening
        elsewhere = HeldOutQuestions((("a",),), (frozenset({"digest under another prompt format"}),))
        assert whole.seen("two", elsewhere).opened == 1
        assert whole.seen("one", elsewhere).again
    path.unlink()
    with Ledger(path) as ledger:  # the old tables are gone, the file has kept what they said
        whole = OpeningBook([LedgerPlace(ledger), file], lock=file)
        whole.read()
        assert whole.seen("two", asked("a", "b")).opened == 2


def test_a_link_in_the_place_of_openings_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("private\n")
    (tmp_path / OPENINGS).symlink_to(tmp_path / "secret")
    with pytest.raises(RunError, match=r"expected a regular file .* got a link"):
        FilePlace(tmp_path / OPENINGS).read(())
