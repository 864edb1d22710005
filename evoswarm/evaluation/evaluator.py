"""Scores recipes on items: ledger first, then one decoding of everything that is missing."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from evoswarm.canonical import digest_of
from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import DECODING_VERSION
from evoswarm.errors import EvoswarmError
from evoswarm.evaluation.evaluation import Evaluation, Summary
from evoswarm.evaluation.failures import lasts
from evoswarm.evaluation.judge import Judge
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.evaluation.row import UNREADABLE, Row, Sheet, damaged
from evoswarm.evaluation.tally import Tally, items_digest, tally_digest
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe
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


@dataclass(frozen=True, eq=False)
class _Wanted:
    """One recipe on a list of items: digests of recipe, context and items, and what their tally is kept under."""

    recipe: Recipe
    digest: str
    context: str
    items: tuple[str, ...]
    tally: str

    @property
    def names(self) -> list[str]:
        """Of the members, as this recipe calls them."""
        return [member.spec.name for member in self.recipe.members]

    def key(self, place: int) -> Key:
        """Of the evaluation of one item."""
        return Key(self.digest, self.items[place], self.context)


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
        swarm: Decoder,
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
        self._digests: dict[tuple[Item, str], str] = {}

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
        found = {}
        for one, sheet in self._sheets(self._wanted(recipes, items), items):
            self._count(one, sheet)
            found[one.digest] = sheet.evaluations()
        return [found[recipe.digest] for recipe in recipes]

    def prepare(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> None:
        """Decode what the ledger lacks, all of it together: what recipes share is computed once; see ``evaluate``."""
        self._sheets(self._wanted(recipes, items), items)

    def summaries(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[Summary]:
        """Score and sum up: one summary per recipe; see ``evaluate``.

        What was added up before is kept in the ledger beside the evaluations, and is not added up again.
        """
        wanted = self._wanted(recipes, items)
        known = self._known_tallies(wanted)
        sheets = dict(self._sheets([one for one in wanted if one not in known], items))
        found, fresh = {}, {}
        for one in wanted:  # in order: sums of prices depend on it
            if one in known:
                tally = known[one]
                self._count_all(one, tally)
            else:
                tally = Tally.of(sheets[one], one.items, items, self.tasks)
                self._count(one, sheets[one])
                if all(row.lasts for row in sheets[one].rows):
                    fresh[one.tally] = tally.to_json()
            found[one.digest] = tally.summary
        if fresh:
            self.ledger.keep(fresh)
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
        found = self.ledger.facts(digests)
        missing = [(recipe, digest) for recipe, digest in zip(recipes, digests, strict=True) if digest not in found]
        if missing:
            self._go_on()
            completions = self._judge.complete([(one, item) for one, _ in missing for item in items], trace=True)
            self._go_on()
            steps = [[step.entropy for step in completion.trace] for completion in completions]
            rows = [steps[start : start + len(items)] for start in range(0, len(steps), len(items))]
            fresh = {digest: json.dumps(row) for (_, digest), row in zip(missing, rows, strict=True)}
            lasting = all(lasts(completion.failure) for completion in completions)
            found |= self.ledger.keep(fresh) if lasting else fresh
        return [_entropies(found[digest]) for digest in digests]

    def _entropies_digest(self, recipe: Recipe, items: Sequence[Item]) -> str:
        asked = [self.item_digest(item, recipe.prompt_format) for item in items]
        return digest_of(["entropies", recipe.digest, self.context(recipe), asked])

    def item_digest(self, item: Item, prompt_format: str) -> str:
        """What decides an evaluation on the item's side: prompt, noise key, gold, scorer, stop strings, limit.

        The prompt is the one that every member of the recipe is handed. What each makes of it (template, system prompt,
        options, date, tokenizer) is in its fingerprint, so this digest and the context decide the rendered prompts,
        and a replay need neither render nor load.
        """
        known = self._digests.get((item, prompt_format))
        if known is None:
            task = self.tasks[item.task]
            prompt = prompt_format.replace("{prompt}", item.prompt)
            known = digest_of([prompt, item.key, item.gold, task.scorer_id, list(task.stop), task.max_bytes])
            self._digests[item, prompt_format] = known
        return known

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

    def _wanted(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> list[_Wanted]:
        """What is asked for, recipe by recipe, each behaviour once."""
        distinct = {recipe.digest: recipe for recipe in recipes}
        for recipe in distinct.values():
            self.swarm.check(recipe)
        contexts = self._contexts(distinct)
        formats = {recipe.prompt_format for recipe in distinct.values()}
        digests = {text: tuple(self.item_digest(item, text) for item in items) for text in formats}
        lists = {text: items_digest(digests[text], items, self.tasks) for text in formats}
        wanted = []
        for digest, recipe in distinct.items():
            context, text = contexts[digest], recipe.prompt_format
            tally = tally_digest(digest, context, lists[text])
            wanted.append(_Wanted(recipe, digest, context, digests[text], tally))
        return wanted

    def _known_tallies(self, wanted: Sequence[_Wanted]) -> dict[_Wanted, Tally]:
        """What was added up before. It knows nothing of the journal, and no price of a part of the items."""
        if self._moment.known:
            return {}
        whole = [one for one in wanted if self._asked_of(one).isdisjoint(one.items)]
        kept = self.ledger.facts([one.tally for one in whole])
        return {one: Tally.from_json(kept[one.tally], one.names) for one in whole if one.tally in kept}

    def _sheets(self, wanted: Sequence[_Wanted], items: Sequence[Item]) -> list[tuple[_Wanted, Sheet]]:
        """What every recipe does on the items: what the ledger holds, and what it lacked."""
        found = {one: self._look_up(one) for one in wanted}
        lacking = [one for one, rows in found.items() if None in rows]
        missing = {  # item by item, so that those that share prefixes stay together; two tasks may share an item
            one.key(place): _Pair(one.key(place), one.recipe, item)
            for place, item in enumerate(items if lacking else ())
            for one in lacking
            if found[one][place] is None
        }
        passing: dict[Key, Row] = {}
        for batch in _batches(list(missing.values())):
            passing.update(self._decode(batch))
        found.update((one, self._look_up(one)) for one in lacking)
        for one in lacking:
            found[one] = [row or passing.get(one.key(place)) for place, row in enumerate(found[one])]
            if None in found[one]:  # written, and not there: its pages are out of order
                raise damaged("evaluations", "none of those just written", self.ledger.path)
        return [(one, Sheet([row for row in rows if row], one.names)) for one, rows in found.items()]

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

    def _look_up(self, one: _Wanted) -> list[Row | None]:
        """What the ledger holds of a recipe, and what the journal says of an earlier moment of this run."""
        rows = self.ledger.read(one.digest, one.context, one.items)
        for place, item in enumerate(one.items if self._moment.known else ()):
            failure = self._moment.known.get((one.digest, item))
            if failure is not None:
                rows[place] = Row.of(Evaluation(score=None, failure=failure))
        return rows

    def _asked_of(self, one: _Wanted) -> set[str]:
        """Digests of the items that the recipe was asked before."""
        return self._asked.setdefault(one.digest, set())

    def _count(self, one: _Wanted, sheet: Sheet) -> None:
        """What was asked of a recipe for the first time, and its price; the same wherever its rows came from."""
        known = self._asked_of(one)
        first = {item: place for place, item in enumerate(one.items) if item not in known}
        known.update(first)
        self.asked += len(first)
        self.tokens += sheet.costs.total("tokens", first.values())
        self.flops += sheet.costs.total("flops", first.values())

    def _count_all(self, one: _Wanted, tally: Tally) -> None:
        """The same where the recipe was asked none of the items before."""
        self._asked_of(one).update(one.items)
        self.asked += len(set(one.items))
        self.tokens += tally.tokens
        self.flops += tally.flops

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
        self.ledger.write({key: evaluation for key, evaluation in fresh.items() if lasts(evaluation.failure)})
        if len(done) < len(batch):
            raise Stopped("stopped as asked")
        passing = {key: evaluation for key, evaluation in fresh.items() if not lasts(evaluation.failure)}
        for key, evaluation in passing.items():
            if evaluation.failure is not None:
                self._moment.note(key.recipe, key.item, evaluation.failure)
                self._moment.known[key.recipe, key.item] = evaluation.failure
        return {key: Row.of(evaluation) for key, evaluation in passing.items()}


def _batches(pairs: Sequence[_Pair]) -> Iterator[Sequence[_Pair]]:
    """Cut into batches between items."""
    start = 0
    while start < len(pairs):
        end = min(start + PAIRS_PER_BATCH, len(pairs))
        while start + 1 < end < len(pairs) and pairs[end].item is pairs[end - 1].item:
            end -= 1
        yield pairs[start:end]
        start = end


def _entropies(fact: str) -> list[list[float]]:
    """What was kept of a lead's entropies, by item and step.

    Raises:
        RunError: it is damaged.
    """
    try:
        rows = [[float(entropy) for entropy in row] for row in json.loads(fact)]
        if not all(0.0 <= entropy < math.inf for row in rows for entropy in row):
            raise ValueError("an entropy below 0")
    except UNREADABLE as error:
        raise damaged("entropies of a lead", error) from error
    return rows
