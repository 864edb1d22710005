"""The gold paths of a search: rows along the right answers of its splits, for whatever recipes are asked about."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.request import DoesNotFit
from evoswarm.decoding.waves import ViewKey
from evoswarm.genomes.plain import uniform
from evoswarm.gold.forms import gold_texts
from evoswarm.gold.rows import BUDGET_BYTES, Between, GoldRows, RowsDoNotFit, is_greedy, nobody, read_rows
from evoswarm.gold.scores import Scores, scores_along
from evoswarm.gold.texts import GoldText
from evoswarm.gold.written import free_text, without_tasks
from evoswarm.policies import Policy, Recipe
from evoswarm.policies.route import Route
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import Item, SplitName, Task

NOT_OFFERED = "the decoder does not offer members' rows along texts"
UNKNOWN = "no text is known that is right"
FREE_TEXT = "answers are free text, and no member writes the right ones as they are given ({tasks})"


class GoldPaths:
    """Rows along the right answers of splits, read when they are first asked for.

    Recipes in ``bytes`` all see the same symbols. In ``common`` and ``tokens`` they depend on whose tokenizers take
    part, so that there are rows for every set of tokenizers that recipes ask for; the members read their texts once for
    all of these. What is kept stays within the budget; the rest is made again when it is asked for.

    Args:
        decoder: holds the pool.
        space: whose pool it is, fingerprints filled in.
        items: by split.
        tasks: by name.
        budget: bytes of rows, of one split and view, and of all that are kept.
        between: see `read_rows`.

    Attributes:
        why_not: a sentence on why there are no rows, by split; none where there are, or nobody has asked.
        untold: tasks of which no right answer is known as members would write it, by split, of those that were read.
        unheard: why what was heard is done without, by split.
    """

    def __init__(
        self,
        decoder: Decoder,
        space: SearchSpace,
        items: Mapping[SplitName, Sequence[Item]],
        tasks: Mapping[str, Task],
        budget: int = BUDGET_BYTES,
        between: Between = nobody,
    ) -> None:
        self._between = between
        self._decoder, self._space, self._items, self._tasks, self._budget = decoder, space, items, tasks, budget
        self._tokens = {facts.spec.name: facts.tokens for facts in decoder.facts}
        self._texts: dict[SplitName, list[GoldText]] = {}
        self._kept: OrderedDict[tuple[SplitName, ViewKey], GoldRows | None] = OrderedDict()
        self._of_this_moment: set[SplitName] = set()
        self._refused: dict[SplitName, str] = {}
        self._heard: dict[SplitName, Sequence[GoldText]] = {}
        self._with_heard: dict[SplitName, GoldRows | None] = {}
        self.why_not: dict[SplitName, str] = {}
        self.untold: dict[SplitName, Sequence[str]] = {}
        self.unheard: dict[SplitName, str] = {}

    def rows(self, split: SplitName, recipe: Recipe | None = None) -> GoldRows | None:
        """The rows of all members of the pool that speak where a recipe is decoded.

        Args:
            split: whose items.
            recipe: of the space; None is the uniform mix of the pool in the space's first alphabet.

        Returns:
            The rows; None where there are none (see ``why_not``).

        Raises:
            MemberError: a member cannot be loaded.
        """
        if split in self._of_this_moment:
            return None
        asked = uniform(self._space, self._space.pool) if recipe is None else recipe
        key = split, ViewKey.of(asked, self._tokens)
        if key not in self._kept:
            self._kept[key] = self._read(split, asked, key[1])
            self._drop_beyond_budget()
        self._kept.move_to_end(key)
        return self._kept[key]

    def hear(self, split: SplitName, texts: Sequence[GoldText]) -> None:
        """Take what somebody wrote for the right answers of items that have no rows; see ``rows_with_heard``."""
        self.unheard.pop(split, None)
        if tuple(texts) != self._heard.get(split, ()):
            self._heard[split] = tuple(texts)
            self._with_heard.pop(split, None)

    def do_without_heard(self, split: SplitName, why: str) -> None:
        """Have no rows along what was heard: they could not be read."""
        self.hear(split, ())
        self.unheard[split] = why

    def heard(self, split: SplitName) -> Mapping[Item, str]:
        """What was taken, by item."""
        return {text.item: text.text for text in self._heard.get(split, ())}

    def rows_with_heard(self, split: SplitName) -> GoldRows | None:
        """The rows of all members in the space's first alphabet, those along what was heard among them.

        Raises:
            MemberError: a member cannot be loaded.
            RowsDoNotFit: with what was heard, they would take more than the budget.
            DoesNotFit: there is no memory for what was heard.
        """
        rows, heard = self.rows(split), self._heard.get(split, ())
        if not heard or split in self._of_this_moment:
            return rows
        if split not in self._with_heard:
            place = {item: number for number, item in enumerate(self._items[split])}
            texts = sorted([*(rows.texts if rows else ()), *heard], key=lambda text: place[text.item])
            whole = uniform(self._space, self._space.pool)
            read = read_rows(self._decoder, whole, texts, self._tasks, self._budget, self._between)
            self._with_heard[split] = rows if read is None else read
        return self._with_heard[split]

    def passing(self, split: SplitName) -> bool:
        """Whether there are no rows for want of memory, or of a decoder that reads them: another day there may be."""
        return split in self._of_this_moment

    def refuse(self, split: SplitName, why: str) -> None:
        """Have no rows of a split from now on, whoever has made something of them: there were none when it counted."""
        self._refused[split] = why
        self._without(split, why)

    def refused(self, split: SplitName) -> str | None:
        """Why there are to be no rows of a split; None where nobody refused them."""
        return self._refused.get(split)

    def scores(self, policies: Sequence[Policy], split: SplitName) -> Scores:
        """How policies do along the right answers of a split's items, all of them in order.

        Of a route, the mix that answers an item decides there. Nothing is decided, and all numbers are nan, where there
        are no rows and where no greedy mix answers alone.

        Args:
            policies: of any kind.
            split: whose items.

        Raises:
            MemberError: a member cannot be loaded.
        """
        items = list(self._items[split])
        found = Scores.unknown(len(policies), len(items))
        by_view: dict[ViewKey, list[tuple[Recipe, int, Sequence[int]]]] = {}
        for number, policy in enumerate(policies):
            for mix, columns in answering_mixes(policy, items):
                by_view.setdefault(ViewKey.of(mix, self._tokens), []).append((mix, number, columns))
        for asked in by_view.values():
            mixes = [mix for mix, *_ in asked]
            rows = self.rows(split, mixes[0])
            if rows is not None:
                place = {item: column for column, item in enumerate(rows.items)}
                pairs = [
                    (number, column, mix, place[items[column]])
                    for mix, (_, number, columns) in enumerate(asked)
                    for column in columns
                    if items[column] in place
                ]
                found.fill(pairs, scores_along(mixes, rows))
        return found

    def _read(self, split: SplitName, recipe: Recipe, view: ViewKey) -> GoldRows | None:
        """The rows of the members that speak on a view."""
        try:
            texts = self._texts_of(split)
            speak = [
                spec for spec in self._space.pool if not view.tokenizers or self._tokens[spec.name] in view.tokenizers
            ]
            whole = uniform(self._space, speak, recipe.alphabet)
            rows = read_rows(self._decoder, whole, texts, self._tasks, self._budget, self._between) if texts else None
        except DoesNotFit as error:
            self._without(split, str(error))
            return None
        except RowsDoNotFit as error:
            self.why_not[split] = str(error)
            return None
        free = free_text(rows, whole) if rows is not None else []
        why = FREE_TEXT.format(tasks=", ".join(free))
        found = without_tasks(rows, free, why) if rows is not None else None
        if found is None:
            self.why_not.setdefault(split, UNKNOWN if rows is None else why)
        if split not in self._of_this_moment:
            told = {item.task for item in found.items} if found is not None else set()
            self.untold.setdefault(
                split, tuple(dict.fromkeys(item.task for item in self._items[split] if item.task not in told))
            )
        return found

    def _texts_of(self, split: SplitName) -> list[GoldText]:
        """The right texts of a split, in the forms that the whole pool finds likeliest."""
        if split not in self._texts:
            whole = uniform(self._space, self._space.pool)
            items = dict.fromkeys(self._items[split])
            texts = gold_texts(self._decoder, whole, items, self._tasks, self._budget, self._between)
            if texts is None:
                self._without(split, NOT_OFFERED)
            self._texts[split] = texts or []
        return self._texts[split]

    def _without(self, split: SplitName, why: str) -> None:
        self._of_this_moment.add(split)
        self.why_not[split] = why

    def _drop_beyond_budget(self) -> None:
        """Those that were asked for longest ago go first."""
        while len(self._kept) > 1 and sum(rows.bytes for rows in self._kept.values() if rows) > self._budget:
            self._kept.popitem(last=False)


def answering_mixes(policy: Policy, items: Sequence[Item]) -> list[tuple[Recipe, Sequence[int]]]:
    """The greedy mixes that alone answer an item, with the places of the items that they answer."""
    if isinstance(policy, Recipe):
        return [(policy, range(len(items)))] if is_greedy(policy) else []
    if not isinstance(policy, Route):
        return []
    found: dict[int, tuple[Recipe, list[int]]] = {}
    for place, item in enumerate(items):
        first, *others = policy.chosen(item.task, item.prompt)
        if not others and isinstance(first, Recipe) and is_greedy(first):
            found.setdefault(id(first), (first, []))[1].append(place)
    return list(found.values())
