"""Ceilings: what nobody can play, because it is told the right answers; an upper end for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evoswarm.evaluation.answers import first_of_least
from evoswarm.evaluation.candidate import Candidate, Scored, best_of
from evoswarm.evaluation.evaluation import Evaluation, summarize
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.judge import checked_score
from evoswarm.policies import Recipe, Route
from evoswarm.rivals.matched import Singles
from evoswarm.tasks.task import Item, Task

_TOLD = "Told the right answers"


@dataclass(frozen=True)
class Ceiling(Candidate):
    """A candidate whose best answer counts, item by item.

    Attributes:
        of: what is chosen from with the gold: the answers of a router's policies, or a recipe's samples.
    """

    of: Literal["policies", "samples"] = "policies"

    def score(self, evaluator: Evaluator, items: Sequence[Item]) -> Scored:
        """Answer the items and take what scores best; see ``Candidate.score``."""
        rows = self._best_policies(evaluator, items) if self.of == "policies" else self._best_samples(evaluator, items)
        return Scored(self, summarize(items, rows, evaluator.tasks))

    def _best_policies(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        assert isinstance(self.policy, Route)
        columns = evaluator.evaluate(self.policy.policies, items)
        return [
            first_of_least(self.policy, rows, [-(row.score or 0.0) for row in rows])
            for rows in zip(*columns, strict=True)
        ]

    def _best_samples(self, evaluator: Evaluator, items: Sequence[Item]) -> list[Evaluation]:
        rows = evaluator.evaluate([self.policy], items)[0]
        return [_best_sample(evaluator.tasks[item.task], item, row) for item, row in zip(items, rows, strict=True)]


def ceilings(evaluator: Evaluator, items: Sequence[Item], singles: Singles) -> tuple[Ceiling, ...]:
    """Both of them.

    Args:
        evaluator: decodes.
        items: of the selection split.
        singles: what the members were tried with on them.
    """
    pool = tuple(one.policy for one in singles.best_ways if isinstance(one.policy, Recipe))
    how = "one greedy answer each" if singles.best_ways == singles.greedy else "one answer each, as it is best alone"
    sampled = best_of(singles.sampled)
    assert isinstance(sampled.policy, Recipe)
    router = Ceiling(
        "oracle router (told the answers)",
        Route(by="confidence", policies=pool),
        "oracle_router",
        f"{_TOLD}: right where any of the {len(pool)} members of the pool is, with {how}",
    )
    samples = Ceiling(
        f"pass@{sampled.policy.samples} (told the answers)",
        sampled.policy,
        "pass_at_k",
        f"{_TOLD}: right where any sample is of {sampled.name}",
        "samples",
    )
    return tuple(
        replace(one, description=f"{one.description}: {one.score(evaluator, items).accuracy:.1%} on selection.")
        for one in (router, samples)
    )


def _best_sample(task: Task, item: Item, row: Evaluation) -> Evaluation:
    if row.failure is not None:
        return row
    return replace(row, score=max((_score(task, item, text) for text in row.answers), default=0.0))


def _score(task: Task, item: Item, text: str) -> float:
    """A sample that the scorer cannot read is no right one."""
    try:
        return checked_score(task.score(item, text))
    except Exception:  # a user's own scorer may raise anything
        return 0.0
