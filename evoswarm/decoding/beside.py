"""A pool and the same models through their own chat templates, as one decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from evoswarm.decoding.decoder import Decoder, FactStore, MemberFacts, MemoryKept, OnDone, SymbolFacts
from evoswarm.decoding.request import Completion, Counters, Request
from evoswarm.errors import RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe


class Beside(Decoder):
    """Two decoders of other members as one; a recipe has all of its members in one of them.

    Attributes:
        pool: whose members keep their names and numbers.
        other: the same models through their templates (see ``Decoder.through_templates``); None where there are none.
    """

    def __init__(self, pool: Decoder, store: FactStore | None = None) -> None:
        """Put what a decoder offers beside it; the store keeps facts of members."""
        self.pool, self.other = pool, pool.through_templates(store)

    @property
    def counters(self) -> Counters:  # type: ignore[override]  # read only: others set theirs
        """Of the pool, whose counters the other one shares where it can."""
        return self.pool.counters

    @cached_property
    def facts(self) -> tuple[MemberFacts, ...]:
        """Those of the pool first."""
        return (*self.pool.facts, *(() if self.other is None else self.other.facts))

    @cached_property
    def templated(self) -> Mapping[str, MemberFacts]:
        """See ``Decoder``."""
        others = {_asked_plainly(one.spec): one for one in self.facts[len(self.pool.facts) :]}
        plain = {one.spec.name: _asked_plainly(one.spec) for one in self.pool.facts if not one.spec.chat_template}
        return {name: others[spec] for name, spec in plain.items() if spec in others}

    def decode(
        self,
        requests: Sequence[Request],
        *,
        stop_after: Callable[[], bool] | None = None,
        on_done: OnDone | None = None,
    ) -> list[Completion]:
        """See ``Decoder``."""
        theirs: dict[bool, list[int]] = {}
        for number, request in enumerate(requests):
            self.check(request.recipe)
            theirs.setdefault(request.recipe.specs[0].name in self._others, []).append(number)
        done: dict[int, Completion] = {}
        for numbers in theirs.values():
            decoder = self._of(requests[numbers[0]].recipe.specs[0].name)
            tell = None if on_done is None else _of_all(numbers, on_done)
            some = decoder.decode([requests[number] for number in numbers], stop_after=stop_after, on_done=tell)
            done.update(zip(numbers, some, strict=True))
        return [done[number] for number in range(len(requests))]

    def check(self, recipe: Recipe) -> None:
        """See ``Decoder``; a mix of both is refused, too."""
        super().check(recipe)
        apart = [spec.name for spec in recipe.specs if spec.name in self._others]
        if apart and len(apart) < len(recipe.members):
            raise RecipeError(f"members: expected all through their own chat templates or none, got {apart[0]!r}")

    @property
    def context_lengths(self) -> Mapping[str, int | None]:
        """See ``Decoder``."""
        return {**self.pool.context_lengths, **({} if self.other is None else self.other.context_lengths)}

    def prompt_lengths(self, member: str, prompts: Sequence[str]) -> list[int]:
        """See ``Decoder``."""
        return self._of(member).prompt_lengths(member, prompts)

    def rendered(self, member: str, prompts: Sequence[str]) -> list[str]:
        """See ``Decoder``."""
        return self._of(member).rendered(member, prompts)

    def silenced(self, prompts: Sequence[str]) -> dict[str, float]:
        """See ``Decoder``."""
        return {**self.pool.silenced(prompts), **({} if self.other is None else self.other.silenced(prompts))}

    @property
    def kept(self) -> Mapping[str, MemoryKept]:
        """See ``Decoder``; the pool knows of the other one."""
        return self.pool.kept

    def ready(self) -> None:
        """See ``Decoder``; the other one asks the same models."""
        self.pool.ready()

    def forget(self) -> None:
        """See ``Decoder``; the pool knows of the other one."""
        self.pool.forget()

    def symbols(self, recipe: Recipe) -> SymbolFacts:
        """See ``Decoder``."""
        return self._of(recipe.specs[0].name).symbols(recipe)

    def _of(self, member: str) -> Decoder:
        """Whichever of the two has a member."""
        return self.other if self.other is not None and member in self._others else self.pool

    @cached_property
    def _others(self) -> frozenset[str]:
        return frozenset(() if self.other is None else (spec.name for spec in self.other.specs))


def _asked_plainly(spec: MemberSpec) -> str:
    """What a member and the same one through its template have in common, as text."""
    said = {"name": "any", "chat_template": False, "template_date": None, "fingerprint": None}
    return spec.model_copy(update=said).model_dump_json()


def _of_all(numbers: Sequence[int], on_done: OnDone) -> OnDone:
    """Tells of some requests by their positions among all."""
    return lambda places, completions: on_done([numbers[place] for place in places], completions)
