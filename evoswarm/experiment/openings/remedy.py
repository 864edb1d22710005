"""What can be done where a certificate was refused."""

from __future__ import annotations

from pathlib import Path

DECLINED = "expected a yes, got a no: the test items stay closed"
"""What is said where whoever was asked whether test items may be opened said no."""


def remedy_of(refusal: str, run: Path, *, scores: bool) -> str | None:
    """A sentence; None where nothing can be done.

    Args:
        refusal: what was said.
        run: the run directory.
        scores: whether the champion scores anything on the selection items: else there is nothing to prove.
    """
    if not scores:
        return None
    if refusal == DECLINED:
        return f"To open them later: evoswarm certify {run}"
    return f"To look again all the same: evoswarm certify {run} --force"
