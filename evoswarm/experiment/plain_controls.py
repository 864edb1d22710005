"""The plainest controls: the members alone and the uniform mix, each a fixed recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evoswarm.controls.contestant import Contestant, Controls
from evoswarm.controls.plain import single, uniform
from evoswarm.evaluation.evaluation import summarize
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.recipe import MemberSpec, Recipe
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item


@dataclass(frozen=True)
class FixedRecipe:
    """A control that is one recipe; see ``Contestant`` for the first three."""

    key: str
    name: str
    description: str
    recipe: Recipe

    def play(self, evaluator: Evaluator, items: Sequence[Item]) -> Contestant:
        """Decode the items, or look them up in the ledger."""
        rows = evaluator.evaluate([self.recipe], items)[0]
        summary = summarize(items, rows, evaluator.tasks)
        scores = tuple(0.0 if row.score is None else float(row.score) for row in rows)
        return Contestant(self.key, self.name, self.description, scores, summary.failures, summary.cost)


def tune(
    space: SearchSpace, specs: Sequence[MemberSpec], champion: Recipe, evaluator: Evaluator, items: Sequence[Item]
) -> Controls:
    """The best member alone as R1, and the uniform mixes."""
    recipes = [single(space, spec) for spec in specs]
    summaries = evaluator.summaries(recipes, items)
    best = max(range(len(specs)), key=lambda index: (summaries[index].accuracy or 0.0, -index))
    described = f"{specs[best].name} alone, greedily: the best single member on the selection items."
    mix = FixedRecipe(
        "uniform_pool", "uniform mix of the pool", "All members with equal weights.", uniform(space, specs)
    )
    return Controls(
        rivals=(FixedRecipe("R1", "best single member", described, recipes[best]),),
        diagnostics=(mix,) if len(specs) > 1 else (),
        ceilings=(),
    )
