"""In which words a pool would write right answers: with or without a blank before, worked or bare, ended by what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from evoswarm.decoding.decoder import Decoder
from evoswarm.gold.rows import BUDGET_BYTES, Between, nobody, read_rows
from evoswarm.gold.scores import text_log_likelihoods
from evoswarm.gold.texts import AnswerForm, GoldText, decidable, forms
from evoswarm.policies import Recipe
from evoswarm.tasks.task import Item, Task

TRIED = 4
"""Items of a task on which its forms are compared: they differ by white space and endings, of which items agree."""


def gold_texts(
    decoder: Decoder,
    recipe: Recipe,
    items: Iterable[Item],
    tasks: Mapping[str, Task],
    budget: int = BUDGET_BYTES,
    between: Between = nobody,
) -> list[GoldText] | None:
    """The right text of every item, in the form that a mix finds likeliest for the item's task.

    Args:
        decoder: holds the pool.
        recipe: the mix that is asked: the uniform one of all members.
        items: each once; those of which no right text is known are left out.
        tasks: by name.
        budget: bytes that rows may take.
        between: see `read_rows`.

    Returns:
        The texts in the order of the items; None where the decoder does not offer rows along texts.

    Raises:
        RowsDoNotFit: the rows of a few texts would take more than the budget.
        RecipeError: the recipe asks for what the pool does not have.
        DoesNotFit: there is no memory for a single text.
    """
    listed = list(items)
    known: dict[str, Sequence[AnswerForm]] = {}
    for name in dict.fromkeys(item.task for item in listed):
        own = [item for item in listed if item.task == name][:TRIED]
        ranked = _ranked(decoder, recipe, own, tasks[name], budget, between)
        if ranked is None:
            return None
        known[name] = ranked
    found = (_written(tasks[item.task], item, known[item.task]) for item in listed)
    return [text for text in found if text is not None]


def _ranked(
    decoder: Decoder, recipe: Recipe, items: Sequence[Item], task: Task, budget: int, between: Between
) -> Sequence[AnswerForm] | None:
    """The forms of a task's answers, the likeliest under the mix first; those that an item does not have are last."""
    known = list(forms(task))
    written = {item: [(form, _written(task, item, [form])) for form in known] for item in items}
    texts = list(dict.fromkeys(text for found in written.values() for _, text in found if text is not None))
    if len(known) == 1 or not texts:
        return known
    rows = read_rows(decoder, recipe, texts, {task.name: task}, budget, between)
    if rows is None:
        return None
    likely = dict(zip(rows.texts, text_log_likelihoods([recipe], rows)[0].tolist(), strict=True))
    sums = dict.fromkeys(known, 0.0)
    for found in written.values():
        for form, text in found:
            sums[form] += -np.inf if text is None else likely.get(text, -np.inf)
    return sorted(known, key=lambda form: -sums[form])


def _written(task: Task, item: Item, known: Sequence[AnswerForm]) -> GoldText | None:
    """The right text of an item in the first form in which it has one."""
    for form in known:
        text = form.text(task, item)
        if text is not None:
            return GoldText(item, text + form.ending, decidable=decidable(task))
    return None
