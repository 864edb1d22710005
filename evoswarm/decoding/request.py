"""What goes into the swarm and what comes out: plain data, no logic, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evoswarm.recipe import Failure, Recipe

Finish = Literal["end", "stop", "limit"]


@dataclass(frozen=True)
class Request:
    """One recipe on one prompt.

    Attributes:
        recipe: how to decode; ``recipe.samples`` answers are decoded.
        prompt: the raw question; the recipe's prompt format and the members' chat templates are applied to it.
        key: the item's key; together with the noise seed and the sample index it keys the sampling noise.
        max_bytes: an answer ends after so many bytes of UTF-8 (never inside a character).
        max_symbols: an answer ends after so many symbols (bytes or tokens); None is no limit.
        stop: an answer is cut before the first occurrence of any of these.
        trace: keep what happened at every step of the first sample.
    """

    recipe: Recipe
    prompt: str
    key: str = ""
    max_bytes: int = 256
    max_symbols: int | None = None
    stop: tuple[str, ...] = ()
    trace: bool = False


@dataclass(frozen=True)
class Step:
    """One decoding step, kept for traces.

    Attributes:
        symbol: the chosen symbol (a byte, a token id, or END's index).
        entropy: of the lead, nats.
        speakers: names of the members that spoke.
        candidates: the likeliest symbols of the fused distribution with their probabilities.
    """

    symbol: int
    entropy: float
    speakers: tuple[str, ...]
    candidates: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Sample:
    """One decoded answer."""

    text: str
    finish: Finish
    steps: int


@dataclass(frozen=True)
class MemberUse:
    """What one member would do for one request if the recipe were deployed alone.

    Attributes:
        name: of the member.
        prompt_tokens: tokens of its rendered prompt, 0 if it never spoke.
        tokens: distinct tokens it reads, the prompt included (once, whatever the number of samples).
        passes: calls of batch size 1; a chunk of tokens is one call.
        rows: output rows it must compute.
        context: sum over the read tokens of the positions each attends to, itself included.
        steps: steps at which it spoke, over all samples.
    """

    name: str
    prompt_tokens: int = 0
    tokens: int = 0
    passes: int = 0
    rows: int = 0
    context: int = 0
    steps: int = 0


@dataclass(frozen=True)
class Completion:
    """The answers to one request, or a typed failure.

    Attributes:
        samples: decoded answers, empty on failure.
        failure: why there are none.
        use: per member of the recipe, in its order.
        steps: decoding steps over all samples, the END step included.
        open_steps: steps at which at least one follower spoke.
        lead_tokens: tokens that the lead's tokenizer makes of the answers, over all samples.
        lead_tokens_touched: of these, tokens within which (or just before which) a follower spoke.
        margin: the smallest decision margin seen (gap of the first two symbols; |entropy - threshold|).
        left_out: the largest bound on the total-variation error of any byte view used.
        trace: steps of the first sample, if asked for.
    """

    samples: tuple[Sample, ...] = ()
    failure: Failure | None = None
    use: tuple[MemberUse, ...] = ()
    steps: int = 0
    open_steps: int = 0
    lead_tokens: int = 0
    lead_tokens_touched: int = 0
    margin: float = float("inf")
    left_out: float = 0.0
    trace: tuple[Step, ...] = field(default=(), repr=False)

    @property
    def open_share(self) -> float:
        """Share of steps at which at least one follower spoke."""
        return self.open_steps / self.steps if self.steps else 0.0


@dataclass(frozen=True)
class MemberShape:
    """What a member's cost is computed from.

    Attributes:
        active_parameters: parameters used per token, input embeddings and output layer excluded (of experts
            only the share that is active).
        output_parameters: of the output layer (counted per row needed, tied or not).
        parameters: all, each once.
        parameter_bytes: of the loaded weights, each once.
        attention_width: sum over attention layers of heads times head size (0 for recurrent members).
    """

    active_parameters: int
    output_parameters: int
    parameters: int
    parameter_bytes: int
    attention_width: int


@dataclass
class Counters:
    """What the engine has done since it was made: the search's own cost, never a recipe's.

    ``text_lookups`` and ``text_hits`` count (member, prompt, text) distributions asked for and found in memory.
    """

    rows_forwarded: int = 0
    rows_reforwarded: int = 0
    prompt_tokens: int = 0
    forwards: int = 0
    padded_tokens: int = 0
    text_lookups: int = 0
    text_hits: int = 0
    symbols: int = 0
    forward_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def reuse(self) -> float:
        """Share of asked-for distributions that some recipe had already paid for."""
        return self.text_hits / self.text_lookups if self.text_lookups else 0.0
