"""The swarm: a loaded pool that decodes many recipes on many prompts together.

Streams are not in step. Each runs until it needs a distribution that nobody has asked for yet; a turn then reads
everything that any stream waits for, and all go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Self

import torch

from evoswarm.decoding.collector import without_collector
from evoswarm.decoding.continuous import ContinuousDecoding
from evoswarm.decoding.decoder import (
    Decoder,
    FactStore,
    MemberFacts,
    MemoryKept,
    OnDone,
    SymbolFacts,
    check_fingerprints,
)
from evoswarm.decoding.forward.devices import free_bytes
from evoswarm.decoding.forward.threads import threads_for
from evoswarm.decoding.known_texts import KnownTexts, symbols_of
from evoswarm.decoding.lane import Lane
from evoswarm.decoding.member import Content, Member
from evoswarm.decoding.memory.limits import ROW_SHARE, MemoryLimits, limits_on
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.pool import OnLoad, Pool
from evoswarm.decoding.request import Along, Completion, Counters, DoesNotFit, Request
from evoswarm.decoding.text.decomposition import Text
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.decoding.views.pool_views import PoolViews
from evoswarm.decoding.views.silenced import silenced_share
from evoswarm.decoding.waves import Growth, Room, groups
from evoswarm.failure import Failure
from evoswarm.member_spec import MemberSpec
from evoswarm.policies import Policy, Recipe

STREAMS_AT_ONCE = 1 << 15
BESIDE_SHARE = 0.5  # of what one alone may have, for a swarm beside another one, whose memory is promised
BUFFER_SHARE = 0.25  # of the limit on states, for batches that go on in place
ROW_BYTES_PER_SYMBOL = 4  # of a distribution


class Swarm(Decoder):
    """A loaded pool that can decode.

    Example:
        >>> swarm = Swarm.load(recipe)
        >>> sums = swarm.decode([Request(recipe, "47+85="), Request(recipe, "30+12=")])
        >>> [answer.samples[0].text for answer in sums]
        ['132', '42']
    """

    def __init__(
        self,
        members: Sequence[Member] | Pool,
        state_memory_bytes: int | None = None,
        row_memory_bytes: int | None = None,
        text_memory_bytes: int | None = None,
        *,
        share: float = 1.0,
    ) -> None:
        """Make a swarm of members; ``Swarm.load`` loads them and says what the limits are.

        Limits that are None are parts of what is free; ``share`` is how much of these parts this swarm may have.
        """
        self._pool = members if isinstance(members, Pool) else Pool.of(members)
        self._given = (state_memory_bytes, row_memory_bytes, text_memory_bytes)
        self._share = share
        self.counters = Counters()
        self._through: tuple[Swarm | None, ...] = ()
        self._by_name = {facts.spec.name: index for index, facts in enumerate(self._pool.facts)}
        self._growth = Growth()

    @classmethod
    def load(
        cls,
        specs: Iterable[MemberSpec] | Policy,
        *,
        batch_tokens: int = 16384,
        state_memory_bytes: int | None = None,
        row_memory_bytes: int | None = None,
        text_memory_bytes: int | None = None,
        store: FactStore | None = None,
        on_load: OnLoad = lambda member: None,
        trust_remote_code: bool = False,
        contents: Sequence[Content] | None = None,
        share: float = 1.0,
    ) -> Self:
        """Load a pool, or the members of a policy.

        Args:
            specs: the members, or a policy whose members are meant.
            batch_tokens: tokens forwarded at once, padding included.
            state_memory_bytes: limit on kept states per member; None is a share of what is free after loading.
            row_memory_bytes: limit on whole output rows per member; likewise.
            text_memory_bytes: limit on texts and the distributions behind them per member; likewise.
            store: facts of members; where it knows all of these, they are loaded by the first who wants to decode.
            on_load: told of every member that is about to be loaded.
            trust_remote_code: run the code that members bring which need it (``MemberSpec.trust_remote_code``). It is
                the caller's word: no space and no recipe gives it.
            contents: of the members' directories; None looks for them.
            share: of the parts of what is free that this swarm may have.

        Raises:
            MemberError: a member cannot be loaded, or needs code that the caller does not trust.
        """
        wanted = list(specs.specs if isinstance(specs, Policy) else specs)
        pool = Pool.find(wanted, batch_tokens, store, on_load, trust_remote_code, contents)
        if not isinstance(specs, Policy):  # of a policy's members it is asked when it is decoded
            check_fingerprints(wanted, pool.facts)
        return cls(pool, state_memory_bytes, row_memory_bytes, text_memory_bytes, share=share)

    @property
    def pool(self) -> Pool:
        """The members, loaded or not, and where they came from."""
        return self._pool

    @property
    def members(self) -> tuple[Member, ...]:
        """The loaded members, in the order of the pool.

        Raises:
            MemberError: one cannot be loaded.
        """
        return self._pool.members

    @cached_property
    def limits(self) -> tuple[MemoryLimits, ...]:
        """What may be kept, per member; asked for by the first who decodes, when the weights have taken their room."""
        limits = limits_on([member.reader.device for member in self.members], self._given, self._share)
        for member, one in zip(self.members, limits, strict=True):
            shared = one.state_bytes if self._given[0] is not None else int(one.state_bytes / self._share)
            member.reader.limit(shared, int(shared * BUFFER_SHARE))  # both swarms of a model have one reader
        return limits

    @cached_property
    def views(self) -> PoolViews:
        """The members in every alphabet that was asked for."""
        pairs = zip(self.members, self.limits, strict=True)
        memories = [MemberMemory(member, limits, self.counters) for member, limits in pairs]
        tokens = {facts.spec.name: facts.tokens for facts in self.facts}
        rows = sum(limits.row_bytes for limits in self.limits)
        if self._given[1] is None:  # a share of what is free on devices, but distributions lie on the host
            rows = min(rows, int(free_bytes("cpu") * ROW_SHARE * self._share))
        return PoolViews(memories, self.limits, rows, tokens, self.counters)

    @property
    def facts(self) -> tuple[MemberFacts, ...]:
        """The members as they showed when they were loaded, perhaps in an earlier process."""
        return self._pool.facts

    def decode(
        self,
        requests: Sequence[Request],
        *,
        stop_after: Callable[[], bool] | None = None,
        on_done: OnDone | None = None,
    ) -> list[Completion]:
        """Decode all requests together.

        Args:
            requests: recipes on prompts, in any mix; many at once is what this is for.
            stop_after: asked between turns; once true, unfinished requests fail with ``time_out``.
            on_done: told of every wave's completions when it has ended, by the positions of their requests.

        Returns:
            completions in the order of the requests.

        Raises:
            RecipeError: a recipe asks for what the swarm does not have.
        """
        self.admit(requests)
        completions: dict[int, Completion] = {}
        with threads_for(shape.parameters for shape in self.shapes.values()), without_collector():
            for numbers in groups(requests, self.views.key, self._room, self._growth):
                done = self._decode_group([requests[number] for number in numbers], stop_after)
                completions.update(zip(numbers, done, strict=True))
                if on_done is not None:
                    on_done(numbers, done)
        return [completions[number] for number in range(len(requests))]

    def continuous(self) -> ContinuousDecoding:
        """A decoding that requests join and leave; what it keeps in memory it shares with all other decodings."""
        sizes = [shape.parameters for shape in self.shapes.values()]
        return ContinuousDecoding(self.views, self._by_name, lambda: self._room, sizes, self.counters)

    def admit(self, requests: Sequence[Request]) -> None:
        """Refuse requests that this pool cannot decode.

        Raises:
            RecipeError: a recipe asks for what the swarm does not have, or a stop string is none that answers can hold.
        """
        for recipe in {id(request.recipe): request.recipe for request in requests}.values():
            self.check(recipe)
        self._pool.check_stops(requests)

    def spell(self, recipe: Recipe, symbol: int) -> bytes:
        """The bytes of a symbol that a recipe wrote; END has none."""
        alphabet = self.views.of(recipe).contexts.alphabet
        return alphabet.spell(symbol) if symbol < alphabet.end else b""

    def steps_along(self, requests: Sequence[Request]) -> list[int]:
        """How many rows of each member texts have; see :class:`Decoder`."""
        pool = self.views.of(requests[0].recipe)
        texts = [self._symbols(request, pool) for request in requests]
        return [0 if text is None else len(text) + 1 for text in texts]

    def rows_along(self, requests: Sequence[Request]) -> Along:
        """What the members of a mix say along texts; see :class:`Decoder`."""
        return self.known_texts(requests[0].recipe).rows(requests)

    def known_texts(self, recipe: Recipe) -> KnownTexts:
        """Reads texts that are known in advance with a mix.

        Raises:
            RecipeError: the recipe asks for what the swarm does not have.
        """
        self.check(recipe)
        parameters = (shape.parameters for shape in self.shapes.values())
        return KnownTexts(recipe, self.views, self._by_name, self._room, parameters, self.counters)

    @property
    def kept(self) -> dict[str, MemoryKept]:
        """States, rows and texts of all members, asked through their templates or not; see :class:`Decoder`."""
        found = self.views.kept if "views" in self.__dict__ else {}
        for other in self._through:
            for kind, more in ({} if other is None else other.kept).items():
                one = found.get(kind, MemoryKept(0, 0))
                found[kind] = MemoryKept(one.bytes + more.bytes, one.limit + more.limit)
        return found

    def ready(self) -> None:
        """Load the members; see :class:`Decoder`."""
        _ = self._pool.members  # the first who asks waits for them

    def forget(self) -> None:
        """Forget what has been read, and what it said; see :class:`Decoder`."""
        if "views" in self.__dict__:  # made when somebody decodes
            self.views.forget()
        for other in self._through:
            if other is not None:
                other.forget()

    def through_templates(self, store: FactStore | None = None) -> Swarm | None:
        """The same models through their own chat templates, loaded once, and made once; see :class:`Decoder`."""
        if not self._through:
            pool = self._pool.through_templates(store)
            other = None if pool is None else Swarm(pool, *self._given, share=BESIDE_SHARE * self._share)
            if other is not None:
                other.counters = self.counters
            self._through = (other,)
        return self._through[0]

    @property
    def context_lengths(self) -> dict[str, int | None]:
        """How many tokens each member can read; see :class:`Decoder`."""
        return {member.spec.name: member.reader.context_length for member in self.members}

    def refusal(self, request: Request) -> Failure | None:
        """Why a request cannot be asked at all, as far as that is known before anything is read; None where it can.

        A plain question need only be readable by the lead (who follows may never speak), a conversation by all members.

        Raises:
            RecipeError: its recipe asks for what the swarm does not have.
        """
        self.check(request.recipe)
        views = self.views.of(request.recipe).views
        for spec in request.recipe.specs:
            if request.before or spec.name == request.recipe.lead:
                memory = views[self._by_name[spec.name]].memory
                found = memory.unreadable(memory.prompt(request.asked))
                if found is not None:
                    return replace(found, member=spec.name)
        return None

    def prompt_lengths(self, member: str, prompts: Sequence[str]) -> list[int]:
        """Tokens of each prompt as a member renders it; see :class:`Decoder`."""
        return [self.members[self._by_name[member]].prompt_length(prompt) for prompt in prompts]

    def rendered(self, member: str, prompts: Sequence[str]) -> list[str]:
        """Each prompt as a member reads it; see :class:`Decoder`."""
        return [self.members[self._by_name[member]].rendered(prompt) for prompt in prompts]

    def silenced(self, prompts: Sequence[str]) -> dict[str, float]:
        """Share of each member's first step that goes to special tokens; see ``silenced_share``."""
        found = {}
        for member in self.members:
            read = [tokens for prompt in prompts if (tokens := member.readable(prompt)) is not None]
            if read:
                found[member.spec.name] = silenced_share(member, read)
        return found

    def symbols(self, recipe: Recipe) -> SymbolFacts:
        """What a recipe chooses between; see :class:`Decoder`."""
        self.check(recipe)
        view = self.views.of(recipe)
        made = {
            member.spec.name: view.views[self._by_name[member.spec.name]].decomposition for member in recipe.members
        }
        return SymbolFacts(
            view.contexts.alphabet.end,
            {name: len(one.order) for name, one in made.items()},
            {name: one.decomposed for name, one in made.items()},
        )

    @property
    def _room(self) -> Room:
        """What a wave may take; members' own rows limit none (``MemberMemory.want``)."""
        widest = max(len(member.codec.order) + 1 for member in self.members)
        states = [
            limits.state_bytes // max(1, member.reader.state_bytes())
            for member, limits in zip(self.members, self.limits, strict=True)
        ]
        return Room(STREAMS_AT_ONCE, self.views.distribution_bytes // (ROW_BYTES_PER_SYMBOL * widest), min(states))

    def _decode_group(self, requests: Sequence[Request], stop_after: Callable[[], bool] | None) -> list[Completion]:
        """Requests of one alphabet and epsilon, on one view of the pool."""
        began, before = time.perf_counter(), self.counters.copy()
        pool = self.views.of(requests[0].recipe)
        try:
            lane = Lane(pool, self._by_name, self.counters, requests)
            jobs = list(lane.jobs)
            while lane.live:
                if stop_after is not None and stop_after():
                    lane.stop()
                    break
                lane.advance()
                lane.read_ahead()
                pool.read()
            work = self.counters.since(before)
            self._growth.note(requests, work.rows_forwarded + work.rows_reforwarded - work.prompt_tokens)
            completions = lane.completions(jobs, work)
        except torch.OutOfMemoryError as error:  # sums and distributions are made where they are asked for
            raise DoesNotFit(str(error)) from error
        finally:
            self.views.tidy(pool)
        work.seconds = time.perf_counter() - began
        self.counters.seconds += work.seconds
        return completions

    def _symbols(self, request: Request, pool: PoolView) -> Text | None:
        """The text to follow as the lead's tokens spell it; None where they do not."""
        return symbols_of((request.forced or "").encode(), pool, self._by_name[request.recipe.lead])
