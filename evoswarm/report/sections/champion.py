"""The champion: in words, member by member, and beside those it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evoswarm.certificate.compared import Compared
from evoswarm.certificate.document import Certificate, MemberResult
from evoswarm.policies import Policy, Recipe, Vote
from evoswarm.report.run_files import RunFiles
from evoswarm.rivals.diagnostics import UNIFORM_POOL
from evoswarm.rivals.fitted import R5

_UNSEARCHED = (UNIFORM_POOL, R5)
"""Mixes that are had without a search, by their keys among the diagnostics."""


def champion(run: RunFiles) -> dict[str, Any] | None:
    """The policy to use; None before the search has chosen one.

    Returns:
        ``words`` (one sentence a line), ``split`` (``test``, or ``selection`` where no test items were opened: of its
        shares, costs and scores), ``members`` (see `_member`), ``compute`` (an item's, deployed alone), ``by_task``
        (accuracies with intervals), ``margin`` (the least gain that counts, a share), and, where it is certified,
        ``compared`` (see `_compared`), ``absent`` (rivals that there are none of, and why) and ``note`` (on compute).
    """
    if run.champion is None:
        return None
    policy, known = run.champion.policy, run.certificate
    standing = _standing(run, policy)
    spoken: Mapping[str, float] = standing.get("spoken", {})
    cost: Mapping[str, Any] = standing.get("cost", {})
    by_name: Mapping[str, MemberResult] = {} if known is None else {one.name: one for one in known.members}
    names = [spec.name for spec in run.space.pool]
    members = [
        _member(policy, name, names, by_name.get(name), spoken, cost.get("members", {}).get(name))
        for name in (spec.name for spec in policy.specs)
    ]
    return {
        **(_chosen(run, policy.words(spoken), cost) if known is None else _certified(known)),
        "digest": policy.digest,
        "kind": policy.kind,
        "members": sorted(members, key=lambda one: bool(one["role"] != "lead")),
        "margin": run.space.certificate.margin,
    }


def _certified(known: Certificate) -> dict[str, Any]:
    """As its certificate has it."""
    return {
        "words": list(known.subject.words),
        "split": "test",
        "compute": known.compute.model_dump(),
        "by_task": {task: score.model_dump() for task, score in known.by_task.items()},
        "compared": _all_compared(known),
        "absent": [one.model_dump() for one in known.absent],
        "note": known.compute_note,
    }


def _chosen(run: RunFiles, words: Sequence[str], cost: Mapping[str, Any]) -> dict[str, Any]:
    """As it was chosen, on the selection items."""
    return {
        "words": list(words),
        "split": "selection",
        "compute": {name: cost.get(name) for name in ("flops", "passes", "weight_reads")},
        "by_task": _by_task_chosen(run),
        "compared": [],
        "absent": [],
        "note": "",
    }


def _standing(run: RunFiles, policy: Policy) -> Mapping[str, Any]:
    """The champion's row among the contenders; empty where the file knows none."""
    rows = (run.front or {}).get("contenders", ())
    found: Mapping[str, Any] = next((row for row in rows if row.get("digest") == policy.digest), {})
    return found


def _by_task_chosen(run: RunFiles) -> dict[str, Any]:
    """On the selection items, as the champion's file has it."""
    about = None if run.champion is None else run.champion.about
    found = {} if about is None or about.selection is None else about.selection.by_task
    return {
        task: {"mean": one.accuracy, "low": one.low, "high": one.high, "items": one.items}
        for task, one in found.items()
    }


def _member(
    policy: Policy,
    name: str,
    pool: Sequence[str],
    known: MemberResult | None,
    spoken: Mapping[str, float],
    cost: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """One member of the champion.

    Returns:
        ``name``, ``number`` (its place in the pool), ``role``, ``steps`` (share at which it spoke), ``settings``
        (pairs of a name and a value), ``compute`` (its part of an item's), ``worth`` (what is lost without it, an
        interval; None where that is not known), ``then`` (who leads without it) and ``quiet`` (it hardly speaks).
    """
    return {
        "name": name,
        "number": pool.index(name) if name in pool else None,
        "role": policy.role(name),
        "steps": spoken.get(name) if known is None else known.share_of_steps,
        "settings": _settings(policy, name),
        "compute": cost if known is None else known.compute.model_dump(),
        "worth": None if known is None or known.without is None else known.without.difference.model_dump(),
        "then": None if known is None or known.without is None else known.without.lead,
        "quiet": known is not None and not known.really_speaks,
    }


def _settings(policy: Policy, name: str) -> dict[str, list[float]]:
    """What the policy says to a member, by what it is called; of a vote, of each of its voters by this member."""
    if isinstance(policy, Recipe):
        own = next(member for member in policy.members if member.spec.name == name)
        found = {"weight": [own.weight], "temperature": [own.temperature]}
        return found if name == policy.lead else {**found, "threshold": [own.threshold]}
    if isinstance(policy, Vote):
        voters = [voter for voter in policy.voters if voter.recipe.lead == name]
        return {
            "weight": [voter.weight for voter in voters],
            "samples": [float(voter.recipe.samples) for voter in voters],
            "temperature": [voter.recipe.sampling_temperature for voter in voters],
        }
    return {}


def _all_compared(known: Certificate) -> list[dict[str, Any]]:
    """Everybody on the test items beside the champion: rivals, mixes without a search, diagnostics, ceilings."""
    unsearched = [one for one in known.diagnostics if one.key in _UNSEARCHED]
    others = [one for one in known.diagnostics if one.key not in _UNSEARCHED]
    groups: Iterable[tuple[str, Sequence[Compared]]] = (
        ("rival", known.rivals),
        ("unsearched", unsearched),
        ("diagnostic", others),
        ("ceiling", known.ceilings),
    )
    return [_compared(group, one) for group, rows in groups for one in rows]


def _compared(group: str, one: Compared) -> dict[str, Any]:
    """Figures of the certificate.

    Returns:
        ``group``, ``key``, ``name``, ``description``, ``score`` and ``difference`` (intervals), ``compute``, ``ratio``
        (the champion's compute in units of this one's; None where this one costs nothing), and of rivals ``beaten``,
        of diagnostics ``p_holm``.
    """
    data = one.model_dump()
    kept = ("key", "name", "description", "score", "difference", "compute", "beaten", "p_holm")
    return {"group": group, **{key: data[key] for key in kept if key in data}, "ratio": data["champion_ratio"]}
