"""What holds for every rule as an object: parameters, words, files, and no torch to read it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest

from evoswarm.fusion import BETA, GATING, RULES, Parameter, parameters_of
from evoswarm.policies.mix import Fusion, Recipe
from evoswarm.space.genome_settings import GenomeSettings
from tests import oracle
from tests.decoding.recipes import recipe

PARAMETERS = parameters_of(RULES)
OPTIONAL = [parameter for parameter in PARAMETERS.values() if parameter.optional]


def test_the_oracle_defines_every_rule() -> None:
    assert oracle.RULES.keys() == RULES.keys()


def test_rules_can_be_read_without_torch() -> None:
    read = "import sys, evoswarm.fusion.fields, evoswarm.policies, evoswarm.space; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", read], check=False).returncode == 0


@pytest.mark.parametrize("rule", RULES)
def test_a_name_is_one_parameter_in_every_rule(rule: str) -> None:
    for parameter in RULES[rule].tuned_by:
        assert PARAMETERS[parameter.name] is parameter
        assert parameter.name not in {*GenomeSettings.model_fields, *Fusion.model_fields}
        assert parameter.file_key not in {*GenomeSettings.model_fields, *Fusion.model_fields}


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS)
def test_values_of_a_parameter_are_in_its_bounds(parameter: Parameter) -> None:
    low, high = parameter.searched
    assert parameter.at_least <= low < high <= parameter.at_most
    assert parameter.at_least <= parameter.default <= parameter.at_most
    assert low <= parameter.first <= high
    assert all(low <= value <= high for value, _ in parameter.atoms)
    for value in (low, high, parameter.default, *([math.inf, -math.inf] if parameter.infinite else [])):
        assert parameter.read(json.loads(json.dumps(parameter.written(value), allow_nan=False))) == value


@pytest.mark.parametrize("rule", RULES)
def test_words_tell_parameters_that_matter_and_no_others(rule: str) -> None:
    def words(**values: float) -> str:
        made = recipe("llama-a", "opt-g", fusion=Fusion(rule=rule, **values))
        return next(line for line in made.words() if line.startswith("Fusion: "))

    used = [one.name for one in RULES[rule].parameters]
    for parameter in PARAMETERS.values():
        low, high = parameter.searched
        above = {parameter.under: PARAMETERS[parameter.under].searched[1]} if parameter.under in used else {}
        if parameter in GATING:  # which are told where gates are
            continue
        said = {words(**above, **{parameter.name: low + share * (high - low)}) for share in (0.25, 0.5, 0.75)}
        assert len(said) == (3 if parameter.name in used else 1), parameter.name
    assert words().endswith(".")
    assert ("sharpened" in words(beta=1.0)) == (BETA in RULES[rule].parameters)


@pytest.mark.parametrize("rule", RULES)
def test_files_of_version_1_name_the_same_keys_under_every_rule(rule: str) -> None:
    made = recipe("llama-a", "opt-g", fusion=Fusion(rule=rule))
    assert list(json.loads(made.to_json())["fusion"]) == ["rule", "alpha", "beta", "lambda"]
    assert Recipe.from_json(made.to_json()) == made


@pytest.mark.parametrize("rule", RULES)
def test_what_is_optional_stands_in_files_where_it_is_not_the_default(rule: str) -> None:
    """And only there, so that the recipes and spaces of before are the same ones."""
    gated: Any = {"thresholds": (0.0, 0.5)}
    plain = recipe("llama-a", "opt-g", fusion=Fusion(rule=rule), **gated)
    assert PARAMETERS.keys() >= {one.name for one in OPTIONAL} >= {"gamma", "decay"}
    for parameter in OPTIONAL:
        high = parameter.searched[1]
        at_all = {parameter.under: PARAMETERS[parameter.under].searched[1]} if parameter.under else {}
        without = recipe("llama-a", "opt-g", fusion=Fusion(rule=rule, **at_all), **gated)
        made = recipe("llama-a", "opt-g", fusion=Fusion(rule=rule, **at_all, **{parameter.name: 0.75 * high}), **gated)
        used = parameter in RULES[rule].tuned_by
        assert (parameter.file_key in json.loads(made.to_json())["fusion"]) == used == (made.digest != without.digest)
        assert Recipe.from_json(made.to_json()) == made
        idle = recipe("llama-a", "opt-g", fusion=Fusion(rule=rule, **{parameter.name: high}), **gated)
        assert (idle.digest == plain.digest) == (not used or bool(parameter.under) or high == parameter.default)


def test_searches_draw_what_is_optional_only_where_their_space_says_so() -> None:
    closed = GenomeSettings()
    assert not closed.model_dump(by_alias=True).keys() & {one.file_key for one in OPTIONAL}
    for parameter in OPTIONAL:
        assert closed.parameters[parameter.name] == (parameter.default, parameter.default)
        opened = GenomeSettings.model_validate({parameter.file_key: parameter.searched})
        assert opened.model_dump(by_alias=True)[parameter.file_key] == parameter.searched


def test_schemas_list_rules_and_parameters() -> None:
    for schema in (Recipe.json_schema()["$defs"]["Fusion"], GenomeSettings.model_json_schema()):
        properties = schema["properties"]
        names = properties["rule"] if "rule" in properties else properties["rules"]["items"]
        assert names["enum"] == list(RULES)
        for parameter in PARAMETERS.values():
            assert properties[parameter.file_key]["description"] == parameter.meaning
        assert "parameters" not in properties
        assert "parameters" not in schema.get("required", [])
    assert Recipe.json_schema()["$defs"]["Fusion"]["properties"]["beta"]["minimum"] == 0
