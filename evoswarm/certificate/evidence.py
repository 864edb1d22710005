"""What was seen on the held-out items, and the certificate that follows from it. Nothing is decoded here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evoswarm.canonical import round_significant
from evoswarm.certificate.compared import (
    Absent,
    CeilingResult,
    Compute,
    DetectableGain,
    DiagnosticResult,
    Failed,
    Interval,
    RivalResult,
)
from evoswarm.certificate.detectable import gain_found
from evoswarm.certificate.document import (
    Ablation,
    Certificate,
    Conclusion,
    Gap,
    Items,
    MemberResult,
    Opening,
    OpenShare,
    Owner,
    Subject,
    TaskScore,
)
from evoswarm.certificate.verdict import DOING, SPEAKS, decide, searching
from evoswarm.evaluation.candidate import HowMade, Scored
from evoswarm.evaluation.cost import MEANINGS, Cost, MemberCost
from evoswarm.policies.policy import Role
from evoswarm.rivals.diagnostics import UNIFORM_POOL
from evoswarm.rivals.fitted import R5
from evoswarm.statistics.intervals import (
    ONE_SIDED,
    AdjustedMean,
    Stratum,
    difference_of,
    gap_of,
    holm,
    mean_of,
    strata,
)

COMPUTE_NOTE = (
    "Compute is what a recipe costs deployed alone, mean per item. "
    + "; ".join(f"{name}: {meaning}" for name, meaning in MEANINGS.items())
    + "."
)
GATES_NOTE = (
    "Gating saves passes and weight reads more than FLOPs: a follower that was silent catches up when it next speaks, "
    "so it still reads nearly all tokens."
)
_DECIMALS = 6


@dataclass(frozen=True)
class Speaker:
    """A member of the champion as it spoke on the test items.

    Attributes:
        name: in the pool.
        identity: what it is: exact copies under several names have one identity.
        role: what it does in the champion.
        share_of_steps: of the champion's, at which it spoke.
        without: scores per item of the champion without it; None when it is the only member.
        led_by: who leads then.
    """

    name: str
    identity: str
    role: Role
    share_of_steps: float
    without: tuple[float, ...] | None = None
    led_by: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything a certificate is made of.

    Attributes:
        subject: what is certified.
        items: how many.
        opening: how the test items were opened.
        margin: the least gain that counts.
        tasks: of every test item.
        weights: by task.
        champion: as it played the test items; its cost has the members in the recipe's order.
        rivals: those that must all be beaten, on the same items.
        diagnostics: likewise.
        ceilings: likewise.
        pool: how many members there are to mix.
        is_uniform: the champion is the uniform mix of the pool.
        speakers: the champion's members, in the recipe's order.
        selection: the champion's scores on the selection items.
        selection_tasks: of every selection item.
        search: the champion's score on the search items, where it is known.
        origin: how the champion came to be, where that is known.
        expected: what it was expected to score, where that was estimated.
        thrifty: it was chosen for its cost, whatever was expected of it.
        recipes_tried: distinct recipes that the search scored.
        notes: what else a reader must know.
        owners: how the pool's members would be run alone.
        is_fitted: the champion is the fitted mix.
        absent: why there is no rival of a key, as a sentence.
    """

    subject: Subject
    items: Items
    opening: Opening
    margin: float
    tasks: tuple[str, ...]
    weights: Mapping[str, float]
    champion: Scored
    rivals: tuple[Scored, ...]
    diagnostics: tuple[Scored, ...]
    ceilings: tuple[Scored, ...]
    pool: int
    is_uniform: bool
    speakers: tuple[Speaker, ...]
    selection: tuple[float, ...]
    selection_tasks: tuple[str, ...]
    search: float | None
    recipes_tried: int
    notes: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    is_fitted: bool = False
    origin: HowMade | None = None
    expected: float | None = None
    thrifty: bool = False
    absent: Mapping[str, str] = field(default_factory=dict)

    def mix(self, key: str) -> Scored | None:
        """A mix that nobody searched for, among the diagnostics."""
        return next((one for one in self.diagnostics if one.key == key), None)


def certificate_of(evidence: Evidence) -> Certificate:
    """The certificate that follows."""
    parts = strata(evidence.tasks, evidence.weights)
    score = mean_of(evidence.champion.scores, parts)
    return Certificate(
        subject=evidence.subject,
        items=evidence.items,
        opening=evidence.opening,
        verdict=_conclusion(evidence, parts),
        score=interval(score),
        by_task=_by_task(evidence),
        compute=compute(evidence.champion.summary.cost),
        compute_note=COMPUTE_NOTE + (f" {GATES_NOTE}" if evidence.subject.doing == DOING["mix"] else ""),
        rivals=tuple(_rival(evidence, rival, parts) for rival in evidence.rivals),
        absent=tuple(Absent(key=key, why=why) for key, why in evidence.absent.items()),
        diagnostics=_diagnostics(evidence, parts),
        ceilings=tuple(CeilingResult(**_compared(evidence, one, parts)) for one in evidence.ceilings),
        members=_members(evidence, parts),
        owners=evidence.owners,
        open_share=_open_share(evidence),
        gap=_gap(evidence, parts),
        recipes_tried=evidence.recipes_tried,
        failures=evidence.champion.summary.failures,
        failed=_failed(evidence.champion),
        at_limit=evidence.champion.summary.at_limit,
        cut_off=evidence.champion.summary.cut_off,
        power=power_of(
            evidence.opening.detectable_gain,
            [difference_of(evidence.champion.scores, one.scores, parts) for one in evidence.rivals],
        ),
        notes=evidence.notes,
    )


def interval(sample: AdjustedMean) -> Interval:
    """A sample's mean with its 95% interval."""
    return Interval(mean=rounded(sample.mean), low=rounded(sample.lower()), high=rounded(sample.upper()))


def compute(cost: Cost | MemberCost) -> Compute:
    """The three numbers of a cost, or of a member's part of it."""
    return Compute(
        flops=round_significant(cost.flops),
        passes=round_significant(cost.passes),
        weight_reads=round_significant(cost.weight_reads),
    )


def _conclusion(evidence: Evidence, parts: Sequence[Stratum]) -> Conclusion:
    champion = evidence.champion.scores
    differences = {rival.key: difference_of(champion, rival.scores, parts) for rival in evidence.rivals}
    names = {rival.key: f"{rival.key} ({rival.name})" for rival in evidence.rivals}
    speakers = len({speaker.identity for speaker in evidence.speakers if speaker.share_of_steps >= SPEAKS})
    named = {names[key]: sample for key, sample in differences.items()}
    verdict = decide(named, speakers, len(evidence.tasks), evidence.margin, doing=evidence.subject.doing)
    uniform, fitted = (
        None if mix is None or evidence.pool < 2 else difference_of(champion, mix.scores, parts)
        for mix in (evidence.mix(UNIFORM_POOL), evidence.mix(R5))
    )
    return Conclusion(
        outcome=verdict.outcome,
        sentence=verdict.sentence,
        searching=searching(uniform, evidence.is_uniform, fitted, evidence.is_fitted, evidence.origin),
        margin=evidence.margin,
        speakers=speakers,
        beaten=tuple(key for key, name in names.items() if name in verdict.beaten),
        below_margin=verdict.below_margin,
        items_needed=verdict.items_needed,
    )


def power_of(before: float | None, differences: Sequence[AdjustedMean]) -> DetectableGain:
    """What a test can find.

    Args:
        before: what was expected of it before the items were opened.
        differences: from each rival, as they were then seen.
    """
    seen = gain_found(differences)
    return DetectableGain(before=before, seen=None if seen is None else rounded(seen))


def _by_task(evidence: Evidence) -> dict[str, TaskScore]:
    found = {}
    for task in dict.fromkeys(evidence.tasks):
        own = [score for name, score in zip(evidence.tasks, evidence.champion.scores, strict=True) if name == task]
        sample = mean_of(own, strata([task] * len(own), {task: 1.0}))
        found[task] = TaskScore(**interval(sample).model_dump(), items=len(own))
    return found


def _compared(evidence: Evidence, one: Scored, parts: Sequence[Stratum]) -> dict[str, Any]:
    return {
        "key": one.key,
        "name": one.name,
        "description": one.candidate.description,
        "score": interval(mean_of(one.scores, parts)),
        "difference": interval(difference_of(evidence.champion.scores, one.scores, parts)),
        "compute": compute(one.summary.cost),
        "champion_ratio": _ratio(evidence.champion.summary.cost, one.summary.cost),
        "failures": one.summary.failures,
        "failed": _failed(one),
        "at_limit": one.summary.at_limit,
        "cut_off": one.summary.cut_off,
    }


def _failed(one: Scored) -> tuple[Failed, ...]:
    return tuple(Failed(kind=part.kind, member=part.member, items=part.items) for part in one.summary.failed)


def _rival(evidence: Evidence, one: Scored, parts: Sequence[Stratum]) -> RivalResult:
    difference = difference_of(evidence.champion.scores, one.scores, parts)
    return RivalResult(
        **_compared(evidence, one, parts),
        beaten=difference.lower() > 0,
        most=rounded(difference.upper(ONE_SIDED / len(evidence.rivals))),
        policy=json.loads(one.policy.to_json()),
    )


def _diagnostics(evidence: Evidence, parts: Sequence[Stratum]) -> tuple[DiagnosticResult, ...]:
    p_values = [difference_of(evidence.champion.scores, one.scores, parts).p_value for one in evidence.diagnostics]
    return tuple(
        DiagnosticResult(
            **_compared(evidence, one, parts),
            p_value=round_significant(p),
            p_holm=round_significant(h),
            policy=json.loads(one.policy.to_json()) if one.key == R5 else None,
        )
        for one, p, h in zip(evidence.diagnostics, p_values, holm(p_values), strict=True)
    )


def _members(evidence: Evidence, parts: Sequence[Stratum]) -> tuple[MemberResult, ...]:
    results = []
    for speaker, cost in zip(evidence.speakers, evidence.champion.summary.cost.members, strict=True):
        without = None
        if speaker.without is not None:
            difference = difference_of(evidence.champion.scores, speaker.without, parts)
            without = Ablation(lead=speaker.led_by, difference=interval(difference))
        results.append(
            MemberResult(
                name=speaker.name,
                role=speaker.role,
                share_of_steps=rounded(speaker.share_of_steps),
                really_speaks=speaker.share_of_steps >= SPEAKS,
                compute=compute(cost),
                without=without,
            )
        )
    return tuple(results)


def _open_share(evidence: Evidence) -> OpenShare:
    members = evidence.champion.summary.cost.members
    followers = [one for one in members if one.name != evidence.subject.lead] if evidence.subject.lead else []

    def share(number: str) -> float:
        whole = sum(getattr(member, number) for member in members)
        return rounded(sum(getattr(member, number) for member in followers) / whole) if whole else 0.0

    return OpenShare(
        steps=rounded(evidence.champion.summary.open_share),
        lead_tokens=rounded(evidence.champion.summary.touched_share),
        flops=share("flops"),
        passes=share("passes"),
        weight_reads=share("weight_reads"),
    )


def _gap(evidence: Evidence, parts: Sequence[Stratum]) -> Gap:
    selection = strata(evidence.selection_tasks, evidence.weights)
    gap = gap_of(evidence.selection, selection, evidence.champion.scores, parts)
    search = evidence.search
    return Gap(
        search=None if search is None else rounded(search),
        expected=None if evidence.expected is None else rounded(evidence.expected),
        together=evidence.expected is not None and not evidence.thrifty,
        selection=rounded(mean_of(evidence.selection, selection).mean),
        search_less_test=None if search is None else rounded(search - mean_of(evidence.champion.scores, parts).mean),
        selection_less_test=interval(gap),
    )


def _ratio(champion: Cost, other: Cost) -> Compute | None:
    if not (other.flops and other.passes and other.weight_reads):
        return None
    return Compute(
        flops=round_significant(champion.flops / other.flops, 4),
        passes=round_significant(champion.passes / other.passes, 4),
        weight_reads=round_significant(champion.weight_reads / other.weight_reads, 4),
    )


def rounded(value: float) -> float:
    """Without digits that say nothing; never a negative zero."""
    return round(value, _DECIMALS) + 0.0
