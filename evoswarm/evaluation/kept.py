"""What a ledger holds of policies, read without their members: neither models nor their libraries are needed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from evoswarm.evaluation.answers import answer_of, by_mixes
from evoswarm.evaluation.asked import item_digest
from evoswarm.evaluation.evaluation import Evaluation
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.row import UNREADABLE, LedgerRow, damaged
from evoswarm.failure import Failure
from evoswarm.policies import Policy, Recipe
from evoswarm.tasks.task import Item, Task


class KeptEvaluations:
    """Evaluations out of a ledger.

    A ledger may hold a recipe's evaluations from several machines (on another device, say, or in another type of
    numbers). They are never mixed: of each recipe those of one context are read, the one that knows most of the items;
    of equals that which is most like the first policy's. What a mixture decoded before it drew its speakers is another
    thing than what it decodes now, and is not read.

    Args:
        ledger: with the evaluations; None holds nothing.
        tasks: by name; every item's task is among them.
        failures: owed to device and time, which no ledger keeps; by digests of recipe and item. A run's results
            stand on them, whatever the ledger has learnt since.
    """

    def __init__(
        self,
        ledger: Ledger | None,
        tasks: Mapping[str, Task],
        failures: Mapping[tuple[str, str], Failure] | None = None,
    ) -> None:
        self._ledger, self._tasks, self._failures = ledger, tasks, failures or {}
        self._contexts: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._digests: dict[tuple[str, str, str], str] = {}

    def settle(self, policies: Sequence[Policy], items: Sequence[Item]) -> None:
        """Choose the context that each recipe is read in, from then on.

        Args:
            policies: that will be read; the first decides between equals.
            items: all that will be read.
        """
        if self._ledger is None:
            return
        like: tuple[str, ...] = ()
        for policy in policies:
            for recipe in {one.digest: one for task in self._tasks for one in policy.mixes(task)}.values():
                digests = [self._digest(recipe, item) for item in items]
                known = self._ledger.contexts(recipe.digest, digests)
                machines = {context: _machine(said) for context, (_, said) in known.items()}
                drawn = "drawn" if recipe.draws_speaker else None
                found = {context: one for context, one in known.items() if machines[context][-1] == drawn}
                order = {context: (found[context][0], machines[context][:2] == like, context) for context in found}
                if found and recipe.digest not in self._contexts:
                    best = max(found, key=order.__getitem__)
                    self._contexts[recipe.digest] = best
                    self._counts[recipe.digest] = found[best][0]
                    like = like or machines[best][:2]

    def count(self, recipe: Recipe) -> int:
        """Of how many of the items that were settled a recipe's evaluation is kept."""
        return self._counts.get(recipe.digest, 0)

    def evaluations(self, policy: Policy, items: Sequence[Item]) -> list[Evaluation | None]:
        """What is known of a policy, per item; None where anything is lacking that its answer is made of.

        Raises:
            RunError: a row is damaged.
        """
        groups = by_mixes(policy, items)
        recipes = {_named(recipe): recipe for mixes, _ in groups for recipe in mixes}
        rows = {key: self._rows(recipe, items) for key, recipe in recipes.items()}
        needed: dict[int, tuple[tuple[str, ...], ...]] = {}
        for mixes, places in groups:
            needed |= dict.fromkeys(places, tuple(map(_named, mixes)))  # digests are worked out once
        found: list[Evaluation | None] = []
        for place, item in enumerate(items):
            parts = [rows[key][place] for key in needed[place]]
            known = [part for part in parts if part is not None]
            whole = len(known) == len(parts)
            found.append(answer_of(policy, self._tasks[item.task], item, known) if whole else None)
        return found

    def _rows(self, recipe: Recipe, items: Sequence[Item]) -> list[Evaluation | None]:
        own, digests = recipe.digest, [self._digest(recipe, item) for item in items]
        context = self._contexts.get(own)
        rows: list[LedgerRow | None] = [None] * len(items)
        if self._ledger is not None and context is not None:
            rows = self._ledger.read(own, context, digests)
        names = [spec.name for spec in recipe.specs]
        found: list[Evaluation | None] = []
        for digest, row in zip(digests, rows, strict=True):
            failure = self._failures.get((own, digest))
            if failure is not None:
                found.append(Evaluation(score=None, failure=failure))
            else:
                found.append(None if row is None else row.evaluation(names))
        return found

    def _digest(self, recipe: Recipe, item: Item) -> str:
        place = (recipe.prompt_format, item.task, item.key)
        if place not in self._digests:
            self._digests[place] = item_digest(item, self._tasks[item.task], recipe.prompt_format)
        return self._digests[place]


def _named(recipe: Recipe) -> tuple[str, ...]:
    """Digest and members' names: exact copies under other names have one digest, and each its own cost."""
    return recipe.digest, *(spec.name for spec in recipe.specs)


def _machine(description: str) -> tuple[str, str, object]:
    """Of a context: the device, the version of the engine, and how a sampled mixture says that it draws its speakers.

    Raises:
        RunError: it is not as evoswarm wrote it.
    """
    try:
        said = json.loads(description)
        return str(said.get("device")), str(said.get("decoding")), said.get("speaker")
    except UNREADABLE as error:
        raise damaged("description of a context", error) from error
