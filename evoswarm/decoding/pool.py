"""The members of a swarm, loaded when somebody wants to decode: what is known of them needs no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Self

from evoswarm.canonical import digest_of, sha256
from evoswarm.decoding.decoder import FactStore, MemberFacts
from evoswarm.decoding.forward.devices import place
from evoswarm.decoding.forward.weight_files import weight_bytes
from evoswarm.decoding.member import Member, identified, load_member, locate, seen_device
from evoswarm.decoding.request import DECODING_VERSION
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec
from evoswarm.trust import refused_code

_READERS = ("torch", "transformers", "tokenizers")  # what files become when they are loaded is theirs to say


class Pool:
    """The members of a swarm.

    Attributes:
        facts: of the members, in order.
    """

    def __init__(self, facts: Sequence[MemberFacts], load: Callable[[], Sequence[Member]]) -> None:
        """Take facts that are known; ``load`` makes the members in the same order."""
        self.facts = tuple(facts)
        self._load = load

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The loaded members; the first who asks waits for them.

        Raises:
            MemberError: a member cannot be loaded, or is not what was known of it any more.
        """
        return tuple(self._load())

    @classmethod
    def of(cls, members: Sequence[Member]) -> Self:
        """The pool of members that are loaded already."""
        return cls([_facts_of(member) for member in members], lambda: members)

    @classmethod
    def find(
        cls,
        specs: Sequence[MemberSpec],
        batch_tokens: int,
        store: FactStore | None = None,
        on_load: Callable[[int], None] = lambda members: None,
        trust_remote_code: bool = False,
    ) -> Self:
        """Find the members; they are loaded now unless the store knows all of them.

        What these versions of the libraries have loaded from files of the same fingerprint, they can load again, so
        nobody need until somebody decodes.

        Args:
            specs: of the members.
            batch_tokens: tokens forwarded at once, padding included.
            store: facts of members that were loaded before; new ones are kept there. None loads now.
            on_load: told how many members are about to be loaded.
            trust_remote_code: whether those that say so of themselves may run code of their own.

        Raises:
            MemberError: a member cannot be found or loaded, or would run code that nobody trusts.
        """
        for spec in specs:
            if spec.trust_remote_code and not trust_remote_code:
                raise MemberError(refused_code(spec.name, spec.path))
        directories = [locate(spec) for spec in specs]
        sizes = [weight_bytes(directory, spec.dtype) for directory, spec in zip(directories, specs, strict=True)]
        devices = [seen_device(spec, device) for spec, device in zip(specs, place(sizes, specs), strict=True)]

        def load(digests: Sequence[str | None] = (None,) * len(specs)) -> list[Member]:
            on_load(len(specs))
            return [load_member(spec, batch_tokens, *at) for spec, *at in zip(specs, devices, digests, strict=True)]

        if store is None:
            return cls.of(load())
        named = [identified(spec, one) for spec, one in zip(specs, directories, strict=True)]
        digests = [_digest(spec, device) for spec, device in zip(named, devices, strict=True)]
        known = store.facts(digests)
        if all(digest in known for digest in digests) and not any(spec.trust_remote_code for spec in specs):
            facts = [  # code of a member's own is in no fingerprint
                MemberFacts.from_json(known[digest], spec, device)
                for digest, spec, device in zip(digests, named, devices, strict=True)
            ]
            return cls(facts, lambda: _as_known(facts, load()))
        pool = cls.of(load([spec.fingerprint for spec in named]))  # reading large files once is enough
        store.keep({_digest(one.spec, one.device): one.to_json() for one in pool.facts})
        return pool


def _facts_of(member: Member) -> MemberFacts:
    tokens = sha256(repr((member.codec.token_bytes, member.codec.end_ids)))
    return MemberFacts(member.spec, member.reader.device, member.reader.dtype, member.reader.shape, tokens)


def _as_known(facts: Sequence[MemberFacts], members: Sequence[Member]) -> Sequence[Member]:
    """The members, if they are still what was known of them before they were loaded."""
    for known, member in zip(facts, members, strict=True):
        found = _facts_of(member)
        if (found.spec.fingerprint, found.to_json()) != (known.spec.fingerprint, known.to_json()):
            raise MemberError(
                f"member {known.spec.name!r}: expected {known.spec.path} to stay as it was read at the start,"
                " got other files"
            )
    return members


def _digest(spec: MemberSpec, device: str) -> str:
    """What decides the facts: the files, how they are to be loaded, and by what."""
    readers = [version(name) for name in _READERS]
    decisive = ["member", spec.fingerprint, spec.dtype, device.partition(":")[0], readers, DECODING_VERSION]
    return digest_of(decisive)
