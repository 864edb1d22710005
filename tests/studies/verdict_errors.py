"""How often the verdict errs with three, four and five rivals: thousands of test splits, drawn and not decoded.

A champion and its rivals have abilities on every task, and items have difficulties (see ``simulated``), so the true
gain over each rival is known. Three questions:

- ``no-gain``: there is no gain over one rival, and a large one over the others. "Adds value" is wrong.
- ``margin-gain``: the gain over *every* rival is the margin. "No value", and "by less than the margin", are wrong; any
  rival can be the one whose bound misleads, so this is where their number counts.
- ``no-gain-over-mixes``: there is no gain over the uniform mix and a large one over the fitted mix. That searching beat
  both is wrong.

Rivals are like each other or not (``tight``: the same abilities as the champion but for a shift; ``loose``: abilities
of their own), which decides how alike their scores are on the same items.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evoswarm.certificate.verdict import decide, searching
from evoswarm.statistics.intervals import ONE_SIDED, AdjustedMean, Vector, difference_of
from tests.benchmarks.figures import Reading, Readings, at_most
from tests.studies import simulated
from tests.studies.simulated import MARGIN, PARTS, TASKS, TEST, draw_scores, shift_for
from tests.studies.study import Record, Study

COUNTS = (3, 4, 5)
KEYS = ("R1", "R2", "R4", "R3", "R6")
LIKENESS = {"tight": 0.0, "loose": 2.0}
"""Spread of a rival's abilities around the champion's, over tasks."""

DRAWS, BLOCKS = 4000, 20
FAR = 0.15


def rivals_of(
    generator: np.random.Generator, champion: Vector, spread: Vector, gains: list[float], likeness: float
) -> Vector:
    """Abilities ``[rivals, tasks]`` of rivals over which the champion has so large gains in truth."""
    found = []
    for gain in gains:
        own = champion + generator.normal(0.0, likeness, TASKS) if likeness else champion
        wanted = simulated.accuracy(champion, spread) - gain
        found.append(own - lowered(own, spread, simulated.accuracy(own, spread) - wanted))
    return np.stack(found)


def lowered(abilities: Vector, spread: Vector, loss: float) -> float:
    """By how much abilities must be lowered for a true loss of accuracy; raised, where it is a gain."""
    if loss >= 0:
        return shift_for(abilities, spread, loss)
    low, high = -30.0, 0.0
    wanted = simulated.accuracy(abilities, spread) - loss
    for _ in range(60):  # bisection: accuracy grows as abilities are lowered by less
        middle = (low + high) / 2
        if simulated.accuracy(abilities - middle, spread) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def verdicts(draws: int, seed: int, kind: str, rivals: int, likeness: float) -> Record:
    """How often each verdict is given; and how often some bound misleads at other levels."""
    generator = np.random.default_rng(seed)
    counted = dict.fromkeys(("adds value", "no value", "undecided", "below", "beat both", *LEVELS), 0)
    gains = [MARGIN] * rivals if kind == "margin-gain" else [0.0] + [FAR] * (rivals - 1)
    for _ in range(draws):
        spread = generator.uniform(1.0, 3.0, TASKS)
        champion = generator.uniform(0.0, 4.0) + generator.normal(0.0, 0.5, TASKS)
        others = rivals_of(generator, champion, spread, gains, likeness)
        scores = draw_scores(generator, np.vstack([champion[None], others]), spread, TEST)
        samples = [difference_of(scores[0], row, PARTS[TEST]) for row in scores[1:]]
        verdict = decide(dict(zip(KEYS, samples, strict=False)), 2, TEST, MARGIN)
        counted[verdict.outcome] += 1
        counted["below"] += verdict.below_margin
        counted["beat both"] += beat_both(samples[0], samples[1])
        for name, level in LEVELS.items():
            counted[name] += any(sample.upper(level(rivals)) < MARGIN for sample in samples)
    return {"draws": draws, "rivals": rivals, **{name: count / draws for name, count in counted.items()}}


LEVELS = {
    "undivided": lambda rivals: ONE_SIDED,
    "by four": lambda rivals: ONE_SIDED / 4,
    "by their number": lambda rivals: ONE_SIDED / rivals,
}
"""Levels of the upper bounds, by what 0.025 is divided by."""


def beat_both(uniform: AdjustedMean, fitted: AdjustedMean) -> bool:
    """Whether the second sentence says that searching beat both mixes."""
    sentence = searching(uniform, False, fitted)
    return sentence.startswith("Searching beat the uniform mix") and "; it beat the fitted mix" in sentence


def _run(case: str, runs: Path) -> Record:
    kind, likeness, rivals, _ = case.rsplit("_", 3)
    seed = 9000 + CASES.index(case)
    return {"kind": kind, "likeness": likeness, **verdicts(DRAWS, seed, kind, int(rivals), LIKENESS[likeness])}


CASES = tuple(
    f"{kind}_{likeness}_{rivals}_{block}"
    for block in range(BLOCKS)
    for kind in ("no-gain", "margin-gain")
    for likeness in LIKENESS
    for rivals in COUNTS
)


def _figures(records: Mapping[str, Record]) -> Readings:
    def pooled(kind: str, key: str, rivals: int) -> Reading:
        """Over rivals that are alike and that are not; the note tells of each."""
        shares = {}
        for likeness in LIKENESS:
            chosen = [one for case, one in records.items() if case.startswith(f"{kind}_{likeness}_{rivals}_")]
            if chosen:
                draws = sum(one["draws"] for one in chosen)
                shares[likeness] = (sum(one[key] * one["draws"] for one in chosen) / draws, draws)
        if not shares:
            return Reading(None, "")
        every = sum(draws for _, draws in shares.values())
        mean = sum(share * draws for share, draws in shares.values()) / every
        told = ", ".join(f"{one} {share:.2%} of {draws:,}" for one, (share, draws) in shares.items())
        return Reading(mean, f"{rivals} rivals; {told}")

    found: dict[str, Reading] = {}
    for rivals in COUNTS:
        found[f"false_adds_value_{rivals}"] = pooled("no-gain", "adds value", rivals)
        found[f"false_no_value_{rivals}"] = pooled("margin-gain", "no value", rivals)
        found[f"false_below_margin_{rivals}"] = pooled("margin-gain", "below", rivals)
    found["false_beat_both_mixes"] = pooled("no-gain", "beat both", 4)
    found["bounds_by_four_of_five"] = pooled("margin-gain", "by four", 5)
    found["bounds_undivided_of_five"] = pooled("margin-gain", "undivided", 5)
    return found


STUDY = Study(
    name="verdict-errors",
    question="does the verdict err as rarely as it says, however many rivals there are?",
    cases=CASES,
    run=_run,
    figures=_figures,
    goals={
        **{
            f"{what}_{rivals}": at_most(0.025)
            for rivals in COUNTS
            for what in ("false_adds_value", "false_no_value", "false_below_margin")
        },
        "false_beat_both_mixes": at_most(0.025),
        "bounds_by_four_of_five": None,
        "bounds_undivided_of_five": None,
    },
)
