"""Shares of steps as people read them."""

from __future__ import annotations


def percent(share: float) -> str:
    """A share in percent: ``47%``. Only nothing is ``0%``, and only everything is ``100%``.

    Args:
        share: in [0, 1].
    """
    shown = f"{share:.0%}"
    if shown == "0%" and share > 0:
        return "under 0.1%" if share < 0.001 else f"{share:.1%}"
    if shown == "100%" and share < 1:
        return "over 99.9%" if share > 0.999 else f"{share:.1%}"
    return shown
