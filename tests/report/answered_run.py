"""A run directory whose traced answers and scores a test writes down step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from evoswarm.canonical import sha256
from evoswarm.evaluation.alone import AloneOnSplit, ScoresAlone
from evoswarm.evaluation.traces.lines import (
    PolicyKey,
    Symbol,
    TracedPolicy,
    TraceHeader,
    TraceLine,
    TracePart,
    TraceStep,
)
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Recipe
from evoswarm.policies.mix import RecipeMember
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import ALONE, CHAMPION, SPACE, TRACES

MEMBERS = ("adder", "speller", "sorter")

SPACE_TEXT = """
name: answered
pool: [{name: adder, path: zoo:llama-a}, {name: speller, path: zoo:llama-b}, {name: sorter, path: zoo:qwen3-d}]
tasks: [{name: sums, source: reasoning_gym, family: chain_sum}]
"""

Score = float | None


def champion() -> Recipe:
    """All members, the first leads."""
    specs = [MemberSpec(name=name, path="zoo:llama-a") for name in MEMBERS]
    return Recipe(members=tuple(RecipeMember(spec=spec) for spec in specs), lead=MEMBERS[0])


def step(
    symbol: Symbol,
    entropy: float | None = 0.5,
    moved: float | None = 0.0,
    said: Mapping[int, Sequence[tuple[Symbol, float]]] | None = None,
) -> TraceStep:
    """A step; the lead (0) alone and of this opinion, unless it is said who said what."""
    own = {0: [(symbol, 0.9)]} if said is None else said
    likeliest = tuple(tuple(one) for one in own.values())
    return TraceStep(symbol, entropy, -0.25, moved, tuple(own), ((symbol, 0.78), (b"?", 0.1)), likeliest)


def overruled(symbol: Symbol, entropy: float = 2.0, moved: float = 0.6) -> TraceStep:
    """A step at which the speller's choice is taken over the lead's."""
    return step(symbol, entropy, moved, {0: [(b"#", 0.5), (symbol, 0.3)], 1: [(symbol, 0.8)]})


def line(
    number: int,
    steps: Sequence[TraceStep],
    score: Score = 1.0,
    policy: PolicyKey = "champion",
    *,
    task: str = "sums",
    question: str = "1+5=",
    gold: str = "6",
    part: int = 0,
) -> TraceLine:
    """An answer that its steps spell."""
    answer = b"".join(one.symbol or b"" for one in steps).decode("utf-8", "replace")
    key = sha256(str(number).encode())
    return TraceLine(number, key, task, question, gold, policy, part, score, answer, None, tuple(steps))


def answered(
    number: int, steps: Sequence[TraceStep], scores: Sequence[Score] = (1.0, 0.0, 1.0), **asked: str
) -> list[TraceLine]:
    """The lines of an item: the champion's steps, and short answers of the others; their scores in this order."""
    others = [step(b"5", 0.1), step(None, 0.0)]
    alike: tuple[PolicyKey, ...] = ("champion", "best_member", "uniform")
    return [
        line(number, steps if key == "champion" else others, score, key, **asked)  # type: ignore[arg-type]
        for key, score in zip(alike, scores, strict=True)
    ]


def answered_run(
    folder: Path, items: Sequence[Sequence[TraceLine]], alone: Mapping[str, Sequence[Score]] | None = None
) -> RunFiles:
    """A run directory with these answers to test items.

    Args:
        folder: where it is written.
        items: the lines of each, in order, numbered from 1.
        alone: what members score alone on these items, in order; None leaves the file out.
    """
    (folder / SPACE).write_text(SPACE_TEXT, encoding="utf-8")
    policy = champion()
    policy.save(folder / CHAMPION)
    everybody = TracePart("", MEMBERS, MEMBERS[0], "bytes", "mixture")
    single = TracePart("", (MEMBERS[0],), MEMBERS[0], "bytes", "mixture")
    told = (
        TracedPolicy("champion", "champion", policy.digest, (everybody,)),
        TracedPolicy("best_member", "member adder", "0" * 64, (single,)),
        TracedPolicy("uniform", "uniform mix", "1" * 64, (everybody,)),
    )
    lines = tuple(one for item in items for one in item)
    header = TraceHeader(1, "test", len(items), told)
    traced = "\n".join([header.to_json(), *(one.to_json() for one in lines), ""])
    (folder / TRACES).write_text(traced, encoding="utf-8")
    if alone is not None:
        (folder / ALONE).write_text(scores_alone(items, alone).to_json(), encoding="utf-8")
    return RunFiles(folder)


def scores_alone(items: Sequence[Sequence[TraceLine]], alone: Mapping[str, Sequence[Score]]) -> ScoresAlone:
    """What ``alone.json`` says of these items."""
    tasks = tuple(dict.fromkeys(item[0].task for item in items))
    split = AloneOnSplit(
        items=len(items),
        tasks=tasks,
        task=tuple(tasks.index(item[0].task) for item in items),
        weight=dict.fromkeys(tasks, 1.0),
        scores={name: tuple(alone[name]) for name in MEMBERS},
        champion=tuple(item[0].score for item in items),
        uniform=tuple(item[2].score for item in items),
    )
    return ScoresAlone(1, MEMBERS, {"test": split})
