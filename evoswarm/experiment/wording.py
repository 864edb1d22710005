"""Why a search ended, and numbers as people say them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.evaluation.advance import Advance
    from evoswarm.experiment.front import FrontFigures


def ended_because(reason: str, limit: float | None, generations: int) -> str:
    """Why a search ended, as a sentence.

    Args:
        reason: the name of the setting that ended it.
        limit: its value.
        generations: how many there were.
    """
    asked = f"{generations} generation" + ("" if generations == 1 else "s")
    if reason == "generations":
        return f"The search ended after {asked}, as many as evolution.generations allows."
    why = {
        "stop_at.accuracy": "an accuracy of at least {} was reached on the search split",
        "budget.evaluations": "{} evaluations were asked for",
        "budget.decoded_tokens": "recipes had read {} tokens, each as if deployed alone",
        "budget.flops": "recipes had taken {} FLOPs, each as if deployed alone",
        "budget.seconds": "the time of {} was over",
    }.get(reason, "its limit was reached")
    if limit is None:
        return f"The search ended after {asked}: {reason} said so."
    shown = duration(limit) if reason == "budget.seconds" else f"{limit:g}" if limit < 1e6 else quantity(limit)
    return f"The search ended after {asked}: {why.format(shown)} ({reason})."


def generation_terms(objective: str) -> str:
    """What the words of a generation's line mean, said once above the first of them.

    Args:
        objective: the first of the search.
    """
    return (
        f"  best per island: {objective} on them of its best recipe; evaluations: a recipe on an item each; prefix "
        "reuse: share of the members' predictions that were in memory already"
    )


def quantity(value: float) -> str:
    """A number with a metric prefix: 1234567 is ``1.23M``."""
    for size, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds as people say them: ``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def by_part(seconds: Mapping[str, float]) -> str:
    """``search 1 min 02 s, rivals 40 s``: what takes any time."""
    return ", ".join(f"{name} {duration(took)}" for name, took in seconds.items() if took)


def how_far(advance: Advance) -> list[str]:
    """How far a decoding has come: ``120 of 3,672 answers``, ``about 4 min 10 s left``.

    Before the first answer has ended: ``0 of 12 answers``, ``340 of at most 1,536 symbols``, ``at most 40 s left``.
    """
    left, most = advance.seconds_left, advance.most_seconds_left
    told = f"{advance.done:,} of {advance.wanted:,} answers"
    if left is not None:
        return [told, f"{f'about {duration(left)}' if left >= 1 else 'less than 1 s'} left"]
    if most is None:
        return [told]
    return [told, f"{advance.symbols:,} of at most {advance.most:,} symbols", f"at most {duration(most)} left"]


def objective_value(name: str, value: float) -> str:
    """The value of an objective: shares of 1 with three digits behind the point, costs with a metric prefix."""
    return f"{value:.3f}" if name.split(":")[0] in ("accuracy", "open_share") else quantity(value)


def front_words(front: FrontFigures) -> list[str]:
    """A Pareto front in parts of a sentence: its size and its ends, of more than two axes the best value in each.

    Such as ``front of 6: accuracy 0.980 at 31.6M flops``, ``0.220 at 8.58M``.
    """
    names = front.objectives
    ends = [[objective_value(name, value) for name, value in zip(names, end, strict=True)] for end in front.ends]
    if len(names) == 2:
        (one, its_cost), (other, cost) = ends
        found = [f"{names[0]} {one} at {its_cost} {names[1]}", f"{other} at {cost}"]
    else:
        found = [f"best {name} {ends[axis][axis]}" for axis, name in enumerate(names)]
    return [f"front of {front.size:,}: {found[0]}", *(found[1:] if front.size > 1 else [])]
