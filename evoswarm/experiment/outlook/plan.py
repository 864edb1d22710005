"""What a search would take: it is played on a few items, and nothing is written."""

from __future__ import annotations

import math
import re
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from evoswarm.certificate.detectable import POWER
from evoswarm.certificate.verdict import points
from evoswarm.decoding.forward.devices import gpu_peak_bytes
from evoswarm.evaluation.evaluation import scores_of
from evoswarm.experiment.algorithms import generation_size
from evoswarm.experiment.first_look.look import FirstLook
from evoswarm.experiment.first_look.looking import looked_within
from evoswarm.experiment.merging import Alike
from evoswarm.experiment.obstacles import Obstacles, obstacles
from evoswarm.experiment.outlook.ahead import ENOUGH, Outlook, PlannedPart, finalists, sizes
from evoswarm.experiment.outlook.budgets import Allowance, generations_within
from evoswarm.experiment.outlook.casting import casts
from evoswarm.experiment.outlook.kinds import Kinds, kinds_of
from evoswarm.experiment.outlook.prediction.gathering import look_ahead
from evoswarm.experiment.outlook.prediction.prospect import Prospect
from evoswarm.experiment.outlook.refusals import Refusal, refusals
from evoswarm.experiment.outlook.rehearsal import Rehearsal, act, warm_up
from evoswarm.experiment.outlook.resolution import Resolution
from evoswarm.experiment.outlook.scenes import CHOOSING, FITTING, NARROWING, READING, RIVALS, TEST, Act, Clock
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.symbols import symbols
from evoswarm.experiment.wording import by_part, duration, quantity
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.rivals.tuning import to_beat
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import SPLITS, weights_of

TRACKING_SECONDS = 2.5
"""That MLflow takes to begin, whatever is searched."""

TRACKING_BYTES = 120_000_000
"""That MLflow takes, likewise."""

SPREAD = 1.3
"""Times what is kept, with Python's objects around it and gaps in between."""

LOOK_SECONDS = 30.0
"""About so long a plan may take to ask members alone, where all calibration items would take longer."""

_POWER_FACTOR = 1.96 + 0.84  # one-sided 97.5%, found with a probability of `POWER`


@dataclass(frozen=True)
class Plan:
    """What a search would take.

    Attributes:
        name: of the space.
        members: of the pool.
        sample_items: search items that were decoded.
        sample_seconds: that it took.
        outlook: what the whole command takes, part by part.
        rows: distinct prefixes that the members would read, expected.
        symbols: what a mix of the whole pool chooses between, in words.
        weight_bytes: of the loaded members.
        memory_bytes: expected in all, weights included.
        disagreement: mean squared difference of two recipes' scores on an item, in the sample.
        test_items: of the test split.
        detectable: the difference of accuracies that the test split can detect.
        search_items: of the search split.
        resolution: how well these tell recipes apart.
        obstacles: long prompts, answers at their limit, failures.
        first_look: what the members do alone.
        prospect: whether mixing will pay, as the items of that look foretell; None where there is nothing to mix.
        refusals: settings with which a search could not show anything.
    """

    name: str
    members: int
    sample_items: int
    sample_seconds: float
    outlook: Outlook
    rows: float
    symbols: str
    weight_bytes: int
    memory_bytes: float
    disagreement: float
    test_items: int
    detectable: float
    search_items: int
    resolution: Resolution
    first_look: FirstLook
    obstacles: Obstacles = field(default_factory=Obstacles)
    prospect: Prospect | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def seconds(self) -> float:
        """Expected of the whole command on this machine."""
        return self.outlook.seconds

    @property
    def evaluations(self) -> int:
        """(policy, item) pairs, as if the ledger were empty; an upper bound."""
        return self.outlook.evaluations

    @property
    def rows_alone(self) -> float:
        """Token reads that decoding each policy alone would need."""
        return self.outlook.tokens

    def as_dict(self) -> dict[str, Any]:
        """As JSON data: the figures, and in ``lines`` the same in words."""
        parts = {name: asdict(part) for name, part in self.outlook.parts.items()}
        return {
            "space": self.name,
            "members": self.members,
            "seconds": self.seconds,
            "evaluations": self.evaluations,
            "tokens": self.outlook.tokens,
            "parts": parts,
            "unknown": list(self.outlook.unknown),
            "memory_bytes": self.memory_bytes,
            "weight_bytes": self.weight_bytes,
            "test_items": self.test_items,
            "detectable": self.detectable,
            "lines": self.lines(),
            "first_look": self.first_look.as_dict(),
            "prospect": None if self.prospect is None else self.prospect.as_dict(),
            "refusals": [one.sentence for one in self.refusals],
        }

    def lines(self) -> list[str]:
        """The plan in words."""
        warning = self.resolution.warning(self.search_items)
        return [
            f"{self.name}: {self.members} members; decoded {self.sample_items} search items in "
            f"{duration(self.sample_seconds)}",
            f"time:      {self._about} {duration(self.seconds)} on this machine ({by_part(self._seconds)})"
            f"{self._without}",
            f"work:      at most {self.evaluations:,} evaluations (a recipe on a question; tokens in brackets): "
            f"{self._work}",
            f"prefixes:  about {quantity(self.rows)} distinct ones, each read once for all recipes; decoding every "
            f"recipe alone would read {quantity(self.rows_alone)} tokens",
            f"symbols:   {self.symbols}",
            f"memory:    {quantity(self.weight_bytes)}B of weights, about {quantity(self.memory_bytes)}B in all",
            f"test:      with {self.test_items:,} items a true gain of {points(self.detectable)} over one other recipe "
            f"is found {POWER:.0%} of the time (two recipes differed on {self.disagreement:.0%} of the sample)",
            *([] if self.prospect is None else [f"mixing:    {line}" for line in self.prospect.lines()]),
            *([] if warning is None else [f"warning:   {warning}"]),
            *(f"refused:   {one.sentence}" for one in self.refusals),
            *self.obstacles.lines(),
        ]

    @property
    def _seconds(self) -> dict[str, float]:
        return {name: part.seconds for name, part in self.outlook.parts.items()}

    @property
    def _about(self) -> str:
        return "more than" if self.outlook.unknown else "about"

    @property
    def _without(self) -> str:
        unknown = self.outlook.unknown
        return f"; {', '.join(unknown)}: unknown, a few items did not tell" if unknown else ""

    @property
    def _work(self) -> str:
        parts = self.outlook.parts.items()
        return ", ".join(
            f"{name} {part.evaluations:,} ({quantity(part.tokens)})" for name, part in parts if part.evaluations
        )


def make_plan(space: SearchSpace, progress: Progress = SILENT, clock: Clock = time.monotonic) -> Plan:
    """Load the pool and play the whole command on a few items, once or twice; the ledger is in memory only.

    Args:
        space: checked already.
        progress: told what is being done.
        clock: gives seconds.

    Raises:
        EvoswarmError: a task or a member is not what it should be.
    """
    began = clock()
    with workbench(space, ":memory:", splits=SPLITS, progress=progress) as bench:
        before = _peak_memory()
        progress.enter("sampling", "playing the search on a few items")
        progress.at("asking every member once")
        warm_up(bench)
        started = clock() - began
        acts = _acts(bench, progress, clock)
        took = clock() - began - started
        grown = max(0.0, _peak_memory() - before)
        along, largest = acts[-1].along, acts[-1]
        fits = along is not None and along.fit(space.splits.search)
        known = Rehearsal(acts, without=() if fits else (READING, NARROWING, FITTING))
        parts, rows = _parts(space, known, kinds_of(bench, fits=fits, clock=clock))
        unknown = tuple(name for name in (CHOOSING, RIVALS, TEST) if name not in parts)
        times = _most_at_once(rows) / max(1.0, known.rows)
        look = looked_within(bench, LOOK_SECONDS, progress)  # what it decodes makes samples cheap, so it comes behind
        prospect = look_ahead(bench, look.items, progress, clock)
        scores = [one.scores for some in largest.generations[:2] for one in some.values()]
        scores += [scores_of(row) for _, row in largest.plain]
        return Plan(
            name=space.name,
            members=len(space.pool),
            sample_items=len(largest.items),
            sample_seconds=took,
            outlook=Outlook({"start": PlannedPart(started + _tracking(space), 0, 0.0), **parts}, unknown),
            rows=sum(rows.values()),
            symbols=symbols(bench),
            weight_bytes=sum(shape.parameter_bytes for shape in bench.swarm.shapes.values()),
            memory_bytes=before
            + grown
            + _to_be_kept(bench, times)
            + (0.0 if along is None else along.bytes(space.splits.search))
            + _tracking_bytes(space),
            disagreement=_disagreement(scores),
            test_items=space.splits.test,
            detectable=_POWER_FACTOR * math.sqrt(max(_disagreement(scores), 0.01) / space.splits.test),
            search_items=len(bench.items["search"]),
            resolution=Resolution.of(list(dict.fromkeys(scores))),
            obstacles=_obstacles(bench, largest),
            first_look=look,
            prospect=prospect,
            refusals=refusals(
                space, bench.items, weights_of(bench.tasks), prospect, to_beat(space, bool(Alike(bench).groups))
            ),
        )


def _acts(bench: Workbench, progress: Progress, clock: Clock) -> list[Act]:
    """The command on few items, and on more where that took little."""
    acts: list[Act] = []
    for cast in casts(bench, sizes(bench)):
        progress.at(f"on {len(cast['search'])} items of each split")
        acts.append(act(bench, cast, clock))
        if acts[-1].seconds > ENOUGH["plan"]:
            break
    return acts


def _parts(space: SearchSpace, known: Rehearsal, kinds: Kinds) -> tuple[dict[str, PlannedPart], dict[str, float]]:
    """What every part takes, and the prefixes that members read in it."""
    splits, generations = space.splits, generations_of(space, known)
    taken = {
        "search": known.searching(splits.search, generations),
        CHOOSING: known.choosing(splits.selection, kinds),
        RIVALS: known.part(RIVALS, splits.selection),
        TEST: known.part(TEST, splits.test),
    }
    searched = generation_size(space) * splits.search * generations
    asked = {
        "search": (searched, known.tokens_of_generations(splits.search, generations)),
        CHOOSING: (finalists(space) * splits.selection, known.asked(CHOOSING, splits.selection)[1]),
        RIVALS: known.asked(RIVALS, splits.selection),
        TEST: known.asked(TEST, splits.test),
    }
    played = [name for name in taken if name == "search" or known.knows(name)]
    parts = {name: PlannedPart(taken[name].seconds, *asked[name]) for name in played}
    return parts, {name: one.work.rows for name, one in taken.items()}


def generations_of(space: SearchSpace, known: Rehearsal) -> int:
    """How many there will be at most: a budget ends a search behind the generation that spends it."""
    budget, most, items = space.budget, space.evolution.generations, space.splits.search
    each = [
        (budget.evaluations, generation_size(space) * items),
        (budget.decoded_tokens, known.tokens_of_generations(items, 1)),
        (budget.flops, known.flops_of_generations(items, 1)),
    ]
    allowances = [Allowance(limit, one) for limit, one in each if limit is not None]
    if budget.seconds is not None:
        in_all = known.searching(items, most).seconds - known.searching(items, 0).seconds
        allowances.append(Allowance(budget.seconds, in_all / most))
    return generations_within(most, allowances)


def _most_at_once(rows: Mapping[str, float]) -> float:
    """Prefixes that are kept at once: of the search, then of the selection items, then of the test items."""
    return max(rows["search"], rows[CHOOSING] + rows[RIVALS], rows[TEST])


def _to_be_kept(bench: Workbench, times: float) -> float:
    """Bytes that will be kept beside those that are, when so many times as much has been read.

    What a sample needs beside, such as vocabularies, it needs once.
    """
    kept = bench.swarm.kept.values()
    return sum(max(0.0, min(one.bytes * times * SPREAD, float(one.limit)) - one.bytes) for one in kept)


def _tracking_bytes(space: SearchSpace) -> int:
    return TRACKING_BYTES if space.tracking.mlflow else 0


def _tracking(space: SearchSpace) -> float:
    """Seconds until MLflow can be told anything: its import, and a store that must be made."""
    return TRACKING_SECONDS if space.tracking.mlflow else 0.0


def _obstacles(bench: Workbench, sample: Act) -> Obstacles:
    known = {digest: one for some in sample.generations[:2] for digest, one in some.items()}
    return obstacles(bench, sample.items, sample.plain, list(known.values()))


def _disagreement(scores: Sequence[Sequence[float]]) -> float:
    """Mean squared difference of two recipes on an item."""
    pairs = [sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / len(x) for x, y in combinations(scores, 2)]
    return sum(pairs) / len(pairs) if pairs else 0.0


def _peak_memory() -> float:
    """Bytes that this process has held at most, on the host and on GPUs."""
    return float(_host_peak() + gpu_peak_bytes())


def _host_peak() -> int:
    """What the kernel says of this program alone: the usual figure begins with what its parent held before it."""
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(encoding="ascii", errors="replace"), re.MULTILINE)
        if found is not None:
            return int(found[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts in bytes, others in KiB
