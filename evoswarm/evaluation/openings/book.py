"""All that is known of openings: the union of what several places know, each told what it lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.openings.opening import OpeningRecord
from evoswarm.evaluation.openings.places import FilePlace, Place, nobody_else


class OpenedBefore(RunError):
    """Held-out questions were opened for another policy: a second look needs to be forced."""

    @classmethod
    def by(cls, seen: Seen, where: Where | None = None) -> Self:
        """The error, once one policy or more have opened them."""
        others = "another recipe" if seen.others == 1 else f"{seen.others} other recipes"
        some = "items" if seen.opened == seen.items else f"{seen.opened:,} of {seen.items:,} items"
        first = f" (the first for {seen.by[0].described})" if seen.by else ""
        return cls(f"expected test items that nobody has seen, got {some} opened for {others} before{first}", where)


@dataclass(frozen=True)
class HeldOutQuestions:
    """The questions of some items, as places know them.

    Attributes:
        keys: of every item, by which its question is known; see `evoswarm.tasks.question`.
        digests: of every item, by which ledgers of earlier versions knew it; they depend on the prompt format.
    """

    keys: tuple[tuple[str, ...], ...]
    digests: tuple[frozenset[str], ...]

    @property
    def all_keys(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset(key for keys in self.keys for key in keys)

    def within(self, opening: OpeningRecord) -> set[int]:
        """Places of the items that an opening opened."""
        known, before = opening.questions, opening.items
        return {
            place
            for place, (keys, digests) in enumerate(zip(self.keys, self.digests, strict=True))
            if not known.isdisjoint(keys) or not before.isdisjoint(digests)
        }


@dataclass(frozen=True)
class Seen:
    """What is known of some questions, as far as one policy is concerned.

    Attributes:
        items: how many were asked about.
        opened: how many of these another policy opened before this one did.
        by: the openings that did, in order of time.
        again: this policy has opened all of them: to do so again is the same opening.
    """

    items: int
    opened: int = 0
    by: tuple[OpeningRecord, ...] = ()
    again: bool = False

    @property
    def others(self) -> int:
        """How many other policies opened any of them before."""
        return len({champion for one in self.by for champion in one.champions})

    def of_space(self, search: str) -> int:
        """How many of these were of a space, by its continuation digest."""
        return len({champion for one in self.by if one.search == search for champion in one.champions})


@dataclass
class OpeningBook:
    """The union of all places; what one of them has lost another one gives back.

    Args:
        places: that keep all openings.
        copies: places by run directory, each of which keeps the openings of that run alone.
        lock: the place whose lock keeps two processes from opening at once; None where nobody else can.
    """

    places: Sequence[Place]
    copies: Mapping[str, Place] = field(default_factory=dict)
    lock: FilePlace | None = None
    _known: dict[str, OpeningRecord] = field(default_factory=dict)
    _held: bool = False

    def read(self) -> None:
        """Read all places, and write to each what it lacks.

        Raises:
            RunError: a place cannot be read or written, or was damaged.
        """
        with self._nobody_else():
            self._read()

    def _read(self) -> None:
        for place in (*self.places, *self.copies.values()):
            self._known |= place.read(self._known)
        self._spread()

    def learn(self, openings: Mapping[str, OpeningRecord]) -> None:
        """What is known from elsewhere, such as MLflow; what is new of it is written down here too.

        Raises:
            RunError: a place cannot be written.
        """
        if not openings.keys() <= self._known.keys():
            with self._nobody_else():
                self._known |= openings
                self._spread()

    @property
    def openings(self) -> dict[str, OpeningRecord]:
        """All that are known, by digest, in order of time."""
        return dict(sorted(self._known.items(), key=lambda one: (one[1].at, one[0])))

    @property
    def knows_digests(self) -> bool:
        """Whether an earlier version left openings of items that are known by their digests alone."""
        return any(opening.items for opening in self._known.values())

    def seen(self, champion: str, questions: HeldOutQuestions) -> Seen:
        """What is known of some questions, as far as a policy is concerned.

        Question by question: what another policy opened after this one did takes nothing from this one.

        Args:
            champion: digest of the policy; "" is one that nobody knows yet.
            questions: what it would open.
        """
        own: set[int] = set()
        opened: set[int] = set()
        by: dict[tuple[float, str, tuple[str, ...]], OpeningRecord] = {}  # once, though by digests and by keys
        for opening in self.openings.values():
            found = questions.within(opening)
            if champion in opening.champions:
                own |= found
            elif found - own:
                opened |= found - own
                by.setdefault((opening.at, opening.search, opening.champions), opening)
        everything = len(questions.keys)
        return Seen(everything, len(opened), tuple(by.values()), again=len(own) == everything)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """What is asked within the block holds until its end: nobody else opens anything meanwhile."""
        with self._nobody_else():
            self._read()
            yield

    @contextmanager
    def _nobody_else(self) -> Iterator[None]:
        """Keep other processes out; within `alone` they are already, and a second lock would wait for the first."""
        if self._held:
            yield
            return
        with nobody_else(self.lock):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def translate(self, questions: HeldOutQuestions) -> None:
        """Put on record, by their keys, questions that an earlier version knew by digests of items.

        Raises:
            RunError: a place cannot be written.
        """
        found: dict[str, OpeningRecord] = {}
        for opening in self._known.values():
            places = questions.within(opening) if opening.items else ()
            if places:
                keys = frozenset(key for place in places for key in questions.keys[place])
                known = opening.model_copy(update={"items": frozenset(), "questions": keys})
                found[known.line()[0]] = known
        self.learn(found)

    def record(self, opening: OpeningRecord) -> None:
        """Write an opening down in every place; call it within `alone`.

        Raises:
            RunError: a place cannot be written.
        """
        digest, _ = opening.line()
        self._known[digest] = opening
        self._spread()

    def _spread(self) -> None:
        """Write to every place what it lacks."""
        for place in self.places:
            self._add(place, self._known.keys() - place.digests())
        for run, place in self.copies.items():
            own = {digest for digest, opening in self._known.items() if run in opening.runs}
            if own:
                self._add(place, own - place.digests())

    def _add(self, place: Place, digests: Collection[str]) -> None:
        place.add(dict(self._known[digest].line() for digest in self.openings if digest in digests))
