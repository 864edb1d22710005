"""Genes as Optuna's parameters: each has one distribution in the whole study, and one that sleeps is no parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from evoswarm.evolution.coordinates import Choice
from evoswarm.genomes import PolicyGenomes
from evoswarm.genomes.gene_range import GeneRange

SQUASHED = "{gene}/(1+|{gene}|)"
"""What the parameter of a gene that may be infinite is called, as no number of a storage may: a place from -1 to 1."""


@dataclass(frozen=True)
class GeneParameter:
    """A gene as a parameter.

    Attributes:
        name: of the parameter.
        distribution: of its values.
        value: of the gene -> of the parameter.
    """

    name: str
    distribution: BaseDistribution
    value: Callable[[Any], Choice | float]


def parameters_of(genomes: PolicyGenomes[Any, Any]) -> Mapping[str, GeneParameter]:
    """The parameters of all genes that a space leaves free, by the gene's name.

    Args:
        genomes: of the space.
    """
    return {one.name: _parameter(one.name, one.choices, genomes) for one in genomes.coordinates.dimensions}


def _parameter(gene: str, choices: tuple[Choice, ...], genomes: PolicyGenomes[Any, Any]) -> GeneParameter:
    if choices:
        return GeneParameter(gene, CategoricalDistribution(choices), lambda value: value)
    allowed = genomes.ranges.get(gene)
    if allowed is None:  # a kind of genome that knows places alone
        return GeneParameter(gene, FloatDistribution(0.0, 1.0), float)
    if allowed.scale == "squash":
        low, high = allowed.ends
        return GeneParameter(SQUASHED.format(gene=gene), FloatDistribution(low, high), allowed.to_scale)
    return GeneParameter(gene, _numbers(allowed), float)


def _numbers(allowed: GeneRange) -> FloatDistribution:
    """Numbers in their own unit; on a scale of logarithms unless 0 is one of them."""
    ends = (allowed.low, allowed.high, *(atom for atom, _ in allowed.atoms))
    return FloatDistribution(min(ends), max(ends), log=allowed.scale == "log" and min(ends) > 0)
