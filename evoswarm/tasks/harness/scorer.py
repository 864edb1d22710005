"""The harness's filters and metric as a scorer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from evoswarm.canonical import canonical_json, sha256
from evoswarm.errors import TaskError, Where
from evoswarm.tasks.harness.settings import HarnessSettings
from evoswarm.tasks.scorers import Scorer
from evoswarm.tasks.task import Item

_DECIDE = ("output_type", "metric_list", "filter_list", "process_results", "doc_to_target", "doc_to_choice")


@dataclass(frozen=True)
class HarnessScorer(Scorer):
    """One metric of a task behind one of its filter pipelines.

    Attributes:
        name: of the task.
        metric: whose value is the score.
        filter: the pipeline, by its name.
        digest: of what decides a score in the task's description.
        release: of the harness.
        task: the harness's object.
    """

    kind: ClassVar[str] = "lm_eval"

    name: str
    metric: str
    filter: str
    digest: str
    release: str
    task: Any = field(repr=False, compare=False)

    @classmethod
    def of(cls, task: Any, settings: HarnessSettings) -> HarnessScorer:
        """The scorer that a space asks for.

        Raises:
            TaskError: the task has no such metric or filter, or the metric is no mean over items that rises.
        """
        from lm_eval.api.metrics import mean

        means = [name for name, how in task.aggregation().items() if how is mean]
        metrics = [name for name in means if task.higher_is_better().get(name, True)]
        filters = [one.name for one in task._filters]
        metric = settings.metric or next(iter(metrics), None)
        if metric is None or metric not in metrics:
            others = ", ".join(sorted(task.aggregation()))
            wanted = f"one of {', '.join(metrics)}" if metrics else "a task with a metric that is a mean over items"
            why = "a search scores item by item, and more is better"
            raise TaskError(f"expected {wanted} ({why}), got {settings.metric or others!r:.100}", Where("", "metric"))
        if settings.filter is not None and settings.filter not in filters:
            message = f"expected one of {', '.join(filters)}, got {settings.filter!r:.100}"
            raise TaskError(message, Where("", "filter"))
        said = task.config.to_dict(keep_callable=True)
        decides = sha256(canonical_json({key: said.get(key) for key in _DECIDE}, default=_described))
        return cls(task.task_name, metric, settings.filter or filters[0], decides[:16], version("lm_eval"), task)

    @property
    def id(self) -> str:
        """The task, what is taken of it, and what decides."""
        return f"lm_eval {self.name} {self.metric} {self.filter} {self.digest} {self.release}"

    def extract(self, text: str) -> str:
        """What the filters leave of a text; those that look at the item leave it whole."""
        try:
            found = self._filtered(text, {})
        except Exception:  # they are anybody's code, and may want to know the item
            return text.strip()
        return found.strip() if isinstance(found, str) else text.strip()

    def score(self, item: Item, text: str) -> float:
        """The metric's value.

        Raises:
            TaskError: filters or metric fail, or give no number in [0, 1].
        """
        try:
            value = self.task.process_results(dict(item.raw), [self._filtered(text, item.raw)]).get(self.metric)
        except Exception as error:  # anybody's code
            message = f"expected a score of {self.metric}, got {type(error).__name__}: {error!s:.200}"
            raise TaskError(message, Where(self.name, "metric")) from error
        number = float(value) if isinstance(value, bool | int | float) or hasattr(value, "dtype") else math.nan
        if not 0 <= number <= 1:
            message = f"expected {self.metric} to be a number in [0, 1] for one item, got {value!r:.60}"
            raise TaskError(message, Where(self.name, "metric"))
        return number

    def _filtered(self, text: str, raw: Mapping[str, Any]) -> Any:
        """What the pipeline leaves."""
        from lm_eval.api.instance import Instance

        answer = Instance("generate_until", dict(raw), ("", {}), 0, (self.name, 0, 1), resps=[text])
        pipeline = next(one for one in self.task._filters if one.name == self.filter)
        pipeline.apply([answer])
        return answer.filtered_resps[self.filter]


def _described(value: Any) -> str:
    """What stands for a part of a task that is no data: of a function or class its file, whose other parts it may call.

    Neither an address in memory, nor where the file lies: a search goes on in another process, and elsewhere.
    """
    if not callable(value):
        return str(value)
    code = getattr(value, "func", value)  # of a partial
    code = code if inspect.isroutine(code) or inspect.isclass(code) else type(code)
    try:
        file = inspect.getsourcefile(code)
    except TypeError:  # of Python's own
        file = None
    return f"{code.__qualname__} {sha256(Path(file).read_bytes()) if file else ''}"
