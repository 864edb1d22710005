"""One pool, one seed: the best mixture against the best vote over whole answers, found with equal effort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from evoswarm.canonical import digest_of
from evoswarm.controls.ballot import Ballot, ballot_evaluations
from evoswarm.decoding.decoder import Decoder
from evoswarm.evaluation.evaluation import Evaluation, scores_of, summarize
from evoswarm.experiment.result import GenerationFigures
from evoswarm.experiment.session import search
from evoswarm.experiment.workbench import Workbench, ledger_file, load_swarm, workbench
from evoswarm.policies.mix import Recipe
from evoswarm.space import SearchSpace
from evoswarm.study.two_by_two.voting import search_ballot
from evoswarm.tasks.task import Item

DIRECTORY = "two-by-two"
"""Under the directory of all runs: the searches for mixtures."""


@dataclass(frozen=True)
class Side:
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
class Duel:
    """Mixing against voting for one pool and seed.

    Attributes:
        members: of the pool.
        seed: of both searches.
        items: digest of the test items: duels over the same items can be paired.
        weights: of the tasks.
        mixing: the champion of the search for recipes.
        voting: the champion of the search for ballots.
    """

    members: tuple[str, ...]
    seed: int
    items: str
    weights: Mapping[str, float]
    mixing: Side
    voting: Side

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
            name: Side(
                words=tuple(data[name]["words"]),
                scores={task: tuple(map(float, scores)) for task, scores in data[name]["scores"].items()},
                flops=data[name]["flops"],
                evaluations=data[name]["evaluations"],
                failures=data[name].get("failures", 0),
            )
            for name in ("mixing", "voting")
        }
        return cls(tuple(data["members"]), data["seed"], data["items"], dict(data["weights"]), **sides)


def duel(
    space: SearchSpace,
    seed: int,
    *,
    runs: Path,
    swarm: Decoder | None = None,
    on_stage: Callable[[str], None] = lambda text: None,
) -> Duel:
    """Search for a mixture, then for a ballot with as many evaluations, and open the test items for both.

    Both searches read and write the ledger of ``runs``: the same call again decodes nothing.

    Args:
        space: whose recipes and ballots are meant.
        seed: replaces the space's.
        runs: the directory of all runs.
        swarm: the space's pool, loaded already; None loads it.
        on_stage: told what is being done.

    Raises:
        EvoswarmError: the space, a member or the ledger is not what it should be.
        SearchInterrupted: Ctrl-C; everything is kept, and the same call goes on.
    """
    seeded = space.model_copy(update={"seed": seed})
    loaded = swarm if swarm is not None else load_swarm(space)
    asked = 0

    def count(figures: GenerationFigures) -> None:
        nonlocal asked
        asked = figures.evaluations

    on_stage(f"{space.name}, seed {seed}: evolving mixtures")
    out = runs / DIRECTORY / f"{space.name}-seed{seed}"
    mixture = search(seeded, out=out, runs=runs, swarm=loaded, on_generation=count, certify=False).champion
    with workbench(seeded, ledger_file(runs), splits=("search", "selection", "test"), swarm=loaded) as bench:
        on_stage(f"{space.name}, seed {seed}: evolving votes")
        voted = search_ballot(bench, asked)
        on_stage(f"{space.name}, seed {seed}: {len(bench.items['test'])} test items")
        return Duel(
            members=tuple(spec.name for spec in bench.pool),
            seed=seed,
            items=digest_of([item.key for item in bench.items["test"]]),
            weights={name: task.weight for name, task in bench.tasks.items()},
            mixing=_mixing(bench, bench.bound(mixture), asked),
            voting=_voting(bench, voted.ballot, voted.evaluations),
        )


def _mixing(bench: Workbench, recipe: Recipe, evaluations: int) -> Side:
    items = _opened(bench, recipe.digest)
    rows = bench.evaluator.evaluate([recipe], items)[0]
    summary = summarize(items, rows, bench.tasks)
    words = tuple(recipe.words(summary.cost.spoken))
    return Side(words, _by_task(items, rows), summary.cost.flops, evaluations, summary.failures)


def _voting(bench: Workbench, ballot: Ballot, evaluations: int) -> Side:
    items = _opened(bench, ballot.digest)
    rows = ballot_evaluations(bench.evaluator, [ballot], items)[0]
    summary = summarize(items, rows, bench.tasks)
    return Side(ballot_in_words(ballot), _by_task(items, rows), summary.cost.flops, evaluations, summary.failures)


def ballot_in_words(ballot: Ballot) -> tuple[str, ...]:
    """A ballot, one sentence per voter."""
    total = sum(voter.weight for voter in ballot.voters)
    lines = []
    for voter in ballot.voters:
        recipe = voter.recipe
        how = "one greedy answer"
        if recipe.samples > 1:
            how = f"{recipe.samples} answers sampled at temperature {recipe.sampling_temperature:.2f}"
        weight = "" if len(ballot.voters) == 1 else f", weight {voter.weight / total:.2f}"
        lines.append(f"{recipe.lead} gives {how}{weight}.")
    return tuple(lines)


def _opened(bench: Workbench, champion: str) -> Sequence[Item]:
    """The test items, their opening recorded."""
    items = bench.items["test"]
    digests = [bench.evaluator.item_digest(item, bench.space.prompt_format) for item in items]
    bench.evaluator.ledger.open_items(bench.space.continuation_digest, champion, digests)
    return items


def _by_task(items: Sequence[Item], rows: Sequence[Evaluation]) -> dict[str, tuple[float, ...]]:
    scores: dict[str, list[float]] = {}
    for item, score in zip(items, scores_of(rows), strict=True):
        scores.setdefault(item.task, []).append(score)
    return {task: tuple(values) for task, values in scores.items()}


def _packed(scores: Sequence[float]) -> str | list[float]:
    """One digit per item where all are 0 or 1."""
    if set(scores) <= {0.0, 1.0}:
        return "".join(str(round(score)) for score in scores)
    return list(scores)
