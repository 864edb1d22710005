"""How big members are, and what the members of one policy may sum up to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evoswarm.errors import SpaceError
from evoswarm.space import SearchSpace

_LIMITS = ("max_parameters", "max_flops", "max_memory_bytes")
_UNITS = ("parameters", "FLOPs per token", "bytes of weights")


@dataclass(frozen=True)
class MemberSize:
    """How big a member is, for the limits of a space.

    Attributes:
        parameters: all, each once.
        flops: per token read.
        memory_bytes: of its weights.
    """

    parameters: int
    flops: float
    memory_bytes: int


@dataclass(frozen=True)
class Limits:
    """What the members of a policy may sum up to; None is no limit.

    Attributes:
        members: how many.
        sizes: per member of the pool, what counts against ``bounds``.
        bounds: parameters, FLOPs and bytes.
    """

    members: int
    sizes: tuple[tuple[float, float, float], ...]
    bounds: tuple[float, float, float]

    def allow(self, chosen: Sequence[int]) -> bool:
        """Whether these members, by index, may be in one recipe."""
        return len(chosen) <= self.members and self._within(chosen, range(3))

    def hold(self, chosen: Sequence[int]) -> bool:
        """Whether these members may be loaded together: their parameters and bytes count, not what a token costs."""
        return self._within(chosen, (0, 2))

    def _within(self, chosen: Sequence[int], places: Iterable[int]) -> bool:
        return all(math.fsum(self.sizes[index][place] for index in chosen) <= self.bounds[place] for place in places)


def limits_of(space: SearchSpace, sizes: Mapping[str, MemberSize]) -> Limits:
    """The limits of a space.

    Args:
        space: the search space.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.

    Raises:
        SpaceError: a limit needs sizes that are missing.
    """
    genome = space.genome
    names = [spec.name for spec in space.pool]
    asked = (genome.max_parameters, genome.max_flops, genome.max_memory_bytes)
    for field, bound in zip(_LIMITS, asked, strict=True):
        missing = [name for name in names if name not in sizes]
        if bound is not None and missing:
            message = f"expected sizes of all members, got none of {missing[0]!r}"
            raise SpaceError(message, space.where("genome", field))
    known = [sizes.get(name, MemberSize(0, 0.0, 0)) for name in names]
    return Limits(
        members=genome.max_members if genome.max_members is not None else len(names),
        sizes=tuple((float(size.parameters), float(size.flops), float(size.memory_bytes)) for size in known),
        bounds=(_bound(asked[0]), _bound(asked[1]), _bound(asked[2])),
    )


def too_tight(space: SearchSpace, wanted: Sequence[int], limits: Limits) -> SpaceError:
    """No member that may lead is within the limits on its own: the limit to raise, and how far."""
    names = [spec.name for spec in space.pool]
    who = "member" if space.genome.leads is None else "member of genome.leads"
    smallest = [min(wanted, key=lambda index: limits.sizes[index][place]) for place in range(3)]
    place = next((p for p in range(3) if limits.sizes[smallest[p]][p] > limits.bounds[p]), None)
    if place is None:  # every limit has a member that meets it, but none meets all
        place = next(p for p in range(3) if any(limits.sizes[index][p] > limits.bounds[p] for index in wanted))
        rest = f"got {limits.bounds[place]:.15g}, and who meets it breaks another limit"
    else:
        size = f"{limits.sizes[smallest[place]][place]:.15g} {_UNITS[place]}"
        rest = f"got {limits.bounds[place]:.15g}: the smallest, {names[smallest[place]]!r}, has {size}"
    message = f"expected a limit that some {who} meets on its own, {rest}"
    return SpaceError(message, space.where("genome", _LIMITS[place]))


def _bound(value: float | None) -> float:
    return math.inf if value is None else float(value)
