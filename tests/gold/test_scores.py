"""Scores along gold texts are what decoding comes to, item by item."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from evoswarm.errors import RecipeError
from evoswarm.evaluation.judge import Judge
from evoswarm.fusion import RULES, parameters_of
from evoswarm.genomes.plain import uniform
from evoswarm.gold.forms import gold_texts
from evoswarm.gold.rows import GoldRows, read_rows
from evoswarm.gold.scores import scores_along
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from tests.decoding.recipes import SURE
from tests.gold.conftest import Ready

ZOO_SPACES = ("quickstart", "accuracy-cost", "tokens", "two-by-two-same", "two-by-two-cross", "large-pool")
RECIPES = 10
MOVING = {"gamma": 0.7, "decay": 0.8, "own_margin": 1.5, "agreement": -0.7, "lead_position": 0.6, "lead_number": -1.3}
MOVING |= {"gate_margin": 0.9, "gate_inside": -0.4}


def random_mix(rng: Random, ready: Ready, alphabet: AlphabetName, *, whole: bool = False) -> Recipe:
    """Any greedy mix of some members, or of all."""
    specs = ready.swarm.specs
    chosen = sorted(rng.sample(range(len(specs)), len(specs) if whole else rng.randint(1, len(specs))))
    lead = rng.choice(chosen)
    rule = rng.choice(list(RULES))
    values = {"beta": rng.choice((0.0, 1.5)), "alpha": rng.choice((-2.0, 0.0, 0.5, math.inf)), "contrast": 0.4}
    used = {name: values[name] for name in parameters_of([rule]) if name in values}
    return Recipe(
        alphabet=alphabet,
        members=tuple(
            RecipeMember(
                spec=specs[number],
                weight=rng.uniform(0.1, 1.0),
                temperature=rng.choice((0.5, 1.0, 2.0)),
                threshold=0.0 if number == lead else rng.choice((0.0, 0.2, 1.0)),
            )
            for number in chosen
        ),
        lead=specs[lead].name,
        fusion=Fusion(rule=rule, **used),
        gate=rng.choice(("entropy", "low_entropy")),
        prompt_format=ready.space.prompt_format,
    )


def moved(mix: Recipe) -> Recipe:
    """The same with everything that moves weights from place to place."""
    return mix.changed(fusion=Fusion(rule=mix.fusion.rule, **{**mix.fusion.parameters, **MOVING}))


def gold(ready: Ready, alphabet: AlphabetName) -> GoldRows:
    """The rows of a few items of a space."""
    whole = uniform(ready.space, ready.swarm.specs, alphabet)
    texts = gold_texts(ready.swarm, whole, ready.items, ready.tasks)
    assert texts is not None
    rows = read_rows(ready.swarm, whole, texts, ready.tasks)
    assert rows is not None
    return rows


@pytest.mark.parametrize("name", ZOO_SPACES)
def test_as_decoding_says_on_every_shipped_space(shipped: Callable[[str], Ready], name: str) -> None:
    ready, rng = shipped(name), Random(name)
    alphabet = ready.space.alphabets[0]
    rows = gold(ready, alphabet)
    mixes = [random_mix(rng, ready, alphabet) for _ in range(RECIPES)]
    mixes = [moved(mix) if number % 3 == 1 else mix for number, mix in enumerate(mixes)]
    found = scores_along(mixes, rows)
    judge = Judge(ready.swarm, ready.tasks)
    done = judge.complete([(mix, item) for mix in mixes for item in rows.items])
    asked = [item for _ in mixes for item in rows.items]
    scores = np.array([judge.evaluation(item, one).score for item, one in zip(asked, done, strict=True)])
    margins = np.array([one.margin for one in done]).reshape(found.right.shape)
    told = found.decided & (np.minimum(found.closeness, margins) >= SURE)
    assert told.mean() > 0.7  # `most_confident` among sure members is close nearly everywhere
    assert (found.right == (scores == 1.0).reshape(found.right.shape))[told].all()
    assert 0 < found.right[told].mean() < 1
    assert np.allclose(found.closeness[found.right & told], margins[found.right & told], atol=1e-5)


@pytest.mark.parametrize("fields", [{"samples": 3}, {"sampled": True}])
def test_what_is_drawn_is_refused(shipped: Callable[[str], Ready], fields: dict[str, object]) -> None:
    ready = shipped("tokens")
    rows = gold(ready, "tokens")
    drawn = uniform(ready.space, ready.swarm.specs, "tokens").changed(**fields)
    with pytest.raises(RecipeError, match=r"expected a greedy mix .* got drawn answers"):
        scores_along([drawn], rows)
