"""Does a plan foretell what mixing will gain? Over pools of small members and questions drawn at random.

A pool has two to five members and one to five families of questions. What it really gains is measured as a user would
get it: mixes are fitted to 150 search items, the best of them and of the uniform mix is chosen on those and 200 more,
and it is judged on all others, beside the best member and the best member of every family, chosen on the same items.
The prediction sees 64 of the search items (and, apart, 16 of them).

Everything is followed along right answers, read once per member; `tests/studies/foretold.py` decodes.

Regressions are fitted to pools of some members (by ``python -m tests.studies.coefficients``) and judged on pools of
others: no member, start of a member or question is on both sides; see `sides`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evoswarm.experiment.outlook.prediction.evidence import PARTS, PilotScores
from evoswarm.experiment.outlook.prediction.forecast import Forecast, Rival, Signs, regression
from evoswarm.experiment.outlook.prediction.gathering import FITS, lead_apart
from evoswarm.genomes.mix.genes import genes_of
from evoswarm.gold.fit.blend import Blend
from evoswarm.gold.fit.mixes import Fit, Mix, fits
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.space import SearchSpace
from evoswarm.statistics.by_task import fold_places
from evoswarm.statistics.intervals import Vector
from tests.benchmarks.figures import Goal, Reading, Readings, at_least, at_most
from tests.studies.along_gold import ITEMS, AlongGold
from tests.studies.fresh_members import FAMILIES, FRESH, bank
from tests.studies.study import Record, Study
from tools.zoo.plans import PLANS

CASES = {"fit": 120, "near": 28, "judge": 240, "new": 240}
SEEN = (64, 16)
SEARCH, SELECTION, TRUTH = 150, 200, 2000
BEYOND = 0.02
SIGNS = ("leads 64", "leads 16", "answers 64")
RIVALS: tuple[Rival, ...] = ("member", "router")
SPACE = """
name: prediction
pool: [{name: a, path: "zoo:llama-a"}, {name: b, path: "zoo:llama-b"}]
tasks: [{name: gcd, source: reasoning_gym, family: gcd, max_bytes: 16}]
alphabet: bytes
"""
SEEDS = {"fit": 500_000_000, "near": 500_000_000, "judge": 600_000_000, "new": 800_000_000}
"""Of the questions of each side."""

GOALS: dict[str, Goal | None] = {
    "pools": at_least(200),
    **{
        f"{figure}_over_{rival}_by_{seen.replace(' ', '_')}": goal if seen == SIGNS[0] else None
        for rival in RIVALS
        for seen in SIGNS
        for figure, goal in {"sign_right": at_least(0.85), "covered": at_least(0.90), "off": None}.items()
    },
    **{f"covered_over_{rival}_by_{SIGNS[0].replace(' ', '_')}_at_most": at_most(0.98) for rival in RIVALS},
}


def sides() -> dict[str, list[str]]:
    """Members by the side they are on.

    Regressions are fitted to pools of the built-in members and ``pool-a`` (``fit``), and of that and fresh members
    (``near``). While that was developed it was looked at on one family of branches and other fresh members (``judge``);
    it is judged on members that came later (``new``).
    """
    made = list(bank())
    five = [name for name in made if name.startswith("pool-a")]
    fresh = [f"fresh-{number:02d}" for number in range(FRESH)]
    return {
        "fit": [*PLANS, *five],
        "near": [*five, *fresh[12:16]],
        "judge": [*(name for name in made if name.startswith("branch-a")), *fresh[:12]],
        "new": [*(name for name in made if name.startswith("branch-b")), *fresh[16:]],
    }


@dataclass(frozen=True)
class Draw:
    """A pool drawn at random.

    Attributes:
        members: two to five.
        places: by family, which of its questions, in the order in which they are used.
    """

    members: tuple[str, ...]
    places: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, case: str) -> Draw:
        """That of a case; each side has questions of its own."""
        side, _, number = case.rpartition("-")
        rng = random.Random(f"prediction {side} {number}")
        members = rng.sample(sides()[side], rng.randint(2, 5))
        families = rng.sample(FAMILIES, rng.randint(1, 5))
        return cls(tuple(members), {family: rng.sample(range(ITEMS), ITEMS) for family in families})

    def taken(self, count: int) -> list[tuple[str, int]]:
        """The first questions, one of every family after the other."""
        turns = zip(*self.places.values(), strict=True)
        return list(islice((pair for turn in turns for pair in zip(self.places, turn, strict=True)), count))


def run(case: str, runs: Path) -> Record:
    """What a pool shows on a few items, and what it comes to on many."""
    draw = Draw.of(case)
    taken = draw.taken(SEARCH + SELECTION + TRUTH)
    families = [family for family, _ in taken]
    outcomes = _along(case.partition("-")[0], runs).outcomes(draw.members, taken)
    few = {count: evidence_along(outcomes.some(range(count)), families[:count]) for count in SEEN}
    return {
        "members": list(draw.members),
        "families": list(draw.places),
        "truth": _truth(outcomes, families),
        "signs": {
            f"{known} {count}": {rival: rounded(Signs.of(seen, rival)) for rival in RIVALS}
            for count, evidence in few.items()
            for known, seen in {"leads": evidence, "answers": _by_answers(evidence)}.items()
        },
    }


def _by_answers(evidence: PilotScores) -> PilotScores:
    """What there would be of it if no right texts were known: nothing fitted, and no leads."""
    return replace(evidence, mixed=evidence.mixed[:1], alone_lead=None, mixed_lead=None)


def _along(side: str, runs: Path) -> AlongGold:
    return _kept(SEEDS[side], runs.parent / "bank", runs / "rows")


_kept = lru_cache(maxsize=2)(AlongGold)


@lru_cache(maxsize=1)
def _fits() -> dict[str, Fit]:
    known = fits(genes_of(SearchSpace.from_text(SPACE, "prediction")))
    return {name: known[name] for name in FITS}


def plain(members: Sequence[int]) -> Mix:
    """Some members alike, by the mixture rule; one of them is that member alone."""
    zeros = torch.zeros(len(members), dtype=torch.float64)
    return Mix("mixture", tuple(members), Blend(zeros, zeros, {}))


def evidence_along(outcomes: Outcomes, families: Sequence[str]) -> PilotScores:
    """What a plan would gather of these items, without decoding."""
    count = len(outcomes.log_probs)
    policies = [*(plain([member]) for member in range(count)), plain(range(count))]
    lead: Vector = np.stack([one.margins(outcomes).numpy() for one in policies])
    fitted = np.stack([lead_apart(fit, outcomes, fold_places(families, PARTS)) for fit in _fits().values()])
    mixed: Vector = np.concatenate([lead[-1:], fitted])
    return PilotScores(tuple(families), outcomes.weights.numpy(), _right(lead[:-1]), _right(mixed), lead[:-1], mixed)


def _right(lead: Vector) -> Vector:
    return (lead > 0).astype(np.float64)


def _truth(outcomes: Outcomes, families: Sequence[str]) -> dict[str, Any]:
    """Accuracies on questions that nothing was fitted to or chosen on."""
    everybody = tuple(range(len(outcomes.log_probs)))
    searched = outcomes.some(range(SEARCH))
    mixes = {"uniform": plain(everybody)} | {name: fit(searched, everybody) for name, fit in _fits().items()}
    mixed = _right(np.stack([one.margins(outcomes).numpy() for one in mixes.values()]))
    alone = _right(np.stack([plain([member]).margins(outcomes).numpy() for member in everybody]))
    known, names = SEARCH + SELECTION, np.array(families)
    best = int(mixed[:, :known].mean(1).argmax())
    mix, member = mixed[best], alone[alone[:, :known].mean(1).argmax()]
    router = np.empty(len(names))
    for family in set(families):
        own = names == family
        router[own] = alone[alone[:, own & (np.arange(len(names)) < known)].mean(1).argmax()][own]
    rivals: dict[Rival, Vector] = {"member": member, "router": router}
    gains = {rival: (mix - scores)[known:] for rival, scores in rivals.items()}
    return {
        "items": len(names) - known,
        "mix": list(mixes)[best],
        "accuracy": {"mix": float(mix[known:].mean())}
        | {rival: float(scores[known:].mean()) for rival, scores in rivals.items()},
        "gain": {rival: float(gain.mean()) for rival, gain in gains.items()},
        "error": {rival: float(gain.std() / np.sqrt(len(gain))) for rival, gain in gains.items()},
    }


def rounded(signs: Signs) -> dict[str, float | None]:
    """As they are kept."""
    return {name: None if value is None else round(value, 5) for name, value in vars(signs).items()}


def foretold(records: Mapping[str, Record], rival: Rival, seen: str) -> list[tuple[Forecast, float]]:
    """Of every pool what was foretold from signs of one kind, and what it came to."""
    found = []
    for record in records.values():
        signs = Signs(**record["signs"][seen][rival])
        found.append((regression(rival, signs).forecast(signs), record["truth"]["gain"][rival]))
    return found


def figures(records: Mapping[str, Record]) -> Readings:
    """How often the sign was right, and how often the interval held the truth."""
    own = {case: record for case, record in records.items() if case.startswith("new-")}
    found: Readings = {
        "pools": Reading(
            len(own), f"beside {sum(CASES[side] for side in ('fit', 'near'))} that the regressions rest on"
        )
    }
    for rival in RIVALS:
        for seen in SIGNS:
            pairs = foretold(own, rival, seen)
            clear = [(one, truth) for one, truth in pairs if abs(truth) > BEYOND]
            losses = sum(truth < 0 for _, truth in clear)
            key = f"over_{rival}_by_{seen.replace(' ', '_')}"
            found[f"sign_right_{key}"] = _share(
                [(one.gain > 0) == (truth > 0) for one, truth in clear], f"{losses} lose"
            )
            found[f"covered_{key}"] = _share([one.low <= truth <= one.high for one, truth in pairs])
            off = [100 * abs(one.gain - truth) for one, truth in pairs]
            half = [50 * (one.high - one.low) for one, _ in pairs]
            note = f"points, mean; half an interval is {np.mean(half):.1f}" if half else ""
            found[f"off_{key}"] = Reading(float(np.mean(off)) if off else None, note)
    for rival in RIVALS:
        name = f"covered_over_{rival}_by_{SIGNS[0].replace(' ', '_')}"
        found[f"{name}_at_most"] = found[name]
    return found


def _share(right: Sequence[bool], note: str = "") -> Reading:
    counted = f"{sum(right)} of {len(right)}"
    return Reading(sum(right) / len(right) if right else None, f"{counted}; {note}" if note else counted)


STUDY = Study(
    name="prediction",
    question="does a plan foretell what mixing will gain?",
    cases=tuple(f"{side}-{number}" for side, count in CASES.items() for number in range(count)),
    run=run,
    figures=figures,
    goals=GOALS,
)
