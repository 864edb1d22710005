"""Tuning on the selection split: what a champion will be compared with is fixed before the test split opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Vote
from evoswarm.rivals.ceilings import Ceiling, ceilings
from evoswarm.rivals.diagnostics import diagnostics
from evoswarm.rivals.matched import best_sampling, best_single, members_vote, try_singles
from evoswarm.rivals.routers import best_router
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item


@dataclass(frozen=True)
class Rivals:
    """All that one champion is compared with.

    Attributes:
        matched: R1 to R4: the champion must beat every one of them. A champion that votes itself has no R3.
        diagnostics: what its parts are good for: other gates, plain mixes.
        ceilings: what nobody can play, because they are told the right answers: an upper end for the eye.
    """

    matched: tuple[Candidate, ...]
    diagnostics: tuple[Candidate, ...]
    ceilings: tuple[Ceiling, ...]


def tune(
    space: SearchSpace,
    specs: Sequence[MemberSpec],
    champion: Policy,
    evaluator: Evaluator,
    items: Sequence[Item],
    stand_for: int = 1,
    *,
    tell: Callable[[str], None] = lambda words: None,
) -> Rivals:
    """Tune all rivals, diagnostics and ceilings of a champion.

    Every rival may spend at least the champion's mean FLOPs, deployed alone, within a limit of the space on the number
    of answers. Of equally accurate candidates the cheaper is taken.

    Args:
        space: of the search.
        specs: of the pool, as loaded.
        champion: frozen.
        evaluator: decodes; whatever is decoded enters its ledger.
        items: of the selection split.
        stand_for: how many items each of these stands for, where a few are to show what many would need: who would fall
            behind on so many draws no more answers.
        tell: called with what is being tuned.

    Raises:
        RunError: the ledger cannot be written.
        Stopped: the evaluator was told to stop.
    """
    tell("the champion's price")
    flops = evaluator.summaries([champion], items)[0].cost.flops
    tell("single members and ways to sample from them")
    singles = try_singles(evaluator, items, space, specs, flops, stand_for)
    tell("the vote of its members")
    vote = [] if isinstance(champion, Vote) else [members_vote(evaluator, items, space, champion, flops, singles)]
    tell("routers")
    matched = (best_single(singles), best_sampling(singles), *vote, best_router(evaluator, items, singles))
    tell("other gates and plain mixes")
    others = diagnostics(evaluator, items, space, specs, champion)
    tell("ceilings")
    return Rivals(matched=matched, diagnostics=others, ceilings=ceilings(evaluator, items, singles))
