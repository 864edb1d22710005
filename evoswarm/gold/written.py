"""Whether anybody writes the texts that count as right.

Where answers are free text, the gold as it stands in the data ("95", a whole worked solution) is right and yet not what
a model writes: it reasons, in words of its own. What members say along such a text tells nothing of their answers, so
that nothing may be fitted to it or judged by it. It shows along the texts themselves: nobody follows them to the end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.policies import Recipe

LEAST_WRITTEN = 0.05
"""Share of a task's items whose texts a member, or the mix of all, has to write. Where most answers are wrong, few are
written; but a model that reasons gives a bare result now and then, too."""

FEWEST_WRITTEN = 2
"""Items of a task whose texts have to be written, if it has so many: one of a few may be chance."""


def free_text(rows: GoldRows, whole: Recipe) -> list[str]:
    """The tasks, by name, whose right texts nobody writes, though others would be right, too.

    Where the scorer takes one text alone for right (`GoldRows.decidable`), whoever is right has written it.

    Args:
        rows: along one text of each item.
        whole: the mix of all members of the rows.
    """
    owners = np.array([item.task for item in rows.items])
    open_ended = dict.fromkeys(owners[~rows.decidable].tolist())
    if not open_ended:
        return []
    written = who_writes(rows, whole)
    return [task for task in open_ended if not _is_written(written[:, owners == task])]


def who_writes(rows: GoldRows, whole: Recipe) -> NDArray[np.bool_]:
    """``[members and the mix of all, items]`` whether each of them alone writes an item's text to its end.

    Args:
        rows: see ``free_text``.
        whole: see ``free_text``.
    """
    return np.vstack([_alone(rows), scores_along([whole], rows).right])


def _is_written(written: NDArray[np.bool_]) -> bool:
    """Whether that is so of a task, from who writes which of its texts: ``[members and the mix, items]``."""
    items = written.shape[1]
    return bool(written.sum(1).max() >= max(LEAST_WRITTEN * items, min(FEWEST_WRITTEN, items)))


def without_tasks(rows: GoldRows, tasks: list[str], why: str) -> GoldRows | None:
    """The rows less those of some tasks' items, which are unread from now on; None where nothing is left."""
    keep = np.array([item.task not in tasks for item in rows.items])
    if keep.all():
        return rows
    if not keep.any():
        return None
    texts = keep[rows.item_of_text]
    here = torch.from_numpy(keep[rows.item.numpy()])
    return replace(
        rows,
        texts=tuple(text for text, stays in zip(rows.texts, texts, strict=True) if stays),
        items=tuple(item for item, stays in zip(rows.items, keep, strict=True) if stays),
        text=torch.from_numpy(np.cumsum(texts) - 1)[rows.text[here]],
        item=torch.from_numpy(np.cumsum(keep) - 1)[rows.item[here]],
        targets=rows.targets[here],
        log_probs=rows.log_probs[:, here],
        present=rows.present[:, here],
        allowed=rows.allowed[here],
        entropies=rows.entropies[:, here],
        unread={**rows.unread, **{item: why for item, stays in zip(rows.items, keep, strict=True) if not stays}},
    )


def _alone(rows: GoldRows) -> NDArray[np.bool_]:
    """``[members, items]`` whether a member's own favourite is the text's next symbol at every position."""
    favourites = torch.stack([one.argmax(1) for one in rows.log_probs])
    follows = ((favourites == rows.targets) & rows.present).numpy()
    firsts = np.searchsorted(rows.item.numpy(), np.arange(len(rows.items)))
    found: NDArray[np.bool_] = np.logical_and.reduceat(follows, firsts, axis=1)
    return found
