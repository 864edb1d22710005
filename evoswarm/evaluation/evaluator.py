"""Scores recipes on items: ledger first, then one decoding of everything that is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evoswarm.decoding.swarm import DECODING_VERSION, Swarm
from evoswarm.errors import EvoswarmError
from evoswarm.evaluation.cost import CostTable
from evoswarm.evaluation.evaluation import OWED, Evaluation, Summary, digest_of, summary_of
from evoswarm.evaluation.judge import Judge
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.evaluation.row import Row, Sheet
from evoswarm.recipe import Failure, Recipe
from evoswarm.tasks.task import Item, Task

PAIRS_PER_BATCH = 8192
"""(recipe, item) pairs decoded at once. Recipes share memory within an item, so cutting between items loses none,
and what a crash can cost is bounded."""


class Stopped(EvoswarmError):  # an end that was asked for is no error
    """The caller asked for an end; what had been decoded by then is in the ledger."""


@dataclass
class Moment:
    """Failures owed to this moment (out of memory, a time-out): known from before, and noted before they act.

    Attributes:
        known: what the journal holds, by (recipe digest, item digest).
        note: called with every new one before it is returned.
    """

    known: dict[tuple[str, str], Failure] = field(default_factory=dict)
    note: Callable[[str, str, Failure], None] = lambda recipe, item, failure: None


@dataclass(frozen=True)
class _Pair:
    """One evaluation that is wanted."""

    key: Key
    recipe: Recipe
    item: Item


class Evaluator:
    """Scores recipes by really decoding.

    Args:
        swarm: holds every member that the recipes name.
        tasks: by name; every item's task is among them.
        ledger: where evaluations are kept.
        moment: failures owed to device and time, replayed and noted.
        stop: asked between batches and by the swarm; True ends the work with ``Stopped``.

    Attributes:
        asked: how many (recipe digest, item digest) pairs were asked for so far, as if the ledger were empty.
        tokens: that these pairs would read deployed alone, each pair once.
        flops: likewise, floating-point operations.
        decoded: how many of them had to be decoded.
    """

    def __init__(
        self,
        swarm: Swarm,
        tasks: Mapping[str, Task],
        ledger: Ledger,
        *,
        moment: Moment | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self.swarm = swarm
        self.tasks = tasks
        self.ledger = ledger
        self.asked = 0
        self.tokens = 0.0
        self.flops = 0.0
        self.decoded = 0
        self._judge = Judge(swarm, tasks, stop)
        self._moment = moment or Moment()
        self._stop = stop
        self._asked: dict[str, set[str]] = {}
        self._described: set[str] = set()

    def evaluate(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[list[Evaluation]]:
        """Score every recipe on every item.

        Recipes of one digest are decoded once. What counts is what the ledger gives back, also for pairs that have
        just been decoded.

        Returns:
            Per recipe, in order, one evaluation per item, in order.

        Raises:
            RecipeError: a recipe names a member that the swarm lacks.
            RunError: the ledger cannot be written.
            Stopped: ``stop`` said so.
        """
        found = {digest: sheet.evaluations() for digest, sheet in self._sheets(recipes, items).items()}
        return [found[recipe.digest] for recipe in recipes]

    def summaries(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Summary]:
        """Score and sum up: one summary per recipe; see ``evaluate``."""
        sheets = self._sheets(recipes, items)
        found = {digest: summary_of(items, sheet.outcomes(), self.tasks) for digest, sheet in sheets.items()}
        return [found[recipe.digest] for recipe in recipes]

    def entropies(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[list[list[float]]]:
        """What the recipes' leads are unsure of; read from the ledger, or decoded and kept there.

        Args:
            recipes: of distinct behaviour.
            items: of any split.

        Returns:
            Per recipe, in order, and per item, the entropies of the lead at the steps of the first sample, nats.

        Raises:
            RecipeError: a recipe names a member that the swarm lacks.
            RunError: the ledger cannot be written.
            Stopped: ``stop`` said so.
        """
        digests = [self._entropies_digest(recipe, items) for recipe in recipes]
        found = {digest: self.ledger.fact(digest) for digest in digests}
        missing = [(recipe, digest) for recipe, digest in zip(recipes, digests, strict=True) if found[digest] is None]
        if missing:
            self._go_on()
            completions = self._judge.complete([(one, item) for one, _ in missing for item in items], trace=True)
            steps = [[step.entropy for step in completion.trace] for completion in completions]
            self._go_on()
            for number, (_, digest) in enumerate(missing):
                own = steps[number * len(items) : (number + 1) * len(items)]
                found[digest] = self.ledger.keep(digest, json.dumps(own))
        return [json.loads(found[digest] or "[]") for digest in digests]

    def _entropies_digest(self, recipe: Recipe, items: Sequence[Item]) -> str:
        asked = [self.item_digest(item, recipe.prompt_format) for item in items]
        return digest_of(["entropies", recipe.digest, self.context(recipe), asked])

    def item_digest(self, item: Item, prompt_format: str) -> str:
        """What decides an evaluation on the item's side: prompt, noise key, gold, scorer, stop strings, limit."""
        task = self.tasks[item.task]
        prompt = prompt_format.replace("{prompt}", item.prompt)
        return digest_of([prompt, item.key, item.gold, task.scorer_id, list(task.stop), task.max_bytes])

    def context(self, recipe: Recipe) -> dict[str, object]:
        """What decides an evaluation besides recipe and item: the members as loaded, the device, the engine."""
        return {
            "members": [
                [self._fingerprint(m.spec.name), m.spec.chat_template, self.swarm.dtypes[m.spec.name]]
                for m in recipe.members
            ],
            "alphabet": recipe.alphabet,
            "epsilon": recipe.epsilon,
            "noise_seed": recipe.noise_seed,
            "device": self.swarm.device_kind,
            "decoding": DECODING_VERSION,
        }

    def _fingerprint(self, name: str) -> str | None:
        return next(spec.fingerprint for spec in self.swarm.specs if spec.name == name)

    def _sheets(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> dict[str, Sheet]:
        """What every recipe, by digest, does on the items: what the ledger holds, and what it lacked."""
        distinct = {recipe.digest: recipe for recipe in recipes}
        for recipe in distinct.values():
            self.swarm.check(recipe)
        contexts = self._contexts(distinct)
        formats = {recipe.prompt_format for recipe in distinct.values()}
        by_format = {text: [self.item_digest(item, text) for item in items] for text in formats}
        digests = {digest: by_format[recipe.prompt_format] for digest, recipe in distinct.items()}
        found = {digest: self._look_up(digest, contexts[digest], digests[digest]) for digest in distinct}
        lacking = [digest for digest, rows in found.items() if None in rows]
        missing = {  # item by item, so that those that share prefixes stay together; two tasks may share an item
            key: _Pair(key, distinct[digest], item)
            for place, item in enumerate(items if lacking else ())
            for digest in lacking
            if found[digest][place] is None and (key := Key(digest, digests[digest][place], contexts[digest]))
        }
        passing: dict[Key, Row] = {}
        for batch in _batches(list(missing.values())):
            passing.update(self._decode(batch))
        for digest in lacking:
            found[digest] = self._look_up(digest, contexts[digest], digests[digest])
        sheets = {}
        for digest, recipe in distinct.items():
            rows = [
                row or passing[Key(digest, item, contexts[digest])]
                for item, row in zip(digests[digest], found[digest], strict=True)
            ]
            sheets[digest] = Sheet(rows, [member.spec.name for member in recipe.members])
            self._count(digest, digests[digest], sheets[digest].costs)
        return sheets

    def _contexts(self, recipes: Mapping[str, Recipe]) -> dict[str, str]:
        """The digests of the recipes' contexts, by the recipes' digests; new ones are described in the ledger."""
        contexts = {digest: self.context(recipe) for digest, recipe in recipes.items()}
        digests = {recipe: digest_of(context) for recipe, context in contexts.items()}
        fresh = {
            digest: json.dumps(contexts[recipe], sort_keys=True)
            for recipe, digest in digests.items()
            if digest not in self._described
        }
        if fresh:
            self.ledger.describe(fresh)
            self._described.update(fresh)
        return digests

    def _look_up(self, recipe: str, context: str, items: Sequence[str]) -> list[Row | None]:
        """What the ledger holds of a recipe, and what the journal says of an earlier moment of this run."""
        rows = self.ledger.read(recipe, context, items)
        for place, item in enumerate(items if self._moment.known else ()):
            failure = self._moment.known.get((recipe, item))
            if failure is not None:
                rows[place] = Row.of(Evaluation(score=None, failure=failure))
        return rows

    def _count(self, recipe: str, items: Sequence[str], costs: CostTable) -> None:
        """What was asked of a recipe for the first time, and its price; the same wherever its rows came from."""
        known = self._asked.setdefault(recipe, set())
        first = {item: place for place, item in enumerate(items) if item not in known}
        known.update(first)
        self.asked += len(first)
        self.tokens += costs.total("tokens", first.values())
        self.flops += costs.total("flops", first.values())

    def _go_on(self) -> None:
        if self._stop is not None and self._stop():
            raise Stopped("stopped as asked")

    def _decode(self, batch: Sequence[_Pair]) -> dict[Key, Row]:
        """Decode a batch and keep what lasts; what is kept nowhere comes back."""
        self._go_on()
        completions = self._judge.complete([(pair.recipe, pair.item) for pair in batch])
        cut_short = self._stop is not None and self._stop()
        done = [
            (pair, completion)
            for pair, completion in zip(batch, completions, strict=True)
            if not (cut_short and completion.failure is not None and completion.failure.kind == "time_out")
        ]
        self.decoded += len(done)
        fresh = {pair.key: self._judge.evaluation(pair.item, completion) for pair, completion in done}
        self.ledger.write({key: evaluation for key, evaluation in fresh.items() if _lasts(evaluation.failure)})
        if len(done) < len(batch):
            raise Stopped("stopped as asked")
        for key, evaluation in fresh.items():
            if evaluation.failure is not None and evaluation.failure.kind in OWED:
                self._moment.note(key.recipe, key.item, evaluation.failure)
                self._moment.known[key.recipe, key.item] = evaluation.failure
        return {key: Row.of(evaluation) for key, evaluation in fresh.items() if not _lasts(evaluation.failure)}


def _lasts(failure: Failure | None) -> bool:
    """Whether an evaluation is true for ever: a scorer that raises may be mended under the same name."""
    return failure is None or (failure.kind not in OWED and failure.kind != "scorer_error")


def _batches(pairs: Sequence[_Pair]) -> Iterator[Sequence[_Pair]]:
    """Cut into batches between items."""
    start = 0
    while start < len(pairs):
        end = min(start + PAIRS_PER_BATCH, len(pairs))
        while start + 1 < end < len(pairs) and pairs[end].item is pairs[end - 1].item:
            end -= 1
        yield pairs[start:end]
        start = end
