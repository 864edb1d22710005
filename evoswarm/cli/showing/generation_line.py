"""One generation of a search on one line."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.evaluation.failures import FailedItems, in_words
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.wording import by_part, duration, front_words, objective_value, quantity

_MOST_KINDS = 3  # of failures on a line


def generation_line(figures: GenerationFigures, *, ahead: bool = True) -> str:
    """Best per island, front, speed, prefix reuse, time left.

    Args:
        figures: of the generation.
        ahead: whether to say what time is left.
    """
    first = figures.objectives[0]
    bests = " ".join(objective_value(first, report.best[0]) if report.best else "  -  " for report in figures.islands)
    speed = "replayed" if figures.replayed else f"{quantity(figures.evaluations_per_second)} evaluations/s"
    reuse = "" if figures.prefix_reuse is None else f", prefix reuse {figures.prefix_reuse:.1%}"
    known = figures.seconds_left or sum(figures.left_by_part.values())
    more = "more than " if figures.seconds_left is None else ""  # where a part that comes is not known
    left = f", {more}{duration(known)} left" if known else ""
    left += f" ({by_part(figures.left_by_part)})" if left and figures.left_by_part else ""
    several = figures.front is not None and len(figures.objectives) > 1
    front = f" | {', '.join(front_words(figures.front))}" if figures.front is not None and several else ""
    name = f"generation {figures.generation + 1}/{figures.generations}"
    line = f"{name}: best per island {bests}{front} | {speed}{reuse}{left if ahead else ''}"
    spoilt = [_failed(figures.failed)] if figures.failed else []
    spoilt += [f"{figures.cut_off:,} answers cut off"] if figures.cut_off else []
    return " | ".join([line, *spoilt])


def _failed(failed: Sequence[FailedItems]) -> str:
    """So many failed items, and the commonest kinds."""
    more = ", ..." if len(failed) > _MOST_KINDS else ""
    return f"{sum(one.items for one in failed):,} failed: {in_words(failed[:_MOST_KINDS])}{more}"
