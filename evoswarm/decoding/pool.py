"""The members of a swarm, loaded when somebody wants to decode: what is known of them needs no weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import Self

from evoswarm.canonical import digest_of, sha256
from evoswarm.checkpoint import Generation
from evoswarm.decoding.decoder import FactStore, MemberFacts
from evoswarm.decoding.forward.devices import place
from evoswarm.decoding.forward.threads import FEWEST_BYTES, threads_for
from evoswarm.decoding.member import (
    Content,
    Double,
    Member,
    generation,
    load_member,
    locate,
    seen_device,
    templated,
    templated_spec,
)
from evoswarm.decoding.request import DECODING_VERSION, Request
from evoswarm.errors import MemberError, RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.trust import refused_code


@dataclass(frozen=True)
class Loading:
    """A member that is about to be loaded.

    Attributes:
        name: of the member.
        weight_bytes: that it takes once loaded, by its files.
        number: which of them it is, from 1.
        count: how many are loaded one after the other.
    """

    name: str
    weight_bytes: int
    number: int
    count: int


OnLoad = Callable[[Loading], None]
_REFUSED = "cannot be loaded"
NOBODY_REFUSED: Mapping[str, str] = {}
_READERS = ("torch", "transformers", "tokenizers")  # what files become when they are loaded is theirs to say


class Pool:
    """The members of a swarm.

    Attributes:
        facts: of the members, in order.
    """

    def __init__(
        self, facts: Sequence[MemberFacts], load: Callable[[], Sequence[Member]], sources: Sources | None = None
    ) -> None:
        """Take facts that are known; ``load`` makes the members in the same order, ``sources`` is where from."""
        self.facts = tuple(facts)
        self._load, self._sources = load, sources

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The loaded members; the first who asks waits for them.

        Raises:
            MemberError: a member cannot be loaded, or is not what was known of it any more.
        """
        return tuple(self._load())

    def check_stops(self, requests: Sequence[Request]) -> None:
        """Refuse stop strings that no answer can hold: a special token that does not end its member's answers.

        Raises:
            RecipeError: names the token.
        """
        if not any(request.stop for request in requests):
            return
        members = {member.spec.name: member for member in self.members}
        for stop, recipe in {(request.stop, id(request.recipe)): request.recipe for request in requests}.items():
            for name in (member.spec.name for member in recipe.members):
                special = members[name].unspoken.intersection(stop[0])
                if special:
                    raise RecipeError(
                        f"stop: expected texts that answers can hold, got {min(special)!r}, a special token of {name!r}"
                        f" (those are never spelled); to end its answers by it set end_tokens: [{min(special)!r}] there"
                    )

    @property
    def contents(self) -> tuple[Content, ...]:
        """Of the members' directories; empty where members were handed over loaded."""
        return () if self._sources is None else self._sources.contents

    @classmethod
    def of(cls, members: Sequence[Member], sources: Sources | None = None) -> Self:
        """The pool of members that are loaded already."""
        generations = [Generation()] * len(members) if sources is None else sources.generations
        facts = [_facts_of(member, one) for member, one in zip(members, generations, strict=True)]
        return cls(facts, lambda: members, sources)

    def stand_in(self, number: int, name: str) -> Pool:
        """A pool of one that nobody has asked yet: the loaded model of a member, under another name.

        Raises:
            ValueError: it is not known where the members' files are.
        """
        if self._sources is None:
            raise ValueError("expected members that were loaded from files, got some that were handed over")
        content = Double(self.contents[number].directory)
        spec = content.identified(self.facts[number].spec.model_copy(update={"name": name, "fingerprint": None}))
        sources = Sources([spec], [content])
        return Pool([replace(self.facts[number], spec=spec)], lambda: [self.members[number].called(spec)], sources)

    def through_templates(self, store: FactStore | None) -> Pool | None:
        """The members that have a chat template and are asked without, through it; None where there are none.

        Their models are those of this pool, loaded once. A template that cannot be used is left out. The store is that
        of facts, as in ``find``.
        """
        sources = self._sources
        asked = {} if sources is None else sources.templated(self.facts)
        if sources is None or not asked:
            return None
        known = sources.known(list(asked.values()), [self.facts[number].device for number in asked], store)
        if known is None:
            members, refused = self._templated(asked)
            known = [_facts_of(one, self.facts[number].generation) for number, one in members.items()]
            _keep(store, known, {_digest(asked[number], self.facts[number].device): why for number, why in refused})
        return Pool(known, lambda: _as_known(known, list(self._templated(asked)[0].values()))) if known else None

    def _templated(self, asked: Mapping[int, MemberSpec]) -> tuple[dict[int, Member], list[tuple[int, str]]]:
        """Members through their templates by their numbers in this pool, and why others cannot be had so."""
        assert self._sources is not None
        found, refused = {}, []
        for number, spec in asked.items():
            try:
                found[number] = templated(self.members[number], spec, self._sources.contents[number].directory)
            except MemberError as error:
                refused.append((number, error.message))
        return found, refused

    @classmethod
    def find(
        cls,
        specs: Sequence[MemberSpec],
        batch_tokens: int,
        store: FactStore | None = None,
        on_load: OnLoad = lambda member: None,
        trust_remote_code: bool = False,
        contents: Sequence[Content] | None = None,
    ) -> Self:
        """Find the members; they are loaded now unless the store knows all of them.

        What these versions of the libraries have loaded from files of the same fingerprint, they can load again, so
        nobody need until somebody decodes.

        Args:
            specs: of the members.
            batch_tokens: tokens forwarded at once, padding included.
            store: facts of members that were loaded before; new ones are kept there. None loads now.
            on_load: told of every member that is about to be loaded.
            trust_remote_code: whether those that say so of themselves may run code of their own.
            contents: of the members' directories; None looks for them.

        Raises:
            MemberError: a member cannot be found or loaded, or would run code that nobody trusts.
        """
        for spec in specs:
            if spec.trust_remote_code and not trust_remote_code:
                raise MemberError(refused_code(spec.name, spec.path))
        sources = Sources(specs, [Content(locate(spec)) for spec in specs] if contents is None else contents)
        sizes = [one.weight_bytes(spec.dtype) for one, spec in zip(sources.contents, specs, strict=True)]
        devices = [seen_device(spec, device) for spec, device in zip(specs, place(sizes, specs), strict=True)]

        def load(digests: Sequence[str | None] = (None,) * len(specs)) -> list[Member]:
            members = []
            for number, (spec, size, *at) in enumerate(zip(specs, sizes, devices, digests, strict=True), start=1):
                on_load(Loading(spec.name, size, number, len(specs)))
                with threads_for([size / FEWEST_BYTES]):
                    members.append(load_member(spec, batch_tokens, *at))
            return members

        if store is None:
            return cls.of(load(), sources)
        named = [content.identified(spec) for spec, content in zip(specs, sources.contents, strict=True)]
        known = sources.known(named, devices, store)
        if known is not None:
            return cls(known, lambda: _as_known(known, load()), sources)
        pool = cls.of(load([spec.fingerprint for spec in named]), sources)  # reading large files once is enough
        _keep(store, pool.facts)
        return pool


class Sources:
    """Where the members of a pool come from, and what is known of them there.

    Attributes:
        contents: of their directories.
    """

    def __init__(self, specs: Sequence[MemberSpec], contents: Sequence[Content]) -> None:
        """Look at what their files say of generation.

        Raises:
            MemberError: a file says what nothing can obey.
        """
        self.contents = tuple(contents)
        pairs = zip(specs, contents, strict=True)
        self.generations = tuple(generation(spec, content.directory) for spec, content in pairs)
        self._own_code = any(spec.trust_remote_code for spec in specs)

    def templated(self, facts: Sequence[MemberFacts]) -> dict[int, MemberSpec]:
        """Those of the members that can be asked through their chat templates and are not, by their numbers."""
        names = [one.spec.name for one in facts]
        found = {}
        for number, (one, content) in enumerate(zip(facts, self.contents, strict=True)):
            spec = templated_spec(one.spec, content.directory, names)
            if spec is not None:
                found[number] = content.identified(spec)
                names.append(spec.name)
        return found

    def known(
        self, specs: Sequence[MemberSpec], devices: Sequence[str], store: FactStore | None
    ) -> list[MemberFacts] | None:
        """Facts of members that were loaded before, less those that could not be; None where one was never tried."""
        if store is None or self._own_code:  # code of a member's own is in no fingerprint
            return None
        digests = [_digest(spec, device) for spec, device in zip(specs, devices, strict=True)]
        known = store.facts(digests)
        if not all(digest in known for digest in digests):
            return None
        return [
            MemberFacts.from_json(known[digest], spec, device)
            for digest, spec, device in zip(digests, specs, devices, strict=True)
            if _REFUSED not in known[digest]
        ]


def _keep(store: FactStore | None, facts: Sequence[MemberFacts], refused: Mapping[str, str] = NOBODY_REFUSED) -> None:
    """Keep facts of members that have been loaded, and why others, by their digests, could not be."""
    if store is not None:
        fresh = {digest: json.dumps({_REFUSED: why}) for digest, why in refused.items()}
        store.keep({**fresh, **{_digest(one.spec, one.device): one.to_json() for one in facts}})


def _facts_of(member: Member, generation: Generation) -> MemberFacts:
    tokens, reader = sha256(repr((member.codec.token_bytes, member.codec.end_ids))), member.reader
    return MemberFacts(member.spec, reader.device, reader.dtype, reader.shape, tokens, generation)


def _as_known(facts: Sequence[MemberFacts], members: Sequence[Member]) -> Sequence[Member]:
    """The members, if they are still what was known of them before they were loaded."""
    for known, member in zip(facts, members, strict=True):
        found = _facts_of(member, known.generation)
        if (found.spec.fingerprint, found.to_json()) != (known.spec.fingerprint, known.to_json()):
            raise MemberError(
                f"member {known.spec.name!r}: expected {known.spec.path} to stay as it was read at the start,"
                " got other files"
            )
    return members


def _digest(spec: MemberSpec, device: str) -> str:
    """What decides the facts: the files, how they are to be loaded, and by what."""
    readers = [version(name) for name in _READERS]
    decisive = ["member 2", spec.fingerprint, spec.dtype, device.partition(":")[0], readers, DECODING_VERSION]
    return digest_of(decisive)
