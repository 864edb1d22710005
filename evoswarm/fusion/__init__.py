"""Fusion rules: how the distributions of the members that speak become one.

A new rule is a file with a `FusionRule`, a line in `RULES`, and its definition once more, as plainly as it can be put,
in ``tests/oracle.py``. Recipes, digests, genomes, search spaces, schemas and words derive from the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from evoswarm.fusion.context import CONTEXT, GATE_INSIDE, GATE_MARGIN, GATING, AnswerSoFar
from evoswarm.fusion.contrast import Contrast
from evoswarm.fusion.credibility import DECAY, GAMMA, gains
from evoswarm.fusion.mixture import Mixture
from evoswarm.fusion.most_confident import MostConfident
from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.power import Power
from evoswarm.fusion.product import Product
from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.sharpening import BETA
from evoswarm.fusion.speakers import Speakers
from evoswarm.fusion.vote import SymbolVote
from evoswarm.fusion.weighing import WEIGHING

__all__ = [
    "BETA",
    "CONTEXT",
    "DECAY",
    "GAMMA",
    "GATE_INSIDE",
    "GATE_MARGIN",
    "GATING",
    "RULES",
    "WEIGHING",
    "AnswerSoFar",
    "FusionRule",
    "Parameter",
    "Speakers",
    "gains",
    "parameters_of",
]

RULES: dict[str, FusionRule] = {
    "mixture": Mixture(),
    "product": Product(),
    "power": Power(),
    "most_confident": MostConfident(),
    "vote": SymbolVote(),
    "contrast": Contrast(),
}


def parameters_of(rules: Iterable[str]) -> Mapping[str, Parameter]:
    """The parameters of files and searches with these rules, by name, in alphabetical order."""
    return _parameters_of(tuple(RULES.values()), tuple(RULES[rule] for rule in rules))


@lru_cache(maxsize=64)
def _parameters_of(known: Sequence[FusionRule], asked: Sequence[FusionRule]) -> Mapping[str, Parameter]:
    """Found once for all rules that there are: a search digests recipes by the ten thousands."""
    found = [parameter for rule in known for parameter in rule.parameters if parameter.everywhere]
    found += [parameter for rule in asked for parameter in rule.tuned_by]
    return MappingProxyType({parameter.name: parameter for parameter in sorted(found, key=lambda one: one.name)})
