"""Where items can come from. A new source is one module and one entry here.

The module holds a child of `TaskSettings`, the keys of the source with what is to be checked of them, and a child of
`SourcedTask`, which reads items; `dataset` is an example.
"""

from __future__ import annotations

from evoswarm.tasks.dataset import DatasetSettings
from evoswarm.tasks.harness.settings import HarnessSettings
from evoswarm.tasks.reasoning_gym import ReasoningGymSettings
from evoswarm.tasks.settings import TaskSettings

SOURCES: dict[str, type[TaskSettings]] = {
    "reasoning_gym": ReasoningGymSettings,
    "dataset": DatasetSettings,
    "lm_eval": HarnessSettings,
}
"""By what ``source`` says in a space."""
