"""What a run directory says of its search, for those who come after it: read, checked, put aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.candidate import HOW_MADE, HowMade
from evoswarm.evaluation.mixes import TransientFailures
from evoswarm.experiment.files.journalled_failures import GAVE_UP, journalled_failures
from evoswarm.experiment.result import FRONT, PAGE, RECIPES, accuracy_of
from evoswarm.failure import Failure
from evoswarm.policies import Policy, load_policy
from evoswarm.policies.about import Accuracy
from evoswarm.run_directory import CERTIFICATE, INDIVIDUALS, RunDirectory


def transient_failures(run: RunDirectory) -> TransientFailures:
    """Failures owed to device and time, from the journal and into it; see `journalled_failures`."""

    def note(recipe: str, item: str, failure: Failure) -> None:
        run.journal("failure", recipe=recipe, item=item, kind=failure.kind, message=failure.message)

    return TransientFailures(journalled_failures(run.events), note)


def begins_anew(run: RunDirectory) -> bool:
    """Whether a sitting before gave up, and nothing stands of a later one; asked before anything is written."""
    return run.last(GAVE_UP) is not None and not run.replaying


def note_once(run: RunDirectory, event: str, **values: Any) -> None:
    """Write an event into the journal, before what it is about; a replay finds it written."""
    if {"event": event, **values} not in run.events:
        run.journal(event, **values)


def retire(run: RunDirectory, champion: Policy) -> None:
    """Put the certificate of an earlier champion of this run aside, under that champion's digest.

    Raises:
        RunError: what stands there is no certificate.
    """
    text = run.read(CERTIFICATE)
    if text is None:
        return
    subject = _parsed(run, CERTIFICATE, text).get("subject")
    earlier = subject.get("champion") if isinstance(subject, dict) else None
    if not isinstance(earlier, str):
        raise RunError(
            "expected a certificate, got something else (move the file away to have it made anew)",
            _where(run, CERTIFICATE),
        )
    if earlier != champion.digest:
        for name in (PAGE, CERTIFICATE):
            run.rename(name, name.replace(".", f"-{earlier[:12]}."))


def history(run: RunDirectory, champion: Policy, items: int) -> tuple[int, float | None]:
    """How many distinct recipes a search scored, and what its champion scored on all search items.

    A race may have scored it on some of them only: such a row says on how many, and does not count.

    Args:
        run: of the search.
        champion: its champion.
        items: of the search split.

    Raises:
        RunError: a file is not what a search writes.
    """
    tried: set[str] = set()
    score: float | None = None
    for row in _rows(run):
        tried.add(row["key"])
        if row["key"] == champion.digest and row.get("items", items) == items and score is None:
            score = row["accuracy"]
    return len(tried | _retried(run)), score


def expected_of(run: RunDirectory, champion: Policy) -> Accuracy | None:
    """What a champion is expected to score, as the choice left it; None where it was not estimated.

    Not by the champion's own file: an earlier version may have written that, or it may know no fingerprints.
    """
    with suppress(RunError, ValueError):
        for row in _contenders(run):
            if isinstance(row, dict) and row.get("digest") == champion.digest and "estimate" in row:
                return accuracy_of(row["estimate"])
    return None


def origin_of(run: RunDirectory, champion: Policy) -> HowMade | None:
    """How a champion came to be, as the choice left it; None where it does not say."""
    with suppress(RunError, ValueError):
        for row in _contenders(run):
            if isinstance(row, dict) and row.get("digest") == champion.digest:
                return next((one for one in HOW_MADE if one == row.get("origin")), None)
    return None


def twin_of(run: RunDirectory, champion: Policy) -> str | None:
    """The name of the champion's other file, among the recipes that were tested again; None where there is none."""
    with suppress(RunError, ValueError):
        for row in _contenders(run):
            name = row.get("recipe") if isinstance(row, dict) and row.get("digest") == champion.digest else None
            if isinstance(name, str) and Path(name).parent == Path(RECIPES):  # whoever wrote it: nowhere else
                return name if load_policy(run.path / name).digest == champion.digest else None
    return None


def _retried(run: RunDirectory) -> set[str]:
    """Digests of the recipes that were tested again on the selection split."""
    contenders = _parsed(run, FRONT, run.read(FRONT) or "{}").get("contenders", [])
    digests = set()
    for row in contenders if isinstance(contenders, list) else [contenders]:
        digest = row.get("digest") if isinstance(row, dict) else None
        if not isinstance(digest, str):
            message = f"expected contenders as a search writes them, each with its digest, got {row!r:.60}"
            raise RunError(message, Where(str(run.path / FRONT), "contenders"))
        digests.add(digest)
    return digests


def _rows(run: RunDirectory) -> Iterator[dict[str, Any]]:
    for number, line in enumerate((run.read(INDIVIDUALS) or "").split("\n"), start=1):
        if line:
            row = _parsed(run, INDIVIDUALS, line, number)
            score = row.get("accuracy", "")
            if not isinstance(row.get("key"), str) or not (score is None or isinstance(score, int | float)):
                raise RunError("expected an individual, got other data", _where(run, INDIVIDUALS, number))
            yield row


def _contenders(run: RunDirectory) -> list[Any]:
    """Who was tested again, as the choice wrote it.

    Raises:
        RunError: that file is none of a search.
    """
    found = _parsed(run, FRONT, run.read(FRONT) or "{}").get("contenders")
    return found if isinstance(found, list) else []


def _parsed(run: RunDirectory, name: str, text: str, line: int | None = None) -> dict[str, Any]:
    """A JSON object of a file.

    Raises:
        RunError: it is none.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise RunError(f"expected JSON as a search writes it, got: {error}", _where(run, name, line)) from None
    if not isinstance(data, dict):
        raise RunError(f"expected a JSON object, got {text[:40]!r}", _where(run, name, line))
    return data


def _where(run: RunDirectory, name: str, line: int | None = None) -> Where:
    return Where(str(run.path / name), "", line)
