"""The verdict: what held-out items say of the champion, in the words of its certificate."""

from __future__ import annotations

from typing import Any

from evoswarm.certificate.document import Certificate
from evoswarm.certificate.page import headline, spoilt, summary
from evoswarm.policies.about import About
from evoswarm.report.run_files import RunFiles

CLOSED = "The test items are closed: the champion has not been certified."


def verdict(run: RunFiles) -> dict[str, Any]:
    """What can be said of the search as a whole, however far it is.

    Returns:
        ``outcome`` (a verdict's, ``refused``, ``none`` where test items are closed, ``unfinished``), ``headline`` (the
        same in a few words), ``sentence``, ``more`` (further sentences, the weightiest first), and ``score``
        (``split``, ``mean``, ``low``, ``high``, ``items``; what is expected where nothing was tested; None where
        nothing is known).
    """
    known = run.certificate
    if known is not None:
        return _certified(known)
    if run.champion is None:
        return _unfinished(run)
    about = run.champion.about
    refusal = None if about is None else about.refusal
    return {
        "outcome": "refused" if refusal else "none",
        "headline": "Not certified",
        "sentence": refusal or CLOSED,
        "more": [],
        "score": _expected(about),
    }


def _certified(known: Certificate) -> dict[str, Any]:
    _, sentence, *more = summary(known)
    said = headline(known)
    return {
        "outcome": known.verdict.outcome,
        "headline": f"{said[0].upper()}{said[1:]}",
        "sentence": sentence,
        "more": [*more, *spoilt(known), *known.notes],
        "score": {"split": "test", **known.score.model_dump(), "items": known.items.test},
    }


def _expected(about: About | None) -> dict[str, Any] | None:
    """What is expected of the champion on other items; else what it scored where it was chosen."""
    if about is None or (found := about.expected or about.selection) is None:
        return None
    split = "selection" if about.expected is None else "expected"
    return {"split": split, "mean": found.accuracy, "low": found.low, "high": found.high, "items": found.items}


def _unfinished(run: RunFiles) -> dict[str, Any]:
    """A search that has no champion yet."""
    rows = run.individuals
    begun = rows[-1]["generation"] + 1 if rows else 0
    of = run.space.evolution.generations
    stopped = bool(run.events) and run.events[-1]["event"] == "interrupted"
    return {
        "outcome": "unfinished",
        "headline": "Not finished",
        "sentence": f"The search {'was interrupted' if stopped else 'has not ended'}: "
        f"{begun:,} of {of:,} generations are scored. There is no champion yet.",
        "more": [],
        "score": None,
    }
