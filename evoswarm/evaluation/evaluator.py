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
from evoswarm.evaluation.answers import answer_of
from evoswarm.evaluation.cached_summary import CachedSummary, items_digest, summary_digest
from evoswarm.evaluation.evaluation import Evaluation, Summary
from evoswarm.evaluation.failures import lasts
from evoswarm.evaluation.judge import Judge
from evoswarm.evaluation.ledger import Key, Ledger
from evoswarm.evaluation.row import UNREADABLE, EvaluationTable, LedgerRow, damaged
from evoswarm.failure import Failure
from evoswarm.policies import Policy, Recipe
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
class _Wanted:
    """One mix on some of the items.

    Attributes:
        recipe: the mix.
        context: digest of its context.
        items: digests of the items that are wanted, by their positions, in order.
    """

    recipe: Recipe
    context: str
    items: Mapping[int, str]

    def key(self, place: int) -> Key:
        """Of the evaluation of the item at a position."""
        return Key(self.recipe.digest, self.items[place], self.context)


class Evaluator:
    """Scores recipes by really decoding.

    Args:
        swarm: holds every member that the recipes name.
        tasks: by name; every item's task is among them.
        ledger: where evaluations are kept.
        transient: failures owed to device and time, replayed and noted.
        stop: asked between batches and by the swarm; True ends the work with ``Stopped``.

    Attributes:
        asked: how many (policy digest, item digest) pairs were asked for so far, as if the ledger were empty.
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
        transient: TransientFailures | None = None,
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
        self._transient = transient or TransientFailures()
        self._stop = stop
        self._asked: dict[str, set[str]] = {}
        self._described: set[str] = set()
        self._digests: dict[tuple[Item, str], str] = {}

    def evaluate(self, policies: Sequence[Policy], items: Sequence[Item]) -> list[list[Evaluation]]:
        """Score every policy on every item.

        Policies of one digest are answered once, and whatever they share is decoded once. What counts is what the
        ledger gives back, also for pairs that have just been decoded.

        Returns:
            Per policy, in order, one evaluation per item, in order.

        Raises:
            RecipeError: a policy names a member that the swarm lacks.
            RunError: the ledger cannot be written.
            Stopped: ``stop`` said so.
        """
        asked, distinct = _distinct(policies)
        digests = self._item_digests(policies, items)
        found = {}
        for digest, table in self._tables(distinct, items).items():
            self._count(digest, digests[distinct[digest].prompt_format], table)
            found[digest] = table.evaluations()
        return [found[digest] for digest in asked]

    def prepare(self, policies: Sequence[Policy], items: Sequence[Item]) -> None:
        """Decode what the ledger lacks, all of it together: what policies share is computed once; see ``evaluate``."""
        self._decoded_rows(self._wanted(_distinct(policies)[1], items), items)

    def summaries(self, policies: Sequence[Policy], items: Sequence[Item]) -> list[Summary]:
        """Score and sum up: one summary per policy; see ``evaluate``.

        What was added up before is kept in the ledger beside the evaluations, and is not added up again.
        """
        asked, distinct = _distinct(policies)
        digests = self._item_digests(policies, items)
        keys = self._summary_keys(distinct, digests, items)
        known = self._cached_summaries(distinct, keys, digests)
        tables = self._tables({digest: one for digest, one in distinct.items() if digest not in known}, items)
        found, fresh = {}, {}
        for digest, policy in distinct.items():  # in order: sums of prices depend on it
            own = digests[policy.prompt_format]
            if digest in known:
                cached = known[digest]
                self._count_all(digest, own, cached)
            else:
                cached = CachedSummary.of(tables[digest], own, items, self.tasks)
                self._count(digest, own, tables[digest])
                if tables[digest].lasts:
                    fresh[keys[digest]] = cached.to_json()
            found[digest] = cached.summary
        if fresh:
            self.ledger.keep(fresh)
        return [found[digest] for digest in asked]

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

    def _item_digests(self, policies: Sequence[Policy], items: Sequence[Item]) -> dict[str, list[str]]:
        """Of the items, as policies ask them: by prompt format."""
        formats = {policy.prompt_format for policy in policies}
        return {text: [self.item_digest(item, text) for item in items] for text in formats}

    def _wanted(self, policies: Mapping[str, Policy], items: Sequence[Item]) -> dict[str, _Wanted]:
        """The mixes that the policies need, each once, with the items that they are needed for; by digest."""
        by_task: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            by_task.setdefault(item.task, []).append(place)
        recipes: dict[str, Recipe] = {}
        places: dict[str, set[int]] = {}
        for digest, policy in policies.items():
            for task, positions in by_task.items():
                for mix, recipe in _mixes(digest, policy, task):
                    recipes.setdefault(mix, recipe)
                    places.setdefault(mix, set()).update(positions)
        for recipe in recipes.values():
            self.swarm.check(recipe)
        contexts = self._contexts(recipes)
        return {
            digest: _Wanted(
                recipe,
                contexts[digest],
                {place: self.item_digest(items[place], recipe.prompt_format) for place in sorted(places[digest])},
            )
            for digest, recipe in recipes.items()
        }

    def _summary_keys(
        self, policies: Mapping[str, Policy], digests: Mapping[str, Sequence[str]], items: Sequence[Item]
    ) -> dict[str, str]:
        """What the summary of every policy is kept under, by digest."""
        tasks = list(dict.fromkeys(item.task for item in items))
        mixes = {
            digest: dict(one for task in tasks for one in _mixes(digest, policy, task))
            for digest, policy in policies.items()
        }
        contexts = self._contexts({digest: recipe for some in mixes.values() for digest, recipe in some.items()})
        lists = {text: items_digest(listed, items, self.tasks) for text, listed in digests.items()}
        return {
            digest: summary_digest(
                digest, _joined([contexts[one] for one in mixes[digest]]), lists[policy.prompt_format]
            )
            for digest, policy in policies.items()
        }

    def _cached_summaries(
        self, policies: Mapping[str, Policy], keys: Mapping[str, str], digests: Mapping[str, Sequence[str]]
    ) -> dict[str, CachedSummary]:
        """What was added up before, by the policies' digests. It knows nothing of the journal, and no price of a part
        of the items."""
        if self._transient.known:
            return {}
        whole = [
            digest
            for digest, policy in policies.items()
            if self._asked.get(digest, set()).isdisjoint(digests[policy.prompt_format])
        ]
        kept = self.ledger.facts([keys[digest] for digest in whole])
        return {
            digest: CachedSummary.from_json(kept[keys[digest]], [spec.name for spec in policies[digest].specs])
            for digest in whole
            if keys[digest] in kept
        }

    def _tables(self, policies: Mapping[str, Policy], items: Sequence[Item]) -> dict[str, EvaluationTable]:
        """What every policy does on the items, by digest: what the ledger holds, and what it lacked."""
        wanted = self._wanted(policies, items)
        rows = self._decoded_rows(wanted, items)
        tables, evaluations = {}, dict[str, dict[int, Evaluation]]()
        for digest, policy in policies.items():
            names = [spec.name for spec in policy.specs]
            if isinstance(policy, Recipe):
                tables[digest] = EvaluationTable([rows[digest][place] for place in range(len(items))], names)
                continue
            tasks = dict.fromkeys(item.task for item in items)
            mixes = {task: [recipe.digest for recipe in policy.mixes(task)] for task in tasks}
            needed = {one for some in mixes.values() for one in some}
            for one in needed - evaluations.keys():
                own = [spec.name for spec in wanted[one].recipe.specs]
                evaluations[one] = {place: row.evaluation(own) for place, row in rows[one].items()}
            answers = [
                answer_of(policy, self.tasks[item.task], item, [evaluations[one][place] for one in mixes[item.task]])
                for place, item in enumerate(items)
            ]
            lasts = all(row.lasts for one in needed for row in rows[one].values())
            tables[digest] = EvaluationTable([LedgerRow.of(answer) for answer in answers], names, lasts=lasts)
        return tables

    def _decoded_rows(self, wanted: Mapping[str, _Wanted], items: Sequence[Item]) -> dict[str, dict[int, LedgerRow]]:
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
        for batch in _batches(list(missing.values())):
            passing.update(self._decode(batch))
        found.update((digest, self._look_up(wanted[digest])) for digest in lacking)
        for digest in lacking:
            one = wanted[digest]
            found[digest] = {place: row or passing.get(one.key(place)) for place, row in found[digest].items()}
            if None in found[digest].values():  # written, and not there: its pages are out of order
                raise damaged("evaluations", "none of those just written", self.ledger.path)
        return {digest: {place: row for place, row in rows.items() if row} for digest, rows in found.items()}

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

    def _look_up(self, one: _Wanted) -> dict[int, LedgerRow | None]:
        """What the ledger holds of a mix, and what the journal says of an earlier moment of this run; by position."""
        rows = self.ledger.read(one.recipe.digest, one.context, list(one.items.values()))
        found = dict(zip(one.items, rows, strict=True))
        for place, item in one.items.items() if self._transient.known else ():
            failure = self._transient.known.get((one.recipe.digest, item))
            if failure is not None:
                found[place] = LedgerRow.of(Evaluation(score=None, failure=failure))
        return found

    def _count(self, digest: str, items: Sequence[str], table: EvaluationTable) -> None:
        """What was asked of a policy for the first time, and its price; the same wherever its rows came from."""
        known = self._asked.setdefault(digest, set())
        first = {item: place for place, item in enumerate(items) if item not in known}
        known.update(first)
        self.asked += len(first)
        self.tokens += table.costs.total("tokens", first.values())
        self.flops += table.costs.total("flops", first.values())

    def _count_all(self, digest: str, items: Sequence[str], cached: CachedSummary) -> None:
        """The same where the policy was asked none of the items before."""
        self._asked.setdefault(digest, set()).update(items)
        self.asked += len(set(items))
        self.tokens += cached.tokens
        self.flops += cached.flops

    def _go_on(self) -> None:
        if self._stop is not None and self._stop():
            raise Stopped("stopped as asked")

    def _decode(self, batch: Sequence[_Pair]) -> dict[Key, LedgerRow]:
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
                self._transient.note(key.recipe, key.item, evaluation.failure)
                self._transient.known[key.recipe, key.item] = evaluation.failure
        return {key: LedgerRow.of(evaluation) for key, evaluation in passing.items()}


def _distinct(policies: Sequence[Policy]) -> tuple[list[str], dict[str, Policy]]:
    """The digests of all, and each behaviour once, by digest; of equals the last, with its names."""
    digests = [policy.digest for policy in policies]
    return digests, dict(zip(digests, policies, strict=True))


def _mixes(digest: str, policy: Policy, task: str) -> list[tuple[str, Recipe]]:
    """The mixes that a policy needs for a task, with their digests; that of a mix is known, and takes time to find."""
    return [(digest, policy)] if isinstance(policy, Recipe) else [(one.digest, one) for one in policy.mixes(task)]


def _joined(contexts: Sequence[str]) -> str:
    """One digest for the contexts of several mixes; that of a single one is its own."""
    return contexts[0] if len(contexts) == 1 else digest_of(contexts)


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
