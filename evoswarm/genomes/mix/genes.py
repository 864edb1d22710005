"""The recipe genome, and what its genes may be in a search space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from evoswarm.fusion import RULES, Parameter, parameters_of
from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.limits import Limits, MemberSize, limits_of, too_tight
from evoswarm.policies.alphabets import ALPHABETS, AlphabetName
from evoswarm.space import SearchSpace

LEAST_SHARE = 0.005  # of open shares above 0
ALWAYS = 0.35  # chance that a draw of an open share is 1
NEVER = 0.05  # chance that it is 0
INFINITE = 0.1  # chance of each infinite end of a parameter
AS_FUSED = 0.25  # chance of a sampling temperature of exactly 1, at which a mixture costs one member a step

FIELDS: Mapping[str, str] = {
    "member": "members",
    "weight": "weights",
    "temperature": "temperatures",
    "open_share": "open_shares",
}
"""Fields of a genome by the gene that each member has."""


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
        parameters: (name, value) pairs of the fusion rules' parameters, in alphabetical order; the optional ones that
            the space does not open are not among them.
        samples: answers per item.
        sampling_temperature: used when samples > 1.
        alphabet: of the recipe, where the space has several; else None.
    """

    members: tuple[bool, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    open_shares: tuple[float, ...]
    lead: int
    rule: str
    parameters: tuple[tuple[str, float], ...]
    samples: int
    sampling_temperature: float
    alphabet: AlphabetName | None = None

    def __post_init__(self) -> None:
        sizes = {len(self.members), len(self.weights), len(self.temperatures), len(self.open_shares)}
        if len(sizes) != 1 or not 0 <= self.lead < len(self.members):
            raise ValueError(f"expected genes for the same members and a lead among them, got {self}")
        if self.rule not in RULES:
            raise ValueError(f"expected a rule of {', '.join(RULES)}, got {self.rule!r}")
        if self.alphabet not in (None, *ALPHABETS):
            raise ValueError(f"expected an alphabet of {', '.join(ALPHABETS)}, got {self.alphabet!r}")
        needed = {name for name, one in parameters_of([self.rule]).items() if not one.optional}
        lacking = needed - dict(self.parameters).keys()
        if lacking:
            raise ValueError(f"expected a value of {min(lacking)!r}, got {self}")

    def value(self, gene: str, member: int | None = None) -> Any:
        """The value of a gene: of a member, or one that all share."""
        if member is not None:
            return getattr(self, FIELDS[gene])[member]
        values = dict(self.parameters)
        return values[gene] if gene in values else getattr(self, gene)

    def changed(self, value: Any, gene: str, member: int | None = None) -> RecipeGenome:
        """The genome with another value of a gene."""
        change: dict[str, Any] = {gene: value}
        if member is not None:
            row = getattr(self, FIELDS[gene])
            change = {FIELDS[gene]: (*row[:member], value, *row[member + 1 :])}
        elif gene in dict(self.parameters):
            change = {"parameters": tuple({**dict(self.parameters), gene: value}.items())}
        return replace(self, **change)

    def to_dict(self) -> dict[str, Any]:
        """The genome as JSON data, each parameter beside the other genes; infinities are "max" and "min"."""
        data: dict[str, Any] = {}
        known = parameters_of(RULES)
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if name == "parameters":
                data |= {gene: known[gene].written(number) for gene, number in value}
            elif name != "alphabet" or value is not None:
                data[name] = list(value) if isinstance(value, tuple) else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RecipeGenome:
        """Read what :meth:`to_dict` wrote, exactly.

        Raises:
            ValueError: the data is no genome.
        """
        known = parameters_of(RULES)
        parameters = tuple((name, known[name].read(data[name])) for name in known if name in data)
        others = {name: value for name, value in data.items() if name not in known}
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in others.items()}
        try:
            return cls(**values, parameters=parameters)
        except TypeError as error:
            raise ValueError(f"expected the genes of a recipe, got: {error}") from None


@dataclass(frozen=True)
class Genes:
    """What each gene of a space may be.

    Attributes:
        pool: how many members.
        ranges: of the continuous genes.
        parameters: names of the fusion rules' parameters among them, in alphabetical order.
        leads: indices of members that may lead (and are within the limits on their own).
        rules: names of rules.
        samples: numbers of answers.
        alphabets: to choose from; none where the space has only one.
        gates: False: open shares are not used, every follower always speaks.
        limits: on the members of a recipe.
    """

    pool: int
    ranges: Mapping[str, GeneRange]
    parameters: tuple[str, ...]
    leads: tuple[int, ...]
    rules: tuple[str, ...]
    samples: tuple[int, ...]
    alphabets: tuple[AlphabetName, ...]
    gates: bool
    limits: Limits

    @property
    def shared(self) -> tuple[str, ...]:
        """Names of the genes that all members share."""
        genes = ("lead", "rule", *self.parameters, "samples", "sampling_temperature")
        return (*genes, "alphabet") if self.alphabets else genes

    @property
    def choices(self) -> dict[str, tuple[Any, ...]]:
        """The values of the genes that are categories."""
        choices = {"member": (False, True), "lead": self.leads, "rule": self.rules, "samples": self.samples}
        return {**choices, "alphabet": self.alphabets}

    def free(self, gene: str) -> bool:
        """Whether the space leaves the gene more than one value."""
        if gene == "member":
            return self.pool > 1
        return len(self.choices[gene]) > 1 if gene in self.choices else not self.ranges[gene].pinned


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
    opened = space.genome.parameters
    parameters = {
        name: one
        for name, one in parameters_of(space.genome.rules).items()
        if not one.optional or opened[name] != (one.default, one.default)
    }
    return Genes(
        pool=len(names),
        ranges=_ranges(space) | {name: _range(one, space) for name, one in parameters.items()},
        parameters=tuple(parameters),
        leads=leads,
        rules=tuple(dict.fromkeys(space.genome.rules)),
        samples=tuple(sorted(set(space.genome.samples))),
        alphabets=space.alphabets if len(space.alphabets) > 1 else (),
        gates=space.genome.gates,
        limits=limits,
    )


def _ranges(space: SearchSpace) -> dict[str, GeneRange]:
    genome = space.genome
    low, high = genome.open_share
    share = GeneRange(max(low, min(LEAST_SHARE, high)) if high > 0 else 0.0, high, "log")
    if not genome.gates:
        share = GeneRange(1.0, 1.0, "log")
    elif low < high:
        share = GeneRange(share.low, high, "log", ((1.0, ALWAYS), (0.0, NEVER)) if high == 1 else ((0.0, NEVER),))
    return {
        "weight": GeneRange(*genome.weight, "log"),
        "temperature": GeneRange(*genome.temperature, "log"),
        "open_share": share,
        "sampling_temperature": GeneRange(*genome.sampling_temperature, "log", _as_fused(space)),
    }


def _as_fused(space: SearchSpace) -> tuple[tuple[float, float], ...]:
    """The temperature at which a mixture can be drawn from one member a step, where the space has such recipes."""
    genome = space.genome
    low, high = genome.sampling_temperature
    linear = any(RULES[rule].linear for rule in genome.rules)
    return ((1.0, AS_FUSED),) if linear and max(genome.samples) > 1 and low < high and low <= 1.0 <= high else ()


def _range(parameter: Parameter, space: SearchSpace) -> GeneRange:
    low, high = space.genome.parameters[parameter.name]
    infinite = tuple((end, INFINITE) for end in (low, high) if math.isinf(end))
    atoms = tuple((atom, chance) for atom, chance in parameter.atoms if low <= atom <= high)
    return GeneRange(low, high, "squash" if infinite else "linear", infinite + atoms)
