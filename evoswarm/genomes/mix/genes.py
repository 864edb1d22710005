"""The recipe genome, and what its genes may be in a search space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.limits import Limits, MemberSize, limits_of, too_tight
from evoswarm.policies.mix import RULES, RuleName
from evoswarm.space import SearchSpace

LEAST_SHARE = 0.005  # of open shares above 0
ALWAYS = 0.35  # chance that a draw of an open share is 1
NEVER = 0.05  # chance that it is 0
UNSHARPENED = 0.5  # chance that a draw of beta is 0
INFINITE = 0.1  # chance of each infinite end of alpha

GeneName = Literal[
    "member",
    "weight",
    "temperature",
    "open_share",
    "lead",
    "rule",
    "alpha",
    "beta",
    "contrast",
    "samples",
    "sampling_temperature",
]

FIELDS: Mapping[str, str] = {
    "member": "members",
    "weight": "weights",
    "temperature": "temperatures",
    "open_share": "open_shares",
}  # of a genome, by the gene that each member has
MEMBER_GENES: tuple[GeneName, ...] = ("member", "weight", "temperature", "open_share")
SHARED_GENES: tuple[GeneName, ...] = ("lead", "rule", "alpha", "beta", "contrast", "samples", "sampling_temperature")


@dataclass(frozen=True)
class RecipeGenome:
    """The genes of a recipe over a pool of n members, all in natural units.

    Attributes:
        members: per member, whether it takes part.
        weights: per member, > 0.
        temperatures: per member, > 0.
        open_shares: per member, the share of the lead's steps at which it speaks: 0 never, 1 always.
        lead: index of the lead.
        rule: how distributions are fused.
        alpha: exponent of ``power``; may be infinite.
        beta: confidence sharpening.
        contrast: lambda of ``contrast``.
        samples: answers per item.
        sampling_temperature: used when samples > 1.
    """

    members: tuple[bool, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    open_shares: tuple[float, ...]
    lead: int
    rule: RuleName
    alpha: float
    beta: float
    contrast: float
    samples: int
    sampling_temperature: float

    def __post_init__(self) -> None:
        sizes = {len(self.members), len(self.weights), len(self.temperatures), len(self.open_shares)}
        if len(sizes) != 1 or not 0 <= self.lead < len(self.members):
            raise ValueError(f"expected genes for the same members and a lead among them, got {self}")
        if self.rule not in RULES:
            raise ValueError(f"expected a rule of {', '.join(RULES)}, got {self.rule!r}")

    def to_dict(self) -> dict[str, Any]:
        """The genome as JSON data; infinite exponents are the strings "max" and "min"."""
        names = {math.inf: "max", -math.inf: "min"}
        data = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {**data, "alpha": names.get(self.alpha, self.alpha)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RecipeGenome:
        """Read what :meth:`to_dict` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in data.items()}
        try:
            values["alpha"] = {"max": math.inf, "min": -math.inf}.get(values["alpha"], values["alpha"])
            return cls(**values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"expected the genes of a recipe, got: {error}") from None


@dataclass(frozen=True)
class Genes:
    """What each gene of a space may be.

    Attributes:
        pool: how many members.
        ranges: of the continuous genes.
        leads: indices of members that may lead (and are within the limits on their own).
        rules: names of rules.
        samples: numbers of answers.
        gates: False: open shares are not used, every follower always speaks.
        limits: on the members of a recipe.
    """

    pool: int
    ranges: Mapping[GeneName, GeneRange]
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
        return not self.ranges[gene].pinned


def genes_of(space: SearchSpace, sizes: Mapping[str, MemberSize] | None = None) -> Genes:
    """The genes of a space.

    Args:
        space: the search space.
        sizes: member's name -> its size; needed where the space limits parameters, FLOPs or memory.

    Raises:
        SpaceError: a limit needs sizes that are missing, or no member may lead.
    """
    names = [spec.name for spec in space.pool]
    limits = limits_of(space, sizes or {})
    wanted = space.genome.leads if space.genome.leads is not None else tuple(names)
    leads = tuple(index for index, name in enumerate(names) if name in wanted and limits.allow([index]))
    if not leads:
        raise too_tight(space, [index for index, name in enumerate(names) if name in wanted], limits)
    return Genes(
        pool=len(names),
        ranges=_ranges(space),
        leads=leads,
        rules=tuple(dict.fromkeys(space.genome.rules)),
        samples=tuple(sorted(set(space.genome.samples))),
        gates=space.genome.gates,
        limits=limits,
    )


def _ranges(space: SearchSpace) -> dict[GeneName, GeneRange]:
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
