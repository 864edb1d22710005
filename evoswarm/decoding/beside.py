"""A pool, the same models through their own chat templates, and models merged of its own, as one decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from evoswarm.decoding.decoder import Decoder, FactStore, MemberFacts, MemoryKept, OnDone, SymbolFacts
from evoswarm.decoding.request import Completion, Counters, Request
from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe


class Beside(Decoder):
    """Several decoders of other members as one; a recipe has all of its members in one of them.

    Attributes:
        pool: whose members keep their names and numbers.
        parts: it, its models through their templates (see ``Decoder.through_templates``), then others with theirs.
    """

    def __init__(self, pool: Decoder, store: FactStore | None = None, others: Sequence[Decoder] = ()) -> None:
        """Put what decoders offer beside a pool, and others; the store keeps facts of members."""
        self.pool, self._bare = pool, (pool, *others)
        self._through = [one.through_templates(store) for one in self._bare]
        pairs = zip(self._bare, self._through, strict=True)
        self.parts = tuple(part for pair in pairs for part in pair if part is not None)

    @property
    def counters(self) -> Counters:  # type: ignore[override]  # read only: others set theirs
        """Of the pool, whose counters the others share where they can."""
        return self.pool.counters

    @cached_property
    def facts(self) -> tuple[MemberFacts, ...]:
        """Those of the pool first."""
        return tuple(facts for part in self.parts for facts in part.facts)

    @cached_property
    def templated(self) -> Mapping[str, MemberFacts]:
        """See ``Decoder``."""
        found: dict[str, MemberFacts] = {}
        for bare, through in zip(self._bare, self._through, strict=True):
            others = {} if through is None else {_asked_plainly(one.spec): one for one in through.facts}
            plain = {one.spec.name: _asked_plainly(one.spec) for one in bare.facts if not one.spec.chat_template}
            found |= {name: others[spec] for name, spec in plain.items() if spec in others}
        return found

    def decode(
        self,
        requests: Sequence[Request],
        *,
        stop_after: Callable[[], bool] | None = None,
        on_done: OnDone | None = None,
    ) -> list[Completion]:
        """See ``Decoder``."""
        theirs: dict[int, list[int]] = {}
        for number, request in enumerate(requests):
            self.check(request.recipe)
            theirs.setdefault(self._places[request.recipe.specs[0].name], []).append(number)
        done: dict[int, Completion] = {}
        for part, numbers in theirs.items():
            tell = None if on_done is None else _of_all(numbers, on_done)
            some = self.parts[part].decode(
                [requests[number] for number in numbers], stop_after=stop_after, on_done=tell
            )
            done.update(zip(numbers, some, strict=True))
        return [done[number] for number in range(len(requests))]

    def check(self, recipe: Recipe) -> None:
        """See ``Decoder``; a mix of members of several is refused, too."""
        super().check(recipe)
        names = [spec.name for spec in recipe.specs]
        apart = [name for name in names if self._places[name] != self._places[names[0]]]
        if apart:
            both = sorted((names[0], apart[0]), key=self._places.__getitem__)
            raise RecipeError(f"members: expected all through their own chat templates or none, got {both[1]!r}")

    @property
    def context_lengths(self) -> Mapping[str, int | None]:
        """See ``Decoder``."""
        return {name: length for part in self.parts for name, length in part.context_lengths.items()}

    def prompt_lengths(self, member: str, prompts: Sequence[str]) -> list[int]:
        """See ``Decoder``."""
        return self._of(member).prompt_lengths(member, prompts)

    def rendered(self, member: str, prompts: Sequence[str]) -> list[str]:
        """See ``Decoder``."""
        return self._of(member).rendered(member, prompts)

    def silenced(self, prompts: Sequence[str]) -> dict[str, float]:
        """See ``Decoder``."""
        return {name: share for part in self.parts for name, share in part.silenced(prompts).items()}

    @property
    def kept(self) -> Mapping[str, MemoryKept]:
        """See ``Decoder``; who is asked through templates is known by whose models they are."""
        found: dict[str, MemoryKept] = {}
        for one in self._bare:
            for kind, more in one.kept.items():
                before = found.get(kind, MemoryKept(0, 0))
                found[kind] = MemoryKept(before.bytes + more.bytes, before.limit + more.limit)
        return found

    def ready(self) -> None:
        """See ``Decoder``; others are loaded when they are asked, if they are."""
        self.pool.ready()

    def forget(self) -> None:
        """See ``Decoder``; who is asked through templates is known by whose models they are."""
        for one in self._bare:
            one.forget()

    def symbols(self, recipe: Recipe) -> SymbolFacts:
        """See ``Decoder``."""
        return self._of(recipe.specs[0].name).symbols(recipe)

    def _of(self, member: str) -> Decoder:
        """Whichever of them has a member."""
        return self.parts[self._places.get(member, 0)]

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """Which part has each member, by name."""
        return {spec.name: number for number, part in enumerate(self.parts) for spec in part.specs}


def _asked_plainly(spec: MemberSpec) -> str:
    """What a member and the same one through its template have in common, as text."""
    said = {"name": "any", "chat_template": False, "template_date": None, "fingerprint": None}
    return spec.model_copy(update=said).model_dump_json()


def _of_all(numbers: Sequence[int], on_done: OnDone) -> OnDone:
    """Tells of some requests by their positions among all."""
    return lambda places, completions: on_done([numbers[place] for place in places], completions)
