"""How likely policies in use find texts: the fused distribution of the mix that would answer."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evoswarm.chat import Conversation, Turn
from evoswarm.decoding.fused import FusedAlong
from evoswarm.decoding.known_texts import TextBehind
from evoswarm.decoding.request import DoesNotFit
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import OutOfMemory, RunError
from evoswarm.evaluation.failures import sentence
from evoswarm.experiment.asking import NO_TASK
from evoswarm.failure import Failure
from evoswarm.policies import Policy, Recipe, Route
from evoswarm.policies.route import every_mix, sole

Context = str | tuple[Turn, ...]
"""What a text stands behind: a question that is worded already, or a conversation that ends with the user's turn."""

BEFORE_AT_ONCE = 1 << 27
"""Bytes that the places of texts which are read together know before them."""

T = TypeVar("T")


@dataclass(frozen=True)
class LogLikelihood:
    """How likely a policy finds a text behind a context.

    The text is scored in the symbols in which the mix would write it: in ``bytes`` its bytes; in ``tokens`` and
    ``common`` what the lead's own tokens for it come to, and no other spelling. It goes on: nothing is said of its end.

    Attributes:
        total: nats, the sum over its symbols; -inf where there is a failure. No symbol that is allowed has less than
            log 1e-12 in any member.
        greedy: every symbol is the likeliest of its step.
        symbols: how many it is written in.
        left_out: the largest bound on the total-variation error at any of them.
        failure: why there is no number, its kind first; None where there is one.

    Example:
        >>> engine.log_likelihoods([("47+85=", "132")])[0].greedy
        True
    """

    total: float
    greedy: bool
    symbols: int
    left_out: float = 0.0
    failure: str | None = None


def without_distribution(policy: Policy) -> str | None:
    """Why a policy gives no probabilities of symbols, as a sentence; None where it does.

    A route by task or by cluster gives those of the mix that it chooses, if all that it may choose are mixes.
    """
    policy = sole(policy)
    if isinstance(policy, Route):
        if policy.by == "confidence":
            return "a route by confidence chooses among whole answers, so no symbol of a text has a probability"
        reasons = (without_distribution(one) for one in policy.policies)
        return next((f"the route may choose one without probabilities: {one}" for one in reasons if one), None)
    if not isinstance(policy, Recipe):
        return f"a {policy.kind} elects one of several whole answers, so no symbol of a text has a probability"
    if policy.gate == "random":
        return "its gate is drawn at every step, so no symbol of a text has one probability"
    return None


class Likelihoods:
    """Probabilities of texts under one policy.

    Of a mix whose answers are drawn, they are those that each draw is made by: at its sampling temperature, before
    top-k, top-p or min-p leave anything out. Of a greedy mix they are the fused ones, whose likeliest symbol it takes.

    Args:
        policy: by the swarm's names for its members.
        swarm: where they are loaded.
        names: the policy's names for members, by the swarm's.

    Raises:
        RunError: the policy gives no probabilities.
    """

    def __init__(self, policy: Policy, swarm: Swarm, names: Callable[[str], str] = lambda name: name) -> None:
        reason = without_distribution(policy)
        if reason is not None:
            raise RunError(f"expected a policy with a distribution over next symbols, got one without: {reason}")
        self._policy, self._swarm, self._names = policy, swarm, names

    def log_likelihoods(self, pairs: Sequence[tuple[Context, str]], task: str | None = None) -> list[LogLikelihood]:
        """How likely continuations are behind contexts.

        Args:
            pairs: contexts and what stands behind each.
            task: by which a route chooses.

        Raises:
            OutOfMemory: there is no memory for one pair alone.
            RunError: a conversation does not end with the user's turn.
        """
        texts = [_behind(context, text.encode("utf-8", "surrogatepass")) for context, text in pairs]
        return [self._told(one) for one in self._fused(texts, task, behind=False)]

    def next_symbols(self, texts: Sequence[tuple[Context, bytes]], task: str | None = None) -> NDArray[np.float32]:
        """``[texts, symbols]`` log-probabilities of what comes next; END is the last symbol; -inf where forbidden.

        Args:
            texts: contexts, and the answer so far: UTF-8 that may end inside a character.
            task: by which a route chooses.

        Raises:
            OutOfMemory: there is no memory for one text alone.
            RunError: a text cannot be read or followed, or the texts' mixes have different symbols.
        """
        found = self._fused([_behind(context, raw) for context, raw in texts], task, behind=True)
        rows = []
        for place, one in enumerate(found):
            if one.behind is None:
                why = self._words(one.failure or Failure("no_mass", ""))
                raise RunError(f"expected a text that the policy can go on from, got text {place}: {why}")
            rows.append(one.behind)
        return np.array(rows, dtype=np.float32).reshape(len(rows), len(self.spellings) + 1)

    @property
    def spellings(self) -> tuple[bytes, ...]:
        """By symbol its bytes; END, the last, has none.

        Raises:
            RunError: the policy is a route between mixes of different symbols.
        """
        first, *others = (self._swarm.known_texts(mix) for mix in every_mix(self._policy))
        if any(other.view != first.view for other in others):
            raise RunError("expected a policy of one alphabet, got a route between mixes of several")
        return first.spellings

    def _fused(self, texts: Sequence[TextBehind], task: str | None, *, behind: bool) -> list[FusedAlong]:
        """In their order; those of one mix together."""
        mixes = [self._policy.mixes(task or NO_TASK, text.prompt)[0] for text in texts]
        found: dict[int, FusedAlong] = {}
        for mix in {id(one): one for one in mixes}.values():
            numbers = [number for number, own in enumerate(mixes) if own is mix]
            reader = self._swarm.known_texts(mix)
            for some in _batches(numbers, [len(texts[number].raw) for number in numbers]):
                rows = halved(partial(reader.fused, behind=behind), [texts[number] for number in some])
                found.update(zip(some, rows, strict=True))
        return [found[number] for number in range(len(texts))]

    def _told(self, one: FusedAlong) -> LogLikelihood:
        if one.failure is not None:
            return LogLikelihood(-np.inf, False, 0, failure=self._words(one.failure))
        return LogLikelihood(float(one.log_probs.sum()), one.greedy, len(one.log_probs), one.left_out)

    def _words(self, failure: Failure) -> str:
        own = replace(failure, member=self._names(failure.member) if failure.member else "")
        return f"{own.kind}: {sentence(own)}"


def _batches(numbers: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """Texts that are read together: each place of a text knows all that stands before it."""
    batch, kept = list[int](), 0
    for number, size in zip(numbers, sizes, strict=True):
        if batch and kept + size * size // 2 > BEFORE_AT_ONCE:
            yield batch
            batch, kept = [], 0
        batch.append(number)
        kept += size * size // 2
    if batch:
        yield batch


def halved(read: Callable[[list[T]], Iterable[FusedAlong]], texts: list[T]) -> list[FusedAlong]:
    """Read texts; what does not fit into memory is halved until a single text does not.

    Raises:
        OutOfMemory: one alone does not fit.
    """
    try:
        return list(read(texts))
    except DoesNotFit as error:
        if len(texts) == 1:
            raise OutOfMemory("to read one text with the members of a mix", error) from error
    middle = len(texts) // 2
    return halved(read, texts[:middle]) + halved(read, texts[middle:])


def _behind(context: Context, raw: bytes) -> TextBehind:
    """Text behind a context.

    Raises:
        RunError: the context is no conversation, or the text no UTF-8.
    """
    try:
        getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError as error:
        raise RunError(f"expected UTF-8 (it may end inside a character), got {raw[:60]!r}: {error.reason}") from None
    if isinstance(context, str):
        return TextBehind(context, raw)
    conversation = Conversation.of(context)
    return TextBehind(conversation.question, raw, conversation.before)
