"""Names in MLflow's words: its own tags, and nested data as dotted names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARENT_RUN, RUN_NAME = "mlflow.parentRunId", "mlflow.runName"
"""MLflow's own tags: the run that one belongs to, and what a run is called."""


def flattened(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested data as dotted names: ``{"a": {"b": [1]}}`` is ``{"a.b.0": 1}``; empty lists and mappings stay visible."""
    if isinstance(data, Mapping) and data:
        pairs: list[tuple[Any, Any]] = list(data.items())
    elif isinstance(data, (list, tuple)) and data:
        pairs = list(enumerate(data))
    else:
        return {prefix: data}
    flat: dict[str, Any] = {}
    for key, value in pairs:
        flat.update(flattened(value, f"{prefix}.{key}" if prefix else str(key)))
    return flat
