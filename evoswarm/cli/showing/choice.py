"""Why this finalist is the champion, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from evoswarm.evaluation.candidate import Scored
from evoswarm.experiment.selection import Selection

FITTED = (
    "A fitted mix is not searched for: its numbers are fitted to the right answers of the search items. In a "
    "sharpened one, whoever is surer at a place has more of the say there."
)


def words_of_choice(selection: Selection) -> Iterator[str]:
    """By which estimate the champion was chosen, why it is not another finalist, and what was dropped from it."""
    winner, champion = selection.winner, selection.champion
    if winner.policy.digest in selection.estimates and not selection.thrifty:
        yield _beside_the_reference(selection)
        yield from _beside_others(selection)
        if any("fitted" in one.name for one in (winner, *_shown_made(selection))):
            yield FITTED
    elif selection.best.policy.digest != winner.policy.digest:
        yield _thrift(selection)
    if winner.policy.digest != champion.policy.digest:
        scores = f"accuracy {winner.accuracy:.3f} with, {champion.accuracy:.3f} without"
        yield f"Dropped from {winner.name} on the selection items: {', '.join(selection.dropped)} ({scores})."
    estimate = selection.estimate
    if estimate is not None:
        yield (
            f"Expected of the champion on other items: {estimate.accuracy:.1%} ({estimate.low:.1%} to "
            f"{estimate.high:.1%}); of the {_reference(selection)}: {selection.reference_accuracy:.1%}."
        )


def _beside_the_reference(selection: Selection) -> str:
    """Why the winner is not the uniform mix, or why it is."""
    winner, reference = selection.winner, _reference(selection)
    known = selection.estimates[winner.policy.digest]
    lasting = known.accuracy - selection.reference_accuracy
    if known.differs and lasting <= 0:
        return (
            f"{winner.name} was chosen: its lead over the {reference} ({_points(known.lead)} less the luck of "
            "being chosen) is the greatest of those who may win. That it will last is not to be expected."
        )
    if known.differs:
        return (
            f"{winner.name} was chosen: it is expected to score most. On the items that were seen it is ahead of the "
            f"{reference} by {_points(known.lead + known.optimism)}. On other questions "
            f"{_points(lasting)} are expected: the best of many was partly lucky there, which is taken off."
        )
    ahead = [one for one in selection.estimates.values() if one.differs]
    if not ahead:
        return f"No finalist answers otherwise than the {reference}: the cheapest that answers so was chosen."
    most = max(ahead, key=lambda one: one.lead)
    return (
        f"{winner.name} was chosen: no finalist's lead over the {reference} is more than chance gives to the best of "
        f"so many. The greatest is {_points(most.lead)} less the luck of being chosen, with a standard "
        f"error of {100 * most.error:.1f}."
    )


def _beside_others(selection: Selection) -> Iterator[str]:
    """Why it is nothing that was fitted or composed, and not the one of the highest score."""
    winner, best = selection.winner, selection.best
    own = selection.estimates[winner.policy.digest].accuracy
    made = _shown_made(selection)
    highest = [best] if best.accuracy > winner.accuracy else []
    for one in {one.policy.digest: one for one in (*made, *highest)}.values():
        expected = selection.expected(one)
        if one.policy.digest != winner.policy.digest and expected is not None:
            most = ", the most of all," if one in highest else ""
            yield (
                f"{one.name} scored {one.accuracy:.3f}{most} on the selection items ({winner.name} "
                f"{winner.accuracy:.3f}), and is expected to score {expected:.3f} ({winner.name} {own:.3f})."
            )


def _shown_made(selection: Selection) -> list[Scored]:
    """The one of whom most is expected of those that were fitted or composed; the table has the others."""
    made = [one for one in selection.contenders if one.policy.digest in selection.made]
    return sorted(made, key=lambda one: -(selection.expected(one) or 0.0))[:1]


def _thrift(selection: Selection) -> str:
    gap = selection.best.accuracy - selection.winner.accuracy
    return (
        f"The most accurate finalist, {selection.best.name} ({selection.best.accuracy:.3f}), is ahead by "
        f"{gap:.3f}, within one standard error ({selection.standard_error:.3f}), and takes "
        f"{selection.best.flops / selection.winner.flops:.2f} times the FLOPs: the cheaper one was chosen."
    )


def _reference(selection: Selection) -> str:
    """The name of what leads are measured from."""
    names = (one.name for one in selection.contenders if one.policy.digest == selection.reference)
    return next(names, "uniform mix")


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
