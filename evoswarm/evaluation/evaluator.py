"""Evaluates policies on items, whatever their kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from evoswarm.canonical import digest_of
from evoswarm.evaluation.answers import answer_of, by_mixes
from evoswarm.evaluation.cached_summary import CachedSummary, items_digest, summary_digest
from evoswarm.evaluation.evaluation import Evaluation, Summary
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.mixes import MixEvaluator, Wanted
from evoswarm.evaluation.row import EvaluationTable, LedgerRow
from evoswarm.policies import Policy, Recipe
from evoswarm.tasks.task import Item


class Evaluator(MixEvaluator):
    """Evaluates policies of every kind: their mixes first, then the answers that are put together from them.

    It is made as a `MixEvaluator` is.

    Attributes:
        asked: how many (policy digest, item digest) pairs were asked for so far, as if the ledger were empty.
        tokens: that these pairs would read deployed alone, each pair once.
        flops: likewise, floating-point operations.
    """

    asked: int = 0
    tokens: float = 0.0
    flops: float = 0.0

    def beside(self, ledger: Ledger, stop: Callable[[], bool] = lambda: False) -> Evaluator:
        """Another one over the same swarm, with a ledger of its own: what it is asked counts nowhere else.

        Args:
            ledger: where its evaluations are kept.
            stop: ends its work too, beside what ends the work of this one.
        """
        own = self._stop
        return Evaluator(self.swarm, self.tasks, ledger, stop=stop if own is None else lambda: own() or stop())

    def count_in(self, other: Evaluator) -> None:
        """Count what another one was asked as if this one had been: it stands in for it with other members."""
        self.asked += other.asked
        self.tokens += other.tokens
        self.flops += other.flops

    @cached_property
    def _asked(self) -> dict[str, set[str]]:
        """Digests of the items that were asked, by policy digest."""
        return {}

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

    def scores(self, policies: Sequence[Policy], items: Sequence[Item]) -> list[tuple[float | None, ...]]:
        """The scores alone: per policy, in order, one per item, in order; None where it failed. See ``evaluate``."""
        asked, distinct = _distinct(policies)
        tables = self._tables(distinct, items)
        return [tuple(tables[digest].columns["score"]) for digest in asked]

    def knows(self, policies: Sequence[Policy], items: Sequence[Item]) -> bool:
        """Whether nothing would have to be decoded to score these policies on these items."""
        wanted = self._wanted(_distinct(policies)[1], items)
        return all(None not in self._look_up(one).values() for one in wanted.values())

    def _item_digests(self, policies: Sequence[Policy], items: Sequence[Item]) -> dict[str, list[str]]:
        """Of the items, as policies ask them: by prompt format."""
        formats = {policy.prompt_format for policy in policies}
        return {text: [self.item_digest(item, text) for item in items] for text in formats}

    def _wanted(self, policies: Mapping[str, Policy], items: Sequence[Item]) -> dict[str, Wanted]:
        """The mixes that the policies need, each once, with the items that they are needed for; by digest."""
        recipes: dict[str, Recipe] = {}
        places: dict[str, set[int]] = {}
        for digest, policy in policies.items():
            for mix, recipe, positions in _mixes(digest, policy, items):
                recipes.setdefault(mix, recipe)
                places.setdefault(mix, set()).update(positions)
        for recipe in recipes.values():
            self.swarm.check(recipe)
        contexts = self.contexts(recipes)
        return {
            digest: Wanted(
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
        mixes = {
            digest: {mix: recipe for mix, recipe, _ in _mixes(digest, policy, items)}
            for digest, policy in policies.items()
        }
        contexts = self.contexts({digest: recipe for some in mixes.values() for digest, recipe in some.items()})
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
        rows = self.decoded_rows(wanted, items)
        tables, evaluations = {}, dict[_Named, dict[int, Evaluation]]()
        for digest, policy in policies.items():
            names = [spec.name for spec in policy.specs]
            if isinstance(policy, Recipe):
                tables[digest] = EvaluationTable([rows[digest][place] for place in range(len(items))], names)
                continue
            mixes = _named_mixes(policy, items)
            needed = {one for some in mixes for one in some}
            for one in needed - evaluations.keys():
                mix, own = one
                evaluations[one] = {place: row.evaluation(own) for place, row in rows[mix].items()}
            answers = [
                answer_of(policy, self.tasks[item.task], item, [evaluations[one][place] for one in mixes[place]])
                for place, item in enumerate(items)
            ]
            lasts = all(row.lasts for mix, _ in needed for row in rows[mix].values())
            tables[digest] = EvaluationTable([LedgerRow.of(answer) for answer in answers], names, lasts=lasts)
        return tables

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


_Named = tuple[str, tuple[str, ...]]


def _named(recipe: Recipe) -> _Named:
    """Digest and members' names: exact copies under other names have one digest, and each its own cost."""
    return recipe.digest, tuple(spec.name for spec in recipe.specs)


def _distinct(policies: Sequence[Policy]) -> tuple[list[str], dict[str, Policy]]:
    """The digests of all, and each behaviour once, by digest; of equals the last, with its names."""
    digests = [policy.digest for policy in policies]
    return digests, dict(zip(digests, policies, strict=True))


def _mixes(digest: str, policy: Policy, items: Sequence[Item]) -> list[tuple[str, Recipe, Sequence[int]]]:
    """The mixes that a policy needs, with their digests and the positions of the items that they are needed for; the
    digest of a mix is known, and takes time to find."""
    if isinstance(policy, Recipe):
        return [(digest, policy, range(len(items)))] if items else []
    return [(one.digest, one, places) for mixes, places in by_mixes(policy, items) for one in mixes]


def _named_mixes(policy: Policy, items: Sequence[Item]) -> list[list[_Named]]:
    """Per item, the mixes that a policy needs for it."""
    found: dict[int, list[_Named]] = {}
    for mixes, places in by_mixes(policy, items):
        named = [_named(recipe) for recipe in mixes]
        found |= dict.fromkeys(places, named)
    return [found[place] for place in range(len(items))]


def _joined(contexts: Sequence[str]) -> str:
    """One digest for the contexts of several mixes; that of a single one is its own."""
    return contexts[0] if len(contexts) == 1 else digest_of(contexts)
