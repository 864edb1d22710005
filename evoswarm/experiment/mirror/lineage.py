"""The lineage as a table in MLflow's pages, whose first columns are seen without scrolling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evoswarm.canonical import round_significant
from evoswarm.tracking import flattened

_FIRST = ("id", "accuracy", "flops", "open_share", "operator", "parents", "migrated_from")
_COSTS = ("flops", "passes", "weight_reads", "tokens")


def lineage(
    rows: Sequence[Mapping[str, Any]],
    objectives: Sequence[str],
    genes: Callable[[Mapping[str, Any]], Mapping[str, Any]],
) -> dict[str, list[Any]]:
    """The lines of ``individuals.jsonl`` as the columns of a table, numbers rounded to six digits.

    Args:
        rows: the lines.
        objectives: their names.
        genes: of a genome as a line has it, its genes that the space leaves free, by name.

    Returns:
        Columns by name: who it is and how well it does, where it comes from, every gene (``weight.qwen3-d``), the rest.
    """
    flat = [_row(row, objectives, genes) for row in rows]
    names = list(dict.fromkeys((*(_FIRST if rows else ()), *(name for row in flat for name in row))))
    return {name: [_rounded(row.get(name)) for row in flat] for name in names}


def _row(
    row: Mapping[str, Any], objectives: Sequence[str], genes: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    rest = dict(row)
    genome, cost = rest.pop("genome", None), rest.pop("cost", {})
    told = dict(zip(objectives, rest.pop("objectives", ()), strict=False))
    rest["parents"] = " ".join(rest.get("parents", ()))
    first = {name: cost.get(name) if name == "flops" else rest.pop(name, None) for name in _FIRST}
    named = {} if genome is None else {name.replace(":", "."): value for name, value in genes(genome).items()}
    more = {f"objective.{name.replace(':', '.')}": value for name, value in told.items()}
    by_task = {f"accuracy.{task}": value for task, value in rest.pop("by_task", {}).items()}
    costs = {name: cost.get(name) for name in _COSTS}
    return {**first, **named, **by_task, **more, **costs, **flattened(rest)}


def _rounded(value: Any) -> Any:
    return round_significant(value) if isinstance(value, float) else value
