"""How answers are drawn, as recipes say it: temperature first, then what is left out of the draw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evoswarm.canonical import round_significant

if TYPE_CHECKING:
    from evoswarm.policies.mix import Recipe

GREEDY: dict[str, Any] = {"sampled": False, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
"""What nobody need say: one answer is greedy, and nothing is left out of a draw."""


def canonical_sampling(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe that say how answers are drawn, as they matter: several are drawn whatever they say."""
    if not recipe.draws:
        return {**GREEDY, "sampling_temperature": 1.0}
    return {
        "sampling_temperature": round_significant(recipe.sampling_temperature),
        "sampled": recipe.samples == 1,
        "top_k": recipe.top_k,
        "top_p": round_significant(recipe.top_p),
        "min_p": round_significant(recipe.min_p),
    }


def said_of_sampling(recipe: Recipe) -> dict[str, Any]:
    """Those of the fields that say something; files and digests of recipes that leave nothing out know none."""
    return {name: getattr(recipe, name) for name, silent in GREEDY.items() if getattr(recipe, name) != silent}


def drawn_as_fused(recipe: Recipe) -> bool:
    """Whether answers are drawn from the fused distribution as it is: at temperature 1, with nothing left out."""
    return recipe.draws and recipe.sampling_temperature == 1 and not [*_cuts(recipe)]


def sampling_words(recipe: Recipe) -> str:
    """Temperature and cuts of a recipe that draws: ``temperature 0.60, top-k 20, top-p 0.95``."""
    return ", ".join([f"temperature {recipe.sampling_temperature:.2f}", *_cuts(recipe)])


def answers_words(recipe: Recipe) -> str:
    """What a recipe answers: ``one greedy answer``, ``3 answers sampled at temperature 0.70``."""
    if not recipe.draws:
        return "one greedy answer"
    count = "one answer" if recipe.samples == 1 else f"{recipe.samples} answers"
    return f"{count} sampled at {sampling_words(recipe)}"


def _cuts(recipe: Recipe) -> Iterator[str]:
    if recipe.top_k:
        yield f"top-k {recipe.top_k}"
    if recipe.top_p < 1:
        yield f"top-p {recipe.top_p:g}"
    if recipe.min_p:
        yield f"min-p {recipe.min_p:g}"
