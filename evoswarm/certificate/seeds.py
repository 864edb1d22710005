"""One certificate over several seeds of a space: whether what the search finds adds value, whichever seed it had.

Every seed's champion has a certificate of its own; all of them play the same test items, which are opened once for all.
Nothing is chosen among the seeds, so nothing is corrected for their number: the question is about their mean. Its error
counts items and seeds (`evoswarm.statistics.seeds`), and the verdict is decided by the rule for one champion.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from evoswarm.certificate.compared import DetectableGain, Interval, Part
from evoswarm.certificate.document import Certificate, Conclusion, Items
from evoswarm.certificate.evidence import Evidence, interval, power_of, rounded
from evoswarm.certificate.verdict import DOING, Outcome, count, decide, listed, searching
from evoswarm.evaluation.candidate import Scored
from evoswarm.rivals.diagnostics import UNIFORM_POOL
from evoswarm.rivals.fitted import R5
from evoswarm.statistics.intervals import ONE_SIDED, AdjustedMean, Stratum, difference_of, strata
from evoswarm.statistics.seeds import difference_over_seeds, score_over_seeds

SEEDS_VERSION: Literal[1] = 1


class CertifiedSeed(Part):
    """What one seed found.

    Attributes:
        seed: of the search.
        run: the name of its directory.
        champion: digest of its policy.
        members: of it, in pool order.
        outcome: of its own certificate.
        speakers: how many different members of it really speak.
        score: its own.
    """

    seed: int
    run: str
    champion: str
    members: tuple[str, ...]
    outcome: Outcome
    speakers: int
    score: Interval


class RivalOverSeeds(Part):
    """A rival of every seed's champion.

    Attributes:
        key: which one, ``R1`` to ``R4`` or ``R6``.
        name: in a few words.
        score: its mean over seeds.
        difference: champion less rival, paired by item and seed: the mean over seeds.
        by_seed: that difference of every seed.
        beaten: the lower end of the difference is above 0.
        most: upper bound of the gain at level 0.025 / rivals.
    """

    key: str
    name: str
    score: Interval
    difference: Interval
    by_seed: tuple[float, ...]
    beaten: bool
    most: float


class JointOpening(Part):
    """How the test items were opened: once, for the champions of all seeds.

    Attributes:
        forced: some of them had been opened for other recipes before.
        others: for how many.
        opened_before: how many of the items.
        detectable_gain: the true mean gain over seeds that is found over all rivals with a probability of 80%, by items
            alone, as stated before they were opened; None where no gain is.
        statement: the same in words.
    """

    forced: bool
    others: int
    opened_before: int
    detectable_gain: float | None
    statement: str


class SeedsCertificate(Part):
    """The held-out verdict of several searches that differ in their seed alone.

    Attributes:
        version: of this format.
        space: name of the search space.
        search_digest: SHA-256 of what the searches have in common.
        items: how many.
        opening: how the test items were opened.
        verdict: what they say of the mean over seeds.
        found_value: how many seeds' own certificates say that value is added.
        score: the champions' mean accuracy; its interval counts other items and other seeds.
        by_task: likewise, by task.
        rivals: all must be beaten on average.
        seeds: what each found.
        doing: what members of the champions do together, as a sentence begins.
        power: how large a gain is found; None in certificates of earlier versions.
        evoswarm: version.
        notes: what else a reader must know.
    """

    version: Literal[1] = SEEDS_VERSION
    space: str
    search_digest: str
    items: Items
    opening: JointOpening
    verdict: Conclusion
    found_value: int
    score: Interval
    by_task: dict[str, Interval]
    rivals: tuple[RivalOverSeeds, ...] = Field(min_length=1)
    seeds: tuple[CertifiedSeed, ...] = Field(min_length=2)
    doing: str = DOING["mix"]
    power: DetectableGain | None = None
    evoswarm: str
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As JSON text, the same bytes for the same certificate."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """The JSON Schema of the format."""
        return cls.model_json_schema()


def seeds_certificate_of(
    evidence: Sequence[Evidence], certificates: Sequence[Certificate], runs: Sequence[str], opening: JointOpening
) -> SeedsCertificate:
    """The certificate over seeds that follows from what every seed's champion and its rivals did.

    Args:
        evidence: of every seed, on the same test items.
        certificates: of every seed, in the same order.
        runs: names of the run directories, likewise.
        opening: how the items were opened.
    """
    first = certificates[0]
    parts = strata(evidence[0].tasks, evidence[0].weights)
    champions = _scores([one.champion for one in evidence])
    played = _rivals(evidence)
    against = {key: difference_over_seeds(champions, _scores(some), parts) for key, some in played.items()}
    return SeedsCertificate(
        space=first.subject.space,
        search_digest=first.subject.search_digest,
        items=first.items,
        opening=opening,
        verdict=_conclusion(evidence, certificates, against, parts),
        found_value=sum(one.verdict.outcome == "adds value" for one in certificates),
        score=interval(score_over_seeds(champions, parts)),
        by_task=_by_task(evidence),
        rivals=tuple(_rival(some, champions, against[key], parts, len(against)) for key, some in played.items()),
        seeds=tuple(_seed(certificate, run) for certificate, run in zip(certificates, runs, strict=True)),
        doing=_doing(certificates),
        power=power_of(opening.detectable_gain, list(against.values())),
        evoswarm=first.subject.evoswarm,
        notes=tuple(dict.fromkeys([*_absences(certificates), *(note for one in certificates for note in one.notes)])),
    )


def _rivals(evidence: Sequence[Evidence]) -> dict[str, list[Scored]]:
    """By key, how a rival played in every seed; who was absent in one is left out."""
    keyed = [{one.key: one for one in seed.rivals} for seed in evidence]
    return {key: [seed[key] for seed in keyed] for key in keyed[0] if all(key in seed for seed in keyed)}


def _absences(certificates: Sequence[Certificate]) -> Iterator[str]:
    """Which rivals there are none of, and in which seeds, where that is not all of them."""
    seeds: dict[tuple[str, str], list[int]] = {}
    for one in certificates:
        for absent in one.absent:
            seeds.setdefault((absent.key, absent.why), []).append(one.subject.seed)
    for (key, why), where in seeds.items():
        some = f" (seeds {listed([str(seed) for seed in where])})" if len(where) < len(certificates) else ""
        yield f"{key}{some}: {why}"


def _doing(certificates: Sequence[Certificate]) -> str:
    """What the members of all seeds' champions do together, as a sentence begins: ``Mixing``, ``Mixing or routing``."""
    return " or ".join(dict.fromkeys(one.subject.doing for one in certificates)).capitalize()


def _scores(played: Sequence[Scored]) -> list[tuple[float, ...]]:
    """Per seed, per item."""
    return [one.scores for one in played]


def _seed(certificate: Certificate, run: str) -> CertifiedSeed:
    return CertifiedSeed(
        seed=certificate.subject.seed,
        run=run,
        champion=certificate.subject.champion,
        members=certificate.subject.members,
        outcome=certificate.verdict.outcome,
        speakers=certificate.verdict.speakers,
        score=certificate.score,
    )


def _rival(
    played: Sequence[Scored],
    champions: Sequence[Sequence[float]],
    sample: AdjustedMean,
    parts: Sequence[Stratum],
    rivals: int,
) -> RivalOverSeeds:
    """One rival, as it played against every seed's champion."""
    rows = _scores(played)
    by_seed = [difference_of(one, row, parts).mean for one, row in zip(champions, rows, strict=True)]
    return RivalOverSeeds(
        key=played[0].key,
        name=_names(played),
        score=interval(score_over_seeds(rows, parts)),
        difference=interval(sample),
        by_seed=tuple(rounded(value) for value in by_seed),
        beaten=sample.lower() > 0,
        most=rounded(sample.upper(ONE_SIDED / rivals)),
    )


def _names(played: Sequence[Scored]) -> str:
    """What a rival is called; seeds may have tuned it to different things."""
    return " or ".join(dict.fromkeys(one.name for one in played))


def _by_task(evidence: Sequence[Evidence]) -> dict[str, Interval]:
    found = {}
    for task in dict.fromkeys(evidence[0].tasks):
        places = [place for place, name in enumerate(evidence[0].tasks) if name == task]
        rows = [[one.champion.scores[place] for place in places] for one in evidence]
        found[task] = interval(score_over_seeds(rows, strata([task] * len(places), {task: 1.0})))
    return found


def _conclusion(
    evidence: Sequence[Evidence],
    certificates: Sequence[Certificate],
    against: Mapping[str, AdjustedMean],
    parts: Sequence[Stratum],
) -> Conclusion:
    """The rule for one champion, of the means over seeds; no more members speak than in the seed where fewest do."""
    first, seeds = evidence[0], len(evidence)
    names = {key: f"{key} ({_names(played)})" for key, played in _rivals(evidence).items()}
    speakers = min(one.verdict.speakers for one in certificates)

    def wanted(needed: int | None) -> str:
        if needed is None:
            return "No number of items and seeds is foreseen to decide it."
        times = count(math.ceil(needed / len(first.tasks)))
        return f"If what was seen goes on, about {times} times as many items and seeds would decide it."

    def alone(speakers: int) -> str:
        few = sum(one.verdict.speakers < 2 for one in certificates)
        return f"In {few} of the {seeds} seeds fewer than two members really speak, so nothing is mixed there."

    named = {names[key]: sample for key, sample in against.items()}
    doing = _doing(certificates)
    verdict = decide(named, speakers, len(first.tasks), first.margin, doing=doing, wanted=wanted, alone=alone)
    return Conclusion(
        outcome=verdict.outcome,
        sentence=f"On average over {seeds} seeds: {verdict.sentence}",
        searching=_searching(evidence, parts),
        margin=first.margin,
        speakers=speakers,
        beaten=tuple(key for key, name in names.items() if name in verdict.beaten),
        below_margin=verdict.below_margin,
        items_needed=verdict.items_needed,
    )


def _searching(evidence: Sequence[Evidence], parts: Sequence[Stratum]) -> str:
    """Whether searching beat the mixes that nobody has to search for, on average over seeds."""
    if evidence[0].pool < 2:
        return searching(None, same=False)
    champions = _scores([one.champion for one in evidence])

    def over(key: str) -> AdjustedMean:
        """Where the champion is that mix, no diagnostic may stand for it."""
        return difference_over_seeds(champions, _scores([one.mix(key) or one.champion for one in evidence]), parts)

    fitted = over(R5) if all(one.is_fitted or one.mix(R5) is not None for one in evidence) else None
    same, is_fitted = all(one.is_uniform for one in evidence), all(one.is_fitted for one in evidence)
    origins = {one.origin for one in evidence}
    return searching(over(UNIFORM_POOL), same, fitted, is_fitted, origins.pop() if len(origins) == 1 else None)
