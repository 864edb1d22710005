"""The recipes of published methods are points of the space that ships with them."""

from __future__ import annotations

from pathlib import Path

from evoswarm.fusion import RULES, parameters_of
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace

ROOT = Path(__file__).parents[2]
SPACE = ROOT / "search_spaces" / "published.yaml"


def test_their_members_are_the_pool_and_their_numbers_in_its_ranges() -> None:
    space = SearchSpace.from_yaml(SPACE)
    recipes = {Path(file).stem: Recipe.load(ROOT / file) for file in space.warm_start}
    assert recipes.keys() == {"safe", "core", "adafuse"}
    for recipe in recipes.values():
        assert [spec.path for spec in recipe.specs] == [spec.path for spec in space.pool]
        assert recipe.fusion.rule in space.genome.rules
        for name, one in parameters_of([recipe.fusion.rule]).items():
            low, high = space.genome.parameters[name]
            value = recipe.fusion.parameters[name]
            assert value == one.default or low <= value <= high, name


def test_each_is_its_own_point() -> None:
    space = SearchSpace.from_yaml(SPACE)
    recipes = [Recipe.load(ROOT / file) for file in space.warm_start]
    assert len({recipe.digest for recipe in recipes}) == len(recipes)
    moved = {name: one for name, one in parameters_of(RULES).items() if one.optional}
    for recipe in recipes:
        assert any(recipe.fusion.parameters[name] != one.default for name, one in moved.items())
