"""Genomes that express routes of mixes, where there are several kinds of items."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from evoswarm.errors import RecipeError
from evoswarm.genomes.kinds import Material
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.route.genes import RouteGenome
from evoswarm.genomes.route.representation import RouteGenomes
from evoswarm.policies import Recipe, Route, Vote
from evoswarm.policies.vote import Voter
from tests.genomes.conftest import make_calibration, make_space

TASKS = tuple(
    {"name": name, "source": "reasoning_gym", "family": family}
    for name, family in (("sums", "chain_sum"), ("gcd", "gcd"), ("words", "spell_backward"))
)
PROMPTS = [
    form.format(n * 17 % 90) for n in range(20) for form in ("{0} + 3 = ?", "spell {0} in words", "f({0}), code")
]


SIZES = {f"m{index}": MemberSize(100, 200.0, 100) for index in range(4)}


def made(tasks: Any = TASKS, prompts: Any = (), warm_start: Any = None, **genome: Any) -> RouteGenomes:
    space = make_space(4, tasks=tasks, genome={"kind": "route", **genome})
    return RouteGenomes(Material(space, SIZES, warm_start or {}, lambda alphabet: make_calibration(4), lambda: prompts))


def population(genomes: RouteGenomes, count: int = 12) -> list[RouteGenome]:
    rng = Random(3)
    found = [founder for founder, _ in genomes.founders(rng)] + [genomes.random(rng) for _ in range(9)]
    for _ in range(count):
        found.append(genomes.mutate(rng.choice(found), rng, 2.0))
        found.extend(genomes.mate(rng.choice(found), rng.choice(found), rng))
    return found


@pytest.mark.parametrize("given", [{}, {"tasks": TASKS[:1], "prompts": PROMPTS}, {"routes": 2, "max_members": 2}])
def test_the_contract_holds_where_there_are_several_kinds(given: Any) -> None:
    genomes = made(**given)
    rng, box, seen = Random(1), genomes.coordinates, set()
    for genome in population(genomes):
        route = genomes.express(genome)
        seen.add(len(route.policies))
        assert genomes.allows(route)
        assert genomes.decode(json.loads(json.dumps(genomes.encode(genome)))) == genome
        assert list(box.encode(genome)) == [one.name for one in box.dimensions]
        assert genomes.express(box.decode(box.encode(genome))).specs == route.specs
        assert genomes.distance(genome, genome) == 0.0
        again = genomes.express(genomes.genome_of(route))
        assert [spec.name for spec in again.specs] == [spec.name for spec in route.specs]
        assert (again.by, again.tasks, again.clusters) == (route.by, route.tasks, route.clusters)
        if genomes.space.genome.max_members is None:
            assert genomes.key(genomes.mutate(genome, rng, 1.0)) != genomes.key(genome)
    assert seen >= {1, 2}
    for _ in range(20):
        point = {one.name: rng.choice(one.choices) if one.choices else rng.random() for one in box.dimensions}
        assert genomes.allows(genomes.express(box.decode(point)))


def test_kinds_are_tasks_where_there_are_several_and_clusters_of_prompts_else() -> None:
    by_task, by_prompt = made(), made(TASKS[:1], PROMPTS)
    assert by_task.express(by_task.random(Random(0))).by == "task"
    assert {len(one.places) for one in population(by_prompt, 3)} == {3}
    route = by_prompt.express(by_prompt.random(Random(0)))
    cells = {route.cluster(prompt) for prompt in PROMPTS[:3]}
    assert cells == {0, 1, 2}


def test_a_sleeping_part_wakes_as_a_variant() -> None:
    genomes = made()
    founder = next(iter(genomes.founders(Random(0))))[0]
    routed = [one for seed in range(30) if len((one := genomes.mutate(founder, Random(seed), 1.0)).awake) == 2]
    assert routed
    assert all(len(genomes.express(one).policies) == 2 for one in routed)


def test_the_limits_hold_for_every_mix_and_in_memory_for_all_together() -> None:
    wide, few, small = made(), made(max_members=2), made(max_memory_bytes=200)
    for genome in population(wide, 8):
        route = few.express(few.repaired(genome))
        assert all(len(policy.specs) <= 2 for policy in route.policies)
        assert len(small.express(small.repaired(genome)).specs) <= 2
    assert any(len(few.express(few.repaired(genome)).specs) > 2 for genome in population(wide, 8))


def test_what_has_no_genome_is_refused() -> None:
    genomes = made()
    mixes = [policy for _, route in genomes.plain() if isinstance(route, Route) for policy in route.policies]
    one = mixes[0]
    assert isinstance(one, Recipe)
    with pytest.raises(RecipeError, match="got by confidence"):
        genomes.genome_of(Route(by="confidence", policies=(one,)))
    with pytest.raises(RecipeError, match="got one that holds a vote"):
        genomes.genome_of(Route(by="task", policies=(Vote(voters=(Voter(recipe=one),)),)))
    with pytest.raises(ValueError, match="expected a part for every kind"):
        RouteGenome((), ())


def test_mixes_beyond_the_number_of_parts_give_way_to_the_first() -> None:
    three, two = made(), made(routes=2)
    known = [route for one in population(three) if len((route := three.express(one)).policies) == 3]
    for route in known[:5]:
        nearest = two.express(two.genome_of(route))
        assert len(nearest.policies) == 2
        assert nearest.policies[0].specs == route.policies[0].specs
