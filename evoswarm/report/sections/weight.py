"""How much of what mixing decides lies where the lead is unsure.

In chains of thought a fifth of the positions, those of highest entropy, is where answers fork (Wang et al. 2025,
"Beyond the 80/20 Rule", arXiv:2506.01939). Here the same is asked of the champion's own answers, whatever comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evoswarm.evaluation.traces.lines import TracedPolicy, TraceLine
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.deciding import decided, is_open

TOP = 0.2
"""Share of the positions that is looked at: Wang et al.'s."""

SURE = 0.01
"""Nats: below, they call a position sure; half of theirs are."""

_POINTS = 201  # of a curve


@dataclass(frozen=True)
class Positions:
    """Steps of the champion's answers at which its lead was asked and has a say.

    Attributes:
        task: ``[positions]`` the name of each one's task.
        entropy: ``[positions]`` of the lead, nats.
        amounts: by what is counted, ``[positions]``: ``moved`` (total variation between the fused distribution and the
            lead's own), ``changed`` (1 where another symbol was taken than the lead's likeliest) and ``open`` (1 where
            somebody spoke beside it).
        left_out: steps that are none of these.
    """

    task: NDArray[np.str_]
    entropy: NDArray[np.float64]
    amounts: dict[str, NDArray[np.float64]]
    left_out: int


def weight(run: RunFiles) -> dict[str, Any] | None:
    """The curve of decision weight over positions by entropy; None of a run without traces.

    A position's decision weight is how far the fused distribution is from the lead's own. Positions are sorted by the
    lead's entropy, the highest first; positions of equal entropy share what they carry equally, so that no order among
    them matters.

    Returns:
        ``split``, ``items``, ``alphabets``, ``positions``, ``left_out``, ``top`` (the share looked at),
        ``entropy_at_top`` (nats, that ``top`` of the positions reach), ``sure`` (nats), ``share_sure`` (of the
        positions below), ``grid`` (shares of positions), ``total``, ``curve`` and ``at_top`` by what is counted, the
        same ``total`` and ``at_top`` per task in ``tasks``, and ``at_best``: the share of the decision weight that as
        many positions carry if they are those that carry most. Curves and shares are None where there is nothing to
        divide.

    Raises:
        RunError: a file is damaged.
    """
    traces = run.traces
    champion = None if traces is None else traces.header.policy("champion")
    if traces is None or champion is None:
        return None
    found = _positions(champion, traces.lines)
    entropy, count = found.entropy, len(found.entropy)
    grid = np.linspace(0.0, 1.0, _POINTS)
    moved = found.amounts["moved"]
    names = list(dict.fromkeys(line.task for line in traces.lines))
    return {
        "split": traces.header.split,
        "items": traces.header.items,
        "alphabets": list(dict.fromkeys(part.alphabet for part in champion.parts)),
        "positions": count,
        "left_out": found.left_out,
        "top": TOP,
        "entropy_at_top": float(np.quantile(entropy, 1 - TOP)) if count else None,
        "sure": SURE,
        "share_sure": float(np.mean(entropy < SURE)) if count else None,
        "grid": grid.round(4).tolist(),
        "curve": {name: _rounded(_carried(entropy, one, grid)) for name, one in found.amounts.items()},
        **_summary(found, np.ones(count, dtype=bool)),
        "at_best": _only(_carried(moved, moved, np.array([TOP]))),
        "tasks": [{"task": name, **_summary(found, found.task == name)} for name in names],
    }


def _positions(champion: TracedPolicy, lines: Sequence[TraceLine]) -> Positions:
    leads = [part.members.index(part.lead) for part in champion.parts]
    steps = [
        (line.task, step, leads[line.part]) for line in lines if line.policy == champion.key for step in line.steps
    ]
    known = [one for one in steps if one[1].entropy is not None and one[1].moved is not None]
    return Positions(
        task=np.array([task for task, _, _ in known], dtype=str),
        entropy=np.array([step.entropy for _, step, _ in known], dtype=float),
        amounts={
            "moved": np.array([step.moved for _, step, _ in known], dtype=float),
            "changed": np.array([decided(step, lead) != lead for _, step, lead in known], dtype=float),
            "open": np.array([is_open(step, lead) for _, step, lead in known], dtype=float),
        },
        left_out=len(steps) - len(known),
    )


def _summary(found: Positions, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Of some positions: how many, what they carry, and what share of it the top ones do."""
    own = {name: one[chosen] for name, one in found.amounts.items()}
    at_top = {name: _only(_carried(found.entropy[chosen], one, np.array([TOP]))) for name, one in own.items()}
    return {
        "positions": int(chosen.sum()),
        "total": {name: round(float(one.sum()), 4) for name, one in own.items()},
        "at_top": at_top,
    }


def _carried(
    order: NDArray[np.float64], amount: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """What share of an amount the first positions carry; those that stand alike share what they carry equally.

    Args:
        order: ``[positions]``; the highest come first.
        amount: ``[positions]``, 0 or more.
        shares: ``[shares]`` of the positions.

    Returns:
        ``[shares]``; None where nobody carries anything.
    """
    if not amount.sum() > 0:
        return None
    _, group = np.unique(-order, return_inverse=True)
    positions = np.cumsum(np.bincount(group)) / len(order)
    carried = np.cumsum(np.bincount(group, weights=amount)) / amount.sum()
    return np.asarray(np.interp(shares, np.append(0.0, positions), np.append(0.0, carried)))


def _only(shares: NDArray[np.float64] | None) -> float | None:
    return None if shares is None else round(float(shares[0]), 4)


def _rounded(shares: NDArray[np.float64] | None) -> list[float] | None:
    return None if shares is None else shares.round(4).tolist()
