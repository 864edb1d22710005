"""What finalists are expected to score on items that nothing was chosen by: one estimate from all items that were seen.

Search and selection items count alike, task by task. The estimate of a finalist is the accuracy of the *reference* (the
uniform mix of the pool, which nobody had to choose) plus its lead over it, paired by item,

1. less what the search items flatter those that were ranked by them (`ranking_optimism`, over all recipes that the
   search scored), and less what being the best of all finalists flatters (`choice_optimism`),
2. shrunk towards 0 (`shrunken`).

So a recipe is preferred to the uniform mix only where its lead is more than chance gives to the best of so many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evoswarm.evaluation.candidate import Scored
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.experiment.finalists import FINALISTS, Finalist
from evoswarm.policies import Policy
from evoswarm.statistics.intervals import Vector, mean_of, strata
from evoswarm.statistics.paired import paired_standard_error
from evoswarm.statistics.shrinkage import choice_optimism, ranking_optimism, resampled, shrunken
from evoswarm.tasks.task import Item, SplitName, item_shares, weights_of

SAMPLES = 200
"""Draws of the items, by which optimism is estimated: its error is then a tenth of one draw's, or less."""

_DIGITS = 9  # of accuracies: what is beyond hangs on the order in which a machine adds

SEEN: tuple[SplitName, ...] = ("search", "selection")
"""The splits that the champion is chosen by."""

BySplit = Mapping[SplitName, Sequence[float] | None]
"""Scores of one policy: per item, by split; None for a split that says nothing of it."""


@dataclass(frozen=True)
class Expectation:
    """What a policy is expected to score.

    Attributes:
        accuracy: expected on other items.
        low: lower end of its 95% interval.
        high: upper end.
        lead: over the reference, without optimism, not yet shrunk.
        optimism: that was taken off.
        error: standard error of the lead.
        differs: it does not answer all of these items as well as the reference does.
        items: that it rests on.
        ranked: it was one of the best on the search items; of a route, the share of them that such a one answers.
    """

    accuracy: float
    low: float
    high: float
    lead: float
    optimism: float
    error: float
    differs: bool
    items: int
    ranked: float

    def order(self, flops: float) -> tuple[float, bool, float, float, float]:
        """The least comes first: the highest expectation, and the uniform mix before who only might beat it.

        Of equals, who was not picked from many on these items comes before who was, and then the cheaper.
        """
        return -self.accuracy, self.differs, -self.lead, self.ranked, flops

    def as_dict(self) -> dict[str, float]:
        """As JSON data."""
        return dict(vars(self))


@dataclass(frozen=True)
class Searched:
    """What a search knows before its finalists are tested again.

    Attributes:
        items: of the search split.
        population: scores on these items of every recipe that was ranked by them ``[recipes][items]``.
        reference: what leads are measured from: the uniform mix of the pool, whether it may win or not.
    """

    items: Sequence[Item]
    population: Sequence[Sequence[float]]
    reference: Policy


class Estimates:
    """Estimates of finalists, and of what is made from them; each is made once.

    Args:
        evaluator: scores policies; what the search asked is read from its ledger.
        search: what it knows.
        items: of the selection split.
        finalists: all who may be chosen, as they scored on the selection items.

    Attributes:
        known: by digest.
        reference_accuracy: of the reference, on all items that were seen.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        search: Searched,
        items: Sequence[Item],
        finalists: Sequence[tuple[Finalist, Scored]],
    ) -> None:
        self._evaluator, self._search = evaluator, search
        self._finalists = {one.policy.digest: finalist for finalist, one in finalists}
        self._reference = search.reference.digest
        scores = self._scores(finalists)
        (reference,) = evaluator.summaries([search.reference], items)
        (searched,) = evaluator.summaries([search.reference], search.items)
        self._estimator = Estimator(
            SeenItems(
                {"search": [one.task for one in search.items], "selection": [one.task for one in items]},
                weights_of(evaluator.tasks),
                search.population,
            ),
            {"search": searched.scores, "selection": reference.scores},
            [(self._finalists[digest].ranked, row) for digest, row in scores.items() if digest != self._reference],
        )
        self.reference_accuracy = self._estimator.reference_accuracy
        self.known = {
            digest: self._estimator.of(row, ranked=self._finalists[digest].ranked) for digest, row in scores.items()
        }

    def of(self, one: Scored, made_from: Scored) -> Expectation | None:
        """The estimate of a variant of a finalist, which is as likely to be flattered.

        Args:
            one: the variant, scored on the selection items.
            made_from: the finalist.

        Returns:
            None where the finalist was made from all items, so that none of them can speak of the variant.
        """
        digest = one.policy.digest
        if digest not in self.known:
            finalist = self._finalists[made_from.policy.digest]
            scores: dict[SplitName, Sequence[float] | None] = {"selection": one.scores}
            scores |= dict.fromkeys(finalist.instead)
            if "search" not in scores:
                (searched,) = self._evaluator.summaries([one.policy], self._search.items)
                scores["search"] = searched.scores
            if all(row is None for row in scores.values()):
                return None
            self.known[digest] = self._estimator.of(scores, ranked=finalist.ranked)
        return self.known[digest]

    def _scores(self, finalists: Sequence[tuple[Finalist, Scored]]) -> dict[str, BySplit]:
        """By digest; of whom something else stands for the search items, these are not decoded."""
        asked = [one.policy for finalist, one in finalists if "search" not in finalist.instead]
        searched = iter(self._evaluator.summaries(asked, self._search.items))
        found: dict[str, BySplit] = {}
        for finalist, one in finalists:
            row: dict[SplitName, Sequence[float] | None] = {"selection": one.scores, **finalist.instead}
            if "search" not in row:
                row["search"] = next(searched).scores
            found[one.policy.digest] = row
        return found


@dataclass(frozen=True)
class SeenItems:
    """All that was seen before the champion is chosen.

    Attributes:
        tasks: of the items, by split.
        weights: by task, > 0, on any scale.
        population: scores on the search items of every recipe that was ranked there: ``[recipes][items]``.
    """

    tasks: Mapping[SplitName, Sequence[str]]
    weights: Mapping[str, float]
    population: Sequence[Sequence[float]] = ()

    @cached_property
    def joined(self) -> list[str]:
        """Tasks of the items of both splits."""
        return [task for split in SEEN for task in self.tasks[split]]

    @cached_property
    def shares(self) -> Vector:
        """What every item adds to an accuracy over both splits ``[items]``."""
        return np.asarray(item_shares(self.joined, self.weights))


class Estimator:
    """Estimates finalists, one beside the other.

    Args:
        seen: what is known of the items.
        reference: scores of the uniform mix, by split.
        finalists: all others who may be chosen: how far they were ranked on the search items, and their scores.
    """

    def __init__(
        self,
        seen: SeenItems,
        reference: Mapping[SplitName, Sequence[float]],
        finalists: Sequence[tuple[float, BySplit]],
    ) -> None:
        self._seen = seen
        joined = _joined(reference)
        self.reference_accuracy = round(float(seen.shares @ joined), _DIGITS)
        rng = np.random.default_rng(0)  # the same draws for every search: what differs is the items
        searched = len(seen.tasks["search"])
        drawn = resampled(seen.tasks["search"], SAMPLES, rng)
        self.ranking = max(
            0.0,
            ranking_optimism(
                np.asarray(seen.population, dtype=np.float64).reshape(-1, searched),
                joined[:searched],
                seen.shares[:searched],
                drawn,
                FINALISTS,
            ),
        )
        known = [(ranked, row) for ranked, row in finalists if all(row[split] is not None for split in SEEN)]
        self._rows = np.vstack([joined, *(_joined(row) for _, row in known)])
        self._handicaps = np.asarray([0.0, *(self.ranking * ranked for ranked, _ in known)])
        draws = resampled(seen.joined, SAMPLES, rng)
        self.choice = max(0.0, choice_optimism(self._rows[1:], joined, seen.shares, draws, self._handicaps[1:]))

    def of(self, scores: BySplit, *, ranked: float) -> Expectation:
        """The estimate of a policy that could be chosen.

        Where a split says nothing of it, it is taken to do there as those finalists do who answer the other split most
        as it does, the uniform mix among them: else items on which all are good would count for some and not for
        others. The error of its lead is that of the row so completed: by that of its own split alone, who was not
        ranked on the search items would be shrunk the more for it.

        Args:
            scores: per item, by split; None for a split that says nothing of it; not for both.
            ranked: it was one of the best on the search items; of a route, the share of them that such a one answers.
        """
        splits = [split for split in SEEN if scores[split] is not None]
        tasks = [task for split in splits for task in self._seen.tasks[split]]
        there = np.asarray([split in splits for split in SEEN for _ in self._seen.tasks[split]])
        own, other = _joined(scores), self._rows[0][there]
        flattered, all_own = self.ranking * ranked, own
        if len(splits) < len(SEEN):
            apart = np.round(np.abs(self._rows[:, there] - own) @ item_shares(tasks, self._seen.weights), _DIGITS)
            alike = apart == apart.min()
            all_own = self._rows[alike].mean(axis=0)
            all_own[there] = own
            flattered = float(self._handicaps[alike].mean())
        spread = paired_standard_error(list(all_own), list(self._rows[0]), self._seen.joined, self._seen.weights)
        error = round(spread, _DIGITS)
        same = bool((own == other).all())
        optimism = 0.0 if same else self.choice + flattered
        lead = 0.0 if same else round(float(self._seen.shares @ (all_own - self._rows[0])) - optimism, _DIGITS)
        accuracy = self.reference_accuracy + shrunken(lead, error)
        around = mean_of(list(own), strata(tasks, self._seen.weights))
        shift = accuracy - around.mean
        low, high = (min(1.0, max(0.0, round(bound + shift, _DIGITS))) for bound in (around.lower(), around.upper()))
        accuracy = round(min(1.0, max(0.0, accuracy)), _DIGITS)
        return Expectation(accuracy, low, high, lead, optimism, error, not same, len(tasks), ranked)


def _joined(scores: BySplit) -> Vector:
    """Over all splits that say something ``[items]``."""
    return np.concatenate([np.asarray(row, dtype=np.float64) for split in SEEN if (row := scores[split]) is not None])
