"""The table of individuals: the lineage of a search, one row per individual, genes side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evoswarm.canonical import canonical_json
from evoswarm.evolution.coordinates import Choice, Coordinate
from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.export.tables.column import ColumnType, TableColumn, TablePlan

COSTS: Mapping[str, tuple[str, str]] = {
    "tokens": ("tokens", "distinct tokens that its members read, prompts included, deployed alone"),
    "passes": ("calls", "calls of a member with one text, all members together"),
    "weight_reads": ("bytes", "weights moved: passes times a member's size"),
    "flops": ("FLOPs", "floating-point operations"),
}
"""By the name of a number of a cost, its unit and what it is."""


@dataclass(frozen=True)
class IndividualRow:
    """An individual as the lineage has it, its objectives and its genes.

    Attributes:
        line: of the lineage.
        objectives: by name; empty where it failed.
        genes: by name, numbers in their own units.
        asleep: names of those that do not matter.
    """

    line: Mapping[str, Any]
    objectives: Mapping[str, float]
    genes: Mapping[str, Choice | float]
    asleep: frozenset[str]


def individual_rows(search: FinishedSearch) -> Iterator[IndividualRow]:
    """The individuals of a search, in the order in which they were evaluated."""
    names = search.asked.space.objectives
    for line in search.individuals():
        genome = search.genome(line)
        told = dict(zip(names, line["objectives"], strict=False))
        yield IndividualRow(line, told, search.genomes.values(genome), search.genomes.asleep(genome))


def gene_types(search: FinishedSearch) -> dict[str, ColumnType]:
    """The genes that the space leaves free, by name, each with the type of its values."""
    return {one.name: _type_of(one) for one in search.genomes.coordinates.dimensions}


def _type_of(gene: Coordinate) -> ColumnType:
    kinds = {type(choice) for choice in gene.choices}
    if not kinds:
        return "number"
    return "truth" if kinds == {bool} else "whole number" if kinds == {int} else "text"


def _line(name: str) -> Callable[[IndividualRow], Any]:
    return lambda one: one.line.get(name)


def _cost(name: str) -> Callable[[IndividualRow], Any]:
    return lambda one: one.line["cost"].get(name)


def _json(name: str) -> Callable[[IndividualRow], str | None]:
    return lambda one: None if one.line.get(name) is None else canonical_json(one.line[name])


INDIVIDUALS = TablePlan(
    "individuals",
    "One row per individual of the search, in the order of its lineage.",
    (
        TableColumn("id", "text", "Names the individual: generation, island, number.", _line("id")),
        TableColumn(
            "generation", "whole number", "In which it was born, or arrived on its island.", _line("generation")
        ),
        TableColumn("island", "whole number", "On which it lives.", _line("island")),
        TableColumn("number", "whole number", "Counts the individuals of that generation and island.", _line("number")),
        TableColumn("operator", "text", "What made it.", _line("operator")),
        TableColumn("parents", "texts", "Their ids.", _line("parents")),
        TableColumn("migrated_from", "text", "The id that it had on the island it came from.", _line("migrated_from")),
        TableColumn("policy", "text", "SHA-256 of the policy that it expresses; equals behave alike.", _line("key")),
        TableColumn(
            "objective",
            "number",
            "What the lineage says of this objective, in its own unit; of a race, its estimate.",
            lambda one, name: one.objectives.get(name),
            each="OBJECTIVE",
        ),
        TableColumn("failure", "text", "Why it has no objectives: the kind of failure.", _line("failure")),
        TableColumn(
            "accuracy", "number", "Mean score on the search items, tasks by weight.", _line("accuracy"), "0 to 1"
        ),
        TableColumn(
            "accuracy",
            "number",
            "Mean score on the search items of this task.",
            lambda one, name: one.line["by_task"].get(name),
            "0 to 1",
            "TASK",
        ),
        TableColumn(
            "items", "whole number", "On how many items it raced; missing where there was no race.", _line("items")
        ),
        TableColumn("standard_error", "number", "Of the estimate, where there was a race.", _line("standard_error")),
        *(
            TableColumn(name, "number", f"Mean cost per item: {says}.", _cost(name), unit)
            for name, (unit, says) in COSTS.items()
        ),
        TableColumn("open_share", "number", "Share of steps at which others than the lead spoke.", _line("open_share")),
        TableColumn("failed", "json", "The items that failed, by kind and member.", _json("failed")),
        TableColumn(
            "gene",
            "text",
            "The gene's value in its own unit; of those that the space leaves free. Its type is the gene's.",
            lambda one, name: one.genes[name],
            each="GENE",
        ),
        TableColumn(
            "asleep", "texts", "Genes that change nothing as long as the others stay.", lambda one: sorted(one.asleep)
        ),
        TableColumn("genome", "json", "All genes as the search wrote them.", _json("genome")),
    ),
)
