"""What MLflow is told when a search begins: its space, member by member and task by task, and its questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from evoswarm.canonical import digest_of
from evoswarm.experiment.files.same_items import item_digests
from evoswarm.experiment.progress import Progress
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item, SplitName
from evoswarm.tracking import DrawnSplit, SearchRun, Tracker, flattened


def search_run(space: SearchSpace, run: RunDirectory, items: Mapping[SplitName, Sequence[Item]]) -> SearchRun:
    """The search as an MLflow run.

    Args:
        space: with fingerprints filled in.
        run: the run directory.
        items: of the splits that were drawn. Of what they ask nothing is told but digests.
    """
    tags = {
        "evoswarm.space": space.name,
        "evoswarm.seed": str(space.seed),
        "evoswarm.version": version("evoswarm"),
    }
    content = space.model_dump(mode="json", by_alias=True, exclude={"tracking"})  # an address may hold a password
    parameters = {name: value for name, value in flattened(content).items() if value not in (None, "", [], {})}
    splits = [_split(space, split, drawn) for split, drawn in items.items()]
    return SearchRun(run.path.name, run, parameters, tags, splits)


def _split(space: SearchSpace, split: SplitName, items: Sequence[Item]) -> DrawnSplit:
    counts = Counter(item.task for item in items)
    return DrawnSplit(
        name=space.name,
        split=split,
        digest=digest_of(item_digests(space, {split: items})),
        source={task.name: task.described_origin for task in space.tasks},
        items={task.name: counts[task.name] for task in space.tasks},
    )


def wait(tracker: Tracker, progress: Progress) -> None:
    """Let go of a tracker, which waits until MLflow has heard everything; whoever waits with it is told."""
    if tracker.alive:
        progress.enter("tracking", "telling MLflow")
    tracker.close()
