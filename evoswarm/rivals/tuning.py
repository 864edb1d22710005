"""Tuning on the selection split: what a champion will be compared with is fixed before the test split opens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Vote
from evoswarm.rivals.ceilings import Ceiling, ceilings
from evoswarm.rivals.diagnostics import diagnostics
from evoswarm.rivals.fitted import NO_FITS, R5, Fits, best_fitted
from evoswarm.rivals.matched import best_sampling, best_single, members_vote, try_singles
from evoswarm.rivals.routers import best_router
from evoswarm.rivals.soups import NO_SOUP, R6, MergedRival, Merging, best_soup
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

ALWAYS = ("R1", "R2", "R4")
"""Keys of those that play whatever the champion and the pool are like."""


@dataclass(frozen=True)
class Rivals:
    """All that one champion is compared with.

    Attributes:
        matched: R1 to R4, and R6 where there is one: the champion must beat every one of them. A champion that votes
            itself has no R3.
        diagnostics: what its parts are good for: other gates, plain mixes.
        ceilings: what nobody can play, because they are told the right answers: an upper end for the eye.
        soup: what R6 is made of, or why there is none.
        fitted: R5, the mix that is had without searching, which is a diagnostic too; None where there is none.
        unfitted: why there is none.
    """

    matched: tuple[Candidate, ...]
    diagnostics: tuple[Candidate, ...]
    ceilings: tuple[Ceiling, ...]
    soup: MergedRival = NO_SOUP
    fitted: Candidate | None = None
    unfitted: str = ""

    @property
    def absent(self) -> dict[str, str]:
        """Why there is no rival of a key, as a sentence."""
        return {key: why for key, why in ((R5, self.unfitted), (R6, self.soup.absent)) if why}

    def with_soup(self, soup: MergedRival) -> Rivals:
        """The same with the merged model as it can be played: where that cannot be, it is no rival."""
        kept = [one for one in self.matched if one.key != R6]
        return replace(self, soup=soup, matched=(*kept, *([] if soup.rival is None else [soup.rival])))


def to_beat(space: SearchSpace, alike: bool) -> int:
    """How many rivals a champion of a space will have to beat, as `tune` makes them; known before there is one.

    Args:
        space: that is searched.
        alike: whether members can be merged.
    """
    voting = space.genome.kind == "vote"
    return len(ALWAYS) + (not voting) + alike


def tune(
    space: SearchSpace,
    specs: Sequence[MemberSpec],
    champion: Policy,
    evaluator: Evaluator,
    items: Sequence[Item],
    stand_for: int = 1,
    *,
    merging: Merging | None = None,
    fits: Fits = NO_FITS,
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
        merging: makes one model of several members; None leaves R6 out.
        fits: mixes whose numbers were fitted on the search split.
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
    matched = [best_single(singles), best_sampling(singles), *vote, best_router(evaluator, items, singles)]
    soup = NO_SOUP if merging is None else best_soup(evaluator, items, space, singles, merging, tell)
    matched += [] if soup.rival is None else [soup.rival]
    tell("other gates and mixes that nobody searched for")
    without_search = best_fitted(evaluator, items, fits)
    others = diagnostics(evaluator, items, space, specs, champion)
    others += () if without_search is None else (without_search,)
    tell("ceilings")
    last = ceilings(evaluator, items, singles)
    return Rivals(
        matched=tuple(matched),
        diagnostics=others,
        ceilings=last,
        soup=soup,
        fitted=without_search,
        unfitted=fits.absent,
    )
