"""A recipe as the command line names it, read before any heavy library is loaded."""

from __future__ import annotations

from pathlib import Path

from evoswarm.errors import RecipeError, RunError, Where
from evoswarm.recipe import Recipe
from evoswarm.run_directory import CHAMPION


def read_recipe(path: Path) -> Recipe:
    """A recipe file, or the champion of a run directory.

    Raises:
        RunError: a directory without a champion.
        RecipeError: no valid recipe.
    """
    file = path
    if path.is_dir():
        file = path / CHAMPION
        if not file.exists():
            message = f"expected a run directory with a {CHAMPION} (its search has ended), got a directory without one"
            raise RunError(message, Where(str(path)))
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecipeError(f"expected a readable recipe file, got: {reason}", Where(str(file))) from None
    return Recipe.from_json(text, str(file))
