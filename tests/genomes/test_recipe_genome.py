from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.canonical import round_significant
from evoswarm.errors import RecipeError, SpaceError
from evoswarm.fusion import CONTEXT, GATING, RULES
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.mix.dormancy import dormant
from evoswarm.genomes.mix.expression import member_states, thresholds
from evoswarm.genomes.mix.genes import FIELDS, RecipeGenome
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.mix.variation import active_genes
from evoswarm.policies.alphabets import ALPHABETS
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from tests.genomes.conftest import make_calibration

SEEDS = st.integers(0, 10**6)
WILD: dict[str, Any] = {"samples": (1, 3, 5), "alpha": ("min", "max"), "gamma": (0.0, 1.0), "decay": (0.5, 1.0)}
WILD |= {one.name: one.searched for one in (*CONTEXT, *GATING)}


def alternatives(made: Any, genome: Any, gene: Any, member: Any) -> Any:
    """Other values of a gene, well beyond rounding."""
    now, genes, rng = genome.value(gene, member), made.genes, Random(0)
    if gene in genes.choices:
        return [choice for choice in genes.choices[gene] if choice != now]
    span = genes.ranges[gene]
    drawn = [atom for atom, _ in span.atoms] + [span.low, span.high] + [span.draw(rng) for _ in range(4)]
    return [value for value in drawn if round_significant(value) != round_significant(now)]


def loci(made: Any) -> Any:
    members = [(gene, member) for gene in FIELDS for member in range(made.genes.pool)]
    return members + [(gene, None) for gene in made.genes.shared]


def states_of(made: Any, genome: Any) -> Any:
    return member_states(genome, thresholds(genome, made.space, made.calibration))


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS)
def test_dormant_genes_never_change_the_digest_and_active_ones_can(
    representation: Callable[..., MixGenomes], seed: int
) -> None:
    made = representation(4, **WILD)
    genome = made.random(Random(seed))
    digest, states = made.key(genome), states_of(made, genome)
    for gene, member in loci(made):
        if gene == "lead":
            continue  # below: a new lead takes part
        keys = {made.key(genome.changed(v, gene, member)) for v in alternatives(made, genome, gene, member)}
        if dormant(genome, states, gene, member):
            assert keys <= {digest}, (gene, member, states)
        elif gene in ("open_share", "member", "rule", "samples"):
            assert keys - {digest}, (gene, member, states)
        else:
            assert digest not in keys, (gene, member, states)


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, rule=st.sampled_from(list(RULES)))
def test_the_table_holds_for_every_rule_sampled_and_greedy(
    representation: Callable[..., MixGenomes], seed: int, rule: str
) -> None:
    made = representation(3, **WILD)
    rng = Random(seed)
    genome = replace(made.random(rng), rule=rule, samples=rng.choice((1, 3))).changed(rng.choice((0.0, 1.5)), "beta")
    digest, states = made.key(genome), states_of(made, genome)
    for gene, member in loci(made):
        if gene in ("lead", "open_share", "member"):
            continue
        keys = {made.key(genome.changed(v, gene, member)) for v in alternatives(made, genome, gene, member)}
        assert (keys <= {digest}) == dormant(genome, states, gene, member), (gene, member, states)


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_equal_digests_are_equal_recipes(representation: Callable[..., MixGenomes], seed: int) -> None:
    made = representation(3, rules=("mixture", "vote"), samples=(1, 3))
    rng = Random(seed)
    genomes = [made.random(rng)]
    for _ in range(6):
        genomes.append(made.mutate(rng.choice(genomes), rng, 1.0))
    recipes = [made.express(genome) for genome in genomes]
    for one in recipes:
        for other in recipes:
            assert (one.digest == other.digest) == (one == other) == (one.to_json() == other.to_json())


def test_a_genome_expresses_what_its_genes_say(representation: Callable[..., MixGenomes]) -> None:
    made = representation(4)
    genome = RecipeGenome(
        members=(True, True, True, False),
        weights=(0.2, 0.6, 0.5, 0.9),
        temperatures=(1.0, 0.7, 2.0, 1.0),
        open_shares=(0.3, 0.25, 0.0, 1.0),
        lead=0,
        rule="power",
        parameters=(("alpha", 2.0), ("beta", 0.5), ("contrast", 0.5)),
        samples=1,
        sampling_temperature=0.7,
    )
    recipe = made.express(genome)
    assert [member.spec.name for member in recipe.members] == ["m0", "m1"]
    assert recipe.lead == "m0"
    assert [member.weight for member in recipe.members] == [0.25, 0.75]
    assert [member.threshold for member in recipe.members] == [0.0, made.calibration.threshold("m0", 0.25)]
    assert recipe.fusion == Fusion(rule="power", alpha=2.0, beta=0.5)
    assert states_of(made, genome) == ("lead", "speaking", "silent", "absent")
    asleep = replace(genome, members=(True, True, False, False))
    assert states_of(made, asleep)[2] == "asleep"
    assert made.key(asleep) == made.key(genome)


def test_without_gates_every_follower_always_speaks(representation: Callable[..., MixGenomes]) -> None:
    made = representation(3, gates=False)
    for seed in range(20):
        genome = made.random(Random(seed))
        assert all(member.threshold == 0 for member in made.express(genome).members)
        assert not any(gene == "open_share" for gene, _ in active_genes(genome, states_of(made, genome), made.genes))


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_json_reads_back_exactly(representation: Callable[..., MixGenomes], seed: int) -> None:
    made = representation(3, **WILD)
    genome = made.random(Random(seed))
    text = json.dumps(made.encode(genome), allow_nan=False)
    assert made.decode(json.loads(text)) == genome
    assert json.dumps(made.encode(made.decode(json.loads(text)))) == text


def test_json_that_is_no_genome_is_refused(representation: Callable[..., MixGenomes]) -> None:
    made = representation(3)
    data = made.encode(made.random(Random(0)))
    wrong = [{}, {**data, "extra": 1}, {**data, "members": [True]}, {**data, "lead": 3}, {**data, "rule": "sum"}]
    wrong.append({name: value for name, value in data.items() if name != "beta"})
    for broken in wrong:
        with pytest.raises(ValueError, match="expected"):
            made.decode(broken)


SIZES = {f"m{index}": MemberSize(10 * (index + 1), 2.0 * (index + 1), index + 1) for index in range(5)}


@pytest.mark.parametrize(
    ("limit", "total"),
    [
        ({"max_members": 2}, lambda names: len(names) <= 2),
        ({"max_parameters": 70}, lambda names: sum(SIZES[name].parameters for name in names) <= 70),
        ({"max_flops": 11.0}, lambda names: sum(SIZES[name].flops for name in names) <= 11.0),
        ({"max_memory_bytes": 8}, lambda names: sum(SIZES[name].memory_bytes for name in names) <= 8),
    ],
)
def test_no_operator_breaks_a_limit(representation: Callable[..., MixGenomes], limit: int, total: Any) -> None:
    made = representation(5, sizes=SIZES, **limit)  # type: ignore[arg-type]
    rng = Random(1)
    genomes = [genome for genome, _ in made.founders(rng)] + [made.random(rng) for _ in range(10)]
    for _ in range(40):
        genomes.append(made.mutate(rng.choice(genomes), rng, 2.0))
        genomes.extend(made.mate(rng.choice(genomes), rng.choice(genomes), rng))
    recipes = [made.express(genome) for genome in genomes]
    assert all(total([member.spec.name for member in recipe.members]) for recipe in recipes)
    assert any(len(recipe.members) > 1 for recipe in recipes)


def test_the_lightest_that_does_not_lead_leaves(representation: Callable[..., MixGenomes]) -> None:
    free, bound = representation(4), representation(4, max_members=2)
    genome = replace(
        free.founders(Random(0))[0][0], weights=(0.5, 0.05, 0.2, 0.4), lead=1, members=(True, True, True, True)
    )
    assert [member.spec.name for member in free.express(genome).members] == ["m0", "m1", "m2", "m3"]
    repaired = bound.genome_of(free.express(genome))
    assert repaired.members == (True, True, False, False)


def test_limits_without_sizes_and_leads_beyond_limits_are_refused(representation: Callable[..., MixGenomes]) -> None:
    with pytest.raises(SpaceError, match=r"genome\.max_parameters"):
        representation(3, max_parameters=10)
    said = r"genome\.max_parameters: expected a limit that some member meets .*, got 5: the smallest, 'm0', has 10 p"
    with pytest.raises(SpaceError, match=said):
        representation(3, sizes=SIZES, max_parameters=5)
    with pytest.raises(SpaceError, match=r"genome\.max_parameters: .* some member of genome\.leads .* 'm2', has"):
        representation(3, sizes=SIZES, max_parameters=10, leads=["m2"])
    with pytest.raises(SpaceError, match=r"and who meets it breaks another limit"):
        representation(2, {"m0": MemberSize(1, 2.0, 1), "m1": MemberSize(2, 1.0, 1)}, max_parameters=1, max_flops=1.0)
    assert representation(3, sizes=SIZES, max_parameters=10).genes.leads == (0,)


def test_founders(representation: Callable[..., MixGenomes]) -> None:
    made = representation(3)
    founders = made.founders(Random(0))
    names = ["uniform", "single:m0", "single:m1", "single:m2", "gated:m0", "gated:m1", "gated:m2"]
    assert [name for _, name in founders] == names
    recipes = {name: made.express(genome) for genome, name in founders}
    assert [member.weight for member in recipes["uniform"].members] == [0.333333] * 3
    assert all(member.threshold == 0 and member.temperature == 1 for member in recipes["uniform"].members)
    assert [member.spec.name for member in recipes["single:m1"].members] == ["m1"]
    gated = recipes["gated:m2"]
    assert gated.lead == "m2"
    assert [m.threshold > 0 for m in gated.members] == [True, True, False]
    assert [name for _, name in representation(3, max_members=2).founders(Random(0))] == names[1:4]
    assert [name for _, name in representation(3, leads=("m1",)).founders(Random(0))] == [
        "uniform",
        "single:m1",
        "gated:m1",
    ]


def warm(made: Any, seed: Any) -> Any:
    return made.express(made.random(Random(seed)))


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_recipes_become_genomes_that_express_them(representation: Callable[..., MixGenomes], seed: int) -> None:
    made = representation(4, weight=(0.001, 1.0), **WILD)
    recipe = warm(made, seed)
    again = made.express(made.genome_of(recipe))
    assert again.digest == recipe.digest


def test_warm_starts_come_first_and_come_near(representation: Callable[..., MixGenomes]) -> None:
    other = representation(4)
    recipe = warm(other, 3)
    made = representation(4, warm_start={"old": recipe})
    genome, name = made.founders(Random(0))[0]
    assert name == "warm_start:old"
    assert made.express(genome).lead == recipe.lead
    narrow = representation(4, warm_start={"old": recipe}, temperature=(1.0, 1.0), rules=("product",))
    expressed = narrow.express(narrow.founders(Random(0))[0][0])
    assert {member.temperature for member in expressed.members} == {1.0}
    assert expressed.fusion.rule in ("product", "mixture" if len(expressed.members) == 1 else "product")


def test_a_recipe_with_a_member_that_the_pool_lacks_is_refused(representation: Callable[..., MixGenomes]) -> None:
    stranger = RecipeMember.model_validate({"spec": {"name": "stranger", "path": "elsewhere"}})
    with pytest.raises(RecipeError, match=r"m0, m1.*'stranger'"):
        representation(2, warm_start={"it": Recipe(members=(stranger,), lead="stranger")})


def test_infinite_exponents_are_reached(representation: Callable[..., MixGenomes]) -> None:
    made = representation(2, rules=("power",), alpha=("min", "max"))
    drawn = {made.random(Random(seed)).value("alpha") for seed in range(60)}
    assert {math.inf, -math.inf} < drawn
    assert all(not math.isnan(alpha) for alpha in drawn)


def test_every_field_of_a_genome_is_a_gene(representation: Callable[..., MixGenomes]) -> None:
    made = representation(2, alphabets=("bytes", "common"))
    assert {field.name for field in fields(RecipeGenome)} == {
        *FIELDS.values(),
        *made.genes.shared,
        "parameters",
    } - set(made.genes.parameters)


def test_open_shares_are_of_the_steps_of_the_genomes_alphabet(representation: Callable[..., MixGenomes]) -> None:
    made = representation(3, alphabets=("bytes", "common"))
    gated = replace(made.founders(Random(0))[0][0], open_shares=(1.0, 0.2, 0.2), lead=0)
    in_bytes, in_common = (made.express(gated.changed(one, "alphabet")) for one in ("bytes", "common"))
    tables = {one: make_calibration(3, alphabet=one) for one in ALPHABETS}
    for recipe in (in_bytes, in_common):
        expected = tables[recipe.alphabet].threshold("m0", 0.2)
        assert [member.threshold for member in recipe.members] == [0.0, expected, expected]
    assert in_bytes.members[1].threshold < in_common.members[1].threshold


def test_a_gate_of_another_alphabet_keeps_its_share_not_its_nats(representation: Callable[..., MixGenomes]) -> None:
    old = representation(3)
    gated = replace(old.founders(Random(0))[0][0], open_shares=(1.0, 0.2, 0.2), lead=0)
    made = representation(3, warm_start={"old": old.express(gated)}, alphabets=("common",))
    founder = made.founders(Random(0))[0][0]
    assert founder.open_shares[1] == pytest.approx(0.2, abs=0.01)
    tables = {one: make_calibration(3, alphabet=one) for one in ("bytes", "common")}
    nats = made.express(founder).members[1].threshold
    assert nats == tables["common"].threshold("m0", founder.open_shares[1])
    assert nats != tables["bytes"].threshold("m0", 0.2)
