"""Names in MLflow's words: its own tags, ours that its pages hide, and nested data as dotted names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

PARENT_RUN, RUN_NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"
"""MLflow's own tags: the run that one belongs to, what a run is called, its description in Markdown."""

SOURCE_NAME, SOURCE_TYPE = "mlflow.source.name", "mlflow.source.type"
"""Likewise: what made a run."""

KEY, POLICY, WRITTEN = "mlflow.evoswarm.key", "mlflow.evoswarm.policy", "mlflow.evoswarm.written"
"""Tags that nobody has to read, and MLflow's pages do not show: by which a run, and a policy's run, is found again, and
the digest of the description that was written last."""

KEY_BEFORE, POLICY_BEFORE = "evoswarm.key", "evoswarm.recipe"
"""What earlier versions called them."""

ROLE = "evoswarm.role"
"""The tag that says what a policy is to its search."""

Standing = Literal["champion", "front", "earlier"]
CHAMPION: Standing = "champion"
FRONT: Standing = "front"
EARLIER: Standing = "earlier"
"""It is the champion, or on the front, or it was one of these before the search went on."""

_NO_NAME = re.compile(r"[^\w./: -]", re.ASCII)


def flattened(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested data as dotted names; empty lists and mappings stay visible.

    Lists of plain values are one text, and the parts of a list that have names are known by these.

    Example:
        >>> flattened({"rules": ["mixture", "vote"], "pool": [{"name": "a", "path": "x"}], "range": [{"low": 0}]})
        {'rules': 'mixture, vote', 'pool.a.path': 'x', 'range.0.low': 0}
    """
    if isinstance(data, Mapping) and data:
        pairs: list[tuple[Any, Any]] = list(data.items())
    elif isinstance(data, (list, tuple)) and data:
        if not any(isinstance(one, (Mapping, list, tuple)) for one in data):
            return {prefix: ", ".join(map(str, data))}
        pairs = _named(data)
    else:
        return {prefix: data}
    flat: dict[str, Any] = {}
    for key, value in pairs:
        name = _NO_NAME.sub("_", str(key))
        flat.update(flattened(value, f"{prefix}.{name}" if prefix else name))
    return flat


def _named(parts: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The parts of a list by their names, if all have one of their own; else by their places."""
    names = [part.get("name") if isinstance(part, Mapping) else None for part in parts]
    if len({name for name in names if isinstance(name, str)}) < len(parts):
        return list(enumerate(parts))
    return [
        (name, {key: value for key, value in part.items() if key != "name"})
        for name, part in zip(names, parts, strict=True)
    ]
