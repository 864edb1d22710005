"""What a search would take: a small sample of it is really decoded, and nothing is written."""

from __future__ import annotations

import math
import re
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from evoswarm.decoding.forward.devices import gpu_peak_bytes
from evoswarm.evaluation.candidate import Candidate
from evoswarm.evaluation.evaluation import Summary, scores_of, summarize
from evoswarm.experiment.algorithms import algorithm_of, generation_size
from evoswarm.experiment.calibrating import CALIBRATION_ITEMS, calibrate, genomes_for
from evoswarm.experiment.obstacles import Obstacles, obstacles
from evoswarm.experiment.outlook import PRICED_ITEMS, Outlook, PlannedPart, finalists, trial_certificate
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.resolution import Resolution
from evoswarm.experiment.scoring import outcome
from evoswarm.experiment.symbols import symbols
from evoswarm.experiment.wording import by_part, duration, quantity
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.policies import Policy
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import SPLITS

SAMPLE_SHARE = 0.02
LEAST_ITEMS = 2
_SAMPLED_GENERATIONS = 2
_POWER_FACTOR = 1.96 + 0.84  # one-sided 97.5%, found with a probability of 80%


@dataclass(frozen=True)
class Plan:
    """What a search would take.

    Attributes:
        name: of the space.
        members: of the pool.
        sample_items: search items that were decoded.
        sample_seconds: that it took.
        outlook: what the whole command takes, part by part; upper bounds.
        rows: distinct prefixes that the members would read until a champion is chosen, expected.
        symbols: what a mix of the whole pool chooses between, in words.
        weight_bytes: of the loaded members.
        memory_bytes: expected in all, weights included.
        disagreement: mean squared difference of two recipes' scores on an item, in the sample.
        test_items: of the test split.
        detectable: the difference of accuracies that the test split can detect.
        search_items: of the search split.
        resolution: how well these tell recipes apart.
        obstacles: long prompts, answers at their limit, failures.
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
    obstacles: Obstacles = field(default_factory=Obstacles)

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
        """Token reads that decoding each policy alone would need until a champion is chosen."""
        return self.outlook.parts["search"].tokens + self.outlook.parts["choosing"].tokens

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
            "memory_bytes": self.memory_bytes,
            "weight_bytes": self.weight_bytes,
            "test_items": self.test_items,
            "detectable": self.detectable,
            "lines": self.lines(),
        }

    def lines(self) -> list[str]:
        """The plan in words."""
        warning = self.resolution.warning(self.search_items)
        return [
            f"{self.name}: {self.members} members; decoded {self.sample_items} search items in "
            f"{duration(self.sample_seconds)}",
            f"time:      about {duration(self.seconds)} on this machine ({by_part(self._seconds)}), likely less: later "
            "generations share more",
            f"work:      at most {self.evaluations:,} evaluations that would read {quantity(self.outlook.tokens)} "
            f"tokens alone: {self._work}",
            f"prefixes:  at most about {quantity(self.rows)} distinct ones; decoding every recipe alone would read "
            f"{quantity(self.rows_alone)} tokens",
            f"symbols:   {self.symbols}",
            f"memory:    {quantity(self.weight_bytes)}B of weights, about {quantity(self.memory_bytes)}B in all",
            f"test:      {self.test_items} items detect a difference of {100 * self.detectable:.1f} points (one-sided "
            f"97.5%, power 80%, paired; two recipes differed on {self.disagreement:.0%} of the sample)",
            *([] if warning is None else [f"warning:   {warning}"]),
            *self.obstacles.lines(),
        ]

    @property
    def _seconds(self) -> dict[str, float]:
        return {name: part.seconds for name, part in self.outlook.parts.items()}

    @property
    def _work(self) -> str:
        parts = self.outlook.parts.items()
        return ", ".join(f"{name} {part.evaluations:,} ({quantity(part.tokens)})" for name, part in parts)


@dataclass(frozen=True)
class _Sample:
    """What the sample took: calibration, the first generation, the second, in seconds and rows."""

    items: int
    seconds: tuple[float, ...]
    rows: tuple[int, ...]
    alone: tuple[float, ...]
    disagreement: float
    resolution: Resolution
    obstacles: Obstacles


def make_plan(space: SearchSpace, progress: Progress = SILENT) -> Plan:
    """Load the pool, decode two generations on a few items, and certify a mix on others; the ledger is in memory only.

    Args:
        space: checked already.
        progress: told what is being done.

    Raises:
        EvoswarmError: a task or a member is not what it should be.
    """
    with workbench(space, ":memory:", splits=SPLITS, progress=progress) as bench:
        before = _peak_memory()
        began = time.monotonic()
        progress.enter("sampling", "decoding a sample")
        sample = _decode_sample(bench)
        took = time.monotonic() - began
        grown = max(0.0, _peak_memory() - before)
        weights = sum(shape.parameter_bytes for shape in bench.swarm.shapes.values())
        individuals = generation_size(space)
        factors = _factors(space, sample.items, individuals)
        sums = [sum(column) for column in zip(*factors.values(), strict=True)]
        # What a sample needs beside states, such as vocabularies, it needs once; states grow with the search.
        kept = bench.swarm.counters.peak_state_bytes * len(space.pool) * sum(sums) / len(sums)
        states = min(kept, float(bench.swarm.state_limit_bytes))
        progress.enter("certifying", "certifying a sample")
        fresh = bench.items["search"][sample.items :]
        enough = 2 * (1 + PRICED_ITEMS)
        tried = fresh if len(fresh) >= enough else bench.items["search"][-enough:]
        counts = {"search": _searched(space, individuals), "choosing": finalists(space) * space.splits.selection}
        parts = {
            name: PlannedPart(_scaled(sample.seconds, factors[name]), count, _scaled(sample.alone, factors[name]))
            for name, count in counts.items()
        }
        return Plan(
            name=space.name,
            members=len(space.pool),
            sample_items=sample.items,
            sample_seconds=took,
            outlook=Outlook({**parts, **trial_certificate(bench, tried)}),
            rows=_scaled(sample.rows, sums),
            symbols=symbols(bench),
            weight_bytes=weights,
            memory_bytes=before + grown + states,
            disagreement=sample.disagreement,
            test_items=space.splits.test,
            detectable=_POWER_FACTOR * math.sqrt(max(sample.disagreement, 0.01) / space.splits.test),
            search_items=len(bench.items["search"]),
            resolution=sample.resolution,
            obstacles=sample.obstacles,
        )


def _searched(space: SearchSpace, individuals: int) -> int:
    """At most so many evaluations of generations, as if the ledger were empty."""
    return individuals * space.splits.search * space.evolution.generations


def _factors(space: SearchSpace, items: int, individuals: int) -> dict[str, tuple[float, float, float]]:
    """How many times the sample's calibration, first and second generation go into the search, and into the choice.

    Finalists on unseen items cost what founders do, recipe by recipe, and members read their prompts.
    """
    search, selection = space.splits.search / items, space.splits.selection / items
    calibration = min(CALIBRATION_ITEMS, space.splits.search) / items
    return {
        "search": (calibration, search, (space.evolution.generations - 1) * search),
        "choosing": (selection, selection * finalists(space) / individuals, 0.0),
    }


def _scaled(parts: Sequence[float], factors: Sequence[float]) -> float:
    return sum(part * factor for part, factor in zip(parts, factors, strict=False))


def _decode_sample(bench: Workbench) -> _Sample:
    newborn = generation_size(bench.space)
    everything = _searched(bench.space, newborn) + finalists(bench.space) * bench.space.splits.selection
    wanted = math.ceil(SAMPLE_SHARE * everything / (_SAMPLED_GENERATIONS * newborn))
    items = bench.items["search"][: max(LEAST_ITEMS, wanted)]
    seconds, rows, alone = [], [], []
    marks = [(time.monotonic(), bench.swarm.counters.rows_forwarded)]

    def mark(tokens: float) -> None:
        now = (time.monotonic(), bench.swarm.counters.rows_forwarded)
        seconds.append(now[0] - marks[-1][0])
        rows.append(now[1] - marks[-1][1])
        alone.append(tokens)
        marks.append(now)

    genomes = genomes_for(bench, lambda alphabet: calibrate(bench, items, alphabet))
    mark(0.0)
    algorithm = algorithm_of(bench.space, genomes)
    scores: list[tuple[float, ...]] = []
    tried: list[Policy] = []
    known: dict[str, Summary] = {}
    for _ in range(_SAMPLED_GENERATIONS):
        individuals = algorithm.ask()
        policies = [genomes.express(individual.genome) for individual in individuals]
        evaluations = bench.evaluator.evaluate(policies, items)
        summaries = [summarize(items, row, bench.tasks) for row in evaluations]
        known.update((policy.digest, summary) for policy, summary in zip(policies, summaries, strict=True))
        algorithm.tell(
            outcome(individual, summary, bench.space.objectives)
            for individual, summary in zip(individuals, summaries, strict=True)
        )
        scores += [scores_of(row) for row in evaluations]
        tried += policies
        mark(sum(evaluation.cost.tokens for row in evaluations for evaluation in row))
    contenders = [Candidate(*one) for one in genomes.plain()]
    plain = bench.evaluator.evaluate([one.policy for one in contenders], items)
    scores += [scores_of(row) for row in plain]
    tried += [one.policy for one in contenders]
    shown = obstacles(bench, items, list(zip(contenders, plain, strict=True)), list(known.values()))
    distinct = {policy.digest: one for policy, one in zip(tried, scores, strict=True)}
    resolution = Resolution.of(list(distinct.values()))
    return _Sample(len(items), tuple(seconds), tuple(rows), tuple(alone), _disagreement(scores), resolution, shown)


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
