"""The targets of exports, by name, in the order in which they are listed."""

from __future__ import annotations

import difflib

from evoswarm.errors import Where
from evoswarm.export.bundle import BUNDLE
from evoswarm.export.distilled.target import DISTILLED
from evoswarm.export.lm_eval.target import LM_EVAL
from evoswarm.export.mlflow_model.target import MLFLOW
from evoswarm.export.optuna_study.target import OPTUNA
from evoswarm.export.server import SERVER
from evoswarm.export.tables.target import TABLES
from evoswarm.export.target import ExportError, Target
from evoswarm.export.transformers import TRANSFORMERS

TARGETS: dict[str, Target] = {
    "bundle": BUNDLE,
    "transformers": TRANSFORMERS,
    "server": SERVER,
    "lm-eval": LM_EVAL,
    "mlflow": MLFLOW,
    "optuna": OPTUNA,
    "tables": TABLES,
    "distilled": DISTILLED,
}


def target_named(name: str) -> Target:
    """The target of a name.

    Raises:
        ExportError: there is none.
    """
    if name not in TARGETS:
        meant = difflib.get_close_matches(name, TARGETS, n=1)
        hint = f" (did you mean {meant[0]!r}?)" if meant else ""
        raise ExportError(f"expected one of {', '.join(TARGETS)}, got {name!r:.80}{hint}", Where("--to"))
    return TARGETS[name]
