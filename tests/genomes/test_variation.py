from __future__ import annotations

import math
import random
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.canonical import round_significant
from evoswarm.genomes.gene_range import GeneRange, cross
from evoswarm.genomes.mix.expression import member_states, thresholds
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.mix.variation import active_genes, mutate

SEEDS = st.integers(0, 10**6)
SPANS = st.sampled_from(
    [
        GeneRange(0.02, 1.0, "log"),
        GeneRange(0.005, 1.0, "log", ((1.0, 0.35), (0.0, 0.05))),
        GeneRange(-4.0, 4.0),
        GeneRange(-math.inf, math.inf, "squash", ((-math.inf, 0.1), (math.inf, 0.1))),
        GeneRange(1.0, math.inf, "squash", ((math.inf, 0.1),)),
        GeneRange(0.0, 4.0, "linear", ((0.0, 0.5),)),
    ]
)
RANGES = {
    "weight": (0.1, 0.5),
    "temperature": (0.5, 2.0),
    "open_share": (0.1, 0.9),
    "alpha": (0.5, 3.0),
    "beta": (0.2, 1.0),
    "lambda": (0.1, 0.4),
    "sampling_temperature": (0.6, 0.9),
    "samples": (1, 4),
    "rules": ("power", "contrast"),
    "leads": ("m1", "m3"),
}


def allowed(span: Any, value: Any) -> Any:
    return span.low <= value <= span.high or span.is_atom(value)


def changes(before: Any, after: Any) -> Any:
    """How many genes differ; a new lead's bit is part of the lead."""
    rows = ("weights", "temperatures", "open_shares")
    count = sum(a != b for row in rows for a, b in zip(getattr(before, row), getattr(after, row), strict=True))
    led = before.lead != after.lead
    bits = zip(before.members, after.members, strict=True)
    count += sum(a != b and not (led and index == after.lead) for index, (a, b) in enumerate(bits))
    shared = ("rule", *dict(before.parameters), "samples", "sampling_temperature")
    return count + led + sum(before.value(name) != after.value(name) for name in shared)


@settings(deadline=None)
@given(span=SPANS, seed=SEEDS)
def test_draws_mutants_and_children_stay_in_range_and_mutants_differ(span: Any, seed: int) -> None:
    rng = Random(seed)
    first, second = span.draw(rng), span.draw(rng)
    mutant = span.mutate(first, rng)
    assert round_significant(mutant) != round_significant(first)
    (one,), (two,) = cross([span], [first], [second], rng)
    assert all(allowed(span, value) for value in (first, second, mutant, one, two))
    if span.is_atom(first) or span.is_atom(second):
        assert {one, two} == {first, second}
    assert cross([span], [first], [first], rng) == ([first], [first])


def test_pinned_genes_do_not_move() -> None:
    for pinned in (
        GeneRange(0.5, 0.5, "log", ((1.0, 0.5),)),
        GeneRange(math.inf, math.inf, "squash"),
        GeneRange(1.0, 1.0 + 1e-12),
    ):
        rng = Random(0)
        value = pinned.draw(rng)
        assert value == pinned.low == pinned.mutate(value, rng)
        assert pinned.pinned


def test_logarithmic_genes_are_drawn_evenly_on_their_scale() -> None:
    drawn = sorted(GeneRange(0.01, 1.0, "log").draw(rng) for rng in [Random(0)] for _ in range(2000))
    assert drawn[1000] == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("genome", [{}, RANGES, {"gates": False, "samples": (1, 3)}])
def test_operators_respect_the_ranges_of_the_space(representation: Callable[..., MixGenomes], genome: Any) -> None:
    made = representation(4, **genome)
    rng, spans = Random(2), made.genes.ranges
    genomes = [made.random(rng) for _ in range(10)] + [founder for founder, _ in made.founders(rng)]
    for _ in range(60):
        genomes.append(made.mutate(rng.choice(genomes), rng, 3.0))
        genomes.extend(made.mate(rng.choice(genomes), rng.choice(genomes), rng))
    for one in genomes:
        assert all(allowed(spans["weight"], value) for value in one.weights)
        assert all(allowed(spans["temperature"], value) for value in one.temperatures)
        assert all(allowed(spans["open_share"], value) for value in one.open_shares)
        for name in (*made.genes.parameters, "sampling_temperature"):
            assert allowed(spans[name], one.value(name)), name
        assert one.lead in made.genes.leads
        assert one.members[one.lead]
        assert one.rule in made.genes.rules
        assert one.samples in made.genes.samples


def test_a_range_of_equal_ends_pins_a_gene(representation: Callable[..., MixGenomes]) -> None:
    pins = {"weight": (0.5, 0.5), "temperature": (1.0, 1.0), "open_share": (0.2, 0.2), "beta": (0.0, 0.0)}
    made = representation(4, rules=("mixture",), leads=("m2",), **pins)
    rng, genome = Random(0), made.random(Random(0))
    for _ in range(30):
        genome = made.mutate(genome, rng, 3.0)
        assert set(genome.weights) == {0.5}
        assert set(genome.open_shares) == {0.2}
        assert genome.value("beta") == 0.0
        assert genome.lead == 2
        assert genome.rule == "mixture"
        assert set(genome.temperatures) == {1.0}
    lonely = representation(1, rules=("mixture",), **pins)
    only = lonely.random(rng)
    assert lonely.mutate(only, rng, 2.0) == only  # nothing to change, and no endless loop


@pytest.mark.parametrize("mean", [1.0, 2.0, 3.5])
def test_mutation_changes_so_many_active_genes_on_average(representation: Callable[..., MixGenomes], mean: Any) -> None:
    made = representation(6, samples=(1, 3))
    rng, counts = Random(5), []
    for _ in range(500):
        genome = made.random(rng)
        states = member_states(genome, thresholds(genome, made.space, made.calibration))
        if len(active_genes(genome, states, made.genes)) >= 6:
            counts.append(changes(genome, mutate(genome, states, made.genes, rng, mean)))
    assert min(counts) == 1
    assert sum(counts) / len(counts) == pytest.approx(mean, rel=0.06)


def test_a_mutation_of_one_gene_changes_the_recipe(representation: Callable[..., MixGenomes]) -> None:
    made = representation(4)
    rng = Random(3)
    same = 0
    for _ in range(200):
        genome = made.random(rng)
        same += made.key(made.mutate(genome, rng, 1.0)) == made.key(genome)
    assert same < 20  # a share may move within the gap between two entropies


def test_crossover_moves_members_as_blocks_and_blends_what_both_have(representation: Callable[..., MixGenomes]) -> None:
    made = representation(6)
    rng = Random(4)
    blended = 0
    for _ in range(40):
        first, second = made.random(rng), made.random(rng)
        one, _ = made.mate(first, second, rng)
        for index in range(6):
            block = (one.weights[index], one.temperatures[index], one.open_shares[index])
            parents = [(p.weights[index], p.temperatures[index], p.open_shares[index]) for p in (first, second)]
            if not (first.members[index] and second.members[index]):
                assert block in parents
            blended += block not in parents
        assert one.rule in (first.rule, second.rule)
        assert one.lead in (first.lead, second.lead)
    assert blended > 10
    child, twin = made.mate(first, first, rng)
    assert child == twin == first


def test_operators_repeat_by_seed_and_leave_global_chance_and_parents_alone(
    representation: Callable[..., MixGenomes],
) -> None:
    made = representation(4)
    first, second = made.random(Random(1)), made.random(Random(2))
    kept = made.encode(first)
    random.seed(7)
    before = random.getstate()
    children = made.mate(first, second, Random(3)), made.mutate(first, Random(3), 2.0)
    assert random.getstate() == before
    random.seed(8)
    assert children == (made.mate(first, second, Random(3)), made.mutate(first, Random(3), 2.0))
    assert made.encode(first) == kept


@settings(deadline=None, max_examples=40)
@given(seed=SEEDS)
def test_distance_is_symmetric_zero_to_itself_and_at_most_one(
    representation: Callable[..., MixGenomes], seed: int
) -> None:
    made = representation(4, alpha=("min", "max"))
    rng = Random(seed)
    first, second = made.random(rng), made.random(rng)
    assert made.distance(first, first) == 0
    assert 0 <= made.distance(first, second) == made.distance(second, first) <= 1


def test_random_recipes_prefer_few_members(representation: Callable[..., MixGenomes]) -> None:
    made = representation(8)
    sizes = [len(made.express(made.random(Random(seed))).members) for seed in range(300)]
    assert sizes.count(2) > sizes.count(4) > 0
    assert sizes.count(1) < 120
