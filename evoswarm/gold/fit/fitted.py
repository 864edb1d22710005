"""All mixes that a space has a use for, fitted to gold texts and ranked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from evoswarm.decoding.forward.threads import one_thread
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.genes import Genes, genes_of
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.gold.fit.gates import gated
from evoswarm.gold.fit.mixes import fits, pruned, shares_members
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.fit.recipes import recipe_of
from evoswarm.gold.fit.validation import FOLDS, unseen_accuracy
from evoswarm.gold.rows import GoldRows
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace
from evoswarm.statistics.by_task import fold_places

KEY = "fitted"
"""The role of a fitted mix among candidates."""


@dataclass(frozen=True)
class _NamedFit:
    name: str
    recipe: Recipe


def fitted_mixes(
    rows: GoldRows,
    space: SearchSpace,
    specs: Sequence[MemberSpec],
    sizes: Mapping[str, MemberSize] | None = None,
    places: Sequence[int] | None = None,
    between: Callable[[], None] = lambda: None,
) -> list[Candidate]:
    """Fit mixes to gold texts, within what a space allows: its rules, ranges, leads and limits.

    Args:
        rows: of the pool along the texts of some items, in the space's first alphabet.
        space: the search space.
        specs: of the pool, as loaded; in the order of the rows.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.
        places: of the items in the rows that are fitted to; None is all.
        between: called before each fit; what it raises ends the work.

    Returns:
        Distinct greedy recipes, those first that were more accurate on texts left out of the fit (of equals, in the
        order of fits). None where the space has no greedy mixes, or there is nothing to fit.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member may lead.
    """
    genes = genes_of(space, sizes)
    chosen = list(range(len(rows.items))) if places is None else sorted(set(places))
    if space.genome.kind != "mix" or 1 not in genes.samples or not chosen:
        return []
    outcomes = Outcomes.of(rows).some(chosen)
    parts = [part.tolist() for part in fold_places([rows.items[place].task for place in chosen], FOLDS)]
    with one_thread():
        found = _ungated(outcomes, parts, space, specs, genes, between)
    first = {one.recipe.digest: one for one in reversed(found)}
    words = f"fitted to {len(chosen):,} gold texts without decoding"
    return [Candidate(one.name, one.recipe, KEY, words) for one in found if first[one.recipe.digest] is one]


def gated_mix(mix: Candidate, rows: GoldRows, space: SearchSpace, calibration: Calibration) -> Candidate | None:
    """A fitted mix whose followers speak as seldom as accuracy along the gold texts allows.

    Args:
        mix: a recipe in which everybody always speaks.
        rows: of the pool along the texts of some items, in the recipe's alphabet.
        space: the search space.
        calibration: of that alphabet, with a table for every member that may lead.

    Returns:
        None where the space has no gates, or none can close.
    """
    if not space.genome.gates or not isinstance(mix.policy, Recipe):
        return None
    leads = space.genome.leads or rows.members
    weights = torch.tensor(item_weights(rows.items, rows.tasks), dtype=torch.float64)
    one = gated(mix.policy, leads, rows, weights, calibration)
    if one is None:
        return None
    words = f"{mix.description}; followers speak at {one.share:.0%} of the positions"
    return Candidate(mix.name.replace("fitted", "fitted gated"), one.recipe, KEY, words)


def _ungated(
    outcomes: Outcomes,
    parts: Sequence[Sequence[int]],
    space: SearchSpace,
    specs: Sequence[MemberSpec],
    genes: Genes,
    between: Callable[[], None],
) -> list[_NamedFit]:
    """The fits in which everybody always speaks; those first that did better on texts left out.

    Who takes part is found out once for all fits by gradient whose weights are the same everywhere: it takes many.
    """
    found: list[tuple[tuple[float, float], _NamedFit]] = []
    members, settled = _distinct(specs, genes), None
    for name, fit in fits(genes).items():
        between()
        if not shares_members(fit):
            mix = pruned(fit, outcomes, members, genes)
        elif settled is None:
            mix = pruned(fit, outcomes, members, genes)
            settled = mix.members
        else:
            mix = fit(outcomes, settled)
        accuracy, loss = unseen_accuracy(fit, mix, outcomes, parts)
        recipe = recipe_of(mix, outcomes, space, specs, genes)
        found.append(((-round(accuracy, 6), round(loss, 4)), _NamedFit(f"fitted {name}", recipe)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _distinct(specs: Sequence[MemberSpec], genes: Genes) -> tuple[int, ...]:
    """Who may take part: of exact copies one, which may lead if any of them may."""
    first: dict[str, int] = {}
    for index in sorted(range(len(specs)), key=lambda one: (one not in genes.leads, one)):
        first.setdefault(specs[index].identity, index)
    return tuple(sorted(first.values()))
