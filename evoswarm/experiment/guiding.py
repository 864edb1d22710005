"""What is known of mixes before they are decoded: how they do along right answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evoswarm.canonical import digest_of
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.experiment.fitting import no_guide
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.fit.refine import refined
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.run_directory import GUIDED, RunDirectory
from evoswarm.space.gold_use import guides

_DIGITS = 4  # behind the point, of what is promised: rounding on the way is far below


class GoldGuide:
    """Judges genomes along the right answers of the search items, and improves them by gradient.

    Every answer is journalled before it acts, under a digest of the question: when a search is repeated it is read
    back, so that rounding on another machine cannot turn it.

    Args:
        rows: along right answers of the search items.
        genomes: of the space.
        names: of the pool's members, in order.
        run: whose journal is kept.
    """

    def __init__(self, rows: GoldRows, genomes: MixGenomes, names: Sequence[str], run: RunDirectory) -> None:
        self._rows, self._genomes, self._names, self._run = rows, genomes, tuple(names), run
        self._weights = np.array(item_weights(rows.items, rows.tasks))
        self._outcomes: Outcomes | None = None
        self._known = {event["question"]: event["answer"] for event in run.events if event["event"] == GUIDED}

    def refined(self, genomes: Sequence[RecipeGenome]) -> list[RecipeGenome]:
        """Genomes a few gradient steps on; see `evoswarm.gold.fit.refine`."""
        asked = [self._genomes.encode(genome) for genome in genomes]
        question = digest_of(["refined", asked])
        if question not in self._known:
            answer = [self._genomes.encode(self._genomes.repaired(self._improved(genome))) for genome in genomes]
            self._answer(question, answer)
        return [self._genomes.decode(data) for data in self._known[question]]

    def promise(self, genomes: Sequence[RecipeGenome]) -> list[tuple[float, ...]]:
        """Accuracy along the right answers, and how surely: the mean over items of 1 / (1 + exp(-least margin))."""
        question = digest_of(["promise", [self._genomes.key(genome) for genome in genomes]])
        if question not in self._known:
            found = scores_along([self._genomes.express(genome) for genome in genomes], self._rows)
            accuracy = found.right @ self._weights
            surely = (0.5 * (1 + np.tanh(found.margin.astype(np.float64) / 2))) @ self._weights
            pairs = zip(accuracy.tolist(), surely.tolist(), strict=True)
            self._answer(question, [[round(value, _DIGITS) for value in pair] for pair in pairs])
        return [tuple(pair) for pair in self._known[question]]

    def _improved(self, genome: RecipeGenome) -> RecipeGenome:
        if self._outcomes is None:
            self._outcomes = Outcomes.of(self._rows)
        return refined(genome, self._genomes.express(genome), self._names, self._outcomes, self._genomes.genes)

    def _answer(self, question: str, answer: list[Any]) -> None:
        self._run.journal(GUIDED, question=question, answer=answer)
        self._known[question] = answer


def guide_of(bench: Workbench, genomes: PolicyGenomes[Any, Any], run: RunDirectory) -> GoldGuide | None:
    """The guide that a space asks for; None where it asks for none, or right answers say nothing of its recipes.

    Raises:
        MemberError: a member cannot be loaded.
    """
    if not guides(bench.space.evolution.gold) or not isinstance(genomes, MixGenomes) or no_guide(bench) is not None:
        return None
    rows = bench.gold("search")
    return None if rows is None else GoldGuide(rows, genomes, [spec.name for spec in bench.pool], run)
