"""Can the items of a task be won at all? Their own right answers are asked, before a model is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from evoswarm.errors import TaskError, show
from evoswarm.space.search_space import SearchSpace
from evoswarm.tasks.harness.scorer import HarnessScorer
from evoswarm.tasks.scorers.behind import BOX
from evoswarm.tasks.scorers.settings import VERIFIER
from evoswarm.tasks.settings import TaskSettings
from evoswarm.tasks.task import SPLITS, Item, SplitName, Task

_TRIED = 3
"""Items of a task, of all splits, that are asked of a scorer which takes its time: a user's own, a verifier."""


@dataclass(frozen=True)
class _Found:
    """Items of one task that have something in common.

    Attributes:
        setting: of the task that is to blame.
        expected: what was, with the reason.
        count: how many have it.
        tried: of how many.
        what: it is, in words that follow the count.
        example: one of them; "" where only the test split has any, whose items nobody is shown.
        fatal: where it is so of all of them, no answer to the task can be right.
    """

    setting: tuple[str, ...]
    expected: str
    count: int
    tried: int
    what: str
    example: str
    fatal: bool

    @property
    def words(self) -> str:
        """As an error says it."""
        such = f", such as {self.example}" if self.example else ""
        return f"expected {self.expected}, got {self.count:,} of {self.tried:,} {self.what}{such}"


def check_golds(space: SearchSpace, index: int, task: Task, items: Mapping[SplitName, Sequence[Item]]) -> list[str]:
    """Ask whether a task's own right answers could be given, and would be scored as right.

    Nothing is decoded, so that no held-out item is opened by it; and none is shown.

    Args:
        space: of the task.
        index: of the task within the space.
        task: whose scorer is tried.
        items: of the task, by split.

    Returns:
        What is so of some items, a sentence each with the place to blame, how many there are and an example. Of a
        scorer of the user's it is only said: it may have its reasons.

    Raises:
        TaskError: it is so of all of them, and no answer to the task could be right.
    """
    notes = []
    for found in _Golds(space.tasks[index], task, items).findings():
        where = space.where("tasks", index, *found.setting)
        if found.fatal and found.count == found.tried:
            raise TaskError(found.words, where)
        notes.append(f"{where}: {found.words}")
    return notes


class _Golds:
    """The right answers of one task."""

    def __init__(self, settings: TaskSettings, task: Task, items: Mapping[SplitName, Sequence[Item]]) -> None:
        self._settings, self._task = settings, task
        parts = [items.get(split, ()) for split in SPLITS]
        self._items = [item for part in parts for item in part]
        self._turns = [item for turn in zip_longest(*parts) for item in turn if item is not None]
        self._unseen = {item.key for item in items.get("test", ())}
        self._own = ":" in settings.scorer.kind or task.scorer_id.startswith(f"{HarnessScorer.kind} ")
        self._verified = task.scorer_id.startswith(f"{VERIFIER} ")
        self._opaque = self._own or self._verified  # what it takes for right is not known here

    def findings(self) -> Iterator[_Found]:
        """What is wrong with some of them or all."""
        yield from self._empty()
        told = [item for item in self._items if item.gold.strip()]
        yield from self._out_of_reach(told)
        yield from self._unscored(told)

    def _empty(self) -> Iterator[_Found]:
        """A verifier needs no gold text; whoever else looks at it can only be told nothing."""
        hits = [item for item in self._items if not item.gold.strip()]
        if hits and not self._verified:
            why = "a gold text for every item (only an empty answer equals an empty one)"
            what = "items without"
            yield self._found(hits, self._items, ("scorer", "kind"), why, what, _question, fatal=False)

    def _out_of_reach(self, told: Sequence[Item]) -> Iterator[_Found]:
        """Golds that no answer can be, as it is ended before."""
        limit = self._task.max_bytes
        long: list[Item] = []
        stopped: list[Item] = []
        for item in told:
            ways = self._ways(item)
            if not any(map(self._can_be_given, ways)):
                (stopped if any(map(self._fits, ways)) else long).append(item)
        never = "equal" if self._opaque else "be right about"
        if long:
            why = f"gold texts of at most {limit:,} bytes (where every answer ends)"
            what = f"that are longer: no answer can {never} them"
            yield self._found(long, told, ("max_bytes",), why, what, _sized, fatal=not self._opaque)
        if stopped:
            why = f"gold texts without a stop string ({show(list(self._task.stop))}; every answer ends before one)"
            what = f"that hold one: no answer can {never} them"
            yield self._found(stopped, told, ("stop",), why, what, _gold, fatal=not self._opaque)

    def _ways(self, item: Item) -> list[str]:
        """Texts that say what a gold says, the shortest that are known among them."""
        gold = item.gold.strip()
        if self._opaque or (not self._settings.scorer.behind and self._can_be_given(gold)):
            return [gold]
        answer = self._task.extract(gold) or gold
        marks = self._settings.scorer.behind
        ways = [gold, answer, *(f"{mark}{{{answer}}}" if mark == BOX else f"{mark}{answer}" for mark in marks)]
        if self._settings.scorer.kind == "regex":
            return ways  # what else its expression wants is not known: an answer is no shorter than what it finds
        return [text for text in ways if self._task.score(item, text) == 1.0] or ways

    def _can_be_given(self, text: str) -> bool:
        return self._fits(text) and not any(stop in text for stop in self._task.stop)

    def _fits(self, text: str) -> bool:
        return _size(text) <= self._task.max_bytes

    def _unscored(self, told: Sequence[Item]) -> Iterator[_Found]:
        """Golds that the scorer does not take for right, or of which it makes nothing that is a score."""
        tried = [item for item in self._turns if item.gold.strip()][:_TRIED] if self._opaque else told
        nonsense: dict[Item, str] = {}
        low: dict[Item, str] = {}
        for item in tried:
            try:
                if not self._own and not self._task.extract(item.gold):
                    continue  # a gold may leave out what an answer needs: a marker, what an expression looks for
                score = self._task.score(item, item.gold)
            except TaskError as error:
                nonsense[item] = f"{show(item.gold)}: {error.message}"
            else:
                if score != 1.0:
                    low[item] = f"{show(item.gold)}, which gets {score:g}"
        place = ("scorer", "kind")
        if nonsense:
            why = "a scorer that gives an item's own answer a score"
            yield self._found(list(nonsense), tried, place, why, "that have none", nonsense.__getitem__, fatal=True)
        if low:
            why = "a scorer that gives an item's own answer 1"
            what = "that get less"
            yield self._found(list(low), tried, place, why, what, low.__getitem__, fatal=not self._own)

    def _found(
        self,
        hits: Sequence[Item],
        tried: Sequence[Item],
        setting: tuple[str, ...],
        why: str,
        what: str,
        example: Callable[[Item], str],
        *,
        fatal: bool,
    ) -> _Found:
        shown = next((example(item) for item in hits if item.key not in self._unseen), "")
        return _Found(setting, why, len(hits), len(tried), what, shown, fatal)


def _question(item: Item) -> str:
    return f"that of {show(item.prompt)}"


def _gold(item: Item) -> str:
    return show(item.gold)


def _sized(item: Item) -> str:
    return f"{show(item.gold)} ({_size(item.gold.strip()):,} bytes)"


def _size(text: str) -> int:
    """Bytes of a text."""
    return len(text.encode("utf-8", "surrogatepass"))
