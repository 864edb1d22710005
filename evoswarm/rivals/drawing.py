"""Answers of single members, drawn in stages: a vote over few answers is the beginning of a vote over more.

Samples are numbered, and a sample is the same whatever the number of those behind it. So all ways to sample begin with
few answers; each stage asks those that could still win for about twice as many, all of them together. Who can no longer
win does not go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evoswarm.evaluation.candidate import Candidate, Scored, best_of, score
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.policies import Recipe
from evoswarm.rivals.sampling import FEWEST, sampled
from evoswarm.statistics.intervals import ONE_SIDED, Stratum, difference_of, strata
from evoswarm.tasks.task import Item, weights_of

End = Literal["spent", "limit", "behind"]
"""Why an arm drew no more: its answers cost what may be spent, it reached the limit, or it can no longer win."""


@dataclass(frozen=True)
class Arm:
    """One way in which a member may sample.

    Attributes:
        recipe: of a single member, with its way to sample; its number of samples is replaced.
        words: how it samples, ``at temperature 0.7``.
        most: answers that it may draw.
        limited: whether more would have to be drawn to spend what may be spent.
    """

    recipe: Recipe
    words: str
    most: int
    limited: bool = False

    @property
    def member(self) -> str:
        """Its name."""
        return self.recipe.lead

    def vote(self, samples: int) -> Candidate:
        """The majority of its first answers."""
        words = f"{self.member}, the majority of {samples} answers {self.words}"
        return Candidate(words, sampled(self.recipe, samples, self.recipe.sampling_temperature))


@dataclass(frozen=True)
class Draw:
    """What an arm has drawn.

    Attributes:
        arm: whose answers they are.
        votes: over growing numbers of them.
        end: why it drew no more.
    """

    arm: Arm
    votes: tuple[Scored, ...]
    end: End

    @property
    def samples(self) -> int:
        """Answers drawn per item."""
        return samples_of(self.votes[-1])


def stages(most: int) -> Iterator[int]:
    """3, 5, 9, 17, ... and the last: odd, so that two answers seldom tie, and each about twice the one before."""
    samples = FEWEST
    while samples < most:
        yield samples
        samples = 2 * samples - 1
    yield most


def draw(
    arms: Sequence[Arm], known: Sequence[Scored], evaluator: Evaluator, items: Sequence[Item], stand_for: int = 1
) -> tuple[Draw, ...]:
    """Let all arms sample as far as each could still win.

    An arm ends where the paired difference of its best vote to the best of all that is known has an upper bound
    (one-sided, 97.5%) below 0.

    Args:
        arms: none of them twice.
        known: at least one; what a vote has to beat from the beginning.
        evaluator: decodes.
        items: of the selection split.
        stand_for: how many items each of these stands for; more than 1 shows on a few what many would need.

    Returns:
        one per arm, in order.
    """
    weights = weights_of(evaluator.tasks)
    parts = strata([item.task for item in items] * stand_for, weights)
    plans = [list(stages(arm.most)) for arm in arms]
    votes: list[list[Scored]] = [[] for _ in arms]
    ends: dict[int, End] = {}
    best = best_of(known)
    for stage in range(max(map(len, plans), default=0)):
        going = [number for number in range(len(arms)) if number not in ends]
        candidates = [arms[number].vote(plans[number][stage]) for number in going]
        for number, one in zip(going, score(candidates, evaluator, items), strict=True):
            votes[number].append(one)
            best = best_of([best, one])
        for number in going:
            if stage + 1 == len(plans[number]):
                ends[number] = "limit" if arms[number].limited else "spent"
            elif behind(best_of(votes[number]), best, parts, stand_for):
                ends[number] = "behind"
    return tuple(Draw(arm, tuple(votes[number]), ends[number]) for number, arm in enumerate(arms))


def behind(one: Scored, best: Scored, parts: Sequence[Stratum], stand_for: int = 1) -> bool:
    """Whether one is certainly worse than the best, on the items of both, each as often as it stands for."""
    return difference_of(one.scores * stand_for, best.scores * stand_for, parts).upper(ONE_SIDED) < 0


def samples_of(vote: Scored) -> int:
    """Answers that a vote counts."""
    return vote.policy.samples if isinstance(vote.policy, Recipe) else 1


def shared_samples(draws: Sequence[Draw], wanted: int) -> int:
    """The fewest answers, at least as many as wanted, that all of some arms have voted over; else the most."""
    common = set.intersection(*({samples_of(vote) for vote in one.votes} for one in draws))
    return min((samples for samples in common if samples >= wanted), default=max(common))


_ENDS: Mapping[End, str] = {
    "spent": "as many as cost the champion's FLOPs",
    "limit": "up to certificate.samples, which costs less than the champion",
    "behind": "until too far behind the best to win",
}


def told(draws: Sequence[Draw]) -> str:
    """How far each arm was drawn, and why it stopped, in one clause."""
    alike: dict[tuple[str, int, End], list[str]] = {}
    for one in draws:
        alike.setdefault((one.arm.member, one.samples, one.end), []).append(one.arm.words)
    by_end: dict[End, list[str]] = {}
    for (member, samples, end), words in alike.items():
        by_end.setdefault(end, []).append(f"{member} {samples} {_joined(words)}")
    return "; ".join(f"{_ENDS[end]}: {', '.join(parts)}" for end, parts in by_end.items())


def _joined(words: Sequence[str]) -> str:
    """``at temperature 0.4, 0.7 and 1``: what several begin with is said once."""
    tails: dict[str, list[str]] = {}
    for one in words:
        start, _, tail = one.rpartition(" ")
        tails.setdefault(start, []).append(tail)
    return " and ".join(f"{start} {' and '.join(', '.join(some).rsplit(', ', 1))}" for start, some in tails.items())
