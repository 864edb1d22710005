"""The plainest mixes of a pool: every member alone, and all of them with equal weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evoswarm.member_spec import MemberSpec
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace


def single(space: SearchSpace, spec: MemberSpec, alphabet: AlphabetName | None = None) -> Recipe:
    """One member alone, greedy."""
    return uniform(space, [spec], alphabet)


def uniform(space: SearchSpace, specs: Sequence[MemberSpec], alphabet: AlphabetName | None = None) -> Recipe:
    """All members at every step with equal weights, by the mixture rule; in the space's first alphabet by default."""
    leads = space.genome.leads
    lead = next((spec.name for spec in specs if leads is None or spec.name in leads), specs[0].name)
    return Recipe(
        alphabet=alphabet or space.alphabets[0],
        members=tuple(RecipeMember(spec=spec) for spec in specs),
        lead=lead,
        epsilon=space.epsilon,
        noise_seed=space.noise_seed,
        prompt_format=space.prompt_format,
    )


def singles(space: SearchSpace) -> Iterator[tuple[str, Recipe]]:
    """Every member alone, with its name; exact copies under several names are one: ``member a (= b)``."""
    copies: dict[str, list[MemberSpec]] = {}
    for spec in space.pool:
        copies.setdefault(single(space, spec).digest, []).append(spec)
    for first, *others in copies.values():
        same = f" (= {', '.join(spec.name for spec in others)})" if others else ""
        yield f"member {first.name}{same}", single(space, first)
