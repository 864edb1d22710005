"""Tuning on the selection split: what a champion will be compared with is fixed before the test split opens."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.controls.contestant import Controls
from evoswarm.controls.diagnostics import ceilings, diagnostics, low_entropy_gate
from evoswarm.controls.rivals import best_sampling, best_single, better_router, members_vote, try_singles
from evoswarm.controls.trial import Trials
from evoswarm.controls.ways import Decode
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item


def tune(
    space: SearchSpace,
    specs: Sequence[MemberSpec],
    champion: Recipe,
    evaluator: Evaluator,
    items: Sequence[Item],
) -> Controls:
    """Tune all rivals, diagnostics and ceilings of a champion.

    Every rival may spend at least the champion's mean FLOPs, deployed alone. Of equally accurate candidates the
    cheaper is taken.

    Args:
        space: of the search.
        specs: of the pool, as loaded.
        champion: frozen.
        evaluator: decodes; whatever is decoded enters its ledger.
        items: of the selection split.

    Raises:
        RunError: the ledger cannot be written.
        Stopped: the evaluator was told to stop.
    """
    trials = Trials(evaluator, items)
    flops = trials.run([("the champion", Decode(champion))])[0].flops
    singles = try_singles(trials, space, specs, flops)
    return Controls(
        rivals=(
            best_single(singles),
            best_sampling(singles),
            members_vote(trials, space, champion, flops),
            better_router(trials, singles),
        ),
        diagnostics=diagnostics(trials, space, specs, champion, low_entropy_gate(evaluator, champion, items)),
        ceilings=ceilings(trials, singles),
    )
