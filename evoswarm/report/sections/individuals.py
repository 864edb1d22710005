"""Everybody who was evaluated, as columns: several sections draw from them, and a page of 10,000 stays small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.genomes import Material, PolicyGenomes, genomes_of
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import INDIVIDUALS

DIGITS = 6
"""Significant digits of numbers that are drawn or shown; the file has all."""

NOBODY = -1
"""Where a parent or a migrant's origin is no line of the file."""

_COSTS = ("flops", "passes", "weight_reads", "tokens")
_LIMITS = ("max_members", "max_parameters", "max_flops", "max_memory_bytes")


def individuals(run: RunFiles) -> dict[str, Any] | None:
    """The lineage as columns, in the order of the file; None where nobody was evaluated yet.

    Returns:
        ``id``, ``generation``, ``island``, ``operator`` (places in ``operators``), ``parents`` (places, NOBODY where
        unknown), ``migrated_from`` (a place, or NOBODY), ``key`` (12 digits of the policy's digest), ``accuracy`` (on
        the search items; null where all failed), ``objectives`` (by name), ``flops``, ``passes``, ``weight_reads``,
        ``tokens``, ``open_share``, ``failed`` (items), ``items`` (in races; null elsewhere), and ``genes`` (by name, in
        their own units). ``asleep`` holds, per individual, the places of genes in ``genes`` that do not matter.
        ``members`` are the pool's names.

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
            "members": [spec.name for spec in run.space.pool],
            "operators": operators,
            "id": [row["id"] for row in rows],
            "generation": [row["generation"] for row in rows],
            "island": [row["island"] for row in rows],
            "operator": [number_of[str(row["operator"])] for row in rows],
            "parents": [[place.get(parent, NOBODY) for parent in row["parents"]] for row in rows],
            "migrated_from": [place.get(row.get("migrated_from"), NOBODY) for row in rows],
            "key": [row["key"][:12] for row in rows],
            "accuracy": [_short(row.get("accuracy")) for row in rows],
            "objectives": _objectives(run.space.objectives, rows),
            **{name: [_short(row["cost"].get(name)) for row in rows] for name in _COSTS},
            "open_share": [_short(row.get("open_share")) for row in rows],
            "failed": [sum(one["items"] for one in row.get("failed", ())) for row in rows],
            "items": [row.get("items") for row in rows],
            **_genes(run, rows),
        }
    except (KeyError, TypeError, AttributeError) as error:
        message = f"expected individuals as a search writes them, got lines that lack something: {error!r:.80}"
        raise RunError(message, Where(str(run.path / INDIVIDUALS))) from None


def _objectives(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    told = [dict(zip(names, row["objectives"], strict=False)) for row in rows]
    return {name: [_short(one.get(name)) for one in told] for name in names}


def _genes(run: RunFiles, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``genes`` and ``asleep``, of the genes that the space leaves free."""
    genomes = _genomes(run)
    values: list[Mapping[str, Any]] = []
    asleep: list[list[int]] = []
    names = [one.name for one in genomes.coordinates.dimensions]
    number_of = {name: number for number, name in enumerate(names)}
    for row in rows:
        try:
            genome = genomes.decode(row["genome"])
        except (ValueError, IndexError) as error:
            message = f"expected a genome of the kind {run.space.genome.kind}, got another: {error!s:.200}"
            raise RunError(message, Where(str(run.path / INDIVIDUALS), str(row["id"]))) from None
        values.append(genomes.values(genome))
        asleep.append(sorted(number_of[name] for name in genomes.asleep(genome)))
    return {"genes": {name: [_short(one[name]) for one in values] for name in names}, "asleep": asleep}


def _genomes(run: RunFiles) -> PolicyGenomes[Any, Any]:
    """What genomes the space has; without its limits, which nothing that is only read must keep."""
    space = run.space
    free = space.genome.model_copy(update=dict.fromkeys(_LIMITS))
    unbounded = space.model_copy(update={"genome": free, "warm_start": ()})
    try:
        return genomes_of(Material(unbounded, calibrate=run.calibration))
    except EvoswarmError as error:
        raise RunError(f"expected a space whose genomes are known: {error.message}", Where(str(run.path))) from None


def _short(value: Any) -> Any:
    """A number with as many digits as anybody looks at; a truth, a text and None as they are."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
