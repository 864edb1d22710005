"""One pool, one seed: the best mix against the best vote over whole answers, found with equal effort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from evoswarm.canonical import digest_of
from evoswarm.decoding.decoder import Decoder
from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.drawn import Drawn
from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.files.places import ledger_file
from evoswarm.experiment.openings.guard import Guard, book_of
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import Workbench, load_swarm, workbench
from evoswarm.policies import Policy
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item, weights_of

DIRECTORY = "two-by-two"
"""Under the directory of all runs: the searches."""

PATIENCE = 3
"""A search for votes ends after so many times the space's generations: a small space has few different votes."""


@dataclass(frozen=True)
class HeldOutScores:
    """One champion on the test items.

    Attributes:
        words: what it is.
        scores: by task, per item in the items' order; a failure counts 0.
        flops: mean per item, deployed alone.
        evaluations: (candidate, item) pairs that its search asked for.
        failures: test items on which it failed; they count as wrong.
    """

    words: tuple[str, ...]
    scores: Mapping[str, tuple[float, ...]]
    flops: float
    evaluations: int
    failures: int = 0


@dataclass(frozen=True)
class SeedResult:
    """Mixing against voting for one pool and seed.

    Attributes:
        members: of the pool.
        seed: of both searches.
        items: digest of the test items: results over the same items can be paired.
        weights: of the tasks.
        mixing: the champion of the search for mixes.
        voting: the champion of the search for votes.
    """

    members: tuple[str, ...]
    seed: int
    items: str
    weights: Mapping[str, float]
    mixing: HeldOutScores
    voting: HeldOutScores

    def to_dict(self) -> dict[str, Any]:
        """As JSON data; scores of 0 and 1 are kept as one text of digits per task."""
        data = asdict(self)
        for side in (data["mixing"], data["voting"]):
            side["scores"] = {task: _packed(scores) for task, scores in side["scores"].items()}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote."""
        sides = {
            name: HeldOutScores(
                words=tuple(data[name]["words"]),
                scores={task: tuple(map(float, scores)) for task, scores in data[name]["scores"].items()},
                flops=data[name]["flops"],
                evaluations=data[name]["evaluations"],
                failures=data[name].get("failures", 0),
            )
            for name in ("mixing", "voting")
        }
        return cls(tuple(data["members"]), data["seed"], data["items"], dict(data["weights"]), **sides)


def search_both(
    space: SearchSpace,
    seed: int,
    *,
    runs: Path,
    swarm: Decoder | None = None,
    progress: Progress = SILENT,
) -> SeedResult:
    """Search for a mix, then for a vote with as many evaluations, and open the test items for both.

    Both are ordinary searches, in run directories of their own: the same call again goes on where it ended.

    Args:
        space: whose mixes and votes are meant.
        seed: replaces the space's.
        runs: the directory of all runs.
        swarm: the space's pool, loaded already; None loads it.
        progress: told what is being done.

    Raises:
        EvoswarmError: the space, a member or the ledger is not what it should be.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.
    """
    seeded = space.model_copy(update={"seed": seed})
    loaded = swarm if swarm is not None else load_swarm(space, on_load=progress.loading)

    def champion(one: SearchSpace) -> tuple[Policy, int]:
        asked = 0

        def count(figures: GenerationFigures) -> None:
            nonlocal asked
            asked = figures.evaluations

        kind = one.genome.kind
        progress.enter("studying", f"{space.name}, seed {seed}: searching for a {kind}")
        out = runs / DIRECTORY / f"{one.name}-seed{seed}{'' if kind == 'mix' else f'-{kind}'}"
        found = search(one, out=out, runs=runs, swarm=loaded, progress=progress.within(count), certify=False)
        return found.champion, asked

    mix, evaluations = champion(seeded)
    vote, asked = champion(voting(seeded, evaluations))
    progress.enter("test", f"{space.name}, seed {seed}: {seeded.splits.test} test items")
    with workbench(seeded, ledger_file(runs), splits=("test",), swarm=loaded, progress=progress.within()) as bench:
        items = bench.items["test"]
        return SeedResult(
            members=tuple(spec.name for spec in bench.pool),
            seed=seed,
            items=digest_of([item.key for item in items]),
            weights=weights_of(bench.tasks),
            mixing=_on_test(bench, runs, mix, evaluations),
            voting=_on_test(bench, runs, vote, asked),
        )


def voting(space: SearchSpace, evaluations: int) -> SearchSpace:
    """The same space searched for votes until so many evaluations were asked for."""
    evolution = space.evolution.model_copy(update={"generations": PATIENCE * space.evolution.generations})
    genome = space.genome.model_copy(update={"kind": "vote"})
    budget = space.budget.model_copy(update={"evaluations": evaluations})
    return space.model_copy(update={"genome": genome, "evolution": evolution, "budget": budget})


def _on_test(bench: Workbench, runs: Path, policy: Policy, evaluations: int) -> HeldOutScores:
    """A champion on the test items, their opening recorded."""
    items, evaluator = bench.items["test"], bench.evaluator
    bound = bench.bound(policy)
    guard = Guard(book_of(evaluator.ledger, runs), Drawn(bench.tasks, bench.items), bench.asked)
    guard.open([bound], "two-by-two", seeds=[bench.asked.seed])
    summary = evaluator.summaries([bound], items)[0]
    words = tuple(bound.words(summary.spoken))
    return HeldOutScores(words, _by_task(items, summary), summary.cost.flops, evaluations, summary.failures)


def _by_task(items: Sequence[Item], summary: Summary) -> dict[str, tuple[float, ...]]:
    scores: dict[str, list[float]] = {}
    for item, score in zip(items, summary.scores, strict=True):
        scores.setdefault(item.task, []).append(score)
    return {task: tuple(values) for task, values in scores.items()}


def _packed(scores: Sequence[float]) -> str | list[float]:
    """One digit per item where all are 0 or 1."""
    if set(scores) <= {0.0, 1.0}:
        return "".join(str(round(score)) for score in scores)
    return list(scores)
