"""Texts that policies really wrote, right and wrong: where answers are free text, the gold is not what anybody writes.

An answer that reasons before its result has no one right text, but a population has written some that turned out right,
and others that did not. Along these a mix is asked how much likelier it finds the right ones. No search does so yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.gold.texts import GoldText, decidable
from evoswarm.tasks.task import Item, Task

MOST = 4
"""Texts of an item, right ones and wrong ones each: those that most policies wrote."""


def heard_texts(
    items: Sequence[Item], evaluations: Sequence[Sequence[Evaluation]], tasks: Mapping[str, Task], most: int = MOST
) -> list[GoldText]:
    """What was written of every item, the commonest first, right texts before wrong ones.

    Left out are failures, partial scores, and what was cut in the middle of a character: nobody can follow it to the
    same end.

    Args:
        items: each once.
        evaluations: per policy one of every item, in order; see `Evaluator.evaluate`.
        tasks: by name.
        most: right and wrong texts of an item, each.
    """
    found: list[GoldText] = []
    for place, item in enumerate(items):
        task = tasks[item.task]
        right: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for row in evaluations:
            text = _as_written(row[place], task)
            if text is not None:
                (right if row[place].score == 1.0 else wrong)[text] += 1
        for worth, counted in ((True, right), (False, wrong)):
            texts = [text for text, _ in counted.most_common(most)]
            found += [GoldText(item, text, right=worth, decidable=decidable(task)) for text in texts]
    return found


def _as_written(one: Evaluation, task: Task) -> str | None:
    """A text with what ended it; None where it is not known, or cannot be followed."""
    if one.failure is not None or one.score not in (0.0, 1.0):
        return None
    if one.ending == "end":
        return one.answer
    if one.ending == "stop":  # which of them is not kept; of equals in their first symbols nothing is lost
        return one.answer + task.stop[0]
    return one.answer if len(one.answer.encode()) == task.max_bytes else None
