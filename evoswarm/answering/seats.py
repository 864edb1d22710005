"""The members of several policies as one pool: each model once, whatever policies call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from evoswarm.decoding.member import Content, locate
from evoswarm.decoding.pool import OnLoad, Pool
from evoswarm.errors import MemberError, Where
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.asking import Asking
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, PolicyDocument, Recipe
from evoswarm.policies.places import looked_for, member_keys
from evoswarm.policies.route import with_mixes

BATCH_TOKENS = 16384
"""Tokens forwarded at once, padding included."""

TUNINGS_KEPT = 256
"""Temperatures and seeds of one policy that are remembered, and ways to ask it: every question may bring its own."""


class _Seat(NamedTuple):
    """What makes two members one.

    Attributes:
        fingerprint: of files and of what its template is told.
        dtype: that it is loaded in.
        device: that it is put on.
        again: how many members of the same policy are the same model before this one: a mix of a model with itself has
            a seat for each.
    """

    fingerprint: str | None
    dtype: str
    device: str
    again: int


class SeatedPolicy:
    """A policy whose members are in the pool of an engine.

    Attributes:
        document: the policy, bound to its members as they are now, with what its file says of it.
        file: that it came from, for errors.
        own_names: the policy's names for its members, by those of the pool.
        as_loaded: from a temperature and a seed to the policy by the pool's names for its members. Without a
            temperature (None) its mixes are as they were tuned; one replaces samples and temperature of each by one
            answer drawn at it, 0 being greedy. Without a seed (None) the noise is its own.
        asking: from a task, a limit of bytes and stop strings to how questions are asked, see `Asking.of`.
    """

    def __init__(self, document: PolicyDocument, file: str, seats: Mapping[str, MemberSpec]) -> None:
        """Take a bound policy, and the members in the pool by the policy's names for them."""
        self.document, self.file = document, file
        self.own_names = {spec.name: name for name, spec in seats.items()}
        self.as_loaded: Callable[[float | None, int | None], Policy] = lru_cache(TUNINGS_KEPT)(self._as_loaded)
        self.asking = lru_cache(TUNINGS_KEPT)(self._asking)
        self._seats = dict(seats)

    def _asking(self, task: str | None, max_bytes: int | None, stop: tuple[str, ...] | None) -> Asking:
        return Asking.of(self.document, task, max_bytes=max_bytes, stop=stop, file=self.file)

    def _as_loaded(self, temperature: float | None, seed: int | None) -> Policy:
        said: dict[str, object] = {} if seed is None else {"noise_seed": seed}
        if temperature is not None:
            said |= {"samples": 1, "sampled": temperature > 0}
            said |= {"sampling_temperature": temperature} if temperature > 0 else {}

        def changed(recipe: Recipe) -> Recipe:
            members = [
                {**member.model_dump(), "spec": self._seats[member.spec.name].model_dump()} for member in recipe.members
            ]
            return recipe.changed(members=members, lead=self._seats[recipe.lead].name, **said)

        return with_mixes(self.document.policy, changed)


class Seating:
    """Gives every member of every policy a place in one pool.

    Attributes:
        policies: those that are seated, by name.
    """

    def __init__(self, *, allow_changed: bool = False) -> None:
        """Begin with an empty pool; ``allow_changed`` takes members that are others than their policies knew."""
        self.policies: dict[str, SeatedPolicy] = {}
        self._allow_changed = allow_changed
        self._contents: dict[Path, Content] = {}
        self._seats: dict[_Seat, tuple[MemberSpec, Content]] = {}

    def seat(self, name: str, document: PolicyDocument, file: str) -> None:
        """Give the members of a policy their places.

        Args:
            name: of the policy.
            document: the policy, and what its file says of it.
            file: that it came from, for errors.

        Raises:
            MemberError: a member's files cannot be found, or have changed, and that is not allowed.
        """
        policy = document.policy
        bound, seats = dict[str, MemberSpec](), dict[str, MemberSpec]()
        taken: set[_Seat] = set()
        for spec in policy.specs:
            content = self._content(spec, policy, file)
            bound[spec.name] = found = content.identified(spec)
            if spec.fingerprint not in (None, found.fingerprint) and not self._allow_changed:
                raise _changed(spec, found, policy, file)
            seat = _Seat(found.fingerprint, spec.dtype, spec.device, 0)
            while seat in taken:
                seat = seat._replace(again=seat.again + 1)
            taken.add(seat)
            if seat not in self._seats:
                self._seats[seat] = found.model_copy(update={"name": self._free_name(spec.name)}), content
            seats[spec.name] = self._seats[seat][0]
        self.policies[name] = SeatedPolicy(PolicyDocument(policy.bound(bound), document.about), file, seats)

    def load(self, *, trust_remote_code: bool, on_load: OnLoad) -> Pool:
        """Load all that have a place, each model once.

        Raises:
            MemberError: one cannot be loaded, or needs code that the caller does not trust.
        """
        first = {seat: pair for seat, pair in self._seats.items() if not seat.again}
        specs, contents = zip(*first.values(), strict=True)
        with Ledger(":memory:") as store:  # with a store, weights are read once for their fingerprint
            pool = Pool.find(specs, BATCH_TOKENS, store, on_load, trust_remote_code, contents)
        if len(first) == len(self._seats):
            return pool
        loaded = dict(zip(first, pool.members, strict=True))
        return Pool.of([loaded[seat._replace(again=0)].called(spec) for seat, (spec, _) in self._seats.items()])

    def _content(self, spec: MemberSpec, policy: Policy, file: str) -> Content:
        try:
            place = locate(spec)
        except MemberError as error:
            places = looked_for(policy, file)
            raise MemberError(f"{error.message} ({places})" if places else error.message, Where(file)) from None
        return self._contents.setdefault(place.resolve(), Content(place))

    def _free_name(self, name: str) -> str:
        """The policy's own name for it, where no other member has it."""
        taken = {spec.name for spec, _ in self._seats.values()}
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name}-{number}"
        return free


def _changed(spec: MemberSpec, found: MemberSpec, policy: Policy, file: str) -> MemberError:
    key = member_keys(policy)[spec.name]
    return MemberError(
        f"expected member {spec.name!r} in {spec.path} as the policy knows it (fingerprint"
        f" {str(spec.fingerprint)[:12]}), got other weights, tokenizer, template, or words for it"
        f" ({str(found.fingerprint)[:12]}): --allow-changed (allow_changed=True) takes it as it is now",
        Where(file, key),
    )
