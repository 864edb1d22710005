"""Whether the members of the pool complement each other: who is right where others fail, and who could have known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.evaluation.alone import AloneOnSplit, Scores
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.deciding import RIGHT, is_right
from evoswarm.tasks.task import SplitName, item_shares

Profile = dict[str, Any]


def pool(run: RunFiles) -> dict[str, Any] | None:
    """Who is right where others fail; None of a run that knows nothing of its members alone.

    Returns:
        ``members`` (names), ``right`` (from which score on an answer counts as right), ``splits`` (by name, see
        `_on_split`; empty of a run that did not write down who is right on what), ``first_look`` (``items``, ``tasks``
        and per member ``accuracy`` by task; None where the former is known, or nobody looked).

    Raises:
        RunError: a file is damaged.
    """
    members = [spec.name for spec in run.space.pool]
    if run.alone is not None:
        splits = {name: _on_split(run, name, one) for name, one in run.alone.splits.items() if one.items}
        return {"members": list(run.alone.members), "right": RIGHT, "splits": splits, "first_look": None}
    look = run.first_look
    if look is None or not isinstance(look.get("alone"), list):
        return None
    return {"members": members, "right": RIGHT, "splits": {}, "first_look": _first_look(look, members)}


def _on_split(run: RunFiles, split: SplitName, alone: AloneOnSplit) -> dict[str, Any]:
    """A split's items.

    Returns:
        ``items``, ``of`` (how many the split has, where a certificate tells), ``tasks``, ``failures`` and ``unique``
        (per member how many items it gets wrong, and how many it alone gets right), ``rescues`` (per member, of the
        items that it gets wrong, how many each member gets right), ``phi`` (per member, correlation of errors with
        each; None where one of them is always or never wrong), ``nobody`` (items that no member gets right),
        ``everybody``, ``best`` (place of the member with the best accuracy), ``profiles`` (of members, champion and
        uniform mix, see `_profiles`), ``oracle`` (likewise, of whoever could tell for every item which member is right;
        ``certificate`` holds the certificate's own, where it has one) and ``between`` (tasks with scores that are
        neither 0 nor 1).
    """
    scores = list(alone.scores.values())
    right = [[is_right(one) for one in own] for own in scores]
    by_item = list(zip(*right, strict=True))
    profiles = _profiles(run, split, alone)
    accuracies = [one["accuracy"] for one in profiles[: len(scores)]]
    oracle = tuple(max(one or 0.0 for one in own) for own in zip(*scores, strict=True))
    return {
        "items": alone.items,
        "tasks": list(alone.tasks),
        "failures": [own.count(False) for own in right],
        "unique": [sum(own[place] and sum(own) == 1 for own in by_item) for place in range(len(scores))],
        "rescues": [[sum(b and not a for a, b in zip(one, other, strict=True)) for other in right] for one in right],
        "phi": [[_phi(one, other) for other in right] for one in right],
        "nobody": sum(not any(own) for own in by_item),
        "everybody": sum(all(own) for own in by_item),
        "best": accuracies.index(max(accuracies)),
        "profiles": profiles,
        "of": run.certificate.items.test if run.certificate is not None and split == "test" else alone.items,
        "oracle": {**_profile("oracle router", oracle, alone), "certificate": _certified_oracle(run, split)},
        "between": _between([*scores, alone.champion, alone.uniform], alone),
    }


def _profiles(run: RunFiles, split: SplitName, alone: AloneOnSplit) -> list[Profile]:
    """Per policy ``name``, ``accuracy``, ``by_task`` and where they come from (``source``).

    These are the front's, and the certificate's of the champion where it is on the same items; else means of the
    scores, all on the same items, so that they can be compared.
    """
    own = [_profile(name, scores, alone) for name, scores in alone.scores.items()]
    champion, uniform = _profile("champion", alone.champion, alone), _profile("uniform mix", alone.uniform, alone)
    if split == "selection":
        front = {str(one.get("name")): one for one in _contenders(run)}
        digests = {str(one.get("digest")): one for one in _contenders(run)}
        told = run.front or {}
        own = [_told(one, front.get(f"member {one['name']}")) for one in own]
        champion = _told(champion, digests.get(str(told.get("champion"))))
        uniform = _told(uniform, digests.get(str(told.get("reference"))))
    elif run.certificate is not None and run.certificate.items.test == alone.items:
        by_task = {name: one.mean for name, one in run.certificate.by_task.items()}
        champion |= {"accuracy": run.certificate.score.mean, "by_task": by_task, "source": "certificate"}
    return [*own, champion, uniform]


def _profile(name: str, scores: Scores, alone: AloneOnSplit) -> Profile:
    """The mean of scores, tasks by their weights; failures count as wrong."""
    tasks = [alone.tasks[place] for place in alone.task]
    shares = item_shares(tasks, alone.weight)
    known = [score or 0.0 for score in scores]
    of = {task: [score for score, one in zip(known, tasks, strict=True) if one == task] for task in alone.tasks}
    return {
        "name": name,
        "accuracy": round(math.fsum(score * share for score, share in zip(known, shares, strict=True)), 6),
        "by_task": {task: round(math.fsum(own) / len(own), 6) if own else None for task, own in of.items()},
        "source": "scores",
    }


def _contenders(run: RunFiles) -> list[Mapping[str, Any]]:
    found = (run.front or {}).get("contenders")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _told(profile: Profile, contender: Mapping[str, Any] | None) -> Profile:
    """A profile with the numbers of the front, where it has them."""
    if contender is None or contender.get("accuracy") is None or not isinstance(contender.get("by_task"), dict):
        return profile
    told = {"accuracy": contender["accuracy"], "by_task": contender["by_task"], "source": "front"}
    return {**profile, **told}


def _certified_oracle(run: RunFiles, split: SplitName) -> dict[str, Any] | None:
    """The certificate's oracle router; it chooses among members as each is best alone."""
    if run.certificate is None or split != "test":
        return None
    for one in run.certificate.ceilings:
        if one.key == "oracle_router":
            return {**one.score.model_dump(), "items": run.certificate.items.test, "description": one.description}
    return None


def _phi(one: Sequence[bool], other: Sequence[bool]) -> float | None:
    """Pearson's correlation of two columns of truths; None where one of them is constant."""
    n, a, b = len(one), sum(one), sum(other)
    both = sum(x and y for x, y in zip(one, other, strict=True))
    spread = a * (n - a) * b * (n - b)
    return round((n * both - a * b) / math.sqrt(spread), 4) if spread else None


def _between(columns: Sequence[Scores], alone: AloneOnSplit) -> list[str]:
    """Tasks with scores that are neither 0 nor 1."""
    odd = {
        task for scores in columns for task, score in zip(alone.task, scores, strict=True) if score not in (None, 0, 1)
    }
    return [name for place, name in enumerate(alone.tasks) if place in odd]


def _first_look(look: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    rows = [one for one in look["alone"] if isinstance(one, dict)]
    tasks = list(dict.fromkeys(str(one.get("task")) for one in rows))
    accuracy = {(str(one.get("member")), str(one.get("task"))): one.get("accuracy") for one in rows}
    table = [{task: accuracy.get((name, task)) for task in tasks} for name in members]
    return {"items": look.get("items"), "tasks": tasks, "accuracy": table}
