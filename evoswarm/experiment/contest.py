"""The end of a search: who competes for champion, and who wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evolution.archive import Archive
from evoswarm.experiment.composing import routes_of
from evoswarm.experiment.estimating import Searched
from evoswarm.experiment.evolving import Evolving
from evoswarm.experiment.finalists import FINALISTS, PLAIN, Finalist, finalists_of
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.selection import Selection, select
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes import PolicyGenomes
from evoswarm.policies import Policy

FRONT_EXTRAS = 30
"""Policies of the Pareto archive, beyond the finalists, that are tested again for the front."""


@dataclass(frozen=True)
class Known:
    """What evolution found out.

    Attributes:
        ranked: names, policies and what they did, of all that were scored on the whole search split; the best first.
        front: names and policies of the Pareto archive.
    """

    ranked: Sequence[tuple[str, Policy, Summary]]
    front: Sequence[tuple[str, Policy]]

    @classmethod
    def of(cls, archive: Archive[Any], evolving: Evolving) -> Self:
        """What an archive and the loop that filled it know."""
        whole = [(one, s) for one in archive.individuals if (s := evolving.on_all_items.get(one.key)) is not None]
        able = [(one, summary) for one, summary in whole if summary.accuracy is not None]
        able.sort(key=lambda pair: (-(pair[1].accuracy or 0.0), pair[0].order))
        return cls(
            ranked=[(one.id, evolving.policies[one.key], summary) for one, summary in able],
            front=[(one.id, evolving.policies[one.key]) for one in archive.front],
        )


@dataclass(frozen=True)
class Contest:
    """Who is tested again.

    Attributes:
        finalists: who may become champion.
        others: who only takes part in the front, or is only shown.
        ranked: names and policies of all that the search scored, best first.
        searched: what the search scored, and the policy that others are measured from.
        search_accuracy: of the finalists that evolution found, by name.
        unfitted: why no mix was fitted to right answers, as a sentence; empty where some were.
    """

    finalists: list[Finalist]
    others: list[Candidate]
    ranked: list[tuple[str, Policy]]
    searched: Searched
    search_accuracy: Mapping[str, float]
    unfitted: str


def contest_of(bench: Workbench, genomes: PolicyGenomes[Any, Any], known: Known) -> Contest:
    """Who competes: the best that evolution found, the plainest policies, and the mixes that were fitted.

    Args:
        bench: the space made ready.
        genomes: of the search.
        known: what evolution found out.

    Raises:
        MemberError: a member cannot be loaded.
        RunError: the ledger cannot be written, or is damaged.
    """
    plain = genomes.plain()
    allowed = [one for one in plain if genomes.allows(one[1])]
    shown = [Candidate(*one, PLAIN) for one in plain if one not in allowed]  # they cannot win
    front = known.front[:FRONT_EXTRAS] if len(bench.space.objectives) > 1 else []
    fits = fits_of(bench)
    made = [
        Finalist(one, origin="fitted", instead={"search": None}) for one in fits.mixes if genomes.allows(one.policy)
    ]
    ranked = [(name, policy) for name, policy, _ in known.ranked]
    _, reference = plain[-1]
    scores = [summary.scores for *_, summary in known.ranked]
    return Contest(
        finalists=finalists_of(ranked, allowed, made),
        others=[*(Candidate(*one) for one in front), *shown],
        ranked=ranked,
        searched=Searched(bench.items["search"], scores, reference),
        search_accuracy={name: summary.accuracy or 0.0 for name, _, summary in known.ranked[:FINALISTS]},
        unfitted=fits.absent,
    )


def decided(
    bench: Workbench, genomes: PolicyGenomes[Any, Any], contest: Contest, progress: Progress = SILENT
) -> Selection:
    """The champion: of the finalists, and of the routes that can be put together from them.

    Args:
        bench: the space made ready, with the items of the selection split.
        genomes: of the search.
        contest: who competes.
        progress: told what is being done.

    Raises:
        RunError: every finalist failed on every item.
        MemberError: a member cannot be loaded.
        Stopped: Ctrl-C.
    """
    space = bench.space
    progress.at(f"testing {len(contest.finalists)} finalists")
    routes = routes_of(bench, genomes, contest.ranked, contest.finalists, progress)
    finalists = [*contest.finalists, *routes]
    progress.at(f"comparing {len(finalists)} finalists" + (", routes among them" if routes else ""))
    return select(
        bench.evaluator,
        bench.items["selection"],
        finalists,
        contest.others,
        space.objectives,
        space.saving,
        contest.searched,
    )
