"""What won, in one sentence, or why that is not known."""

from __future__ import annotations

from typing import Any

from evoswarm.report.run_files import RunFiles


def verdict(run: RunFiles) -> dict[str, Any] | None:
    """The verdict in words; of a champion without one, why there is none. None before there is a champion.

    Returns:
        ``outcome`` (as the certificate says it, ``refused`` or ``none``), ``sentence``, ``searching`` (the second
        sentence, or empty) and ``score`` (``mean``, ``low``, ``high`` and ``items``; None where nothing was tested).
    """
    if run.champion is None:
        return None
    about, known = run.champion.about, run.certificate
    if known is None:
        refusal = None if about is None else about.refusal
        why = refusal or "The test items are closed: the champion has not been certified."
        return {"outcome": "refused" if refusal else "none", "sentence": why, "searching": "", "score": None}
    return {
        "outcome": known.verdict.outcome,
        "sentence": known.verdict.sentence,
        "searching": known.verdict.searching,
        "score": {**known.score.model_dump(), "items": known.items.test},
    }
