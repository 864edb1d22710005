"""The genes of everybody who was evaluated, as columns: what a genome says, member by member, and what of it sleeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.genomes import Material, PolicyGenomes, genomes_of
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.policies.partition import Partition
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.numbers import short
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.space import SearchSpace

DIGITS = 4
"""Significant digits of genes."""

_LIMITS = ("max_members", "max_parameters", "max_flops", "max_memory_bytes")


def genes(run: RunFiles, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The genes that the space leaves free, and what a policy comes to in all.

    Args:
        run: whose.
        rows: the individuals; at least one.

    Returns:
        ``genes`` (by name, a column each, in their own units; an infinite exponent is ``max`` or ``min``), ``loci``
        (what each gene is: ``gene``, ``member`` by its place in the pool, ``part`` of a route, ``kind`` of items; None
        where it has none), ``kinds`` (of items, in words), ``asleep`` (per individual, the places in ``loci`` of genes
        that do not matter), ``who`` (per individual, the places in the pool of those who take part), ``lead`` (per
        individual, of a mix; else None), and ``fixed`` (genes that the space leaves no choice).

    Raises:
        RunError: a genome is none of the space's.
    """
    kinds = _kinds(run.space, rows)
    genomes = _genomes(run, kinds)
    members = [spec.name for spec in run.space.pool]
    names = [one.name for one in genomes.coordinates.dimensions]
    number_of = {name: number for number, name in enumerate(names)}
    values: list[Mapping[str, Any]] = []
    found: dict[str, list[Any]] = {"asleep": [], "who": [], "lead": []}
    for row in rows:
        try:
            genome = genomes.decode(row["genome"])
            values.append(genomes.values(genome))
            found["asleep"].append(sorted(number_of[name] for name in genomes.asleep(genome)))
            found["who"].append(genomes.takes_part(genome))
        except (ValueError, IndexError) as error:
            message = f"expected a genome of the kind {run.space.genome.kind}, got another: {error!s:.200}"
            raise RunError(message, Where(str(run.path / INDIVIDUALS), str(row["id"]))) from None
        found["lead"].append(genome.lead if isinstance(genome, RecipeGenome) else None)
    return {
        "genes": {name: [short(one[name], DIGITS) for one in values] for name in names},
        "loci": [_locus(name, run.space.genome.kind, members) for name in names],
        "kinds": kinds,
        "fixed": _fixed(run.space),
        **found,
    }


def _genomes(run: RunFiles, kinds: Sequence[str]) -> PolicyGenomes[Any, Any]:
    """What genomes the space has; without its limits, which nothing that is only read must keep.

    A route by clusters of prompts would ask for the prompts. That there are clusters is enough to read genomes by.
    """
    space = run.space
    free = space.genome.model_copy(update=dict.fromkeys(_LIMITS))
    unbounded = space.model_copy(update={"genome": free, "warm_start": ()})
    clusters = Partition(clusters=tuple({kind: 1} for kind in kinds)) if len(space.tasks) == 1 and kinds else None
    try:
        return genomes_of(Material(unbounded, calibrate=run.calibration, partition=clusters))
    except EvoswarmError as error:
        raise RunError(f"expected a space whose genomes are known: {error.message}", Where(str(run.path))) from None


def _kinds(space: SearchSpace, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of items that a route tells apart, in words; none of other policies."""
    if space.genome.kind != "route":
        return []
    if len(space.tasks) > 1:
        return [task.name for task in space.tasks]
    return [f"prompts of cluster {number + 1}" for number in range(len(rows[0]["genome"]["places"]))]


def _locus(name: str, kind: str, members: Sequence[str]) -> dict[str, Any]:
    """What a coordinate is about."""
    part: int | None = None
    if kind == "route":
        head, _, name = name.partition(":")
        if head == "kind":
            return {"gene": "kind", "member": None, "part": None, "kind": int(name)}
        part = int(head)
    gene, _, member = name.partition(":")
    return {"gene": gene, "member": members.index(member) if member else None, "part": part, "kind": None}


def _fixed(space: SearchSpace) -> dict[str, Any]:
    """By gene, what the space leaves no choice."""
    genome, found = space.genome, dict[str, Any]()
    if genome.kind != "vote":
        if len(genome.rules) == 1:
            found["rule"] = genome.rules[0]
        leads = genome.leads or [spec.name for spec in space.pool]
        if len(leads) == 1:
            found["lead"] = leads[0]
        if not genome.gates:
            found["open_share"] = 1.0
    if len(genome.samples) == 1:
        found["samples"] = genome.samples[0]
    ranges = {"weight": genome.weight, "temperature": genome.temperature}
    return {**found, **{name: low for name, (low, high) in ranges.items() if low == high}}
