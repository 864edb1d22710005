"""Ways to tell items apart before anybody answers: by task, or by the kind of their prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evoswarm.policies import Policy, Route
from evoswarm.statistics.text_clusters import clusters_of, nearest
from evoswarm.tasks.task import Item

LEAST = 20
"""Items of a cluster, on average: of fewer, nothing could be said of who is good at them."""

MOST = 8
"""Clusters that are told apart at most."""

_MAIN = 0.8  # share of a cluster's items that the tasks make up that it is named by


@dataclass(frozen=True)
class Partition:
    """One way to tell items apart.

    Attributes:
        tasks: whose items are told apart; none where prompts are.
        clusters: of prompts, the weights of their n-grams; none where tasks are told apart.
        like: of the clusters, what they are like, in words.
    """

    tasks: tuple[str, ...] = ()
    clusters: tuple[Mapping[str, int], ...] = ()
    like: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """Of how many kinds items are."""
        return len(self.tasks or self.clusters)

    @property
    def name(self) -> str:
        """``by task``, ``by prompt (3 clusters)``."""
        return "by task" if self.tasks else f"by prompt ({self.cells} clusters)"

    def cell(self, item: Item) -> int | None:
        """The kind of an item, by its position; None where it is of none."""
        if self.tasks:
            return self.tasks.index(item.task) if item.task in self.tasks else None
        return nearest(self.clusters, item.prompt)

    def route(self, first: Policy, chosen: Sequence[Policy]) -> Route:
        """The route over its kinds.

        Args:
            first: answers what is of no kind.
            chosen: per kind, who answers.
        """
        distinct = {policy.digest: policy for policy in (*reversed(chosen), first)}
        distinct = {first.digest: first, **{one.digest: distinct[one.digest] for one in chosen}}
        places = [list(distinct).index(policy.digest) for policy in chosen]
        data: dict[str, object] = {"by": "task", "tasks": dict(zip(self.tasks, places, strict=False))}
        if self.clusters:
            of_each = zip(self.clusters, self.like, places, strict=True)
            clusters = [{"ngrams": dict(ngrams), "policy": place, "like": like} for ngrams, like, place in of_each]
            data = {"by": "cluster", "clusters": clusters}
        return Route.model_validate({**data, "policies": list(distinct.values())})


def partitions_of(items: Sequence[Item]) -> list[Partition]:
    """By task where there are several; by prompts, in two clusters and more, as far as the items suffice."""
    tasks = tuple(dict.fromkeys(item.task for item in items))
    found = [Partition(tasks=tasks)] if len(tasks) > 1 else []
    texts = [item.prompt for item in items]
    for count in range(2, min(MOST, len(items) // LEAST) + 1):
        clusters = clusters_of(texts, count)
        if len(clusters) < count:
            break  # the prompts are of no more kinds
        places = [nearest(clusters, text) for text in texts]
        named = [
            _like([item.task for item, at in zip(items, places, strict=True) if at == one]) for one in range(count)
        ]
        found.append(Partition(clusters=tuple(clusters), like=tuple(named) if len(tasks) > 1 else ("",) * count))
    return found


def _like(tasks: Sequence[str]) -> str:
    """The tasks that most of a cluster's items are of, the commonest first."""
    named, covered = list[str](), 0
    for task, count in Counter(tasks).most_common():
        if covered >= _MAIN * len(tasks):
            break
        named.append(task)
        covered += count
    return f"mostly {' and '.join(named)}" if named else ""
