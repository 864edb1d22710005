"""What bars and curves are drawn with, where the terminal's encoding has it; else with what every encoding has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evoswarm.cli.telling.live.line import Line


@dataclass(frozen=True)
class Glyphs:
    """Characters.

    Attributes:
        turning: shown one after the other: whoever sees them turn knows that the command is at work.
        done: of a bar, what is done.
        left: of a bar, what is left.
        heights: of a curve, the lowest first; none where curves cannot be drawn.
    """

    turning: str
    done: str
    left: str
    heights: str

    def bar(self, share: float, width: int) -> Line:
        """A bar so wide, of which a share is done."""
        done = round(min(1.0, max(0.0, share)) * width)
        return ((self.done * done, "bold"), (self.left * (width - done), "dim"))

    def curve(self, values: Sequence[float], low: float, high: float) -> str:
        """A character for every value, between the least and the greatest that there is."""
        top = len(self.heights) - 1
        places = [round(top * (value - low) / (high - low)) if high > low else top // 2 for value in values]
        return "".join(self.heights[min(top, max(0, place))] for place in places) if self.heights else ""


DRAWN = Glyphs("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "━", "─", "▁▂▃▄▅▆▇█")
TYPED = Glyphs("|/-\\", "#", "-", "")


def glyphs_for(encoding: str | None) -> Glyphs:
    """Those that an encoding has."""
    try:
        "".join(vars(DRAWN).values()).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return TYPED
    return DRAWN
