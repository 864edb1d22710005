"""Ways to tell items apart before anybody answers: by task, or by the kind of their prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from evoswarm.policies.policy import Policy
from evoswarm.policies.route import Route
from evoswarm.statistics.text_clusters import Clusters


@dataclass(frozen=True)
class Partition:
    """One way to tell items apart.

    Attributes:
        tasks: whose items are told apart; none where prompts are.
        clusters: of prompts, the weights of their n-grams. Where tasks are told apart, one for each of them, by which a
            route takes a question of no task for one of theirs; or none.
        like: of the clusters, what they are like, in words; none where that is not known.
    """

    tasks: tuple[str, ...] = ()
    clusters: tuple[Mapping[str, int], ...] = ()
    like: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """How many kinds there are."""
        return len(self.tasks or self.clusters)

    @property
    def name(self) -> str:
        """``by task``, ``by prompt (3 clusters)``."""
        return "by task" if self.tasks else f"by prompt ({self.cells} clusters)"

    def cell(self, task: str, prompt: str) -> int | None:
        """The kind of an item, by its position; None where it is of none."""
        if self.tasks:
            return self.tasks.index(task) if task in self.tasks else None
        return self._clusters.nearest(prompt)

    @cached_property
    def _clusters(self) -> Clusters:
        return Clusters(self.clusters)

    def route(self, first: Policy, chosen: Sequence[Policy]) -> Route:
        """The route over its kinds.

        Args:
            first: answers what is of no kind.
            chosen: per kind, who answers.
        """
        distinct: dict[str, Policy] = {}
        for policy in (first, *chosen):
            distinct.setdefault(policy.digest, policy)
        places = [list(distinct).index(policy.digest) for policy in chosen]
        like = self.like or self.tasks or ("",) * self.cells
        of_each = zip(self.clusters, like, places, strict=True) if self.clusters else ()
        clusters = [{"ngrams": dict(ngrams), "policy": place, "like": like} for ngrams, like, place in of_each]
        return Route.model_validate(
            {
                "by": "task" if self.tasks else "cluster",
                "policies": list(distinct.values()),
                "tasks": dict(zip(self.tasks, places, strict=True)) if self.tasks else {},
                "clusters": clusters,
            }
        )
