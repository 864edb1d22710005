"""Everybody who was evaluated, as columns: several sections draw from them, and a page of 10,000 stays small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.failures import FailedItems, in_words
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.genes import genes
from evoswarm.report.sections.numbers import short
from evoswarm.run_directory import INDIVIDUALS

DIGITS_OF_KEYS = 12
"""Of a digest, as a key; no two policies of a run share them."""

NOBODY = -1
"""Where a parent or a migrant's origin is no line of the file."""

COSTS = ("flops", "passes", "weight_reads", "tokens")


def individuals(run: RunFiles) -> dict[str, Any] | None:
    """The lineage as columns, in the order of the file; None where nobody was evaluated yet.

    Returns:
        ``id``, ``generation``, ``island``, ``operator`` (places in ``operators``), ``parents`` (places, NOBODY where
        unknown), ``migrated_from`` (a place, or NOBODY), ``key`` (12 digits of the policy's digest), ``accuracy`` (on
        the search items; null where all failed), ``objectives`` (by name), ``flops``, ``passes``, ``weight_reads``,
        ``tokens``, ``open_share``, ``by_task`` (accuracies, by its name), ``failed`` (items), ``failures`` (in words,
        by place), ``items`` (in races; null elsewhere), and what :func:`genes` tells of them. ``members`` are the
        pool's names, ``kind`` is that of the genomes.

    Raises:
        RunError: the file is damaged.
    """
    rows = run.individuals
    if not rows:
        return None
    place = {row.get("id"): number for number, row in enumerate(rows)}
    operators = list(dict.fromkeys(str(row.get("operator")) for row in rows))
    number_of = {name: number for number, name in enumerate(operators)}
    try:
        return {
            "kind": run.space.genome.kind,
            "members": [spec.name for spec in run.space.pool],
            "operators": operators,
            "id": [row["id"] for row in rows],
            "generation": [row["generation"] for row in rows],
            "island": [row["island"] for row in rows],
            "operator": [number_of[str(row["operator"])] for row in rows],
            "parents": [[place.get(parent, NOBODY) for parent in row["parents"]] for row in rows],
            "migrated_from": [place.get(row.get("migrated_from"), NOBODY) for row in rows],
            "key": [row["key"][:DIGITS_OF_KEYS] for row in rows],
            "accuracy": [short(row.get("accuracy")) for row in rows],
            "objectives": _objectives(run.space.objectives, rows),
            **{name: [short(row["cost"].get(name)) for row in rows] for name in COSTS},
            "open_share": [short(row.get("open_share")) for row in rows],
            "by_task": _by_task(run, rows),
            "failed": [sum(one["items"] for one in row.get("failed", ())) for row in rows],
            "failures": _failures(rows),
            "items": [row.get("items") for row in rows],
            **genes(run, rows),
        }
    except (KeyError, TypeError, AttributeError) as error:
        message = f"expected individuals as a search writes them, got lines that lack something: {error!r:.80}"
        raise RunError(message, Where(str(run.path / INDIVIDUALS))) from None


def _objectives(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    told = [dict(zip(names, row["objectives"], strict=False)) for row in rows]
    return {name: [short(one.get(name)) for one in told] for name in names}


def _by_task(run: RunFiles, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {task.name: [short(row["by_task"].get(task.name)) for row in rows] for task in run.space.tasks}


def _failures(rows: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """What failed, in words, by the place of whom it failed for."""
    failed = {number: row["failed"] for number, row in enumerate(rows) if row.get("failed")}
    return {number: in_words([FailedItems(**one) for one in found]) for number, found in failed.items()}
