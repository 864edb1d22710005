"""Vote genomes: what they express, which genes sleep, what the operators keep."""

from __future__ import annotations

import random
from dataclasses import replace
from random import Random

import pytest

from evoswarm.evolution.algorithm import Representation
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.evolution.settings import ArchipelagoSettings, IslandSettings
from evoswarm.genomes.kinds import Material
from evoswarm.genomes.limits import MemberSize
from evoswarm.genomes.vote.genes import VoteGenome
from evoswarm.genomes.vote.representation import VoteGenomes
from tests.genomes.conftest import make_space

SIZES = {f"m{index}": MemberSize(100 * (index + 1), 1.0, 1) for index in range(4)}


def made(members: int = 4, **genome: object) -> VoteGenomes:
    """The representation of a space, given by the fields of its ``genome``."""
    return VoteGenomes(Material(make_space(members, genome={"samples": (1, 3, 8), **genome}), SIZES))


def population(representation: VoteGenomes, count: int = 60) -> list[VoteGenome]:
    """Founders, draws, children and mutants."""
    rng = Random(3)
    genomes = [founder for founder, _ in representation.founders(rng)] + [representation.random(rng) for _ in range(9)]
    for _ in range(count):
        genomes.append(representation.mutate(rng.choice(genomes), rng, 2.0))
        genomes.extend(representation.mate(rng.choice(genomes), rng.choice(genomes), rng))
    return genomes


def test_a_genome_expresses_its_voters_in_pool_order() -> None:
    genome = VoteGenome((True, False, True, False), (0.5, 0.9, 0.25, 0.1), (0.7, 1.0, 1.2, 1.0), (3, 8, 1, 1))
    first, second = made().express(genome).voters
    assert (first.recipe.lead, first.weight, first.recipe.samples) == ("m0", 0.666667, 3)
    assert first.recipe.sampling_temperature == 0.7
    assert (second.recipe.lead, second.weight, second.recipe.samples) == ("m2", 0.333333, 1)


def test_founders_are_the_plainest_votes() -> None:
    representation = made()
    founders = {name: genome for genome, name in representation.founders(Random(0))}
    assert list(founders) == ["uniform", *(f"single:m{index}" for index in range(4)), "sampled"]
    uniform = representation.express(founders["uniform"])
    assert {(voter.weight, voter.recipe.samples) for voter in uniform.voters} == {(0.25, 1)}
    assert [voter.recipe.samples for voter in representation.express(founders["sampled"]).voters] == [8] * 4
    assert representation.express(founders["single:m2"]).voters[0].recipe.lead == "m2"
    assert "sampled" not in [name for _, name in made(samples=(1,)).founders(Random(0))]


@pytest.mark.parametrize(
    "limits", [{}, {"max_members": 2}, {"max_parameters": 300}, {"weight": (0.5, 0.5), "samples": (1,)}]
)
def test_what_is_bred_is_allowed(limits: dict[str, object]) -> None:
    representation = made(**limits)  # type: ignore[arg-type]
    genes = representation.genes
    for genome in population(representation):
        assert genome.voters
        assert representation.genes.limits.allow(genome.voters)
        assert set(genome.samples) <= set(representation.genes.samples)
        assert all(genes.weight.low <= weight <= genes.weight.high for weight in genome.weights)
        assert all(genes.temperature.low <= heat <= genes.temperature.high for heat in genome.temperatures)


def test_a_member_that_is_too_large_never_votes() -> None:
    representation = made(max_parameters=250)
    assert {index for genome in population(representation) for index in genome.voters} == {0, 1}
    assert all(len(genome.voters) == 1 for genome in population(representation))  # 100 + 200 is too much
    first = VoteGenome((False, True, True, False), (0.1, 0.1, 0.9, 0.1), (1.0,) * 4, (3,) * 4)
    second = replace(first, voting=(True, True, False, False))
    children = {child for seed in range(9) for child in representation.mate(first, second, Random(seed))}
    assert {tuple(child.voters) for child in children} == {(0,), (1,)}  # not the lightest: the one that is too large


def test_no_value_of_a_sleeping_gene_changes_the_vote_and_every_mutation_does() -> None:
    representation = made()
    rng = Random(5)
    for genome in population(representation):
        key = representation.key(genome)
        active = set(representation.genes.active(genome))
        for index in range(4):
            for gene, value in (("weights", 0.123), ("temperatures", 0.456), ("samples", 8)):
                if (gene, index) not in active:
                    row = list(getattr(genome, gene))
                    row[index] = value
                    if gene != "samples" or not genome.voting[index]:
                        assert representation.key(replace(genome, **{gene: tuple(row)})) == key
        assert representation.key(representation.mutate(genome, rng, 1.0)) != key


def test_mutation_changes_so_many_genes_on_average() -> None:
    representation, rng = made(), Random(1)
    genome = VoteGenome((True,) * 4, (0.3,) * 4, (0.8,) * 4, (3,) * 4)
    counts = []
    for _ in range(600):
        mutant = representation.mutate(genome, rng, 2.0)
        rows = zip(
            (*mutant.voting, *mutant.weights, *mutant.temperatures, *mutant.samples),
            (*genome.voting, *genome.weights, *genome.temperatures, *genome.samples),
            strict=True,
        )
        counts.append(sum(a != b for a, b in rows))
    assert sum(counts) / len(counts) == pytest.approx(2.0, abs=0.15)
    assert min(counts) == 1


def test_blocks_of_genes_stay_together() -> None:
    """A child's member has its genes from one parent, or blended where both let it vote."""
    first = VoteGenome((True, False, True, True), (0.1,) * 4, (0.4,) * 4, (3,) * 4)
    second = VoteGenome((False, True, True, False), (0.9,) * 4, (1.4,) * 4, (8,) * 4)
    whole = {(True, 0.1, 0.4, 3), (False, 0.1, 0.4, 3), (True, 0.9, 1.4, 8), (False, 0.9, 1.4, 8)}
    firsts = set()
    for seed in range(40):
        for child in made().mate(first, second, Random(seed)):
            columns = list(zip(child.voting, child.weights, child.temperatures, child.samples, strict=True))
            assert {columns[0], columns[1], columns[3]} <= whole
            assert columns[2][0]
            assert 0.02 <= columns[2][1] <= 1.0
            firsts.add((columns[0], columns[1]))
    assert len(firsts) == 4  # blocks travel, each on its own


def test_distance_is_0_for_the_same_and_1_for_strangers() -> None:
    representation = made()
    genomes = population(representation, 10)
    for one in genomes:
        assert representation.distance(one, one) == 0.0
        for other in genomes:
            assert 0.0 <= representation.distance(one, other) <= 1.0
            assert representation.distance(one, other) == representation.distance(other, one)
    first = VoteGenome((True, True, False, False), (1.0,) * 4, (1.0,) * 4, (1,) * 4)
    assert representation.distance(first, replace(first, voting=(False, False, True, True))) == 1.0


def test_genes_are_for_the_same_members() -> None:
    with pytest.raises(ValueError, match="the same members"):
        VoteGenome((True,), (1.0, 1.0), (1.0,), (1,))


def test_an_archipelago_finds_the_best_vote() -> None:
    """Worth: the weight of member 2 against the others', with many answers. Global chance is left alone."""
    representation: Representation[VoteGenome] = made()
    state = random.getstate()
    island = IslandSettings(population=8)
    archipelago = Archipelago(ArchipelagoSettings(islands=(island,) * 2), representation, seed=0)

    def worth(genome: VoteGenome) -> float:
        others = sum(genome.weights[index] for index in genome.voters if index != 2)
        own = genome.weights[2] * genome.voting[2] * genome.samples[2] / 8
        return own / (own + others) if own else 0.0

    for _ in range(8):
        archipelago.tell([one.scored([worth(one.genome)]) for one in archipelago.ask()])
    assert random.getstate() == state
    best = max(archipelago.archive.individuals, key=lambda one: one.objectives)
    assert best.genome.voting[2]
    assert best.objectives[0] > 0.95
