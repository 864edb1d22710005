"""The guard of the test items: who opened them before, whether they may be opened, and that it is on record first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.asked import item_digest
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import HeldOutQuestions, OpenedBefore, OpeningBook, Seen
from evoswarm.evaluation.openings.opening import OpeningRecord
from evoswarm.evaluation.openings.places import OPENINGS, FilePlace, LedgerPlace
from evoswarm.experiment.drawn import Drawn
from evoswarm.experiment.openings.remedy import DECLINED
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.policies import Policy
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.tracking import Tracker
from evoswarm.tracking.openings import OPENING_DIGEST

Consent = bool | Callable[[str], bool]
"""Whether test items may be opened: the caller's word, or whom to ask, with what it costs."""

_log = logging.getLogger(__name__)


class OpeningDeclined(RunError):
    """Whoever was asked whether test items may be opened said no; nothing was opened, everything else is kept."""


def require_consent(seen: Seen, open_test: Consent, force: bool) -> bool:
    """Whether the caller's word stands for what is opened; force is one only where items were opened before.

    Raises:
        OpenedBefore: another policy opened some of the items, and nothing was forced.
        OpeningDeclined: nobody said that they may be opened.
    """
    if seen.again or (seen.opened and force):
        return True
    if seen.opened:
        raise OpenedBefore.by(seen)
    cost = f"this opens {seen.items:,} test items; a later certificate on any of them would have to be forced"
    if open_test is False:
        raise OpeningDeclined(f"expected your word that test items may be opened ({cost}), got none")
    if open_test is not True:
        require_yes(open_test, cost)
    return True


def require_yes(ask: Callable[[str], bool], question: str) -> None:
    """Ask, and open nothing where the answer is no.

    Raises:
        OpeningDeclined: it is.
    """
    if not ask(question):
        raise OpeningDeclined(DECLINED)


def consent_before_loading(
    policy: Policy,
    space: SearchSpace,
    drawn: Drawn,
    ledger: Path,
    root: Path,
    open_test: Consent,
    force: bool,
    run: Path | None = None,
) -> Consent:
    """`require_consent`, where a policy's digest is known before its members are loaded.

    Args:
        policy: as its file has it.
        space: whose test items are meant.
        drawn: its items.
        ledger: the ledger's file.
        root: the directory of all runs.
        open_test: the caller's word, or whom to ask.
        force: also where another policy opened some of the items.
        run: the run directory that the policy is of, which keeps its own openings.

    Returns:
        True, or the same word where the members' fingerprints are not known yet.
    """
    if not all(spec.fingerprint for spec in policy.specs):
        return open_test
    with Ledger(ledger) as store:
        book = book_of(store, root, *([] if run is None else [run]))
        return require_consent(Guard(book, drawn, space).seen(policy), open_test, force)


def book_of(ledger: Ledger, root: Path, *runs: Path) -> OpeningBook:
    """All places that know of openings: the ledger, the files beside it and beside the runs, every run directory.

    Args:
        ledger: whose openings count.
        root: the directory of all runs.
        *runs: run directories that may lie elsewhere.

    Raises:
        RunError: a place cannot be read or written, or was damaged.
    """
    if ledger.path == ":memory:":
        return OpeningBook([LedgerPlace(ledger)])
    folders = dict.fromkeys(path.resolve() for path in (Path(ledger.path).parent, root))
    files = [FilePlace(folder / OPENINGS) for folder in folders]
    found = [file.parent for pattern in ("*", "*/*") for file in root.glob(f"{pattern}/{OPENINGS}")]
    directories = dict.fromkeys(path.resolve() for path in (*sorted(found), *runs))
    copies = {str(path): FilePlace(path / OPENINGS) for path in directories if path not in folders}
    book = OpeningBook([LedgerPlace(ledger), *files], copies, files[0])
    book.read()
    return book


class Guard:
    """Asks about the test items of one space, and puts their openings on record.

    Args:
        book: what is known of openings.
        drawn: the space's items.
        space: whose items they are, as it was asked for.
        tracker: tells MLflow, and asks it.

    Attributes:
        tracker: likewise.
    """

    def __init__(
        self,
        book: OpeningBook,
        drawn: Drawn,
        space: SearchSpace,
        tracker: Tracker | None = None,
    ) -> None:
        self._book, self._drawn, self._space, self.tracker = book, drawn, space, tracker
        self._heard = tracker is None

    def seen(self, policy: Policy | None = None) -> Seen:
        """What is known of the test items, as far as a policy is concerned; None is one that nobody knows yet."""
        return self._book.seen("" if policy is None else policy.digest, self._questions(policy))

    def hear(self, champions: Collection[Policy], progress: Progress = SILENT) -> None:
        """Ask MLflow, once: what it knows counts here too, and it is told what it lacks.

        Args:
            champions: whose openings it will be told of with their figures.
            progress: told of it: a server may take its time.
        """
        if self._heard or self.tracker is None:
            return
        self._heard = True
        if self.tracker.alive:
            progress.at("asking MLflow who opened the test items")
        heard = self.tracker.openings(self._book.openings)
        if heard is None:
            return
        openings: dict[str, OpeningRecord] = {}
        for line in heard.lines.values():
            try:
                digest, opening = OpeningRecord.from_line(line, Where(self.tracker.uri))
                openings[digest] = opening
            except RunError as error:
                _log.warning("%s", error)
        self._book.learn(openings)
        later = {policy.digest for policy in champions}
        for digest, opening in self._book.openings.items():
            if digest not in heard.digests and opening.how != "ledger":
                for champion in sorted({*opening.champions} - later):
                    self.tracker.opening(*_as_run(opening, champion), {}, opening.line()[1])

    def open(
        self,
        policies: Sequence[Policy],
        how: str,
        *,
        runs: Sequence[Path] = (),
        seeds: Sequence[int] = (),
        force: bool = True,
    ) -> OpeningRecord:
        """Put on record that the test items are opened for policies, together, before they are.

        Those that have opened all of them before open nothing: it is the same opening. It is put on record once more
        where no record says so in full: an earlier version made it, or it was by hand and is of no run yet.

        Args:
            policies: frozen, with their members' fingerprints.
            how: by what.
            runs: the directories of their searches, each of which keeps a copy.
            seeds: of these searches.
            force: also where others opened some of them in the meantime.

        Returns:
            The opening: a new one, or the latest of before.

        Raises:
            OpenedBefore: others did, and nothing was forced; nothing is recorded.
            RunError: it cannot be written down.
        """
        with self._book.alone():
            seen = [self.seen(policy) for policy in policies]
            for one in seen:
                if one.opened and not force:
                    raise OpenedBefore.by(one)
            digests, places = {policy.digest for policy in policies}, {str(run.resolve()) for run in runs}
            if all(one.again for one in seen):
                own = [one for one in self._book.openings.values() if _covers(one, digests, places)]
                if own:
                    return own[-1]
            opening = OpeningRecord(
                at=round(time.time(), 3),
                how=how,
                space=self._space.name,
                search=self._space.continuation_digest,
                seeds=tuple(seeds),
                runs=tuple(str(run.resolve()) for run in runs),
                champions=tuple(sorted(digests)),
                questions=self._questions(policies[0]).all_keys,
            )
            self._book.record(opening)
            return opening

    def tell(
        self,
        opening: OpeningRecord,
        policy: Policy,
        before: int,
        metrics: dict[str, float],
        run: RunDirectory | None = None,
    ) -> None:
        """Tell MLflow of an opening and what came of it.

        Args:
            opening: as it is on record.
            policy: for which of its policies.
            before: how many other policies had opened any of the items before.
            metrics: what came of it.
            run: of the search whose champion the policy is.
        """
        if self.tracker is not None:
            self.tracker.opening(*_as_run(opening, policy.digest, before), metrics, opening.line()[1], run)

    def _questions(self, policy: Policy | None) -> HeldOutQuestions:
        items, tasks = self._drawn.items["test"], self._drawn.tasks
        if not self._book.knows_digests:
            return HeldOutQuestions(self._drawn.test_keys, (frozenset(),) * len(items))
        formats = {"{prompt}", self._space.prompt_format, *([] if policy is None else [policy.prompt_format])}
        digests = (frozenset(item_digest(item, tasks[item.task], text) for text in formats) for item in items)
        questions = HeldOutQuestions(self._drawn.test_keys, tuple(digests))
        self._book.translate(questions)
        return questions


def _covers(opening: OpeningRecord, champions: Collection[str], runs: Collection[str]) -> bool:
    """Whether a record says all there is to say of some champions and their runs."""
    return opening.how != "ledger" and {*champions} <= {*opening.champions} and {*runs} <= {*opening.runs}


def _as_run(opened: OpeningRecord, champion: str, before: int | None = None) -> tuple[str, dict[str, str]]:
    """An opening of test items as an MLflow run: its name and tags.

    Args:
        opened: as it is on record.
        champion: digest of the recipe that they were opened for; one of several, where they were opened together.
        before: how many other recipes had opened any of them before; None where that is not known.
    """
    tags = {
        "evoswarm.opening": opened.search,
        "evoswarm.space": opened.space,
        "evoswarm.champion": champion,
        OPENING_DIGEST: opened.line()[0],
    }
    if before is not None:
        tags["evoswarm.opened_before_by"] = str(before)
    return f"test split opened for {champion[:12]}", tags
