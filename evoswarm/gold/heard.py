"""Right answers as policies wrote them: where answers are free text, the gold is not what anybody writes.

An answer that reasons before its result has no one right text, but a population has written some that turned out right.
Wrong ones add nothing: every text that is not the right one leaves it at some symbol, and what a fit asks of a mix is
that at each of them the right text leads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.gold.texts import GoldText, decidable
from evoswarm.tasks.task import Item, Task


def heard_texts(
    items: Sequence[Item], evaluations: Sequence[Sequence[Evaluation]], tasks: Mapping[str, Task]
) -> list[GoldText]:
    """Of every item the right answer that most policies wrote, of equally common ones the first.

    Left out is what was cut in the middle of a character: nobody can follow it to the same end.

    Args:
        items: each once.
        evaluations: per policy one of every item, in order; see `Evaluator.evaluate`.
        tasks: by name.
    """
    found: list[GoldText] = []
    for place, item in enumerate(items):
        task = tasks[item.task]
        written = (_as_written(row[place], task) for row in evaluations if row[place].score == 1.0)
        counted = Counter(text for text in written if text is not None)
        found += [GoldText(item, text, decidable(task)) for text, _ in counted.most_common(1)]
    return found


def _as_written(one: Evaluation, task: Task) -> str | None:
    """An answer with what ended it; None where that is not known, or cannot be followed."""
    if one.ending == "end":
        return one.answer
    if one.ending == "stop":  # which of them is not kept; of equals in their first symbols nothing is lost
        return one.answer + task.stop[0]
    return one.answer if len(one.answer.encode()) == task.max_bytes else None
