"""What a whole command takes, part by part: the search, the choice of a champion, its rivals, the test."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evoswarm.evaluation.candidate import score
from evoswarm.evaluation.evaluation import summarize
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.selection import FINALISTS
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.rivals.matched import try_singles
from evoswarm.rivals.sampling import FEWEST, price_of, samples_for
from evoswarm.rivals.tuning import tune
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item

PRICED_ITEMS = 2
"""Items on which a certificate is tried: on so few hardly a way to sample ends early, so the price is an upper one."""

MORE_ITEMS = 4
"""Times as many are tried next, where the few took so little that they say nothing: tiny models. Before them comes a
single one, as whoever is first to ask in some way (other tokens, another template) pays for its beginnings."""

SAYS_SOMETHING = {"plan": 4.0, "search": 1.0}
"""Seconds of a trial, by who asks: from so much on it is believed."""

VOTES_PLAYED = 2
"""Ways to sample that a test decodes, beside those of the members' vote."""

MIXES_PLAYED = 8
"""Policies that a certificate decodes beside single members: the champion, diagnostics, routers."""

LATER_SHARE = 0.65
"""Of what an answer of the first stage takes, what one of a later stage takes: many begin as others did."""


@dataclass(frozen=True)
class PlannedPart:
    """What one part takes.

    Attributes:
        seconds: on this machine.
        evaluations: (policy, item) pairs, as if the ledger were empty.
        tokens: that the policies of these pairs would read, each deployed alone.
    """

    seconds: float
    evaluations: int
    tokens: float


@dataclass(frozen=True)
class Outlook:
    """What a command takes.

    Attributes:
        parts: by name, in order.
    """

    parts: Mapping[str, PlannedPart] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """In all."""
        return sum(part.seconds for part in self.parts.values())

    @property
    def evaluations(self) -> int:
        """In all."""
        return sum(part.evaluations for part in self.parts.values())

    @property
    def tokens(self) -> float:
        """In all."""
        return sum(part.tokens for part in self.parts.values())


def finalists(space: SearchSpace) -> int:
    """How many policies are tested again at most."""
    return FINALISTS + len(space.pool) + 1


def trial_certificate(bench: Workbench, items: Sequence[Item]) -> dict[str, PlannedPart]:
    """What rivals and test take: a small certificate of the uniform mix is made, and nothing of it is kept.

    Args:
        bench: the space made ready.
        items: that nobody has been asked yet, if there are such.
    """
    for some, last in _growing(items, 2):
        began = time.monotonic()
        parts = _certified(bench, some[: len(some) // 2], some[len(some) // 2 :])
        if last or (len(some) > 2 and time.monotonic() - began > SAYS_SOMETHING["plan"]):
            break
    return parts


def _growing(items: Sequence[Item], groups: int) -> Iterator[tuple[Sequence[Item], bool]]:
    """Items for so many groups, each time more, and whether they are the last; what is left at the end was not seen.

    Where there are not even enough to begin with, each group has them all.
    """
    if len(items) < groups:
        yield [*items] * groups, True
        return
    count = 1
    while True:
        some, items = items[: count * groups], items[count * groups :]
        count = max(PRICED_ITEMS, count * MORE_ITEMS if count > 1 else 0)
        last = len(items) < count * groups
        yield some, last
        if last:
            return


def _certified(bench: Workbench, tuned: Sequence[Item], played: Sequence[Item]) -> dict[str, PlannedPart]:
    champion = uniform(bench.space, bench.pool)
    with Ledger(":memory:") as ledger:
        evaluator = bench.as_deployed().evaluator.beside(ledger)
        clock = _Clock(evaluator)
        rivals = tune(bench.space, bench.pool, champion, evaluator, tuned)
        tuning = clock.read(len(tuned), bench.space.splits.selection)
        score([*rivals.matched, *rivals.diagnostics], evaluator, played)
        for ceiling in rivals.ceilings:
            ceiling.score(evaluator, played)
        shorter = [champion.without(spec.name) for spec in bench.pool]
        evaluator.evaluate([champion, *(one for one in shorter if one is not None)], played)
        return {"rivals": tuning, "test": clock.read(len(played), bench.space.splits.test)}


class Ahead:
    """Tells a search at work what comes behind it.

    Args:
        bench: the space made ready.
        reading: seconds per item that it took to calibrate: every member read its prompt then.
    """

    def __init__(self, bench: Workbench, reading: float = 0.0) -> None:
        self._bench, self._reading = bench, reading
        self._known: dict[str, float] | None = None

    def seconds(self, per_item: float) -> dict[str, float]:
        """By part; found out once, by drawing the first stage of rivals' answers to a few items of the search split.

        Args:
            per_item: seconds that a policy of this search takes per item.
        """
        if self._known is None:
            space, items = self._bench.space, self._bench.items
            choosing = (per_item * finalists(space) + self._reading) * len(items["selection"])
            self._known = {"choosing": choosing}
            if "test" in items:
                draws, plays = self._prices(per_item)
                self._known["rivals"] = draws * len(items["selection"])
                self._known["test"] = plays * len(items["test"])
        return self._known

    def _prices(self, per_item: float) -> tuple[float, float]:
        """Seconds per item of tuning rivals, and of playing them."""
        for items, last in _growing(self._bench.items["search"], 1):
            began = time.monotonic()
            took, answers = self._first_stage(items)
            if last or (len(items) > 1 and time.monotonic() - began > SAYS_SOMETHING["search"]):
                break
        arms = max(1, len(answers))
        draws = took * (1 + LATER_SHARE * (sum(answers) / FEWEST / arms - 1))
        members = len(self._bench.pool)
        mixes = per_item * (members + MIXES_PLAYED)
        return draws + mixes, draws * min(1.0, (members + VOTES_PLAYED) / arms) + mixes + self._reading

    def _first_stage(self, items: Sequence[Item]) -> tuple[float, list[int]]:
        """Seconds per item of the first stage of all ways to sample, and how many answers each may draw in the end."""
        space, pool = self._bench.space, self._bench.pool
        champion, alone = uniform(space, pool), {spec.name: single(space, spec) for spec in pool}
        least = space.certificate.model_copy(update={"samples": FEWEST})
        with Ledger(":memory:") as ledger:
            evaluator = self._bench.as_deployed().evaluator.beside(ledger)
            whole, *rows = evaluator.evaluate([champion, *alone.values()], items)
            began = time.monotonic()
            singles = try_singles(evaluator, items, space.model_copy(update={"certificate": least}), pool, 0.0)
            took = time.monotonic() - began
        flops = summarize(items, whole, self._bench.tasks).cost.flops
        most = {
            name: samples_for(flops, [price_of(items, row, self._bench.tasks)], space.certificate.samples)[0]
            for name, row in zip(alone, rows, strict=True)
        }
        return took / len(items), [most.get(one.arm.member, space.certificate.samples) for one in singles.draws]


class _Clock:
    """Reads what was done since it was made, or read before."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._marks = self._now()

    def _now(self) -> tuple[float, int, float]:
        return time.monotonic(), self._evaluator.asked, self._evaluator.tokens

    def read(self, items: int, all_items: int) -> PlannedPart:
        """For so many items, what so few took."""
        before, self._marks = self._marks, self._now()
        times = all_items / items
        seconds, evaluations, tokens = (now - then for now, then in zip(self._marks, before, strict=True))
        return PlannedPart(seconds * times, round(evaluations * times), tokens * times)
