"""A stream is one answer being decoded; an account is what its recipe would cost, deployed alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.alphabet import Text
from evoswarm.decoding.noise import noise_key
from evoswarm.decoding.prefix_tree import Node
from evoswarm.decoding.request import Completion, Finish, MemberUse, Request, Sample, Step
from evoswarm.decoding.text_memory import PromptView, TextNode
from evoswarm.recipe import Failure, Recipe


@dataclass(frozen=True)
class Plan:
    """A recipe with its members looked up in the swarm.

    Attributes:
        recipe: the recipe.
        members: per member of the recipe its index in the swarm.
        lead: index of the lead within the recipe's members.
        weights: ``[pool]`` per member of the recipe, then 1.
        temperatures: ``[pool]`` per member of the recipe, then 1.
        thresholds: ``[pool]`` per member of the recipe, nats; then infinite, so that nobody speaks there.
        fusion: ``[3]`` alpha, beta and lambda.
    """

    recipe: Recipe
    members: tuple[int, ...]
    lead: int
    weights: NDArray[np.float32]
    temperatures: NDArray[np.float32]
    thresholds: NDArray[np.float64]
    fusion: NDArray[np.float32]

    @classmethod
    def of(cls, recipe: Recipe, places: Mapping[str, int]) -> Plan:
        """Look a recipe's members up in the pool: name -> index."""
        members, beyond = recipe.members, len(places) - len(recipe.members)
        rule = recipe.fusion
        return cls(
            recipe=recipe,
            members=tuple(places[member.spec.name] for member in members),
            lead=recipe.lead_index,
            weights=np.array([member.weight for member in members] + [1.0] * beyond, dtype=np.float32),
            temperatures=np.array([member.temperature for member in members] + [1.0] * beyond, dtype=np.float32),
            thresholds=np.array([member.threshold for member in members] + [np.inf] * beyond),
            fusion=np.array([rule.alpha, rule.beta, rule.contrast], dtype=np.float32),
        )


@dataclass
class Account:
    """What one member does for one request when the recipe is deployed alone, with an unbounded cache."""

    name: str
    prompt: Node
    seen: set[Node] = field(default_factory=set)
    rows_seen: set[Node] = field(default_factory=set)
    tokens: int = 0
    passes: int = 0
    rows: int = 0
    context: int = 0
    steps: int = 0

    def charge(self, reads: tuple[Node, ...]) -> None:
        """Count the nodes that a distribution needs and that this request has not read before.

        Each is one pass over the chunk of all that is still unread before it; the prompt goes with the first. A
        node that a chunk has passed over costs only its output row.
        """
        self.steps += 1
        for node in reads:
            if node in self.rows_seen:
                continue
            self.rows_seen.add(node)
            self.rows += 1
            if node in self.seen:
                continue
            if not self.seen:
                self.tokens += self.prompt.depth
                self.context += self.prompt.depth * (self.prompt.depth + 1) // 2
                self.seen.add(self.prompt)
            one: Node | None = node
            while one is not None and one not in self.seen:
                self.seen.add(one)
                self.tokens += 1
                self.context += one.depth
                one = one.parent
            self.passes += 1

    def use(self) -> MemberUse:
        """The account as data."""
        prompt_tokens = self.prompt.depth if self.seen else 0
        return MemberUse(self.name, prompt_tokens, self.tokens, self.passes, self.rows, self.context, self.steps)


@dataclass
class Job:
    """One request on its way: its streams share prompts, accounts and the outcome."""

    request: Request
    plan: Plan
    prompts: tuple[PromptView, ...]
    streams: list[Stream] = field(default_factory=list)
    open_steps: int = 0
    steps: int = 0
    margin: float = float("inf")
    left_out: float = 0.0
    lead_tokens: int = 0
    lead_tokens_touched: int = 0
    failure: Failure | None = None
    trace: list[Step] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether nothing is left to decode."""
        return self.failure is not None or all(stream.sample is not None for stream in self.streams)

    def completion(self) -> Completion:
        """The outcome as data."""
        use = self._use()
        if self.failure is not None:
            return Completion(failure=self.failure, use=use)
        return Completion(
            samples=tuple(stream.sample for stream in self.streams if stream.sample is not None),
            use=use,
            steps=self.steps,
            open_steps=self.open_steps,
            lead_tokens=self.lead_tokens,
            lead_tokens_touched=self.lead_tokens_touched,
            margin=self.margin,
            left_out=self.left_out,
            trace=tuple(self.trace),
        )

    def _use(self) -> tuple[MemberUse, ...]:
        """Costs as if the samples were decoded one behind the other, in whatever order they really were."""
        names = [member.spec.name for member in self.plan.recipe.members]
        accounts = [Account(name, prompt.node) for name, prompt in zip(names, self.prompts, strict=True)]
        for stream in self.streams:
            for index, reads in stream.heard:
                accounts[index].charge(reads)
        return tuple(account.use() for account in accounts)


class Stream:
    """One answer being decoded.

    Attributes:
        job: what it belongs to.
        text: decoded so far, in the alphabet's form.
        raw: the same as bytes.
        key: of its sampling noise.
        symbols: how many have been chosen.
        open_at: positions (byte offset or token index) at which a follower spoke.
        said: per member of the recipe its distribution at this text, as far as known.
        heard: who has spoken so far (index in the recipe), and the rows that each distribution needed.
        speaks: per member whether it speaks here; None before the gate has decided.
        sample: the answer, once finished.
    """

    __slots__ = ("heard", "job", "key", "number", "open_at", "raw", "said", "sample", "speaks", "symbols", "text")

    def __init__(self, job: Job, number: int, empty: Text) -> None:
        self.job = job
        self.number = number
        self.text = empty
        self.raw = b""
        recipe = job.plan.recipe
        self.key = noise_key(recipe.noise_seed, job.request.key, number)
        self.symbols = 0
        self.open_at: list[int] = []
        self.said: list[TextNode | None] = [None] * len(job.plan.members)
        self.heard: list[tuple[int, tuple[Node, ...]]] = []
        self.speaks: list[bool] | None = None
        self.sample: Sample | None = None

    @property
    def position(self) -> int:
        """Byte offset or token index of the next symbol."""
        return len(self.text)

    def advance(self, text: Text, raw: bytes) -> None:
        """Go on with one more symbol."""
        self.text, self.raw = text, raw
        self.symbols += 1
        self.said = [None] * len(self.said)
        self.speaks = None

    def finish(self, raw: bytes, why: Finish) -> None:
        """End with this answer; bytes that a token model left unfinished are shown as replacement characters."""
        self.sample = Sample(raw.decode("utf-8", errors="replace"), why, self.symbols)
