"""What the genes of a search space may be: ranges, choices, limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evoswarm.errors import SpaceError
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.mix.recipe_genome import GeneName
from evoswarm.policies.mix import RuleName
from evoswarm.space import SearchSpace

LEAST_SHARE = 0.005  # of open shares above 0
ALWAYS = 0.35  # chance that a draw of an open share is 1
NEVER = 0.05  # chance that it is 0
UNSHARPENED = 0.5  # chance that a draw of beta is 0
INFINITE = 0.1  # chance of each infinite end of alpha

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
    """What the members of a recipe may sum up to; None is no limit.

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
        sums = (math.fsum(self.sizes[index][place] for index in chosen) for place in range(3))
        return len(chosen) <= self.members and all(
            total <= bound for total, bound in zip(sums, self.bounds, strict=True)
        )


@dataclass(frozen=True)
class Genes:
    """What each gene of a space may be.

    Attributes:
        pool: how many members.
        spans: of the continuous genes.
        leads: indices of members that may lead (and are within the limits on their own).
        rules: names of rules.
        samples: numbers of answers.
        gates: False: open shares are not used, every follower always speaks.
        limits: on the members of a recipe.
    """

    pool: int
    spans: Mapping[GeneName, GeneRange]
    leads: tuple[int, ...]
    rules: tuple[RuleName, ...]
    samples: tuple[int, ...]
    gates: bool
    limits: Limits

    def free(self, gene: GeneName) -> bool:
        """Whether the space leaves the gene more than one value."""
        choices = {"lead": len(self.leads), "rule": len(self.rules), "samples": len(self.samples), "member": self.pool}
        if gene in choices:
            return choices[gene] > 1
        return not self.spans[gene].pinned


def genes_of(space: SearchSpace, sizes: Mapping[str, MemberSize] | None = None) -> Genes:
    """The genes of a space.

    Args:
        space: the search space.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member may lead.
    """
    names = [spec.name for spec in space.pool]
    limits = _limits(space, names, sizes or {})
    wanted = space.genome.leads if space.genome.leads is not None else tuple(names)
    leads = tuple(index for index, name in enumerate(names) if name in wanted and limits.allow([index]))
    if not leads:
        raise _too_tight(space, [index for index, name in enumerate(names) if name in wanted], limits)
    return Genes(
        pool=len(names),
        spans=_spans(space),
        leads=leads,
        rules=tuple(dict.fromkeys(space.genome.rules)),
        samples=tuple(sorted(set(space.genome.samples))),
        gates=space.genome.gates,
        limits=limits,
    )


def _spans(space: SearchSpace) -> dict[GeneName, GeneRange]:
    genome = space.genome
    low, high = genome.open_share
    share = GeneRange(max(low, min(LEAST_SHARE, high)) if high > 0 else 0.0, high, "log")
    if not genome.gates:
        share = GeneRange(1.0, 1.0, "log")
    elif low < high:
        share = GeneRange(share.low, high, "log", ((1.0, ALWAYS), (0.0, NEVER)) if high == 1 else ((0.0, NEVER),))
    ends = tuple((end, INFINITE) for end in genome.alpha if math.isinf(end))
    return {
        "weight": GeneRange(*genome.weight, "log"),
        "temperature": GeneRange(*genome.temperature, "log"),
        "open_share": share,
        "alpha": GeneRange(*genome.alpha, "squash" if ends else "linear", ends),
        "beta": GeneRange(*genome.beta, "linear", ((0.0, UNSHARPENED),) if genome.beta[0] == 0 else ()),
        "contrast": GeneRange(*genome.contrast, "linear"),
        "sampling_temperature": GeneRange(*genome.sampling_temperature, "log"),
    }


def _limits(space: SearchSpace, names: Sequence[str], sizes: Mapping[str, MemberSize]) -> Limits:
    genome = space.genome
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


def _too_tight(space: SearchSpace, wanted: Sequence[int], limits: Limits) -> SpaceError:
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
