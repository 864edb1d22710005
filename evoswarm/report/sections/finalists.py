"""Who was tested again on the selection items, with what was expected of each; and how to use each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.report.run_files import RunFiles
from evoswarm.report.sections.individuals import COSTS, DIGITS_OF_KEYS
from evoswarm.run_directory import FRONT


def finalists(run: RunFiles) -> dict[str, Any] | None:
    """The contenders of the selection split, in the order of the file; None before the search has chosen.

    Returns:
        ``objectives``; ``champion``, ``winner``, ``best`` and ``reference`` (keys, as individuals have them),
        ``dropped`` (members), and ``contenders``: each ``name``, ``key``, ``origin``, ``estimate`` (what it is expected
        to score on other items, ``accuracy``, ``low``, ``high``; or None), ``accuracy`` and ``by_task`` on the
        selection items, the costs of an item, ``open_share``, ``failures``, ``items``, whether it is on the ``front``,
        ``recipe`` (its file) and ``words`` (one sentence a line).

    Raises:
        RunError: the file is damaged.
        RecipeError: the file of a recipe is.
    """
    front = run.front
    if front is None:
        return None
    try:
        best = {one["digest"] for one in front["front"]}
        named = {name: front.get(name, "")[:DIGITS_OF_KEYS] for name in ("champion", "winner", "best", "reference")}
        return {
            **named,
            "objectives": list(front["objectives"]),
            "dropped": list(front["dropped"]),
            "contenders": [{**_contender(run, one), "front": one["digest"] in best} for one in front["contenders"]],
        }
    except (KeyError, TypeError, AttributeError) as error:
        message = f"expected contenders as a search writes them, got some that lack something: {error!r:.80}"
        raise RunError(message, Where(str(run.path / FRONT))) from None


def _contender(run: RunFiles, one: Mapping[str, Any]) -> dict[str, Any]:
    recipe = one.get("recipe")
    document = None if recipe is None else run.contender(recipe)
    return {
        "name": one["name"],
        "key": one["digest"][:DIGITS_OF_KEYS],
        "origin": one.get("origin"),
        "estimate": one.get("estimate"),
        "accuracy": one["accuracy"],
        "by_task": one["by_task"],
        **{name: one["cost"].get(name) for name in COSTS},
        "open_share": one["open_share"],
        "failures": one.get("failures", 0),
        "items": one["items"],
        "recipe": recipe,
        "words": [] if document is None else document.policy.words(one.get("spoken")),
    }
