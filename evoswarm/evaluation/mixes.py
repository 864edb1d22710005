"""Evaluates mixes on items: ledger first, then one decoding of everything that is missing."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from evoswarm.canonical import digest_of
from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import DECODING_VERSION, Completion
from evoswarm.errors import EvoswarmError
from evoswarm.evaluation.advance import Advance, Pace
from evoswarm.evaluation.asked import item_digest
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.failures import lasts
from evoswarm.evaluation.judge import Judge
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.evaluation.row import UNREADABLE, LedgerRow, damaged
from evoswarm.failure import Failure
from evoswarm.policies import Recipe
from evoswarm.tasks.task import Item, Task

PAIRS_PER_BATCH = 8192
"""(recipe, item) pairs decoded at once. Recipes share memory within an item, so cutting between items loses none,
and what a crash can cost is bounded."""


class Stopped(EvoswarmError):  # an end that was asked for is no error
    """The caller asked for an end; what had been decoded by then is in the ledger."""


@dataclass
class TransientFailures:
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
class Wanted:
    """One mix on some of the items.

    Attributes:
        recipe: the mix.
        context: digest of its context.
        items: digests of the items that are wanted, by their positions, in order.
    """

    recipe: Recipe
    context: str
    items: Mapping[int, str]

    @cached_property
    def digest(self) -> str:
        """Of the mix; every item asks for it."""
        return self.recipe.digest

    def key(self, place: int) -> Key:
        """Of the evaluation of the item at a position."""
        return Key(self.digest, self.items[place], self.context)


class MixEvaluator:
    """Evaluates mixes: looks them up in the ledger, decodes what it lacks, and keeps that.

    Args:
        swarm: holds every member that the recipes name.
        tasks: by name; every item's task is among them.
        ledger: where evaluations are kept.
        transient: failures owed to device and time, replayed and noted.
        stop: asked between batches and by the swarm; True ends the work with ``Stopped``.
        tell: told about twice a second how far a decoding has come.

    Attributes:
        decoded: how many (recipe, item) pairs had to be decoded so far.
        waited: seconds for members to be loaded, so far.
    """

    def __init__(
        self,
        swarm: Decoder,
        tasks: Mapping[str, Task],
        ledger: Ledger,
        *,
        transient: TransientFailures | None = None,
        stop: Callable[[], bool] | None = None,
        tell: Callable[[Advance], None] = lambda advance: None,
    ) -> None:
        self.swarm = swarm
        self.tasks = tasks
        self.ledger = ledger
        self.decoded, self.waited = 0, 0.0
        self._transient = transient or TransientFailures()
        self._stop, self._tell = stop, tell
        self._pace: Pace | None = None
        self._described: set[str] = set()
        self._digests: dict[tuple[Item, str], str] = {}

    def over(self, swarm: Decoder) -> Self:
        """The same, with the same ledger and the same failures, over another decoder; it counts anew."""
        return type(self)(swarm, self.tasks, self.ledger, transient=self._transient, stop=self._stop, tell=self._tell)

    def decoded_rows(self, wanted: Mapping[str, Wanted], items: Sequence[Item]) -> dict[str, dict[int, LedgerRow]]:
        """What every mix does on its items, by digest and position."""
        found = {digest: self._look_up(one) for digest, one in wanted.items()}
        lacking = [digest for digest, rows in found.items() if None in rows.values()]
        missing = {  # item by item, so that those that share prefixes stay together; two tasks may share an item
            wanted[digest].key(place): _Pair(wanted[digest].key(place), wanted[digest].recipe, item)
            for place, item in enumerate(items if lacking else ())
            for digest in lacking
            if place in found[digest] and found[digest][place] is None
        }
        passing: dict[Key, LedgerRow] = {}
        with self._paced([(one.recipe, one.item) for one in missing.values()]):
            for batch in _batches(list(missing.values())):
                passing.update(self._decode(batch))
        found.update((digest, self._look_up(wanted[digest])) for digest in lacking)
        for digest in lacking:
            one = wanted[digest]
            found[digest] = {place: row or passing.get(one.key(place)) for place, row in found[digest].items()}
            if None in found[digest].values():  # written, and not there: its pages are out of order
                raise damaged("evaluations", "none of those just written", self.ledger.path)
        return {digest: {place: row for place, row in rows.items() if row} for digest, rows in found.items()}

    def contexts(self, recipes: Mapping[str, Recipe]) -> dict[str, str]:
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

    def _look_up(self, one: Wanted) -> dict[int, LedgerRow | None]:
        """What the ledger holds of a mix, and what the journal says of an earlier moment of this run; by position."""
        rows = self.ledger.read(one.digest, one.context, list(one.items.values()))
        found = dict(zip(one.items, rows, strict=True))
        for place, item in one.items.items() if self._transient.known else ():
            failure = self._transient.known.get((one.digest, item))
            if failure is not None:
                found[place] = LedgerRow.of(Evaluation(score=None, failure=failure))
        return found

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
            completions = self._completed([(one, item) for one, _ in missing for item in items], logprobs=0)
            traces = [one.samples[0].trace if one.samples else () for one in completions]
            steps = [[step.entropy for step in trace] for trace in traces]
            rows = [steps[start : start + len(items)] for start in range(0, len(steps), len(items))]
            fresh = {digest: json.dumps(row) for (_, digest), row in zip(missing, rows, strict=True)}
            lasting = all(lasts(completion.failure) for completion in completions)
            found |= self.ledger.keep(fresh) if lasting else fresh
        return [_entropies(found[digest]) for digest in digests]

    def traced(self, asked: Sequence[tuple[Recipe, Item]]) -> list[Completion]:
        """Decode recipes on items with traces of their first samples; nothing is looked up, and nothing kept.

        Raises:
            RecipeError: a recipe names a member that the swarm lacks.
            Stopped: ``stop`` said so.
        """
        return self._completed(asked, trace=True)

    def _completed(
        self, asked: Sequence[tuple[Recipe, Item]], *, trace: bool = False, logprobs: int | None = None
    ) -> list[Completion]:
        """See `Judge.complete`."""
        self.go_on()
        with self._paced(asked):
            completions = self._judge.complete(asked, trace=trace, logprobs=logprobs)
        self.go_on()
        return completions

    def knows_entropies(self, recipes: Sequence[Recipe], items: Sequence[Item]) -> bool:
        """Whether the ledger tells all of `entropies`."""
        digests = {self._entropies_digest(recipe, items) for recipe in recipes}
        return digests <= self.ledger.facts(list(digests)).keys()

    def _entropies_digest(self, recipe: Recipe, items: Sequence[Item]) -> str:
        asked = [self.item_digest(item, recipe.prompt_format) for item in items]
        return digest_of(["entropies", recipe.digest, self.context(recipe), asked])

    def item_digest(self, item: Item, prompt_format: str) -> str:
        """What decides an evaluation on the item's side; see `evoswarm.evaluation.asked.item_digest`."""
        known = self._digests.get((item, prompt_format))
        if known is None:
            known = item_digest(item, self.tasks[item.task], prompt_format)
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
            **({"speaker": "drawn"} if recipe.draws_speaker else {}),  # once the whole mixture was, by other noise
        }

    @property
    def _judge(self) -> Judge:
        """It remembers nothing; kept, it would be a cycle, which would keep the pool's memory until it is found."""
        return Judge(self.swarm, self.tasks, self._look)

    def _fingerprint(self, name: str) -> str | None:
        return next(spec.fingerprint for spec in self.swarm.specs if spec.name == name)

    def go_on(self) -> None:
        """Return if nobody has asked for an end.

        Raises:
            Stopped: somebody has.
        """
        if self._stop is not None and self._stop():
            raise Stopped("stopped as asked")

    @contextmanager
    def _paced(self, asked: Sequence[tuple[Recipe, Item]]) -> Iterator[None]:
        """Tell how far it is while these recipes are decoded on these items."""
        answers = sum(recipe.samples for recipe, _ in asked)
        most = sum(recipe.samples * self.tasks[item.task].max_bytes for recipe, item in asked)
        if asked:
            began = time.monotonic()
            self.swarm.ready()
            self.waited += time.monotonic() - began
        self._pace = Pace(answers, self.swarm.counters, self._tell, most)
        try:
            yield
        finally:
            self._pace = None

    def _look(self) -> bool:
        """Whether an end was asked for; the swarm asks at every turn, so that is also when news are told."""
        if self._pace is not None:
            self._pace.look()
        return self._stop is not None and self._stop()

    def _decode(self, batch: Sequence[_Pair]) -> dict[Key, LedgerRow]:
        """Decode a batch and keep what lasts, wave by wave; what is kept nowhere comes back."""
        self.go_on()
        passing: dict[Key, LedgerRow] = {}

        def keep(numbers: Sequence[int], completions: Sequence[Completion]) -> None:
            passing.update(self._keep([batch[number] for number in numbers], completions))

        self._judge.decode([(pair.recipe, pair.item) for pair in batch], keep)
        return passing

    def _keep(self, wave: Sequence[_Pair], completions: Sequence[Completion]) -> dict[Key, LedgerRow]:
        """Keep what lasts of a wave; what is kept nowhere comes back.

        Raises:
            Stopped: some of it was cut short.
        """
        cut_short = self._stop is not None and self._stop()
        done = [
            (pair, completion)
            for pair, completion in zip(wave, completions, strict=True)
            if not (cut_short and completion.failure is not None and completion.failure.kind == "time_out")
        ]
        self.decoded += len(done)
        fresh = {pair.key: self._judge.evaluation(pair.item, completion) for pair, completion in done}
        self.ledger.write({key: evaluation for key, evaluation in fresh.items() if lasts(evaluation.failure)})
        if len(done) < len(wave):
            raise Stopped("stopped as asked")
        if self._pace is not None:
            self._pace.done(sum(pair.recipe.samples for pair in wave))
        passing = {key: evaluation for key, evaluation in fresh.items() if not lasts(evaluation.failure)}
        for key, evaluation in passing.items():
            if evaluation.failure is not None:
                self._transient.note(key.recipe, key.item, evaluation.failure)
                self._transient.known[key.recipe, key.item] = evaluation.failure
        return {key: LedgerRow.of(evaluation) for key, evaluation in passing.items()}


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
