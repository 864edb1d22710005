"""Real answers symbol by symbol: who decided each, where the lead was unsure, who else spoke, and whether it helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.alone import ScoresAlone
from evoswarm.evaluation.traces.lines import TracedPolicy, TraceHeader, TraceLine
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.deciding import RIGHT, TOGETHER, decided, is_open, is_right
from evoswarm.report.sections.fork_answers import SCALE, fitting
from evoswarm.run_directory import TRACES

FLAGS = ("right", "rescued", "broken", "gained", "lost", "open", "overruled")
"""What is known of an item, a bit each: the champion is right; it is and no member is alone; it is not and every member
is alone; it is and the best member is not; the reverse; somebody spoke beside its lead; another choice was taken."""

ROOM = 1_000_000
"""Bytes that answers may take in a page, packed."""

_TALLEST = 0.99  # of the entropies are no taller than the tallest bar


def forks(run: RunFiles, room: int = ROOM) -> dict[str, Any] | None:
    """Traced answers; None of a run without them.

    The counts are over all traced items; a page holds the answers of as many as there is room for, two rescued or
    broken ones for each other one.

    Args:
        run: any.
        room: bytes that answers may take, packed.

    Returns:
        ``split``, ``items`` (that were traced), ``members`` (names; places in what follows), ``policies`` (``key``,
        ``name``, and per part ``label``, ``members``, ``lead``, ``alphabet``, ``rule``), ``tasks``, ``flags`` (names),
        ``traced`` (of all items ``number``, ``task``, ``flags``), ``alone`` (whether it is known who is right alone),
        ``between`` (tasks with scores that are neither 0 nor 1), ``right`` (from which score on), ``steps`` (per policy
        how many, and of these ``lead``, ``others``, ``together``, ``open``), ``tallest`` (nats), ``scale``, ``shown``
        (per item ``number``, ``question``, ``gold``, ``alone`` scores, and ``scores`` per policy; answers in
        ``answers`` in the same order), and what `fitting` gives.

    Raises:
        RunError: a file is damaged.
    """
    traces = run.traces
    if traces is None:
        return None
    header = traces.header
    _require_leads(header, run)
    items = [list(lines) for _, lines in groupby(traces.lines, key=lambda line: line.number)]
    members = _members(run, header.policies)
    flags = [_flags(lines, header, run.alone) for lines in items]
    wanted = _wanted(items, flags)
    fitted = fitting([items[place] for place in wanted], header.policies, members, room)
    held = range(len(fitted["answers"]))
    order = sorted(held, key=lambda place: _dullness(flags[wanted[place]], items[wanted[place]]))
    tasks = list(dict.fromkeys(lines[0].task for lines in items))
    return {
        "split": header.split,
        "items": header.items,
        "members": members,
        "policies": [_policy(one, members) for one in header.policies],
        "tasks": tasks,
        "flags": list(FLAGS),
        "traced": {
            "number": [lines[0].number for lines in items],
            "task": [tasks.index(lines[0].task) for lines in items],
            "flags": [sum(1 << FLAGS.index(name) for name in own) for own in flags],
        },
        "alone": _alone_scores(run.alone, header, 1) is not None,
        "between": sorted({line.task for line in traces.lines if line.score not in (None, 0, 1)}),
        "right": RIGHT,
        "steps": [_counts(one, traces.lines) for one in header.policies],
        "tallest": _tallest(traces.lines),
        "scale": SCALE,
        "shown": [_item(items[wanted[place]], header, run.alone) for place in order],
        **fitted,
        "answers": [fitted["answers"][place] for place in order],
    }


def _require_leads(header: TraceHeader, run: RunFiles) -> None:
    for policy in header.policies:
        for part in policy.parts:
            if part.lead not in part.members:
                message = f"expected a lead among the members, got {part.lead!r:.60}: the file is damaged"
                raise RunError(message, Where(str(run.path / TRACES), "", 1))


def _members(run: RunFiles, policies: Sequence[TracedPolicy]) -> list[str]:
    """The pool, and whoever else answers."""
    names = [spec.name for spec in run.space.pool]
    return list(dict.fromkeys([*names, *(name for one in policies for part in one.parts for name in part.members)]))


def _policy(policy: TracedPolicy, members: Sequence[str]) -> dict[str, Any]:
    parts = [
        {
            "label": part.label,
            "members": [members.index(name) for name in part.members],
            "lead": members.index(part.lead),
            "alphabet": part.alphabet,
            "rule": part.rule,
        }
        for part in policy.parts
    ]
    return {"key": policy.key, "name": policy.name, "parts": parts}


def _alone_scores(alone: ScoresAlone | None, header: TraceHeader, number: int) -> list[float | None] | None:
    """What each member scores alone on an item of the traced split; None where nobody knows."""
    split = None if alone is None else alone.splits.get(header.split)
    if alone is None or split is None or number > split.items:
        return None
    return [split.scores[name][number - 1] for name in alone.members]


def _scores(lines: Sequence[TraceLine]) -> dict[str, float | None]:
    return {line.policy: line.score for line in lines}


def _flags(lines: Sequence[TraceLine], header: TraceHeader, alone: ScoresAlone | None) -> set[str]:
    """What is known of an item: see FLAGS."""
    scores = _scores(lines)
    right, best = is_right(scores["champion"]), is_right(scores.get("best_member"))
    members = [is_right(one) for one in _alone_scores(alone, header, lines[0].number) or ()]
    steps = [(step, lead) for line, lead in _with_leads(lines, header.policy("champion")) for step in line.steps]
    known = {
        "right": right,
        "rescued": bool(members) and right and not any(members),
        "broken": bool(members) and not right and all(members),
        "gained": "best_member" in scores and right and not best,
        "lost": "best_member" in scores and best and not right,
        "open": any(is_open(step, lead) for step, lead in steps),
        "overruled": any(decided(step, lead) != lead for step, lead in steps),
    }
    return {name for name, holds in known.items() if holds}


def _with_leads(lines: Sequence[TraceLine], policy: TracedPolicy | None) -> list[tuple[TraceLine, int]]:
    """The lines of a policy, each with the place of its lead."""
    if policy is None:
        return []
    leads = [part.members.index(part.lead) for part in policy.parts]
    return [(line, leads[line.part]) for line in lines if line.policy == policy.key]


def _wanted(items: Sequence[Sequence[TraceLine]], flags: Sequence[set[str]]) -> list[int]:
    """The order in which items get room: two rescued or broken ones for each other one.

    Both are in the order of their keys, which are digests: wherever it ends, it is a fair sample of both.
    """
    places = sorted(range(len(items)), key=lambda place: items[place][0].item)
    striking = [place for place in places if flags[place] & {"rescued", "broken"}]
    others = [place for place in places if not flags[place] & {"rescued", "broken"}]
    ranked = [(rank / 2, 0, place) for rank, place in enumerate(striking)]
    return [place for *_, place in sorted([*ranked, *((rank, 1, place) for rank, place in enumerate(others))])]


def _dullness(flags: set[str], lines: Sequence[TraceLine]) -> tuple[bool, bool, float]:
    """By which the items that are shown are sorted: rescued, broken, then by how far mixing moved the lead."""
    moved = [step.moved or 0.0 for line in lines if line.policy == "champion" for step in line.steps]
    return "rescued" not in flags, "broken" not in flags, -sum(moved)


def _counts(policy: TracedPolicy, lines: Sequence[TraceLine]) -> dict[str, int]:
    """How many steps a policy took, and who decided them."""
    steps = [(step, lead) for line, lead in _with_leads(lines, policy) for step in line.steps]
    who = [(decided(step, lead), lead) for step, lead in steps]
    return {
        "all": len(steps),
        "lead": sum(one == lead for one, lead in who),
        "others": sum(one not in (lead, TOGETHER) for one, lead in who),
        "together": sum(one == TOGETHER for one, _ in who),
        "open": sum(is_open(step, lead) for step, lead in steps),
    }


def _tallest(lines: Sequence[TraceLine]) -> float:
    """The entropy, in nats, that the tallest bar stands for: few are larger."""
    found = sorted(step.entropy for line in lines for step in line.steps if step.entropy is not None)
    return found[min(len(found) - 1, int(_TALLEST * len(found)))] if found else 0.0


def _item(lines: Sequence[TraceLine], header: TraceHeader, alone: ScoresAlone | None) -> dict[str, Any]:
    scores: Mapping[str, float | None] = _scores(lines)
    return {
        "number": lines[0].number,
        "question": lines[0].question,
        "gold": lines[0].gold,
        "alone": _alone_scores(alone, header, lines[0].number),
        "scores": [scores.get(one.key) for one in header.policies],
    }
