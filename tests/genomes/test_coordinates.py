from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from evoswarm.genomes.gene_range import GeneRange
from evoswarm.genomes.mix.representation import MixGenomes

SPANS = {
    "plain": GeneRange(0.5, 2.5),
    "log": GeneRange(0.02, 1.0, "log"),
    "share": GeneRange(0.005, 1.0, "log", ((1.0, 0.35), (0.0, 0.05))),
    "sharpening": GeneRange(0.0, 4.0, "linear", ((0.0, 0.5),)),
    "exponent": GeneRange(-math.inf, math.inf, "squash", ((-math.inf, 0.1), (math.inf, 0.1))),
    "pinned": GeneRange(0.7, 0.7),
}


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_a_value_and_its_quantile_are_one(span: Any) -> None:
    rng = Random(0)
    for value in [span.draw(rng) for _ in range(200)] + [span.low, span.high]:
        assert span.at(span.quantile(value)) == pytest.approx(value, rel=1e-9)
    assert span.at(1.0) == span.high
    places = [span.at(place / 50) for place in range(51)]
    assert places == sorted(places)


@pytest.mark.parametrize("span", [span for span in SPANS.values() if not span.pinned], ids=str)
def test_uniform_quantiles_are_draws(span: Any) -> None:
    rng = Random(1)
    quantiles = sorted(span.quantile(span.draw(rng)) for _ in range(2000))
    for atom, share in span.atoms:  # as often as it is drawn
        assert sum(span.at((place + 0.5) / 1000) == atom for place in range(1000)) == pytest.approx(1000 * share, abs=1)
    between = [q for q in quantiles if not span.is_atom(span.at(q))]
    low, high = between[0], between[-1]
    assert between[len(between) // 2] == pytest.approx((low + high) / 2, abs=0.05)


@pytest.mark.parametrize(
    "genome",
    [
        {},
        {"alpha": ("min", "max"), "samples": (1, 3, 5)},
        {"gates": False, "rules": ("product",), "leads": ("m1",)},
        {"max_members": 2, "leads": ("m1", "m3"), "beta": (1.0, 1.0), "weight": (0.5, 0.5)},
    ],
)
def test_genomes_survive_the_way_there_and_back(representation: Callable[..., MixGenomes], genome: Any) -> None:
    made = representation(5, **genome)
    box = made.coordinates
    rng = Random(0)
    founders = [founder for founder, _ in made.founders(rng)]
    for known in founders + [made.random(rng) for _ in range(100)]:
        point = box.encode(known)
        assert list(point) == [dimension.name for dimension in box.dimensions]
        for dimension in box.dimensions:
            value = point[dimension.name]
            assert value in dimension.choices if dimension.choices else 0 <= value <= 1  # type: ignore[operator]
        assert made.key(box.decode(point)) == made.key(known)


def test_every_point_is_an_allowed_genome(representation: Callable[..., MixGenomes]) -> None:
    made = representation(6, max_members=3, leads=("m0", "m4"), samples=(1, 5), alpha=("min", "max"))
    box = made.coordinates
    rng = Random(0)
    keys = set()
    for _ in range(300):
        point = {d.name: rng.choice(d.choices) if d.choices else rng.random() for d in box.dimensions}
        genome = box.decode(point)
        assert made.repaired(genome) == genome
        keys.add(made.key(genome))
    assert len(keys) > 250


def test_what_the_space_pins_is_no_coordinate(representation: Callable[..., MixGenomes]) -> None:
    free = {dimension.name for dimension in representation(2).coordinates.dimensions}
    assert {"member:m0", "weight:m1", "open_share:m0", "lead", "rule", "alpha", "beta", "contrast"} <= free
    assert "samples" not in free
    pinned = representation(2, gates=False, rules=("vote",), beta=(0.0, 0.0), leads=("m1",)).coordinates
    names = {dimension.name for dimension in pinned.dimensions}
    assert not names & {"open_share:m0", "rule", "beta", "lead"}


def test_dormant_coordinates_change_nothing(representation: Callable[..., MixGenomes]) -> None:
    made = representation(4)
    box = made.coordinates
    rng = Random(3)
    compared = 0
    for _ in range(50):
        genome = made.random(rng)
        point = box.encode(genome)
        absent = next((i for i, present in enumerate(genome.members) if not present), None)
        if absent is None:
            continue
        point[f"weight:m{absent}"] = rng.random()
        point[f"temperature:m{absent}"] = rng.random()
        compared += 1
        assert made.key(box.decode(point)) == made.key(genome)
    assert compared > 25
