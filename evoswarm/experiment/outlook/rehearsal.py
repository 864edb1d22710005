"""A command played small: every part of it on a few items, in memory only, to see what work it is and what it takes.

Items share nothing but the beginnings of their prompts, so what a few of them need tells what all need. What recipes
share among themselves, more and more so in later generations, shows on few items as it does on many.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evoswarm.evaluation.candidate import Candidate, score
from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import Stopped
from evoswarm.evolution.algorithm import Algorithm
from evoswarm.experiment.algorithms import algorithm_of
from evoswarm.experiment.calibrating import CALIBRATION_ITEMS, calibrate, genomes_for
from evoswarm.experiment.finalists import FINALISTS, Finalist
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.merging import Pretender
from evoswarm.experiment.outlook.along import narrow, read_along
from evoswarm.experiment.outlook.kinds import Kinds
from evoswarm.experiment.outlook.prices import Prices, Taken, Work, growth_of
from evoswarm.experiment.outlook.scenes import (
    CALIBRATING,
    CHOOSING,
    FITTING,
    NARROWING,
    READING,
    RIVALS,
    TEST,
    Act,
    Clock,
    Scene,
    Watch,
)
from evoswarm.experiment.scoring import outcome
from evoswarm.experiment.selection import select
from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Policy
from evoswarm.rivals.as_deployed import ways_of
from evoswarm.rivals.fitted import NO_FITS, Fits
from evoswarm.rivals.tuning import tune
from evoswarm.tasks.task import Item, SplitName

FITS_GROWTH = 0.5
"""Exponent by which fits take longer with more items: as many steps, of which each takes longer, but not by as much."""

PATIENCE = 30.0
"""Seconds after which a plan plays no further generation, and after which it ends what comes behind them."""


def warm_up(bench: Workbench, stop: Callable[[], bool] = lambda: False) -> None:
    """Whoever is the first to ask in some way (these tokens, that template) pays for its beginnings: ask once.

    Raises:
        Stopped: ``stop`` said so, or Ctrl-C.
    """
    deployed, items = bench.as_deployed(), bench.items["search"][:1]
    mix = uniform(bench.space, bench.pool)
    alone = [single(bench.space, spec) for spec in bench.pool]
    with Ledger(":memory:") as ledger:
        evaluator = deployed.evaluator.beside(ledger, stop)
        ways = [way.policy for recipe in alone for way in ways_of(recipe, evaluator.swarm)]
        evaluator.evaluate([mix, *alone, *ways], items)


def act(
    bench: Workbench,
    cast: Mapping[SplitName, Sequence[Item]],
    clock: Clock = time.monotonic,
    patience: float = PATIENCE,
) -> Act:
    """Play the whole command; nothing of it is kept.

    Args:
        bench: the space made ready.
        cast: the items that stand for those of each split; none of the test split.
        clock: gives seconds.
        patience: seconds after which no further generation is played; as long may take what comes behind them.
    """
    with Ledger(":memory:") as ledger:
        own = replace(bench, evaluator=bench.evaluator.beside(ledger), items=cast)
        watch, items, evaluator = Watch(own.evaluator, clock), cast["search"], own.evaluator
        began = clock()
        genomes = genomes_for(own, lambda alphabet: calibrate(own, items, alphabet))
        watch.scene(CALIBRATING, items)
        along = read_along(own)
        watch.scene(READING, items)
        narrow(own, along)
        watch.scene(NARROWING, items)
        fits = fits_of(own)
        watch.scene(FITTING, items)
        algorithm = algorithm_of(own.space, genomes)
        generations: list[Mapping[str, Summary]] = []
        policies: dict[str, Policy] = {}
        for generation in range(own.space.evolution.generations):
            born = algorithm.ask()
            expressed = [genomes.express(individual.genome) for individual in born]
            summaries = evaluator.summaries(expressed, items)
            told = [outcome(one, each, own.space.objectives) for one, each in zip(born, summaries, strict=True)]
            algorithm.tell(told)
            watch.scene(str(generation), items)
            policies.update((policy.digest, policy) for policy in expressed)
            generations.append({one.digest: each for one, each in zip(expressed, summaries, strict=True)})
            if clock() - began > patience and generation > 0:
                break
        plain = [Candidate(*one) for one in genomes.plain()]
        evaluations = evaluator.evaluate([one.policy for one in plain], items)
        shown = {digest: one for some in generations for digest, one in some.items()}
        if any(one.failure is None for one in shown.values()):
            ends = clock() + patience
            finalists = [*_ranked(algorithm, shown, policies), *plain]
            watch.scenes += finale(own, finalists, cast, clock, lambda: clock() > ends, fits)
        return Act(tuple(watch.scenes), items, tuple(generations), tuple(zip(plain, evaluations, strict=True)), along)


def _ranked(algorithm: Algorithm[Any], shown: Mapping[str, Summary], policies: Mapping[str, Policy]) -> list[Candidate]:
    """Who would be tested again: the best on the search items."""
    best = [one for one in algorithm.archive.individuals if shown[one.key].accuracy is not None]
    best.sort(key=lambda one: (-(shown[one.key].accuracy or 0.0), one.order))
    return [Candidate(one.id, policies[one.key]) for one in best[:FINALISTS]]


def finale(
    bench: Workbench,
    finalists: Sequence[Candidate],
    cast: Mapping[SplitName, Sequence[Item]],
    clock: Clock = time.monotonic,
    stop: Callable[[], bool] = lambda: False,
    fits: Fits = NO_FITS,
) -> list[Scene]:
    """What comes behind the generations: the choice, the rivals, the test; in a ledger that is not kept.

    Nothing is played where no finalist can answer any of the items.

    Args:
        bench: the space made ready.
        finalists: from whom the champion is chosen, the most accurate on the search items first.
        cast: the items that stand for those of all splits; without test items it ends with the choice.
        clock: gives seconds.
        stop: asked now and then; True ends it with the parts that are done.
        fits: the mixes that were fitted, if any; a search at work does not wait for that.

    Raises:
        Stopped: Ctrl-C.
    """
    with Ledger(":memory:") as ledger:
        own = replace(bench, evaluator=bench.evaluator.beside(ledger, stop), items=cast)
        watch = Watch(own.evaluator, clock)
        try:
            _play(own, finalists, cast, watch, fits)
        except Stopped:
            bench.evaluator.go_on()  # a wish that is not ``stop``'s ends everything
        return watch.scenes


def _play(
    bench: Workbench,
    finalists: Sequence[Candidate],
    cast: Mapping[SplitName, Sequence[Item]],
    watch: Watch,
    fits: Fits,
) -> None:
    """The parts of `finale`, one after the other.

    On few items no rival falls so far behind that it may end early. So each of them counts as often as it takes to make
    the selection split, where that is asked.

    Rivals are tuned against the first finalist: on few items many are equally right, and the choice among those is for
    the cheapest, which is seldom as large as a champion is.
    """
    space, selection = bench.space, cast["selection"]
    able = [one for one in score(finalists, bench.evaluator, selection) if not one.failed]
    if not able:
        return
    entered = [Finalist(one) for one in (*finalists, *fits.mixes)]
    select(bench.evaluator, selection, entered, [], space.objectives, space.saving)
    watch.scene(CHOOSING, selection)
    if "test" not in cast:
        return
    champion = able[0].policy
    evaluator = bench.as_deployed().evaluator
    watch.goes_on_with(evaluator)
    times = max(1, space.splits.selection // len(selection))
    merging = Pretender(bench)
    rivals = tune(space, bench.pool, champion, evaluator, selection, stand_for=times, merging=merging, fits=fits)
    watch.scene(RIVALS, selection, besides=merging.seconds)
    played, evaluator = cast["test"], bench.as_deployed().evaluator  # which has not been asked these yet
    if rivals.soup.rival is not None:
        evaluator = merging.merged(rivals.soup.members, evaluator)[1]
    watch.goes_on_with(evaluator)
    score([*rivals.matched, *rivals.diagnostics], evaluator, played)
    for ceiling in rivals.ceilings:
        ceiling.score(evaluator, played)
    shorter = [champion.without(spec.name) for spec in champion.specs]
    evaluator.evaluate([champion, *(one for one in shorter if one is not None)], played)
    watch.scene(TEST, played)


class Rehearsal:
    """What some acts say of the whole command.

    Args:
        acts: of different sizes, the largest last.
        taken: what else was seen to take how long.
        without: names of parts that the command will not have on all items.
    """

    def __init__(self, acts: Sequence[Act], taken: Sequence[Taken] = (), without: Sequence[str] = ()) -> None:
        self._scenes: dict[str, list[Scene]] = defaultdict(list)
        for one in acts:
            for scene in one.scenes:
                self._scenes[scene.name].append(scene)
        self.prices = Prices.of([*taken, *(scene.taken for some in self._scenes.values() for scene in some)])
        begun = [some.scenes for some in acts if some.scenes]
        common = set.intersection(*({scene.name for scene in some} for some in begun)) if begun else set()
        self._growth = growth_of(
            (some[0].items, sum(scene.taken.work.forwards for scene in some if scene.name in common)) for some in begun
        )
        self._played = sum(name.isdigit() for name in self._scenes)
        for name in without:
            self._scenes.pop(name, None)

    def knows(self, name: str) -> bool:
        """Whether a part was played at all."""
        return name in self._scenes

    def work(self, name: str, items: int) -> Work:
        """That one part is on so many items."""
        scenes = self._scenes.get(name, [])
        if not scenes:
            return Work()
        together, largest = scenes[0].taken.work, scenes[-1]
        for scene in scenes[1:]:
            together += scene.taken.work
        of_all = together.scaled(items / sum(scene.items for scene in scenes))
        fixed = largest.taken.work.scaled(items / largest.items, self._growth)
        return replace(of_all, forwards=fixed.forwards, rounds=fixed.rounds)

    def part(self, name: str, items: int, more: int = 0) -> Taken:
        """One part on so many items.

        Prices that little was seen of can be far off. So a part takes no less than it took on few items, and no more
        than as many times that as there are more items.

        Args:
            name: of the part.
            items: how many.
            more: policies that each of them is asked of beside those that were played.
        """
        last = self._scenes.get(name, [])[-1:]
        share = max([1.0 + more * scene.items / scene.evaluations for scene in last if scene.evaluations], default=1.0)
        work = self.work(name, items).scaled(share)
        seconds = self.prices.seconds(work)
        for scene in last:
            times = max(1.0, share * items / scene.items)
            seconds = min(max(seconds, scene.taken.seconds), times * scene.taken.seconds) + scene.besides
        return Taken(work, seconds)

    def fitting(self, *items: int) -> float:
        """Seconds of fits to so many items each, rows being narrowed already."""
        last = self._scenes.get(FITTING, [])[-1:]
        return sum(one.taken.seconds * math.pow(count / one.items, FITS_GROWTH) for one in last for count in items)

    def choosing(self, items: int, kinds: Kinds) -> Taken:
        """The choice of a champion on so many items, with what is done for single kinds of them."""
        tested = self.part(CHOOSING, items, kinds.specialists)
        return Taken(tested.work, tested.seconds + self.fitting(*kinds.fitted) + kinds.seconds)

    def searching(self, items: int, generations: int) -> Taken:
        """Calibration, fits to right answers, and generations; those that were not played are as the last two were."""
        found = [self.part(str(generation), items) for generation in range(min(generations, self._played))]
        last = found[-2:]
        found += [last[number % len(last)] for number in range(generations - self._played) if last]
        found += [self.part(CALIBRATING, min(CALIBRATION_ITEMS, items)), self.part(READING, items)]
        narrowing = sum(one.taken.seconds * items / one.items for one in self._scenes.get(NARROWING, [])[-1:])
        found += [Taken(Work(), narrowing + self.fitting(items))]
        return Taken(sum((one.work for one in found), Work()), sum(one.seconds for one in found))

    def asked(self, name: str, items: int) -> tuple[int, float]:
        """Evaluations of one part on so many items, and the tokens that they would read alone."""
        scenes = self._scenes.get(name, [])
        times = items / max(1, sum(scene.items for scene in scenes))
        evaluations, tokens = sum(scene.evaluations for scene in scenes), sum(scene.tokens for scene in scenes)
        return round(evaluations * times), tokens * times

    def tokens_of_generations(self, items: int, generations: int) -> float:
        """That the policies of all generations would read alone."""
        each = [self.asked(str(generation), items)[1] for generation in range(self._played)]
        return sum(each) * generations / len(each) if each else 0.0

    def flops_of_generations(self, items: int, generations: int) -> float:
        """Likewise, floating-point operations."""
        scenes = [scene for number in range(self._played) for scene in self._scenes[str(number)]]
        each = [scene.flops / scene.items for scene in scenes]
        return sum(each) / len(each) * items * generations if each else 0.0

    @property
    def rows(self) -> float:
        """Prefixes that were read in all acts."""
        return sum(scene.taken.work.rows for some in self._scenes.values() for scene in some)
