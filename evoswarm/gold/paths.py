"""The gold paths of items: in which words a pool would write right answers, and the rows along these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evoswarm.decoding.decoder import Decoder
from evoswarm.gold.rows import BUDGET_BYTES, GoldRows, read_rows
from evoswarm.gold.scores import scores_along
from evoswarm.gold.texts import AnswerForm, GoldText, decidable, forms
from evoswarm.policies import Recipe
from evoswarm.tasks.task import Item, Task

TRIED = 8
"""Items of a task on which its forms are compared: they differ by white space and endings, which items agree on."""


def read_gold(
    decoder: Decoder, recipe: Recipe, items: Sequence[Item], tasks: Mapping[str, Task], budget: int = BUDGET_BYTES
) -> GoldRows | None:
    """Read members' rows along the right answers of items, in the form that the members find likeliest.

    Args:
        decoder: holds the pool.
        recipe: the uniform mix of all members whose rows are wanted, in the order of the pool.
        items: of these tasks, in any order; items of which no right text is known have no rows.
        tasks: by name.
        budget: bytes that the rows may take.

    Returns:
        The rows; None where the decoder does not offer them, or no right text is known of any item.

    Raises:
        RowsDoNotFit: they would take more than the budget.
        RecipeError: the recipe asks for what the pool does not have.
        DoesNotFit: there is no memory for so many texts at once.
    """
    texts: list[GoldText] = []
    chosen = {
        name: _forms(decoder, recipe, [one for one in items if one.task == name], task) for name, task in tasks.items()
    }
    for item in dict.fromkeys(items):
        found = _written(tasks[item.task], item, chosen[item.task])
        if found is not None:
            texts.append(found)
    return read_rows(decoder, recipe, texts, tasks, budget) if texts else None


def _forms(decoder: Decoder, recipe: Recipe, items: Sequence[Item], task: Task) -> list[AnswerForm]:
    """The forms of a task's answers, the likeliest under the mix first; those it cannot be asked about are last."""
    known = list(forms(task))
    tried = list(dict.fromkeys(items))[:TRIED]
    likely: dict[AnswerForm, float] = {}
    for form in known:
        texts = [one for item in tried if (one := _written(task, item, [form])) is not None]
        rows = read_rows(decoder, recipe, texts, {task.name: task}) if texts else None
        if rows is not None and len(rows.items) == len(tried):
            likely[form] = float(np.sum(scores_along([recipe], rows).log_likelihood))
    return sorted(known, key=lambda form: -likely.get(form, -np.inf))


def _written(task: Task, item: Item, known: Sequence[AnswerForm]) -> GoldText | None:
    """The right text of an item in the first form in which it has one."""
    for form in known:
        text = form.text(task, item)
        if text is not None:
            return GoldText(item, text + form.ending, decidable=decidable(task))
    return None
