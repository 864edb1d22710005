"""Refined genomes: surer of the right answers, allowed by their space, and untouched where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from evoswarm.canonical import round_significant
from evoswarm.evaluation.evaluation import item_weights
from evoswarm.genomes.kinds import Material
from evoswarm.genomes.mix.genes import RecipeGenome
from evoswarm.genomes.mix.representation import MixGenomes
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.fit.recipes import DIGITS
from evoswarm.gold.fit.refine import SMOOTH, refined
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.policies.mix import Fusion
from tests.gold.conftest import Ready
from tests.gold.test_scores import gold


@pytest.fixture(scope="module")
def ready(shipped: Callable[[str], Ready]) -> Ready:
    return shipped("quickstart")


@pytest.fixture(scope="module")
def rows(ready: Ready) -> GoldRows:
    return gold(ready, "bytes")


@pytest.fixture(scope="module")
def genomes(ready: Ready, rows: GoldRows) -> MixGenomes:
    steps = {spec.name: {"all": rows.entropies[place].tolist()} for place, spec in enumerate(ready.swarm.specs)}
    return MixGenomes(Material(ready.space, {}, {}, lambda alphabet: Calibration.of(steps)))


def loss(found: MixGenomes, rows: GoldRows, genome: RecipeGenome) -> float:
    """How far the mix is from leading everywhere: the logistic loss of its smallest margins."""
    margins = scores_along([found.express(genome)], rows).margin[0].astype(np.float64)
    return float(np.logaddexp(0, -margins) @ item_weights(rows.items, rows.tasks))


def test_most_genomes_get_surer_and_all_stay_allowed(ready: Ready, rows: GoldRows, genomes: MixGenomes) -> None:
    rng, outcomes = Random(5), Outcomes.of(rows)
    names = [spec.name for spec in ready.swarm.specs]
    changes = []
    for genome in (genomes.random(rng) for _ in range(30)):
        recipe = genomes.express(genome)
        better = refined(genome, recipe, names, outcomes, genomes.genes)
        if better == genome:
            continue
        assert recipe.fusion.rule in SMOOTH
        assert len(recipe.members) > 1
        assert genomes.repaired(better) == better
        same = ("members", "lead", "rule", "open_shares", "samples", "sampling_temperature")
        assert all(getattr(better, one) == getattr(genome, one) for one in same)
        speaking = [names.index(spec.name) for spec in recipe.specs]
        for place in set(range(len(names))) - set(speaking):  # what sleeps is left alone
            assert (better.weights[place], better.temperatures[place]) == (
                genome.weights[place],
                genome.temperatures[place],
            )
        for place in speaking:
            moved = better.temperatures[place]
            assert moved == genome.temperatures[place] or moved == round_significant(moved, DIGITS)
        assert refined(genome, recipe, names, outcomes, genomes.genes) == better
        changes.append(loss(genomes, rows, better) - loss(genomes, rows, genome))
    assert len(changes) >= 8
    assert np.mean(np.array(changes) < 0) > 0.7
    assert np.mean(changes) < -0.1


@pytest.mark.parametrize("change", [{"rule": "vote"}, {"rule": "most_confident"}, {"samples": 3}])
def test_where_nothing_can_be_said_a_genome_stays_as_it_is(
    ready: Ready, rows: GoldRows, genomes: MixGenomes, change: dict[str, object]
) -> None:
    uniform = next(genome for genome, name in genomes.first() if name == "uniform")
    for gene, value in change.items():
        uniform = uniform.changed(value, gene)
    names = [spec.name for spec in ready.swarm.specs]
    assert refined(uniform, genomes.express(uniform), names, Outcomes.of(rows), genomes.genes) == uniform


@pytest.mark.parametrize("follows", [{"gamma": 0.5}, {"own_margin": 1.0}])
def test_weights_that_follow_the_text_are_left_alone(
    ready: Ready, rows: GoldRows, genomes: MixGenomes, follows: dict[str, float]
) -> None:
    uniform = next(genome for genome, name in genomes.first() if name == "uniform")
    recipe = genomes.express(uniform).changed(fusion=Fusion(rule="mixture", **follows))
    names = [spec.name for spec in ready.swarm.specs]
    assert refined(uniform, recipe, names, Outcomes.of(rows), genomes.genes) == uniform
