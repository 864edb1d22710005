"""The swarm: a loaded pool that decodes many recipes on many prompts together.

Streams are not in step. Each runs until it needs a distribution that nobody has asked for yet; a turn then reads
everything that any stream waits for, and all go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

import torch

from evoswarm.decoding.devices import free_bytes
from evoswarm.decoding.loop import Loop
from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.pool_view import PoolView, view_key
from evoswarm.decoding.prefix_tree import TreeLimits
from evoswarm.decoding.request import Completion, Counters, MemberShape, Request
from evoswarm.decoding.stream import Job, Plan, Stream
from evoswarm.errors import RecipeError
from evoswarm.recipe import MemberSpec, Recipe

DECODING_VERSION = 1
STREAMS_AT_ONCE = 8192
TEXTS_KEPT = 1_000_000
STATE_SHARE = 0.4  # of free memory, for kept states: pools grow by copying, and activations need room too
ONE_THREAD_BELOW = 20_000_000  # parameters; splitting smaller products over threads costs more than it saves


class Swarm:
    """A loaded pool that can decode.

    Attributes:
        members: in the order of the pool.
        counters: what the engine has done since the swarm was made.
        state_bytes: limit on kept states, per member.
    """

    def __init__(self, members: Sequence[Member], state_memory_bytes: int | None = None) -> None:
        """Make a swarm of loaded members; ``Swarm.load`` loads them."""
        self.members = tuple(members)
        self.state_bytes = tuple(
            state_memory_bytes if state_memory_bytes is not None else self._fair_share(member) for member in members
        )
        self.counters = Counters()
        self._views: dict[tuple[str, float], PoolView] = {}
        self._by_name = {member.spec.name: index for index, member in enumerate(self.members)}

    @classmethod
    def load(
        cls, specs: Iterable[MemberSpec] | Recipe, *, batch_tokens: int = 16384, state_memory_bytes: int | None = None
    ) -> Self:
        """Load a pool, or the members of a recipe.

        Args:
            specs: the members, or a recipe whose members are meant.
            batch_tokens: tokens forwarded at once, padding included.
            state_memory_bytes: limit on kept states per member; None is a share of what is free after loading.

        Raises:
            MemberError: a member cannot be loaded.
        """
        wanted = [member.spec for member in specs.members] if isinstance(specs, Recipe) else list(specs)
        return cls([load_member(spec, batch_tokens) for spec in wanted], state_memory_bytes)

    @property
    def specs(self) -> tuple[MemberSpec, ...]:
        """Where the members came from, with their fingerprints."""
        return tuple(member.spec for member in self.members)

    @property
    def shapes(self) -> dict[str, MemberShape]:
        """What the members' costs are computed from, by name."""
        return {member.spec.name: member.shape for member in self.members}

    @property
    def dtypes(self) -> dict[str, str]:
        """Loaded dtype by member name."""
        return {member.spec.name: member.dtype for member in self.members}

    @property
    def device_kind(self) -> str:
        """``cpu``, ``cuda`` or ``mps`` (several, sorted, when members are on different kinds)."""
        return "+".join(sorted({member.device.split(":")[0] for member in self.members}))

    def check(self, recipe: Recipe) -> None:
        """Refuse a recipe that this swarm cannot decode.

        Raises:
            RecipeError: a member is not loaded, is another model than the recipe's, or does not share the
                tokenizer although the alphabet is ``tokens``.
        """
        for member in recipe.members:
            index = self._by_name.get(member.spec.name)
            if index is None:
                raise RecipeError(
                    f"members: expected members of the swarm ({', '.join(self._by_name)}), got {member.spec.name!r}"
                )
            loaded = self.members[index].spec.fingerprint
            if member.spec.fingerprint not in (None, loaded):
                raise RecipeError(
                    f"members: expected {member.spec.name!r} as the recipe knows it (fingerprint"
                    f" {str(member.spec.fingerprint)[:12]}), got other weights, tokenizer or template"
                    f" ({str(loaded)[:12]})"
                )
        if recipe.alphabet == "tokens":
            self._check_shared_tokenizer()

    def _check_shared_tokenizer(self) -> None:
        first = self.members[0]
        for other in self.members[1:]:
            same = first.codec.token_bytes == other.codec.token_bytes and first.codec.end_ids == other.codec.end_ids
            if not same:
                raise RecipeError(
                    "alphabet: expected 'bytes' (members have different tokenizers or end tokens: "
                    f"{first.spec.name!r} and {other.spec.name!r}), got 'tokens'"
                )

    def decode(self, requests: Sequence[Request], *, stop_after: Callable[[], bool] | None = None) -> list[Completion]:
        """Decode all requests together.

        Args:
            requests: recipes on prompts, in any mix; many at once is what this is for.
            stop_after: asked between turns; once true, unfinished requests fail with ``time_out``.

        Returns:
            completions in the order of the requests.

        Raises:
            RecipeError: a recipe asks for what the swarm does not have.
        """
        for recipe in {id(request.recipe): request.recipe for request in requests}.values():
            self.check(recipe)
        began = time.perf_counter()
        with self._threads():
            completions = self._decode_in_waves(requests, stop_after)
        self.counters.seconds += time.perf_counter() - began
        return completions

    @contextmanager
    def _threads(self) -> Iterator[None]:
        """One thread while only tiny models run; torch's own setting comes back afterwards."""
        before = torch.get_num_threads()
        if all(member.shape.parameters < ONE_THREAD_BELOW for member in self.members):
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _fair_share(self, member: Member) -> int:
        """A part of what is free on a member's device, divided among the members there."""
        beside = sum(other.device == member.device for other in self.members)
        return int(free_bytes(member.device) * STATE_SHARE / beside)

    def _decode_in_waves(self, requests: Sequence[Request], stop_after: Callable[[], bool] | None) -> list[Completion]:
        completions: list[Completion | None] = [None] * len(requests)
        for wave in self._waves(requests):
            done = self._decode_wave([requests[number] for number in wave], stop_after)
            for number, completion in zip(wave, done, strict=True):
                completions[number] = completion
        return [completion for completion in completions if completion is not None]

    def _waves(self, requests: Sequence[Request]) -> Iterator[list[int]]:
        """Indices of requests to decode together: as many as the states of the longest answers leave room for.

        Requests on one prompt share most and stand next to each other. What an answer may grow to is a bound, and most
        answers share much, so a wave uses less than it is given.
        """
        sizes = [member.runner.layout.slot_bytes() for member in self.members]
        room = min(limit // max(1, size) for limit, size in zip(self.state_bytes, sizes, strict=True))
        wave: list[int] = []
        streams = tokens = 0
        for number in sorted(range(len(requests)), key=lambda number: requests[number].prompt):
            request = requests[number]
            longest = request.max_bytes if request.max_symbols is None else min(request.max_bytes, request.max_symbols)
            fresh = not wave or requests[wave[-1]].prompt != request.prompt
            need = request.recipe.samples * longest + (len(request.prompt.encode()) if fresh else 0)
            if wave and (streams + request.recipe.samples > STREAMS_AT_ONCE or tokens + need > room):
                yield wave
                wave, streams, tokens = [], 0, 0
            wave.append(number)
            streams += request.recipe.samples
            tokens += need
        if wave:
            yield wave

    def _decode_wave(self, requests: Sequence[Request], stop_after: Callable[[], bool] | None) -> list[Completion]:
        plans: dict[int, Plan] = {}
        jobs = [self._job(request, plans) for request in requests]
        by_view: dict[tuple[str, float], list[Stream]] = {}
        for job in jobs:
            by_view.setdefault(view_key(job.plan.recipe), []).extend(job.streams)
        for key, streams in by_view.items():
            Loop(self._views[key], self.counters, stop_after).run(streams)
        self._tidy()
        return [job.completion() for job in jobs]

    def _job(self, request: Request, plans: dict[int, Plan]) -> Job:
        recipe = request.recipe
        plan = plans.get(id(recipe))
        if plan is None:
            plan = plans[id(recipe)] = Plan.of(recipe, self._by_name)
        key = view_key(recipe)
        if key not in self._views:
            self._views[key] = PoolView(
                self.members, recipe, [TreeLimits(state_bytes=limit) for limit in self.state_bytes], self.counters
            )
        view = self._views[key]
        text = recipe.prompt_format.replace("{prompt}", request.prompt)
        prompts = tuple(view.members[index].prompt(text) for index in plan.members)
        job = Job(request, plan, prompts)
        job.streams = [Stream(job, number, view.alphabet.empty) for number in range(recipe.samples)]
        return job

    def _tidy(self) -> None:
        """Between waves: forget what exceeds the limits."""
        for key in list(self._views):
            view = self._views[key]
            if len(view.distributions) > TEXTS_KEPT:
                del self._views[key]
                continue
            for member in view.members:
                member.tree.shrink()
