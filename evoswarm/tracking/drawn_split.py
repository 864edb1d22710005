"""What a search is asked, as the datasets that MLflow shows as inputs of its run: digests and sizes, no question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evoswarm.tracking.store import Store

_CONTEXT = "mlflow.data.context"
_DIGITS = 12  # of a digest; MLflow takes 36
_COLUMNS = ("question", "answer")
_SCHEMA = json.dumps({"mlflow_colspec": [{"name": name, "type": "string", "required": True} for name in _COLUMNS]})


@dataclass(frozen=True)
class DrawnSplit:
    """The items of one split.

    Attributes:
        name: of the space that they were drawn for.
        split: which one.
        digest: SHA-256 of what is asked and what is right.
        source: by task, where its items come from, in words.
        items: by task, how many.
    """

    name: str
    split: str
    digest: str
    source: Mapping[str, str]
    items: Mapping[str, int]


def log_splits(store: Store, run_id: str, splits: Sequence[DrawnSplit]) -> None:
    """Log splits as inputs of a run; one that it has already changes nothing."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=f"{one.name} {one.split}",
                digest=one.digest[:_DIGITS],
                source_type="evoswarm",
                source=json.dumps({"tasks": dict(one.source)}),
                schema=_SCHEMA,
                profile=json.dumps({"num_rows": sum(one.items.values()), "by_task": dict(one.items), **_from(one)}),
            ),
            [InputTag(_CONTEXT, one.split)],
        )
        for one in splits
    ]
    if inputs:
        store.client.log_inputs(run_id, datasets=inputs)


def _from(split: DrawnSplit) -> dict[str, str]:
    """Where the items come from, for pages that show of a source what they know to open."""
    return {"from": "; ".join(f"{task}: {source}" for task, source in split.source.items())}
