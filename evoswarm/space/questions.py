"""From the tasks and splits of a space to tasks that give items."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from evoswarm.errors import TaskError, Where
from evoswarm.space.search_space import SearchSpace
from evoswarm.space.task_settings import DatasetSettings, ReasoningGymSettings, ScorerSettings
from evoswarm.tasks.dataset import DatasetTask
from evoswarm.tasks.family_trial import require_tractable
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.scorers import Scorer, make_scorer
from evoswarm.tasks.splits import draw_task, needs_of, take_turns
from evoswarm.tasks.task import SPLITS, Item, SplitName, Task
from evoswarm.tasks.user_scorer import own_limits
from evoswarm.trust import Trust


def make_tasks(space: SearchSpace) -> list[Task]:
    """The tasks of a space, in its order; nothing is read yet.

    Raises:
        TaskError: an unknown family or setting of a family, a verifier that runs answers and may not, or a scorer
            of the user's that the caller does not allow or that cannot be had.
    """
    return [make_task(space, index) for index in range(len(space.tasks))]


def make_task(space: SearchSpace, index: int) -> Task:
    """One task of a space; see `make_tasks`."""
    settings = space.tasks[index]
    try:
        if isinstance(settings, DatasetSettings):
            return _from_dataset(settings, space.trust)
        return _from_reasoning_gym(settings, space.trust)
    except TaskError as error:
        raise _located(error, space, index) from None


def draw_items(space: SearchSpace, tasks: Sequence[Task]) -> dict[SplitName, list[Item]]:
    """The items of all splits of a space, the tasks taking turns; see `evoswarm.tasks.splits.draw`.

    Raises:
        TaskError: a source cannot be read, an item does not fit, or a split is larger than its source.
    """
    return take_turns([draw_task_items(space, index, task) for index, task in enumerate(tasks)])


def draw_task_items(space: SearchSpace, index: int, task: Task) -> dict[SplitName, list[Item]]:
    """The items that one task of a space gives to each split; see `draw_items`."""
    counts: dict[SplitName, int] = {split: getattr(space.splits, split) for split in SPLITS}
    try:
        return draw_task(task, needs_of(counts, len(space.tasks))[index], space.splits.shares)
    except TaskError as error:
        raise _located(error, space, index) from None


def _from_dataset(settings: DatasetSettings, trust: Trust) -> DatasetTask:
    return DatasetTask(
        **_common(settings),
        scorer=_scorer(settings.scorer, trust),
        path=settings.path,
        subset=settings.subset,
        split=settings.split,
        revision=settings.revision,
        prompt=settings.prompt,
        answer=settings.answer,
        shown=settings.few_shot.answer,
    )


def _from_reasoning_gym(settings: ReasoningGymSettings, trust: Trust) -> ReasoningGymTask:
    require_tractable(settings.family, settings.config, settings.form, settings.seed)
    asked: dict[str, Any] = {
        **_common(settings),
        "family": settings.family,
        "config": settings.config,
        "form": settings.form,
        "seed": settings.seed,
    }
    if settings.scorer.kind == "verifier":
        return ReasoningGymTask.verified(**asked, evaluates_answers=settings.evaluates_answers)
    return ReasoningGymTask(**asked, scorer=_scorer(settings.scorer, trust))


def _common(settings: DatasetSettings | ReasoningGymSettings) -> dict[str, Any]:
    return {
        "name": settings.name,
        "weight": settings.weight,
        "max_bytes": settings.max_bytes,
        "stop": settings.stop,
        "shots": settings.few_shot.count,
        "between": settings.few_shot.between,
        "separator": settings.few_shot.separator,
    }


def _scorer(settings: ScorerSettings, trust: Trust) -> Scorer:
    return make_scorer(
        settings.kind,
        pattern=settings.pattern,
        choices=settings.choices,
        ignore_case=settings.ignore_case,
        tolerance=settings.tolerance,
        behind=settings.behind,
        limits=own_limits(settings.seconds, settings.memory_gb),
        trust=trust,
    )


_SETTINGS = (
    *("path", "subset", "split", "revision", "prompt", "answer"),
    *("family", "config", "form", "few_shot.count", "few_shot.answer", "scorer.kind", "scorer.pattern"),
)


def _located(error: TaskError, space: SearchSpace, index: int) -> TaskError:
    """The error with the line of the space to blame; a place in the data goes into its message."""
    inner = error.where or Where("")
    setting = tuple(inner.path.split("."))
    if setting[0] == "splits":
        return TaskError(error.message, space.where(*setting))
    task = space.tasks[index]
    place = setting if inner.path in _SETTINGS else ("path",)
    data = "" if inner.path in _SETTINGS else inner.path
    prefix = ""
    if isinstance(task, DatasetSettings) and inner.file == task.path:
        prefix = f"{dataclasses.replace(inner, path=data)}: "
    return TaskError(prefix + error.message, space.where("tasks", index, *place))
