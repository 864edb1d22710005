"""The champion and the Pareto front as child runs, which MLflow lays side by side."""

from __future__ import annotations

from typing import Any

from evoswarm.canonical import round_significant
from evoswarm.evaluation.candidate import Scored
from evoswarm.experiment.mirror.description import of_policy
from evoswarm.experiment.result import SearchResult
from evoswarm.policies import Policy
from evoswarm.space import SearchSpace
from evoswarm.tracking import CHAMPION, FRONT, ChildRun, Standing

MOST_CHILDREN = 12


def champions(result: SearchResult, space: SearchSpace) -> list[ChildRun]:
    """The champion and the Pareto front as child runs.

    Args:
        result: of the search.
        space: that was searched.
    """
    champion = result.selection.champion
    others = [s for s in result.front if s.policy.digest != champion.policy.digest]
    standing: list[tuple[Standing, Scored]] = [(CHAMPION, champion), *((FRONT, one) for one in others)]
    return [_child(result, space, role, one) for role, one in standing[:MOST_CHILDREN]]


def _child(result: SearchResult, space: SearchSpace, role: Standing, standing: Scored) -> ChildRun:
    run = result.directory.name
    return ChildRun(
        name=f"champion of {run}" if role == CHAMPION else f"{standing.name} of {run}",
        role=role,
        digest=standing.policy.digest,
        parameters=_parameters(standing.policy, space),
        metrics=_metrics(result, standing),
        recipe=standing.policy.to_json(),
        description=of_policy(result, standing),
    )


def _metrics(result: SearchResult, standing: Scored) -> dict[str, float]:
    """What it scored, what it costs, who speaks; the first one is what MLflow lays beside the parameters."""
    summary, expected = standing.summary, result.selection.expected(standing)
    figures = {
        "selection_accuracy": standing.accuracy,
        **({} if expected is None else {"expected_accuracy": expected}),
        **{name: getattr(summary.cost, name) for name in ("flops", "passes", "weight_reads", "tokens")},
        "open_share": summary.open_share,
        **{f"spoken/{name}": share for name, share in summary.spoken.items()},
        **{f"selection_accuracy_by_task/{task}": score for task, score in summary.by_task.items()},
        "problems/failed": summary.failures,
        "problems/cut_off": summary.cut_off,
    }
    return {name: round_significant(value) for name, value in figures.items()}


def _parameters(policy: Policy, space: SearchSpace) -> dict[str, Any]:
    """What it is made of, as far as that tells policies of one search apart.

    Charts leave out whoever lacks a value, so a member that a mix does not ask weighs 0 there.
    """
    same = {"digest", *(("alphabet",) if len(space.alphabets) == 1 else ())}
    parameters = {name: value for name, value in policy.parameters().items() if name not in same}
    if policy.kind != "mix":
        return parameters
    return {**parameters, **{name: parameters.get(name, 0.0) for name in (f"weight.{s.name}" for s in space.pool)}}
