"""The best ballot of a space, searched for as the best mixture is: same evolution, same effort, same choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evoswarm.controls.ballot import Ballot, ballot_evaluations
from evoswarm.errors import RunError
from evoswarm.evaluation.evaluation import Summary, scores_of, summarize
from evoswarm.evolution.algorithms.archipelago import Archipelago
from evoswarm.experiment.calibrating import sizes_of
from evoswarm.experiment.scoring import outcome
from evoswarm.experiment.selection import DROP_TOLERANCE, FINALISTS, best_and_cheapest_near
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.archipelago_settings import archipelago_settings
from evoswarm.genomes.vote.representation import BallotRepresentation

PATIENCE = 3
"""A search for ballots ends after so many times the space's generations: a small space has few different ballots."""

_ROUNDING = 1e-9  # of sums of scores


@dataclass(frozen=True)
class Voted:
    """What a search for ballots came to.

    Attributes:
        ballot: the champion.
        evaluations: (ballot, item) pairs asked for on the search split.
    """

    ballot: Ballot
    evaluations: int


@dataclass(frozen=True)
class _Standing:
    """A ballot with what it did on the selection split."""

    ballot: Ballot
    summary: Summary
    scores: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        return self.summary.objective("accuracy")

    @property
    def flops(self) -> float:
        return self.summary.cost.flops

    @property
    def digest(self) -> str:
        return self.ballot.digest


def search_ballot(bench: Workbench, evaluations: int) -> Voted:
    """Evolve ballots until at least so many evaluations were asked for, then choose on the selection split.

    A ballot on an item is one evaluation, as a recipe on an item is. Everything a voter says goes through the ledger,
    so that the same call again decodes nothing.

    Args:
        bench: with the items of the search and the selection split.
        evaluations: what a search for mixtures asked for on the search split.

    Raises:
        RunError: no ballot could be evaluated.
    """
    space, items = bench.space, bench.items["search"]
    representation = BallotRepresentation(space, sizes_of(bench))
    algorithm = Archipelago(archipelago_settings(space), representation, space.seed)
    summaries: dict[str, Summary] = {}
    most = PATIENCE * space.evolution.generations
    while len(summaries) * len(items) < evaluations and algorithm.generation + 1 < most:
        individuals = algorithm.ask()
        ballots = [representation.express(individual.genome) for individual in individuals]
        told = []
        for individual, rows in zip(individuals, ballot_evaluations(bench.evaluator, ballots, items), strict=True):
            summaries[individual.key] = summary = summarize(items, rows, bench.tasks)
            told.append(outcome(individual, summary, space.objectives))
        algorithm.tell(told)
    ranked = [(i, a) for i in algorithm.archive.individuals if (a := summaries[i.key].accuracy) is not None]
    ranked.sort(key=lambda pair: (-pair[1], pair[0].order))
    plain = [i for i in algorithm.history if i.origin.operator == "uniform" or i.origin.operator.startswith("single:")]
    finalists = [representation.express(i.genome) for i in [*(i for i, _ in ranked[:FINALISTS]), *plain]]
    return Voted(choose(bench, finalists), len(summaries) * len(items))


def choose(bench: Workbench, finalists: Sequence[Ballot]) -> Ballot:
    """The cheapest finalist within one paired standard error of the best, less the voters that are not missed."""
    able = [standing for standing in _standings(bench, finalists) if standing.summary.failure is None]
    if not able:
        raise RunError("expected a ballot that can be held, got failures only")
    _, winner = best_and_cheapest_near(able, bench.items["selection"], bench.tasks)
    return _without_idle_voters(bench, winner)


def _without_idle_voters(bench: Workbench, winner: _Standing) -> Ballot:
    """Voters leave one by one, the one that is missed least first, while accuracy falls within tolerance in all."""
    kept = winner
    while len(kept.ballot.voters) > 1:
        voters = kept.ballot.voters
        fewer = [Ballot(voters[:place] + voters[place + 1 :]) for place in range(len(voters))]
        able = [standing for standing in _standings(bench, fewer) if standing.summary.failure is None]
        least = min(able, key=lambda s: (-s.accuracy, s.flops, s.digest), default=None)
        if least is None or winner.accuracy - least.accuracy > DROP_TOLERANCE + _ROUNDING:
            break
        kept = least
    return kept.ballot


def _standings(bench: Workbench, ballots: Sequence[Ballot]) -> list[_Standing]:
    distinct = list({ballot.digest: ballot for ballot in ballots}.values())
    items = bench.items["selection"]
    held = ballot_evaluations(bench.evaluator, distinct, items)
    return [
        _Standing(ballot, summarize(items, rows, bench.tasks), scores_of(rows))
        for ballot, rows in zip(distinct, held, strict=True)
    ]
