"""The plainest recipes of a pool: every member alone, the uniform mix of all, a recipe less one of its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace

UNIFORM = "uniform mix"
MEMBER = "member "


@dataclass(frozen=True)
class Contender:
    """A recipe with the name it is shown by: an individual's id, ``member NAME`` or ``uniform mix``."""

    name: str
    recipe: Recipe


def single(space: SearchSpace, spec: MemberSpec) -> Recipe:
    """One member alone, greedy."""
    return _plain(space, [spec])


def uniform(space: SearchSpace, specs: Sequence[MemberSpec]) -> Recipe:
    """All members at every step with equal weights, by the mixture rule."""
    return _plain(space, specs)


def rivals(space: SearchSpace, specs: Sequence[MemberSpec]) -> list[Contender]:
    """Every member alone, and the uniform mix of all when there are several.

    Exact copies under several names are one contender: ``member a (= b)``.
    """
    copies: dict[str, list[MemberSpec]] = {}
    for spec in specs:
        copies.setdefault(single(space, spec).digest, []).append(spec)
    contenders = []
    for first, *others in copies.values():
        same = f" (= {', '.join(spec.name for spec in others)})" if others else ""
        contenders.append(Contender(f"{MEMBER}{first.name}{same}", single(space, first)))
    return contenders + ([Contender(UNIFORM, uniform(space, specs))] if len(specs) > 1 else [])


def without(recipe: Recipe, name: str) -> Recipe:
    """The recipe less one of its followers; weights stay in proportion."""
    members = [member.model_dump() for member in recipe.members if member.spec.name != name]
    return recipe.changed(members=members)


def _plain(space: SearchSpace, specs: Sequence[MemberSpec]) -> Recipe:
    leads = space.genome.leads
    lead = next((spec.name for spec in specs if leads is None or spec.name in leads), specs[0].name)
    return Recipe(
        alphabet=space.alphabet,
        members=tuple(RecipeMember(spec=spec) for spec in specs),
        lead=lead,
        epsilon=space.epsilon,
        noise_seed=space.noise_seed,
        prompt_format=space.prompt_format,
    )
