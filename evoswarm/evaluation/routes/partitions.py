"""The ways to tell some items apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from evoswarm.policies.partition import Partition
from evoswarm.statistics.text_clusters import Clusters, Texts
from evoswarm.tasks.task import Item

LEAST = 20
"""Items of a cluster, on average: of fewer, nothing could be said of who is good at them."""

MOST = 8
"""Clusters that are told apart at most."""

_MAIN = 0.8  # share of a cluster's items that the tasks make up that it is named by


def partitions_of(items: Sequence[Item]) -> list[Partition]:
    """By task where there are several; by prompts, in two clusters and more, as far as the items suffice."""
    tasks = tuple(dict.fromkeys(item.task for item in items))
    if len(items) < 2 * LEAST:
        return [Partition(tasks=tasks)] if len(tasks) > 1 else []
    texts, found = [item.prompt for item in items], list[Partition]()
    read = Texts(texts)
    if len(tasks) > 1:
        alike = read.of_kinds([item.task for item in items])
        found.append(Partition(tasks=tasks, clusters=tuple(alike.values())))
    for count in range(2, min(MOST, len(items) // LEAST) + 1):
        clusters = read.clusters(count)
        if len(clusters) < count:
            break  # the prompts are of no more kinds
        places = [*map(Clusters(clusters).nearest, texts)]
        named = [
            _like([item.task for item, at in zip(items, places, strict=True) if at == one]) for one in range(count)
        ]
        found.append(Partition(clusters=tuple(clusters), like=tuple(named) if len(tasks) > 1 else ()))
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
