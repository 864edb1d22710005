"""Genomes: what evolution varies, and the policies that it expresses; a folder a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evoswarm.errors import RecipeError, SpaceError
from evoswarm.genomes.kinds import Material, PolicyGenomes
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.route.representation import RouteGenomes
from evoswarm.genomes.vote.representation import VoteGenomes
from evoswarm.space import SearchSpace

__all__ = ["GENOMES", "Material", "PolicyGenomes", "check_kind", "genomes_of"]

GENOMES: dict[str, Callable[[Material], PolicyGenomes[Any, Any]]] = {
    "mix": MixGenomes,
    "vote": VoteGenomes,
    "route": RouteGenomes,
}


def check_kind(space: SearchSpace) -> None:
    """Refuse a space with a kind of genome that nobody knows, before anything is loaded.

    Raises:
        SpaceError: names the kinds.
    """
    if space.genome.kind not in GENOMES:
        message = f"expected one of {', '.join(GENOMES)}, got {space.genome.kind!r:.80}"
        raise SpaceError(message, space.where("genome", "kind"))


def genomes_of(material: Material) -> PolicyGenomes[Any, Any]:
    """The genomes of the kind that ``genome.kind`` of a space names.

    Raises:
        SpaceError: a limit of the space cannot be met, or nobody knows the kind.
        RecipeError: a policy to begin with is of another kind, or its members are not the pool's.
    """
    check_kind(material.space)
    kind = material.space.genome.kind
    for name, policy in material.warm_start.items():
        if policy.kind != kind:
            message = f"warm_start: expected a {kind} (genome.kind is {kind}), got a {policy.kind}: {name}"
            raise RecipeError(message)
    return GENOMES[kind](material)
