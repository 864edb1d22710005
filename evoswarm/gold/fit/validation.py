"""What a fit is worth on texts that it has not seen, found out within the texts that there are."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.gold.fit.mixes import Fit, Mix
from evoswarm.gold.fit.outcomes import Outcomes

FOLDS = 3
"""Parts of the items; each is judged by a fit to the others (Stone 1974)."""


def unseen_accuracy(fit: Fit, mix: Mix, outcomes: Outcomes, parts: Sequence[Sequence[int]]) -> tuple[float, float]:
    """How a fit does on parts of the items that are left out, each in turn.

    Args:
        fit: to be judged.
        mix: fitted to all of them: its members take part, and each fit begins there.
        outcomes: of the whole pool.
        parts: of the items.

    Returns:
        Accuracy, and the mean loss that the gradient makes small; those of ``mix`` itself where there is one part only.
    """
    if len(parts) < 2:
        return float((mix.margins(outcomes) > 0).double() @ outcomes.weights), mix.loss(outcomes)
    right = loss = 0.0
    for part in parts:
        rest = sorted(set(range(len(outcomes.weights))) - set(part))
        own = outcomes.some(part)
        one = fit(outcomes.some(rest), mix.members, mix)
        share = float(outcomes.weights[list(part)].sum())
        right += share * float((one.margins(own) > 0).double() @ own.weights)
        loss += share * one.loss(own)
    return right, loss
