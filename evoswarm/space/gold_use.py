"""Which uses of gold paths a search space asks for and cannot have, as far as the space itself shows it."""

from __future__ import annotations

from evoswarm.evolution.algorithms import ALGORITHMS, ARCHIPELAGO, GENETIC
from evoswarm.space.gold_settings import GoldSettings
from evoswarm.space.settings import SpaceSettings


def no_founders(space: SpaceSettings) -> str | None:
    """Why no mix of a space can be fitted to right answers, in a clause; None where that can be tried."""
    genome = space.genome
    if genome.kind != "mix":
        return f"it searches for {genome.kind}s, and only mixes are fitted"
    if 1 not in genome.samples:
        return "no recipe answers greedily (genome.samples)"
    return None


def no_guide(space: SpaceSettings) -> str | None:
    """Why recipes of a space cannot be judged along right answers before they are decoded; None where that can be."""
    reason = no_founders(space)
    if reason is not None:
        return reason
    evolution = space.evolution
    if not ALGORITHMS[evolution.algorithm].islands:
        return f"{evolution.algorithm} breeds no children (evolution.algorithm)"
    if evolution.algorithm == ARCHIPELAGO and not isinstance(evolution.islands, int):
        living = list(dict.fromkeys(island.algorithm or GENETIC for island in evolution.islands))
        if GENETIC not in living:
            return f"no island breeds children, only {', '.join(living)} live there (evolution.islands)"
    if any(count != 1 for count in space.genome.samples):
        return "answers may be drawn (genome.samples)"
    if len(space.genome.alphabets or ()) > 1:
        return "recipes may be in several alphabets (genome.alphabets)"
    if tuple(space.objectives) != ("accuracy",):
        return "accuracy is not the only objective"
    return None


def guides(gold: GoldSettings) -> list[str]:
    """The uses that judge recipes before they are decoded, as far as they are asked for."""
    return [name for name, on in (("refine", gold.refine), ("screen", gold.screen > 1), ("order", gold.order)) if on]


def off(gold: GoldSettings, unguided: str | None) -> list[str]:
    """A sentence for what is asked for and cannot be had; that there are no fitted mixes is said of these themselves.

    Args:
        gold: what is asked for.
        unguided: why recipes are not judged before they are decoded, in a clause.
    """
    names = guides(gold)
    return [f"evolution.gold ({', '.join(names)}) is off: {unguided}"] if names and unguided is not None else []


def unused_gold(space: SpaceSettings) -> list[str]:
    """A sentence for the uses of gold paths that the space asks for and rules out itself."""
    return off(space.evolution.gold, no_guide(space))
