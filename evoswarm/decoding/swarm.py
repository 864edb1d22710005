"""The swarm: a loaded pool that decodes many recipes on many prompts together.

Streams are not in step. Each runs until it needs a distribution that nobody has asked for yet; a turn then reads
everything that any stream waits for, and all go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import torch

from evoswarm.decoding.alphabet import Alphabet, Bytes, Tokens, cut
from evoswarm.decoding.byte_view import ByteView
from evoswarm.decoding.choice import Choice, choose
from evoswarm.decoding.gate import speakers as open_gates
from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.prefix_tree import PrefixTree, TreeLimits
from evoswarm.decoding.request import Completion, Counters, MemberShape, Request, Step
from evoswarm.decoding.stream import Account, Job, Plan, Stream
from evoswarm.decoding.text_memory import Distributions, PromptView, TextNode
from evoswarm.decoding.token_view import TokenView
from evoswarm.errors import RecipeError
from evoswarm.recipe import Failure, MemberSpec, Recipe

log = logging.getLogger(__name__)

DECODING_VERSION = 1
STREAMS_AT_ONCE = 8192
TEXTS_KEPT = 1_000_000
ONE_THREAD_BELOW = 20_000_000  # parameters; splitting smaller products over threads costs more than it saves


class _Voice:
    """One member in one alphabet at one epsilon: its tree, its view and the prompts it has seen."""

    def __init__(self, member: Member, view: Any, distributions: Distributions, limits: TreeLimits, counters: Counters):
        self.member, self.view, self.distributions = member, view, distributions
        self.tree: PrefixTree[Any] = PrefixTree(member.runner, view.rows, view.row_bytes(), limits, counters)
        self._prompts: dict[str, PromptView] = {}
        self._counters = counters

    def prompt(self, text: str) -> PromptView:
        """What this member knows behind a prompt."""
        found = self._prompts.get(text)
        if found is None:
            self._prompts[text] = found = PromptView(self.tree.prompt(self.member.render(text)))
        return found

    def lookup(self, prompt: PromptView, stream: Stream) -> TextNode | None:
        """The member's distribution at a stream's text, or None while it has to be read first."""
        known = len(prompt.texts)
        found: TextNode | None = self.view.lookup(self.tree, prompt, stream.text)
        if found is not None:
            self._counters.text_lookups += 1
            self._counters.text_hits += len(prompt.texts) == known
        return found


class _Room:
    """All voices of one alphabet at one epsilon; they share a matrix of distributions."""

    def __init__(self, swarm: Swarm, recipe: Recipe) -> None:
        members = swarm.members
        self.alphabet: Alphabet
        if recipe.alphabet == "tokens":
            self.alphabet = Tokens(members[0].codec.token_bytes)
        else:
            self.alphabet = Bytes()
        self.distributions = Distributions(self.alphabet.size)
        limits = TreeLimits(state_bytes=swarm.state_memory_bytes)
        self.voices = [
            _Voice(member, self._view(member, recipe), self.distributions, limits, swarm.counters) for member in members
        ]

    def _view(self, member: Member, recipe: Recipe) -> ByteView | TokenView:
        if recipe.alphabet == "tokens":
            return TokenView(member.codec, self.distributions, member.context)
        return ByteView(member.codec, self.distributions, recipe.epsilon, member.context)


class Swarm:
    """A loaded pool that can decode.

    Attributes:
        members: in the order of the pool.
        counters: what the engine has done since the swarm was made.
        state_memory_bytes: limit on kept states per member, or None.
    """

    def __init__(self, members: Sequence[Member], state_memory_bytes: int | None = None) -> None:
        """Make a swarm of loaded members; ``Swarm.load`` loads them."""
        self.members = tuple(members)
        self.state_memory_bytes = state_memory_bytes
        self.counters = Counters()
        self._rooms: dict[tuple[str, float], _Room] = {}
        self._by_name = {member.spec.name: index for index, member in enumerate(self.members)}

    @classmethod
    def load(
        cls, specs: Iterable[MemberSpec] | Recipe, *, batch_tokens: int = 16384, state_memory_bytes: int | None = None
    ) -> Self:
        """Load a pool, or the members of a recipe.

        Args:
            specs: the members, or a recipe whose members are meant.
            batch_tokens: tokens forwarded at once, padding included.
            state_memory_bytes: limit on kept states per member; None is no limit.

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
                raise RecipeError(f"members: expected members of the swarm ({', '.join(self._by_name)}), got {member.spec.name!r}")
            loaded = self.members[index].spec.fingerprint
            if member.spec.fingerprint not in (None, loaded):
                raise RecipeError(
                    f"members: expected {member.spec.name!r} as the recipe knows it (fingerprint"
                    f" {str(member.spec.fingerprint)[:12]}), got other weights, tokenizer or template ({str(loaded)[:12]})"
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

    def decode(
        self, requests: Sequence[Request], *, stop_after: Callable[[], bool] | None = None
    ) -> list[Completion]:
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

    def _decode_in_waves(
        self, requests: Sequence[Request], stop_after: Callable[[], bool] | None
    ) -> list[Completion]:
        completions: list[Completion | None] = [None] * len(requests)
        # Requests on one prompt share most: keep them in one wave.
        order = sorted(range(len(requests)), key=lambda number: requests[number].prompt)
        wave: list[int] = []
        streams = 0
        for number in order:
            wave.append(number)
            streams += requests[number].recipe.samples
            if streams >= STREAMS_AT_ONCE or number == order[-1]:
                for one, completion in zip(wave, self._decode_wave([requests[n] for n in wave], stop_after), strict=True):
                    completions[one] = completion
                wave, streams = [], 0
        return [completion for completion in completions if completion is not None]

    def _decode_wave(self, requests: Sequence[Request], stop_after: Callable[[], bool] | None) -> list[Completion]:
        plans: dict[int, Plan] = {}
        jobs = [self._job(request, plans) for request in requests]
        by_room: dict[tuple[str, float], list[Stream]] = {}
        for job in jobs:
            by_room.setdefault(_room_key(job.plan.recipe), []).extend(job.streams)
        for key, streams in by_room.items():
            _Loop(self._rooms[key], self.counters, stop_after).run(streams)
        self._tidy()
        return [job.completion() for job in jobs]

    def _job(self, request: Request, plans: dict[int, Plan]) -> Job:
        recipe = request.recipe
        plan = plans.get(id(recipe))
        if plan is None:
            indices = tuple(self._by_name[member.spec.name] for member in recipe.members)
            thresholds = tuple(member.threshold for member in recipe.members)
            plan = plans[id(recipe)] = Plan(recipe, indices, recipe.lead_index, thresholds)
        key = _room_key(recipe)
        if key not in self._rooms:
            self._rooms[key] = _Room(self, recipe)
        room = self._rooms[key]
        text = recipe.prompt_format.replace("{prompt}", request.prompt)
        prompts = tuple(room.voices[index].prompt(text) for index in plan.members)
        accounts = tuple(
            Account(member.spec.name, prompt.node) for member, prompt in zip(recipe.members, prompts, strict=True)
        )
        job = Job(request, plan, prompts, accounts)
        job.streams = [Stream(job, number, room.alphabet.empty) for number in range(recipe.samples)]
        return job

    def _tidy(self) -> None:
        """Between waves: forget what exceeds the limits."""
        for key in list(self._rooms):
            room = self._rooms[key]
            if len(room.distributions) > TEXTS_KEPT:
                del self._rooms[key]
                continue
            for voice in room.voices:
                voice.tree.shrink()


class _Loop:
    """Decodes streams of one room to their ends."""

    def __init__(self, room: _Room, counters: Counters, stop_after: Callable[[], bool] | None) -> None:
        self._room, self._counters, self._stop_after = room, counters, stop_after

    def run(self, streams: Sequence[Stream]) -> None:
        """Advance every stream as far as it goes, read what all of them wait for, repeat."""
        active = list(streams)
        while active:
            if self._stop_after is not None and self._stop_after():
                for stream in active:
                    stream.job.failure = stream.job.failure or Failure("time_out", "stopped before it was finished")
                return
            moving = active
            while moving:
                ready = self._ready(moving)
                self._step(ready)
                moving = [stream for stream in ready if stream.sample is None and stream.job.failure is None]
            self._read()
            active = [stream for stream in active if stream.sample is None and stream.job.failure is None]

    def _read(self) -> None:
        for voice in self._room.voices:
            if voice.tree.waiting:
                try:
                    voice.tree.read()
                except torch.OutOfMemoryError as error:
                    voice.tree.forget_wanted()
                    raise MemoryError(f"member {voice.member.spec.name!r}: {error}") from error

    def _ready(self, streams: Sequence[Stream]) -> list[Stream]:
        """Streams whose speakers' distributions are all known; the others have asked for what they miss."""
        led = [stream for stream in streams if self._ask(stream, stream.job.plan.lead)]
        self._open_gates([stream for stream in led if stream.speaks is None])
        ready = []
        for stream in led:
            assert stream.speaks is not None
            answers = [self._ask(stream, index) for index, speaks in enumerate(stream.speaks) if speaks]
            if all(answers) and stream.job.failure is None:
                ready.append(stream)
        return ready

    def _ask(self, stream: Stream, index: int) -> bool:
        """Look a member's distribution up; False while it is unknown."""
        if stream.said[index] is None:
            job = stream.job
            found = self._room.voices[job.plan.members[index]].lookup(job.prompts[index], stream)
            if found is None:
                return False
            if found.failure is not None:
                job.failure = job.failure or found.failure
                return False
            stream.said[index] = found
        return True

    def _open_gates(self, streams: Sequence[Stream]) -> None:
        if not streams:
            return
        width = max(len(stream.said) for stream in streams)
        leads = [stream.said[stream.job.plan.lead] for stream in streams]
        rows = [
            [*stream.job.plan.thresholds, *[torch.inf] * (width - len(stream.said))] for stream in streams
        ]
        thresholds = torch.tensor(rows, dtype=torch.float64).T
        entropies = torch.tensor([node.entropy for node in leads if node is not None], dtype=torch.float64)
        abstains = torch.tensor([node.abstains for node in leads if node is not None])
        opened = open_gates(entropies, thresholds, abstains).T.tolist()
        distances = torch.where(thresholds > 0, (entropies - thresholds).abs(), torch.inf).amin(0).tolist()
        for stream, row, distance in zip(streams, opened, distances, strict=True):
            stream.speaks = row[: len(stream.said)]
            stream.job.margin = min(stream.job.margin, distance)

    def _step(self, ready: Sequence[Stream]) -> None:
        """Fuse, choose and append, for all ready streams at once."""
        if not ready:
            return
        for stream, choice in zip(ready, choose(ready, self._room.distributions, self._room.alphabet), strict=True):
            self._charge(stream, choice)
            if choice.failure is not None:
                stream.job.failure = choice.failure
            else:
                self._append(stream, choice.symbol)

    def _charge(self, stream: Stream, choice: Choice) -> None:
        job = stream.job
        lead = job.plan.lead
        assert stream.speaks is not None
        for account, node, speaks in zip(job.accounts, stream.said, stream.speaks, strict=True):
            if speaks and node is not None:
                account.charge(node.reads)
                job.left_out = max(job.left_out, node.left_out)
        followers = sum(stream.speaks) > 1
        job.steps += 1
        job.open_steps += followers
        job.margin = min(job.margin, choice.margin)
        self._counters.symbols += 1
        if followers:
            stream.open_at.append(stream.position)
        if job.request.trace and stream.number == 0:
            names = tuple(
                member.spec.name for member, speaks in zip(job.plan.recipe.members, stream.speaks, strict=True) if speaks
            )
            led = stream.said[lead]
            job.trace.append(Step(choice.symbol, led.entropy if led else 0.0, names, choice.candidates))

    def _append(self, stream: Stream, symbol: int) -> None:
        request, alphabet = stream.job.request, self._room.alphabet
        if symbol == alphabet.end:
            stream.symbols += 1
            stream.finish(stream.raw, "end")
        else:
            text = alphabet.append(stream.text, symbol)
            raw = alphabet.raw(text)
            stop = [one.encode() for one in request.stop]
            kept, why = cut(raw, request.max_bytes, stop)
            stream.advance(text, raw)
            if why is None and request.max_symbols is not None and stream.symbols >= request.max_symbols:
                kept, why = cut(raw, len(raw), stop)
            if why is not None:
                stream.finish(kept, why)
        if stream.sample is not None:
            self._count_touched(stream)

    def _count_touched(self, stream: Stream) -> None:
        """How many of the lead's tokens a follower had a say in."""
        job = stream.job
        codec = self._room.voices[job.plan.members[job.plan.lead]].member.codec
        if isinstance(stream.text, tuple):
            job.lead_tokens += len(stream.text)
            job.lead_tokens_touched += len({at for at in stream.open_at if at < len(stream.text)})
            return
        start = 0
        opened = set(stream.open_at)
        for token in codec.encode(stream.raw) or ():
            stop = start + len(codec.token_bytes[token] or b"")
            job.lead_tokens += 1
            job.lead_tokens_touched += any(at in opened for at in range(start, stop))
            start = stop


def _room_key(recipe: Recipe) -> tuple[str, float]:
    return recipe.alphabet, recipe.epsilon
