"""The verdict: does mixing add value? Decided by a rule that was fixed before the held-out items were opened."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evoswarm.certificate.detectable import items_to_beat, items_to_rule_out
from evoswarm.evaluation.candidate import HowMade
from evoswarm.statistics.intervals import ONE_SIDED, AdjustedMean

Outcome = Literal["adds value", "no value", "undecided"]

COUNTS = {3: "three", 4: "four", 5: "five"}
"""Of the rivals, in words: a champion that votes is not compared with a vote, and not every pool can be merged."""

DOING = {"mix": "Mixing", "vote": "Voting", "route": "Routing"}
"""What the members of a champion do together, by its kind, as a sentence begins; a route to mixes mixes."""


def rivals_of(doing: str) -> str:
    """What a champion's rivals are called: none of them mixes, but some of them vote and one routes."""
    return (
        f"rivals that spend compute without {doing.lower()}"
        if doing == DOING["mix"]
        else ("rivals that may spend as much compute")
    )


UNSEARCHED = {"fitted": "fitting", "plain": "a member alone"}
"""What a champion that nobody searched for owes its score to, by its origin."""

SPEAKS = 0.02
"""A member really speaks when it does so at no fewer than this share of the champion's steps."""


@dataclass(frozen=True)
class Verdict:
    """What the held-out items say.

    Attributes:
        outcome: in two words.
        sentence: in one or two sentences.
        beaten: the rivals whose lower bound (one-sided 97.5%) is above 0.
        below_margin: the gain over some rival stays below the margin: its upper bound at 0.025 / rivals does.
        items_needed: for ``undecided``, about how many items would decide if what was seen went on; None where no
            number of items is foreseen to.
    """

    outcome: Outcome
    sentence: str
    beaten: tuple[str, ...]
    below_margin: bool
    items_needed: int | None = None


def wanted_items(needed: int | None) -> str:
    """How many items would decide, as a sentence."""
    if needed is None:
        return "No number of items is foreseen to decide it."
    return f"If what was seen goes on, about {count(needed)} test items in all would decide it."


def who_is_alone(speakers: int) -> str:
    """What is said where fewer than two members really speak."""
    return "Only one member really speaks, so nothing is mixed." if speakers else "No member speaks."


def decide(
    rivals: Mapping[str, AdjustedMean],
    speakers: int,
    items: int,
    margin: float,
    *,
    doing: str = "Mixing",
    wanted: Callable[[int | None], str] = wanted_items,
    alone: Callable[[int], str] = who_is_alone,
) -> Verdict:
    """Apply the rule.

    1. *Adds value* when at least two different members really speak and the champion beats every rival: the lower
       bound of each paired difference, one-sided at 97.5%, is above 0. All must fall, so nothing is corrected for
       there being several (an intersection-union test, Berger 1982, "Multiparameter hypothesis testing and acceptance
       sampling"). What mixing adds is its gain over the closest rival, so the sentence says *by less than the margin*
       where the gain over some rival stays below it, by the bound of 2.
    2. Else *no value* when the gain over some rival stays below the margin: its upper bound at 0.025 / rivals does. Any
       one is enough (a union-intersection test, Roy 1953), so the level is divided by their number (Bonferroni).
    3. Else *undecided*.

    Args:
        rivals: the paired difference champion less rival, by the rival's name.
        speakers: how many different members of the champion really speak.
        items: of the test split.
        margin: the least gain that is worth the trouble, in [0, 1].
        doing: what the champion's members do together, as a sentence begins.
        wanted: what to say of the items that it would take.
        alone: what to say where fewer than two members really speak.
    """
    beaten = tuple(name for name, sample in rivals.items() if sample.lower() > 0)
    if speakers >= 2 and len(beaten) == len(rivals):
        return _adds(doing, rivals, beaten, margin)
    level = ONE_SIDED / len(rivals)
    ruled_out = {name: sample.upper(level) for name, sample in rivals.items() if sample.upper(level) < margin}
    few = "" if speakers >= 2 else f"{alone(speakers)} "
    if ruled_out:
        name = min(ruled_out, key=lambda name: ruled_out[name])
        most = ruled_out[name]
        least = f"its gain over {name} is {_at_most(most, margin, rivals)}" if most > 0 else f"it is worse than {name}"
        sentence = f"{few}{doing} adds no value here: {least}, and a gain below {points(margin)} does not count."
        return Verdict("no value", sentence, beaten, True)
    needed = _needed(list(rivals.values()), speakers, items, margin, level)
    left, what = [name for name in rivals if name not in beaten], doing.lower()
    unbeaten = f"it was not shown to beat {listed(left)}" if left else f"it beats every rival, but without {what}"
    sentence = (
        f"{few}Whether {what} adds value is undecided: {unbeaten}, and no gain over a rival was shown to stay below "
        f"{points(margin)}. {wanted(needed)}"
    )
    return Verdict("undecided", sentence, beaten, False, needed)


def searching(
    uniform: AdjustedMean | None,
    same: bool,
    fitted: AdjustedMean | None = None,
    is_fitted: bool = False,
    origin: HowMade | None = None,
) -> str:
    """The second sentence: whether searching beat the mixes that nobody has to search for.

    Each bound is one-sided at 97.5%; who beat both has beaten each, so nothing is corrected for there being two.

    Args:
        uniform: the paired difference champion less uniform mix of the whole pool; None when the pool has one member.
        same: the champion is the uniform mix.
        fitted: likewise, less the mix that was fitted to gold texts; None where there is none.
        is_fitted: the champion is that mix.
        origin: how the champion came to be: who was found without searching, did not win by it.
    """
    if uniform is None:
        return "The pool has one member, so there is no uniform mix to compare with."
    clauses = [_searched(uniform, "the uniform mix of the pool", same, UNSEARCHED.get(origin or "", "searching"))]
    if fitted is not None:
        clauses.append(_searched(fitted, "the fitted mix (R5)", is_fitted, "it"))
    sentence = "; ".join(clauses)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _searched(sample: AdjustedMean, mix: str, same: bool, who: str) -> str:
    """What searching did against one mix, as a clause; ``who`` stands for searching."""
    if same:
        return f"the champion is {mix}: searching added nothing to it"
    gap = _gap(sample)
    if sample.lower() > 0:
        return f"{who} beat {mix}: {gap}"
    if sample.upper() < 0:
        return f"{who} lost to {mix}: {gap}"
    return f"whether {who} beat {mix} is undecided: {gap}"


def points(value: float) -> str:
    """A share as percentage points: 0.03 is ``3 points``; rounded up, since it is a limit."""
    shown = f"{math.ceil(1000 * value - 1e-6) / 10:.1f}".removesuffix(".0")
    return f"{shown} point" if shown == "1" else f"{shown} points"


def signed(value: float) -> str:
    """A difference of shares in percentage points with its sign: ``+3.4``; only nothing is ``+0.0``."""
    digits = next((digits for digits in (1, 2, 3) if round(100 * value, digits)), 1)
    return f"{100 * value:+z.{digits}f}"


def ranged(mean: float, low: float, high: float) -> str:
    """A difference with its interval, in points: ``+3.4 (+1.2 to +5.5)``."""
    return f"{signed(mean)} ({signed(low)} to {signed(high)})"


def listed(names: Sequence[str]) -> str:
    """Names as people list them: ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def count(items: int) -> str:
    """A number of items, to two significant digits from a hundred on, with separators."""
    digits = max(0, len(str(items)) - 2) if items >= 100 else 0
    return f"{math.ceil(items / 10**digits) * 10**digits:,}"


def _adds(doing: str, rivals: Mapping[str, AdjustedMean], beaten: tuple[str, ...], margin: float) -> Verdict:
    least = min(rivals, key=lambda name: rivals[name].mean)
    highest = {name: sample.upper(ONE_SIDED / len(rivals)) for name, sample in rivals.items()}
    lowest = min(highest, key=lambda name: highest[name])
    below = highest[lowest] < margin
    sentence = (
        f"{doing} adds value{f', by less than {points(margin)}' if below else ''}: the champion beats all "
        f"{COUNTS.get(len(rivals), len(rivals))} rivals, the closest, {least}, by "
        f"{_gap(rivals[least]).removeprefix('+')}."
    )
    if below:
        over = "That gain" if lowest == least else f"Its gain over {lowest}"
        sentence += f" {over} is {_at_most(highest[lowest], margin, rivals)}."
    return Verdict("adds value", sentence, beaten, below)


def _at_most(most: float, margin: float, rivals: Mapping[str, AdjustedMean]) -> str:
    """An upper bound that is below the margin: it is wider than the 95% interval, as any one rival is enough."""
    shown = "below" if points(most) == points(margin) else "at most"
    return f"{shown} {points(most)} (a bound that allows for there being {COUNTS.get(len(rivals), len(rivals))} rivals)"


def _gap(sample: AdjustedMean) -> str:
    mean, _, interval = ranged(sample.mean, sample.lower(), sample.upper()).partition(" ")
    return f"{mean} points {interval}"


def _needed(samples: Sequence[AdjustedMean], speakers: int, items: int, margin: float, level: float) -> int | None:
    ways = [items_to_rule_out(samples, items, margin, level)]
    if speakers >= 2:
        ways.append(items_to_beat(samples, items))
    return min((way for way in ways if way is not None), default=None)
