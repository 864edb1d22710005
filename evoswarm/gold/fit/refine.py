"""A few gradient steps on the numbers of a genome, the rest of it left as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from evoswarm.canonical import round_significant
from evoswarm.decoding.step.gate import speakers
from evoswarm.genomes.mix.genes import Genes, RecipeGenome
from evoswarm.gold.fit.blend import Blend
from evoswarm.gold.fit.gradient import Varied, improved
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.fit.recipes import DIGITS
from evoswarm.policies.mix import Recipe

STEPS = 5
"""Of the optimiser."""

SMOOTH = ("mixture", "product", "power")
"""Rules whose numbers have a gradient everywhere."""


def refined(
    genome: RecipeGenome, recipe: Recipe, names: Sequence[str], outcomes: Outcomes, genes: Genes
) -> RecipeGenome:
    """The genome after a few steps of the fit's optimiser on its active continuous genes, gates left as they are.

    Weights, temperatures and parameters move, within their ranges; three significant digits of them are kept.

    Args:
        genome: whose.
        recipe: that it expresses.
        names: of the pool's members, in order.
        outcomes: of the whole pool.
        genes: of the space.

    Returns:
        The genome as it is where nothing can be said: its rule has no gradient, it draws answers, one member answers
        alone, a parameter is infinite, or its weights follow the text (credibility, context): a fit does not know that.
    """
    places = [names.index(spec.name) for spec in recipe.specs]
    varied = Varied.of(recipe.fusion.rule, len(places), genes.ranges)
    if not _smooth(recipe, varied):
        return genome
    weights = torch.tensor([genome.weights[place] for place in places], dtype=torch.float64).log()
    temperatures = torch.tensor([genome.temperatures[place] for place in places], dtype=torch.float64).log()
    values = recipe.fusion.parameters
    parameters = {name: torch.tensor(values[name], dtype=torch.float64) for name in varied.parameters}
    start = varied.numbers(Blend(weights, temperatures, parameters))
    heard = outcomes.of_members(places, _speaks(recipe, names.index(recipe.lead), outcomes))
    found = varied.blend(torch.from_numpy(improved(varied, heard, start, STEPS)))
    moved = (found.log_weights + weights.mean()).exp().tolist()
    warmed = found.log_temperatures.exp().tolist()
    for place, weight, temperature in zip(places, moved, warmed, strict=True):
        genome = _with(genome, "weight", weight, genes, place)
        genome = _with(genome, "temperature", temperature, genes, place)
    for name, value in found.parameters.items():
        genome = _with(genome, name, float(value), genes)
    return genome


def _smooth(recipe: Recipe, varied: Varied) -> bool:
    """Whether a fit knows what the recipe does, as a function with a gradient."""
    if recipe.fusion.rule not in SMOOTH or recipe.draws or len(recipe.members) < 2:
        return False
    values = recipe.fusion.parameters
    others = [one for one in recipe.fusion.definition.parameters if one.name not in varied.parameters]
    return all(math.isfinite(values[name]) for name in varied.parameters) and all(
        values[one.name] == one.default for one in others
    )


def _speaks(recipe: Recipe, lead: int, outcomes: Outcomes) -> Tensor:
    """``[members, positions]`` of the recipe, by the engine's gate."""
    thresholds = np.array([member.threshold for member in recipe.members])
    entropies, abstains = outcomes.entropies[lead].double().numpy(), ~outcomes.present[lead].numpy()
    low = np.zeros(len(entropies), dtype=bool)
    rows = np.broadcast_to(thresholds, (len(entropies), len(thresholds)))
    return torch.from_numpy(speakers(entropies, rows, low, abstains).T)


def _with(genome: RecipeGenome, gene: str, value: float, genes: Genes, member: int | None = None) -> RecipeGenome:
    """The genome with a gene moved, where the space leaves it free."""
    if not genes.free(gene):
        return genome
    return genome.changed(genes.ranges[gene].nearest(round_significant(value, DIGITS)), gene, member)
