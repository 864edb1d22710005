"""Fusion rules: how the distributions of the members that speak become one.

A new rule is a file with a `FusionRule`, a line in `RULES`, and its definition once more, as plainly as it can be put,
in ``tests/oracle.py``. Recipes, digests, genomes, search spaces, schemas and words derive from the object.
"""

from __future__ import annotations

from collections.abc import Iterable

from evoswarm.fusion.contrast import Contrast
from evoswarm.fusion.mixture import Mixture
from evoswarm.fusion.most_confident import MostConfident
from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.power import Power
from evoswarm.fusion.product import Product
from evoswarm.fusion.rule import FusionRule
from evoswarm.fusion.sharpening import BETA
from evoswarm.fusion.speakers import Speakers
from evoswarm.fusion.vote import SymbolVote

__all__ = ["BETA", "RULES", "FusionRule", "Parameter", "Speakers", "parameters_of"]

RULES: dict[str, FusionRule] = {
    "mixture": Mixture(),
    "product": Product(),
    "power": Power(),
    "most_confident": MostConfident(),
    "vote": SymbolVote(),
    "contrast": Contrast(),
}


def parameters_of(rules: Iterable[str]) -> dict[str, Parameter]:
    """The parameters of files and searches with these rules, by name, in alphabetical order."""
    known = [parameter for rule in RULES.values() for parameter in rule.parameters if parameter.everywhere]
    known += [parameter for rule in rules for parameter in RULES[rule].parameters]
    return {parameter.name: parameter for parameter in sorted(known, key=lambda one: one.name)}
