"""What goes into the swarm and what comes out: plain data, no logic, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evoswarm.chat import Conversation, Turn
from evoswarm.failure import Failure
from evoswarm.policies.mix import Recipe

DECODING_VERSION = 2
"""Of prompts, ends and distributions: what was decoded or found out by another one is not this one's."""

FinishReason = Literal["end", "stop", "limit"]


class DoesNotFit(MemoryError):
    """There is no room for what is asked, though the engine is in order: fewer requests at once may fit."""


@dataclass(frozen=True)
class Request:
    """One recipe on one prompt.

    Attributes:
        recipe: how to decode; ``recipe.samples`` answers are decoded.
        prompt: the raw question; the recipe's prompt format and the members' chat templates are applied to it.
        key: the item's key; together with the noise seed and the sample index it keys the sampling noise.
        max_bytes: an answer ends after so many bytes of UTF-8 (never inside a character).
        max_symbols: an answer ends after so many symbols (of the recipe's alphabet); None is no limit.
        stop: an answer is cut before the first occurrence of any of these.
        trace: keep what happened at every step of the first sample, what each speaker said included.
        logprobs: keep of every step of every sample how likely its symbol was, and so many of the likeliest ones; None
            keeps nothing.
        before: turns of a conversation before the question, which then is its last user turn. Every member renders
            them through its own chat template; the recipe's prompt format applies to the question alone.
        forced: an answer to follow instead of choosing, and then END: what would be read, who would speak, and what it
            would cost along this text. Limits and stop strings hold as ever. It is written in the symbols that the
            lead's tokens for it decompose to; in ``bytes`` these are its bytes.

    Example:
        >>> Request(recipe, "47+85=", max_bytes=8).max_bytes
        8
    """

    recipe: Recipe
    prompt: str
    key: str = ""
    max_bytes: int = 256
    max_symbols: int | None = None
    stop: tuple[str, ...] = ()
    trace: bool = False
    forced: str | None = None
    before: tuple[Turn, ...] = ()
    logprobs: int | None = None

    @property
    def asked(self) -> str | Conversation:
        """What members are handed: the question in the recipe's prompt format, behind the turns before it."""
        question = self.recipe.prompt_format.replace("{prompt}", self.prompt)
        return Conversation(question, self.before) if self.before else question

    @property
    def prompt_bytes(self) -> int:
        """Of the question and of what was said before it."""
        return sum(len(text.encode()) for text in (*(turn.content for turn in self.before), self.prompt))


@dataclass(frozen=True)
class Step:
    """One decoding step, kept for traces.

    Attributes:
        symbol: the chosen symbol (its number in the recipe's alphabet).
        entropy: of the lead, nats; NaN where it was not asked.
        speakers: names of the members that spoke.
        candidates: the likeliest symbols of the fused distribution with their probabilities.
        log_prob: of the symbol in the fused distribution, before any sampling temperature, nats; where a step draws its
            speaker, that is the speaker's own. NaN where nobody gives mass to any symbol.
        said: per speaker, in their order, the likeliest symbols of its own distribution with their probabilities, as it
            said it: before the recipe's temperature for it. Empty for one that abstains. Kept by ``Request.trace``
            alone, as is the next.
        moved: the total-variation distance, in [0, 1], from what the lead alone would have made of this step (its own
            distribution at the recipe's temperature for it) to the fused distribution: 0 where it speaks alone. NaN
            where it has no say: it abstains, or another speaker was drawn.
    """

    symbol: int
    entropy: float
    speakers: tuple[str, ...]
    candidates: tuple[tuple[int, float], ...]
    log_prob: float = float("nan")
    said: tuple[tuple[tuple[int, float], ...], ...] = ()
    moved: float = float("nan")


@dataclass(frozen=True)
class Sample:
    """One decoded answer.

    Attributes:
        text: the answer.
        finish: what ended it.
        steps: decoding steps, that of END included.
        trace: the steps, where ``Request.logprobs`` asked for them.
    """

    text: str
    finish: FinishReason
    steps: int
    trace: tuple[Step, ...] = field(default=(), repr=False)


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

    A request with a sample that fails has failed; what it took until then is told all the same.

    Attributes:
        samples: decoded answers, empty on failure.
        failure: why there are none: what befell the first sample that failed.
        use: per member of the recipe, in its order.
        steps: decoding steps over all samples, the END step included.
        open_steps: steps at which at least one follower spoke.
        lead_tokens: tokens that the lead's tokenizer makes of the answers, over all samples.
        lead_tokens_touched: of these, tokens within which (or just before which) a follower spoke.
        margin: the smallest decision margin seen (gap of the first two symbols; distance of the
            lead's entropy, or of the draw, from a threshold).
        left_out: the largest bound on the total-variation error of any byte view used.
        entropy: of the lead, nats, mean over those steps of all samples at which it was asked and does not abstain; 0
            without any.
        trace: steps of the first sample, if asked for; empty on failure.
        spelled: the bytes of every symbol that the trace names, by its number; END has none.
        work: what the engine did for all requests that were decoded together with this one; no part of the outcome.

    Example:
        >>> answer = swarm.decode([Request(recipe, "47+85=")])[0]
        >>> answer.samples[0].text, answer.samples[0].finish, answer.use[0].name
        ('132', 'end', 'adder')
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
    entropy: float = 0.0
    trace: tuple[Step, ...] = field(default=(), repr=False)
    spelled: Mapping[int, bytes] = field(default_factory=dict, repr=False)
    work: Counters | None = field(default=None, repr=False, compare=False)

    @property
    def open_share(self) -> float:
        """Share of steps at which at least one follower spoke."""
        return self.open_steps / self.steps if self.steps else 0.0


@dataclass(frozen=True, eq=False)
class RowsAlong:
    """What the members of a mix say along one text, step by step; the members in the mix's order.

    Attributes:
        symbols: ``[steps]`` it is written in; END last, unless a limit or a stop string ends it first.
        log_probs: ``[members, steps, symbols]`` untempered, floored, -inf where forbidden; 0 where a member abstains.
        present: ``[members, steps]`` the member gives mass to some allowed symbol.
        allowed: ``[steps, symbols]`` the symbols that may come next.
        entropies: ``[members, steps]`` nats, masked, untempered, unfloored; 0 where a member abstains.
        failure: why there are none; then all of the above is empty.
    """

    symbols: NDArray[np.int32]
    log_probs: NDArray[np.float32]
    present: NDArray[np.bool_]
    allowed: NDArray[np.bool_]
    entropies: NDArray[np.float64]
    failure: Failure | None = None


@dataclass(frozen=True, eq=False)
class Along:
    """What was read along some texts.

    Attributes:
        spellings: by symbol its bytes; of END none.
        texts: in the order of the requests; None where the lead cannot spell a text.
    """

    spellings: tuple[bytes, ...]
    texts: tuple[RowsAlong | None, ...]


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


DEPTHS = 24  # classes of depth: 0, 1, 2-3, 4-7, ... symbols; n symbols are in class n.bit_length()
DEPTH_NAMES = ("0", "1", *(f"{2**n}-{2 ** (n + 1) - 1}" for n in range(1, DEPTHS - 1)))


def depth_class(symbols: NDArray[np.int32]) -> NDArray[np.int64]:
    """The classes of depths in symbols."""
    classes: NDArray[np.int64] = np.ceil(np.log2(symbols + 1.0)).astype(np.int64)
    return classes


def _by_depth() -> NDArray[np.int64]:
    return np.zeros(DEPTHS, dtype=np.int64)


@dataclass(eq=False)
class Counters:
    """What the engine has done: the search's own cost, never a recipe's.

    Attributes:
        rows_forwarded: distinct prefixes (nodes of the members' prefix trees) that were read.
        rows_reforwarded: prefixes read again, because their state or row had been dropped (one whose very text had been
            forgotten counts as new).
        prompt_tokens: those of ``rows_forwarded`` that lie inside prompts.
        states_dropped: states given up to make room.
        forwards: calls of a model.
        chunk_tokens: tokens that were to be read.
        padded_tokens: positions computed for them; their ratio is how well batches are filled.
        text_lookups: (member, context) distributions that steps needed.
        text_found: of these, those that had to be worked out; the others were in memory.
        symbols: decoding steps.
        step_batches: rounds in which all streams that were ready took one step together.
        answers: samples that were decoded to their ends.
        forward_seconds: inside models, added up over devices that run side by side.
        seconds: all.
        peak_state_bytes: the most that one member's states came to.
        peak_row_bytes: the most that one member's output rows came to.
        asked_by_depth: ``text_lookups`` by how many symbols into the answer: 0, 1, 2-3, 4-7, ...
        found_by_depth: ``text_found`` likewise.
    """

    rows_forwarded: int = 0
    rows_reforwarded: int = 0
    prompt_tokens: int = 0
    states_dropped: int = 0
    forwards: int = 0
    chunk_tokens: int = 0
    padded_tokens: int = 0
    text_lookups: int = 0
    text_found: int = 0
    symbols: int = 0
    step_batches: int = 0
    answers: int = 0
    forward_seconds: float = 0.0
    seconds: float = 0.0
    peak_state_bytes: int = 0
    peak_row_bytes: int = 0
    asked_by_depth: NDArray[np.int64] = field(default_factory=_by_depth)
    found_by_depth: NDArray[np.int64] = field(default_factory=_by_depth)

    @property
    def reuse(self) -> float:
        """Share of asked-for distributions that some recipe had already paid for."""
        return 1.0 - self.text_found / self.text_lookups if self.text_lookups else 0.0

    @property
    def batch_fill(self) -> float:
        """Share of computed positions at which a token stood."""
        return self.chunk_tokens / self.padded_tokens if self.padded_tokens else 0.0

    def since(self, before: Counters) -> Counters:
        """What has been done since an earlier moment; peaks are those of the whole time."""
        now = {one.name: getattr(self, one.name) for one in fields(self)}
        return Counters(
            **{
                name: value if name.startswith("peak_") else value - getattr(before, name)
                for name, value in now.items()
            }
        )

    def copy(self) -> Counters:
        """As they stand now."""
        return Counters(**{one.name: copy(getattr(self, one.name)) for one in fields(self)})

    def sharing_by_depth(self) -> dict[str, float]:
        """Distributions asked for per one worked out, by symbols into the answer: "0", "1", "2-3", "4-7", ..."""
        return {
            name: round(float(asked / max(1, found)), 2)
            for name, asked, found in zip(DEPTH_NAMES, self.asked_by_depth, self.found_by_depth, strict=True)
            if asked
        }

    def figures(self) -> dict[str, float]:
        """For people and files, by name."""
        plain = ("rows_forwarded", "rows_reforwarded", "prompt_tokens", "states_dropped", "forwards", "symbols")
        return {
            **{name: getattr(self, name) for name in plain},
            "batch_fill": self.batch_fill,
            "peak_state_bytes": self.peak_state_bytes,
            "peak_row_bytes": self.peak_row_bytes,
            "forward_seconds": self.forward_seconds,
            "decode_seconds": self.seconds,
            **{f"sharing/{depth}": times for depth, times in self.sharing_by_depth().items()},
        }
