"""Fitted mixes are plain recipes that their space allows, and do what they were fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from evoswarm.evaluation.candidate import Candidate
from evoswarm.genomes.mix.genes import genes_of
from evoswarm.genomes.mix.thresholds import Calibration
from evoswarm.genomes.plain import singles, uniform
from evoswarm.gold.fit import fitted_mixes, gated_mix
from evoswarm.gold.fit.mixes import fits, leader, pruned
from evoswarm.gold.fit.outcomes import Outcomes
from evoswarm.gold.fit.recipes import recipe_of
from evoswarm.gold.fit.validation import FOLDS, unseen_accuracy
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace
from evoswarm.statistics.by_task import fold_places
from tests.gold.conftest import Ready
from tests.gold.test_scores import gold


@pytest.fixture(scope="module")
def ready(shipped: Callable[[str], Ready]) -> Ready:
    return shipped("quickstart")


@pytest.fixture(scope="module")
def rows(ready: Ready) -> GoldRows:
    return gold(ready, "bytes")


def changed(space: SearchSpace, **genome: Any) -> SearchSpace:
    content = space.model_dump(mode="json", by_alias=True)
    return SearchSpace.model_validate({**content, "genome": {**content["genome"], **genome}}).resolved("bytes")


def fitted(ready: Ready, rows: GoldRows, **genome: Any) -> list[Candidate]:
    return fitted_mixes(rows, changed(ready.space, **genome), ready.swarm.specs)


def recipes(candidates: list[Candidate]) -> list[Recipe]:
    return [one.policy for one in candidates if isinstance(one.policy, Recipe)]


def test_they_beat_every_member_and_the_uniform_mix(ready: Ready, rows: GoldRows) -> None:
    found = fitted(ready, rows)
    assert {one.name for one in found} == {
        "fitted mixture",
        "fitted product",
        "fitted sharpened mixture",
        "fitted power",
    }
    plain = [recipe for _, recipe in singles(ready.space)] + [uniform(ready.space, ready.swarm.specs)]
    best = scores_along(recipes(found)[:1], rows).right.mean()
    assert best > scores_along(plain, rows).right.mean(1).max()


@pytest.mark.parametrize("rule", ["mixture", "product"])
def test_what_is_fitted_by_place_is_what_its_recipe_does(ready: Ready, rows: GoldRows, rule: str) -> None:
    space = changed(ready.space, rules=[rule], lead_position=[-4, 4], lead_number=[-4, 4], weight=[1e-4, 1.0])
    genes, outcomes = genes_of(space), Outcomes.of(rows, kept=rows.log_probs.shape[2])
    fit = fits(genes)["sharpened mixture by place" if rule == "mixture" else "product by place"]
    mix = fit(outcomes.some(range(0, len(rows.items), 4)), (0, 1, 2))
    recipe = recipe_of(mix, outcomes, space, ready.swarm.specs, genes)
    assert recipe.lead == rows.members[leader(mix, outcomes, genes)]
    values = recipe.fusion.parameters
    assert values["lead_position"] != 0 != values["lead_number"]
    assert torch.from_numpy(scores_along([recipe], rows).margin[0]) == pytest.approx(mix.margins(outcomes), abs=0.02)
    few = fitted_mixes(
        rows, changed(ready.space, rules=[rule], lead_number=[-4, 4]), ready.swarm.specs, places=range(15)
    )
    assert any("by place" in one.name for one in few)


@pytest.mark.parametrize(
    "genome",
    [
        {"max_members": 2},
        {"rules": ["product"], "leads": ["neox-e"]},
        {"rules": ["mixture", "vote"], "weight": [0.5, 0.5]},
        {"temperature": [1.0, 1.0], "beta": [0.0, 0.5], "alpha": [1.0, 2.0]},
    ],
)
def test_they_keep_to_the_limits_of_the_space(ready: Ready, rows: GoldRows, genome: dict[str, Any]) -> None:
    space = changed(ready.space, **genome)
    genes = genes_of(space)
    found = recipes(fitted(ready, rows, **genome))
    assert found
    names = [spec.name for spec in ready.swarm.specs]
    for recipe in found:
        assert recipe.fusion.rule in genes.rules
        assert names.index(recipe.lead) in genes.leads
        assert genes.limits.allow([names.index(spec.name) for spec in recipe.specs])
        for member in recipe.members:
            assert genes.ranges["temperature"].nearest(member.temperature) == member.temperature
        low, high = genes.ranges["weight"].low, genes.ranges["weight"].high
        weights = [member.weight for member in recipe.members]
        assert max(weights) <= high / low * min(weights) * (1 + 1e-5)
        for one in recipe.fusion.definition.parameters:
            value = recipe.fusion.parameters[one.name]
            kept = genes.ranges[one.name].nearest(value) if one.name in genes.ranges else one.default
            assert kept == value


def test_of_exact_copies_one_takes_part(shipped: Callable[[str], Ready], ready: Ready, rows: GoldRows) -> None:
    first = ready.swarm.specs[0]
    twin = first.model_copy(update={"name": "twin"})
    specs = (*ready.swarm.specs, twin)
    pool = [spec.model_dump(mode="json") for spec in specs]
    content = ready.space.model_dump(mode="json", by_alias=True)
    space = SearchSpace.model_validate({**content, "pool": pool}).resolved("bytes")
    for recipe in recipes(fitted_mixes(rows, space, specs)):
        assert "twin" not in [spec.name for spec in recipe.specs]


def test_who_is_not_worth_having_does_not_take_part(
    ready: Ready, rows: GoldRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a product, a member that says the same of all symbols has a say and no effect."""
    outcomes, genes = Outcomes.of(rows), genes_of(ready.space)
    said = outcomes.log_probs.clone()
    said[1] = -outcomes.log_counts.logsumexp(-1, keepdim=True)
    noisy = replace(outcomes, log_probs=said)
    assert 1 not in pruned(fits(genes)["product"], noisy, range(5), genes).members
    monkeypatch.setattr("evoswarm.gold.fit.mixes.WORTH", -math.inf)
    assert 1 in pruned(fits(genes)["product"], noisy, range(5), genes).members


@pytest.mark.parametrize("genome", [{"samples": [3]}, {"kind": "vote", "samples": [1, 3]}])
def test_without_greedy_mixes_there_is_nothing_to_fit(ready: Ready, rows: GoldRows, genome: dict[str, Any]) -> None:
    assert fitted(ready, rows, **genome) == []


def test_gates_close_where_followers_are_not_missed(ready: Ready, rows: GoldRows) -> None:
    steps = {spec.name: {"all": rows.entropies[place].tolist()} for place, spec in enumerate(ready.swarm.specs)}
    best, table = fitted(ready, rows)[0], Calibration.of(steps)
    found = gated_mix(best, rows, ready.space, table)
    assert found is not None
    assert found.name == best.name.replace("fitted", "fitted gated")
    assert "followers speak at" in found.description
    (recipe,) = recipes([found])
    assert all(member.threshold > 0 for member in recipe.members if member.spec.name != recipe.lead)
    closed, always = scores_along([recipe, *recipes([best])], rows).right.mean(1)
    assert closed >= always - 0.1
    assert gated_mix(best, rows, changed(ready.space, gates=False), table) is None


def test_a_fit_may_be_to_some_items_only(ready: Ready, rows: GoldRows) -> None:
    sums = [place for place, item in enumerate(rows.items) if item.task == "sums"]
    (best, *_) = fitted_mixes(rows, ready.space, ready.swarm.specs, places=sums)
    assert scores_along(recipes([best]), rows).right[0, sums].mean() == 1.0
    assert f"{len(sums)} gold texts" in best.description
    assert fitted_mixes(rows, ready.space, ready.swarm.specs, places=[]) == []


def test_a_fit_is_judged_on_what_it_has_not_seen(ready: Ready, rows: GoldRows) -> None:
    parts = [part.tolist() for part in fold_places([item.task for item in rows.items], FOLDS)]
    assert sorted(place for part in parts for place in part) == list(range(len(rows.items)))
    for part in parts:
        assert {rows.items[place].task for place in part} == set(rows.tasks)
    outcomes, genes = Outcomes.of(rows), genes_of(ready.space)
    fit = fits(genes)["product"]
    mix = pruned(fit, outcomes, range(len(ready.swarm.specs)), genes)
    accuracy, loss = unseen_accuracy(fit, mix, outcomes, parts)
    assert 0 < accuracy <= 1
    assert loss >= mix.loss(outcomes) - 1e-3
    assert unseen_accuracy(fit, mix, outcomes, parts[:1])[1] == mix.loss(outcomes)
