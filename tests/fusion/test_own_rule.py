"""A rule that the package does not have: one object and its definition for the oracle, and everything knows it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from torch import Tensor

from evoswarm import Swarm, search
from evoswarm.decoding.request import Request
from evoswarm.errors import RecipeError, SpaceError
from evoswarm.fusion import BETA, RULES, FusionRule, Parameter, Speakers
from evoswarm.genomes.kinds import Material
from evoswarm.genomes.mix.dormancy import dormant
from evoswarm.genomes.mix.expression import member_states, thresholds
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.policies.mix import Fusion, Recipe
from evoswarm.space import SearchSpace
from evoswarm.zoo.catalogue import member_path
from tests import oracle
from tests.decoding.recipes import PROMPTS, SURE, recipe, spec
from tests.experiment.runs import lines
from tests.fusion.test_formulas import agrees_with_the_oracle
from tests.oracle_member import OracleMember

Micro = Callable[..., SearchSpace]

TRIM = Parameter(
    "trim",
    "share of the weight that `trimmed` leaves out at each end",
    key="cut",
    default=0.0,
    searched=(0.0, 0.4),
    at_least=0.0,
    at_most=0.45,
    start=0.25,
    atoms=((0.0, 0.3),),
)


class Trimmed(FusionRule):
    """The weighted mean of a symbol's probabilities without the lowest and the highest."""

    parameters = (TRIM, BETA)

    def fuse(self, speakers: Speakers) -> Tensor:
        probabilities, order = speakers.log_probs.exp().sort(0)
        weights = speakers.weights[..., None].expand_as(probabilities).gather(0, order)
        above = weights.cumsum(0)
        trim = speakers.parameters[TRIM.name][:, None]
        kept = _clamped(above, trim) - _clamped(above - weights, trim)
        return ((kept * probabilities).sum(0) / (1 - 2 * trim)).log()

    def phrase(self, values: Mapping[str, float]) -> str:
        return f"mean without {values[TRIM.name]:.2g} of the weight at each end"


def _clamped(share: Tensor, trim: Tensor) -> Tensor:
    return share.maximum(trim).minimum(1 - trim)


def trimmed(it: oracle.Said) -> dict[int, float]:
    """The same, plainly."""
    trim = it.parameters["trim"]

    def mean(s: int) -> float:
        above, total = 0.0, 0.0
        for probability, weight in sorted((math.exp(row[s]), it.w[i]) for i, row in it.rows.items()):
            low, high = max(above, trim), min(above + weight, 1 - trim)
            total += max(0.0, high - low) * probability
            above += weight
        return math.log(total / (1 - 2 * trim))

    return it.each(mean)


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    """The package knows the rule for the time of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RULES, "trimmed", Trimmed())
        patch.setitem(oracle.RULES, "trimmed", trimmed)
        yield


def test_the_formula_agrees_with_the_oracle() -> None:
    agrees_with_the_oracle("trimmed")


def test_it_decodes_as_the_oracle_says() -> None:
    names = ("mamba-b", "gpt2-c", "mistral-h")
    one = recipe(*names, weights=(1.0, 2.0, 0.7), fusion=Fusion(rule="trimmed", trim=0.3, beta=0.6))
    done = Swarm.load([spec(name) for name in names]).decode([Request(one, prompt, "it", 6) for prompt in PROMPTS])
    members = [OracleMember(member_path(name)) for name in names]
    said = [oracle.decode(one, members, prompt, "it", 6) for prompt in PROMPTS]
    sure = [(a, b) for a, b in zip(done, said, strict=True) if min(a.margin, b.margin) > SURE]
    assert len(sure) > len(PROMPTS) / 2
    assert all(a.samples[0].text == b.text for a, b in sure)


def test_recipes_write_read_and_digest_it() -> None:
    made = recipe("llama-a", "opt-g", fusion=Fusion(rule="trimmed", trim=0.123456789))
    assert json.loads(made.to_json())["fusion"] == {
        "rule": "trimmed", "alpha": 1.0, "beta": 0.0, "cut": 0.123457, "lambda": 0.0
    }  # fmt: skip
    assert Recipe.from_json(made.to_json()) == made
    assert made.digest != recipe("llama-a", "opt-g", fusion=Fusion(rule="trimmed", trim=0.2)).digest
    assert "Fusion: mean without 0.12 of the weight at each end." in made.words()
    assert made.parameters()["rule.trim"] == 0.123457


def test_recipes_of_other_rules_do_not_see_it() -> None:
    with_it = recipe("llama-a", "opt-g", fusion=Fusion(rule="product", trim=0.3))
    without = recipe("llama-a", "opt-g", fusion=Fusion(rule="product"))
    assert (with_it.to_json(), with_it.digest) == (without.to_json(), without.digest)
    assert "cut" not in with_it.to_json()


@pytest.mark.parametrize("value", ["0.5", '"max"', "true", "-0.1"])
def test_values_out_of_bounds_are_refused_by_name(value: str) -> None:
    text = recipe("llama-a", "opt-g", fusion=Fusion(rule="trimmed", trim=0.25)).to_json()
    with pytest.raises(RecipeError, match=r"recipe\.json: fusion\.cut: expected "):
        Recipe.from_json(text.replace('"cut": 0.25', f'"cut": {value}'), "recipe.json")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("genome.cut=[0.1, 0.6]", r"genome\.cut\.1: expected a number of at most 0\.45, got 0\.6"),
        ("genome.cut=[0.3, 0.1]", r"genome\.cut: expected \[low, high\] with low <= high, got \[0\.3, 0\.1\]"),
        ("genome.cut=0.1", r"genome\.cut: expected a list, got 0\.1"),
        ("genome.cutt=[0.1, 0.2]", r"genome\.cutt: expected a known key \(did you mean 'cut'\?\)"),
        ("genome.rules=[trimed]", r"genome\.rules\.0: expected one of mixture, .*\(did you mean trimmed\?\)"),
    ],
)
def test_spaces_check_its_key_like_any_other(micro: Micro, override: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        micro(override)


def test_spaces_without_the_rule_are_as_before(micro: Micro) -> None:
    other, own = micro("genome.rules=[mixture, vote]"), micro("genome.rules=[trimmed]")
    assert "cut" not in other.to_yaml()
    assert own.genome.parameters["trim"] == TRIM.searched
    assert "cut: [0.0, 0.4]" in own.to_yaml()
    assert "trimmed" in micro().genome.rules, "all rules, unless the space says which"


def test_its_gene_sleeps_under_other_rules(micro: Micro) -> None:
    space = micro("genome.rules=[trimmed, mixture]", "genome.gates=false", "alphabet=bytes")
    made = MixGenomes(Material(space))
    founders = {name: genome for genome, name in made.founders(Random(0))}
    genome = founders["uniform"]
    states = member_states(genome, thresholds(genome, space, made.calibration))
    for rule in ("trimmed", "mixture"):
        one = replace(genome, rule=rule)
        assert one.value("trim") == TRIM.start
        assert dormant(one, states, "trim") == (rule == "mixture")
        assert (made.key(one) == made.key(one.changed(0.1, "trim"))) == (rule == "mixture")
    drawn = {made.random(Random(seed)).value("trim") for seed in range(40)}
    assert 0.0 in drawn, "an atom is hit exactly"
    assert all(0.0 <= value <= 0.4 for value in drawn)
    assert "trim" in {one.name for one in made.coordinates.dimensions}


def test_a_search_with_it_ends_with_words_and_a_certificate(micro: Micro, tmp_path: Path) -> None:
    result = search(micro("genome.rules=[trimmed]", "genome.cut=[0.1, 0.4]"), runs=tmp_path)
    genomes = [RecipeGenome.from_dict(cast("dict[str, Any]", row["genome"])) for row in lines(result.directory)]
    assert {genome.rule for genome in genomes} == {"trimmed"}
    assert len({genome.value("trim") for genome in genomes}) > 1
    assert (result.directory / "certificate.json").exists()
    mixes = [Recipe.load(file) for file in (result.directory / "recipes").iterdir()]
    words = [line for mix in mixes for line in mix.words()]
    assert any(line.startswith("Fusion: mean without 0.") for line in words)
