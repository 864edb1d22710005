"""Every kind of genome keeps the same contract; a new kind joins by its entry in GENOMES."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from evoswarm.errors import RecipeError, SpaceError
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings
from evoswarm.genomes import GENOMES, Material, PolicyGenomes, check_kind, genomes_of
from evoswarm.genomes.plain import single
from evoswarm.policies import KINDS, Policy
from evoswarm.policies.alphabets import AlphabetName
from tests.genomes.conftest import make_calibration, make_space

SIZE = 4
every_kind = pytest.mark.parametrize("kind", GENOMES)


def made(kind: str, warm_start: dict[str, Policy] | None = None, **genome: Any) -> PolicyGenomes[Any, Any]:
    space = make_space(SIZE, genome={"kind": kind, "samples": (1, 3), **genome})
    return genomes_of(Material(space, {}, warm_start or {}, lambda alphabet: make_calibration(SIZE, alphabet=alphabet)))


def population(genomes: PolicyGenomes[Any, Any], count: int = 40) -> list[Any]:
    """Founders, draws, children and mutants."""
    rng = Random(3)
    found = [founder for founder, _ in genomes.founders(rng)] + [genomes.random(rng) for _ in range(9)]
    for _ in range(count):
        found.append(genomes.mutate(rng.choice(found), rng, 2.0))
        found.extend(genomes.mate(rng.choice(found), rng.choice(found), rng))
    return found


@every_kind
def test_genomes_express_policies_of_their_kind(kind: str) -> None:
    genomes = made(kind)
    for genome in population(genomes):
        policy = genomes.express(genome)
        assert (policy.kind, genomes.key(genome)) == (kind, policy.digest)
        assert isinstance(policy, KINDS[kind])


@every_kind
@pytest.mark.parametrize(
    "limits", [{}, {"max_members": 2}, {"weight": (0.5, 0.5), "samples": (1,)}, {"alphabets": ("common", "bytes")}]
)
def test_what_is_bred_is_allowed(kind: str, limits: dict[str, Any]) -> None:
    genomes = made(kind, **limits)
    assert all(genomes.allows(genomes.express(genome)) for genome in population(genomes))


@every_kind
def test_genomes_survive_a_file_to_the_bit(kind: str) -> None:
    genomes = made(kind)
    for genome in population(genomes):
        assert genomes.decode(json.loads(json.dumps(genomes.encode(genome)))) == genome
    with pytest.raises(ValueError, match="expected the genes of"):
        genomes.decode({"colour": [1]})


@every_kind
def test_a_mutation_changes_the_policy_and_leaves_the_parent(kind: str) -> None:
    genomes, rng = made(kind), Random(1)
    for genome in population(genomes):
        before = genomes.encode(genome)
        assert genomes.key(genomes.mutate(genome, rng, 1.0)) != genomes.key(genome)
        assert genomes.encode(genome) == before


@every_kind
def test_distance_is_a_distance(kind: str) -> None:
    genomes = made(kind)
    some = population(genomes, 8)
    for one in some:
        assert genomes.distance(one, one) == 0.0
        for other in some:
            assert 0.0 <= genomes.distance(one, other) == genomes.distance(other, one) <= 1.0


@every_kind
def test_the_same_chance_gives_the_same_genomes_and_global_chance_is_left_alone(kind: str) -> None:
    state = random.getstate()
    assert population(made(kind)) == population(made(kind))
    assert random.getstate() == state


@every_kind
def test_every_point_of_the_box_is_a_genome_and_genomes_come_back(kind: str) -> None:
    genomes = made(kind)
    box, rng = genomes.coordinates, Random(0)
    for genome in population(genomes):
        point = box.encode(genome)
        assert list(point) == [dimension.name for dimension in box.dimensions]
        again = genomes.express(box.decode(point))
        assert [spec.name for spec in again.specs] == [spec.name for spec in genomes.express(genome).specs]
    for _ in range(50):
        anywhere = {one.name: rng.choice(one.choices) if one.choices else rng.random() for one in box.dimensions}
        assert genomes.allows(genomes.express(box.decode(anywhere)))
    assert genomes.allows(genomes.express(box.decode({})))


@every_kind
def test_what_sleeps_changes_nothing_and_something_is_awake(kind: str) -> None:
    genomes, rng = made(kind), Random(4)
    box = genomes.coordinates
    choices = {dimension.name: dimension.choices for dimension in box.dimensions}
    slept = 0
    for drawn in population(genomes, 12):
        genome = box.decode(box.encode(drawn))
        point, asleep = box.encode(genome), genomes.asleep(genome)
        assert asleep < choices.keys()
        slept += len(asleep)
        for name in asleep:
            other = rng.choice(choices[name]) if choices[name] else rng.random()
            assert genomes.key(box.decode({**point, name: other})) == genomes.key(box.decode(point)), name
    assert slept


@every_kind
def test_who_takes_part_is_who_the_policy_names(kind: str) -> None:
    genomes = made(kind)
    names = [spec.name for spec in genomes.space.pool]
    for genome in population(genomes):
        told = [names[member] for member in genomes.takes_part(genome)]
        assert told == sorted((spec.name for spec in genomes.express(genome).specs), key=names.index)


@every_kind
def test_values_are_those_of_the_coordinates_in_their_own_units(kind: str) -> None:
    genomes = made(kind)
    choices = {dimension.name: dimension.choices for dimension in genomes.coordinates.dimensions}
    assert set(genomes.ranges) == {name for name, known in choices.items() if not known}
    for genome in population(genomes, 8):
        values, point = genomes.values(genome), genomes.coordinates.encode(genome)
        assert list(values) == list(choices)
        for name, value in values.items():
            if choices[name]:
                assert value == point[name]
            else:
                assert genomes.ranges[name].quantile(float(value)) == point[name]
                assert genomes.ranges[name].nearest(float(value)) == value


@every_kind
def test_the_plainest_are_every_member_alone_and_all_alike(kind: str) -> None:
    genomes = made(kind)
    plain = genomes.plain()
    assert [name for name, _ in plain[:-1]] == [f"member m{index}" for index in range(SIZE)]
    assert [len(policy.specs) for _, policy in plain] == [1] * SIZE + [SIZE]
    assert all(policy.kind == kind for _, policy in plain)


@every_kind
def test_a_search_may_begin_with_a_policy_of_its_kind_only(kind: str) -> None:
    genomes = made(kind)
    for genome in population(genomes, 10):
        policy = genomes.express(genome)
        first, name = made(kind, {"mine": policy}).founders(Random(0))[0]
        assert name == "warm_start:mine"
        assert [spec.name for spec in genomes.express(first).specs] == [spec.name for spec in policy.specs]
    other = next(one for one in GENOMES if one != kind)
    with pytest.raises(RecipeError, match=f"expected a {kind} .* got a {other}: mine"):
        made(kind, {"mine": made(other).plain()[-1][1]})


def alphabets_of(policy: Policy) -> set[str]:
    return {recipe.alphabet for recipe in policy.mixes("sums")}


BOTH: tuple[AlphabetName, ...] = ("common", "bytes")


@every_kind
def test_the_alphabet_is_a_gene_where_the_space_says_so(kind: str) -> None:
    genomes = made(kind, alphabets=BOTH)
    bred = population(genomes)
    seen = set().union(*(alphabets_of(genomes.express(genome)) for genome in bred))
    assert seen == set(BOTH)
    assert all(alphabets_of(policy) == {"common"} for _, policy in genomes.plain()), "plain ones are in the first"
    assert all(alphabets_of(genomes.express(genome)) == {"common"} for genome, _ in genomes.founders(Random(0)))
    assert any("alphabet" in dimension.name for dimension in genomes.coordinates.dimensions)
    for genome in bred:
        assert genomes.decode(json.loads(json.dumps(genomes.encode(genome)))) == genome
        point = genomes.coordinates.encode(genome)
        assert alphabets_of(genomes.express(genomes.coordinates.decode(point))) == alphabets_of(genomes.express(genome))
    rng = Random(5)
    mutants = [(genome, genomes.mutate(genome, rng, 1.0)) for genome in bred]
    assert all(one != other for one, other in mutants)
    # Two small open shares may lie between the same two entropies, and are one threshold then.
    assert sum(genomes.key(one) != genomes.key(other) for one, other in mutants) >= 0.9 * len(mutants)
    assert any(alphabets_of(genomes.express(one)) != alphabets_of(genomes.express(other)) for one, other in mutants)
    assert any(genomes.distance(one, other) > 0 for one, other in mutants)


@every_kind
def test_without_that_gene_genomes_are_what_they_were(kind: str) -> None:
    """Runs of before are replayed line by line, so neither files nor chance may change."""
    genomes, one = made(kind), made(kind, alphabets=("common",))
    assert all("alphabet" not in text for genome in population(genomes) for text in genomes.encode(genome))
    assert population(genomes) == population(one)
    assert all(alphabets_of(one.express(genome)) == {"common"} for genome in population(one))
    assert not any("alphabet" in dimension.name for dimension in genomes.coordinates.dimensions)


@every_kind
def test_a_warm_start_keeps_its_alphabet_where_the_space_has_it(kind: str) -> None:
    for genome in population(made(kind), 10):
        policy = made(kind).express(genome)
        for alphabets, expected in ((BOTH, "bytes"), (("common",), "common"), (("common", "tokens"), "common")):
            genomes = made(kind, {"mine": policy}, alphabets=alphabets)
            assert alphabets_of(genomes.express(genomes.founders(Random(0))[0][0])) == {expected}


@every_kind
def test_an_archipelago_breeds_them(kind: str) -> None:
    genomes = made(kind)
    island = IslandSettings(population=6)
    archipelago = Archipelago(ArchipelagoSettings(islands=(island,) * 2), genomes, seed=0)

    def worth(genome: Any) -> float:
        return sum(spec.name in ("m1", "m3") for spec in genomes.express(genome).specs) / 2

    for _ in range(4):
        archipelago.tell([one.scored([worth(one.genome)]) for one in archipelago.ask()])
    assert max(one.objectives[0] for one in archipelago.archive.individuals) == 1.0


def test_an_unknown_kind_is_refused_by_name(space: Callable[..., Any]) -> None:
    with pytest.raises(SpaceError, match="expected one of mix, vote, route, got 'chorus'"):
        check_kind(space(2, genome={"kind": "chorus"}))


def test_single_members_of_a_space_are_plain_recipes(space: Callable[..., Any]) -> None:
    small = space(2)
    assert single(small, small.pool[1]).words() == [
        "m1 alone.",
        "Alphabet bytes: a step is one byte.",
        "One greedy answer.",
    ]
