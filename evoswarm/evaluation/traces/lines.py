"""The lines of ``traces.jsonl``: which policies were traced on which items, and what they did there step by step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, TypeAdapter

from evoswarm.canonical import round_significant
from evoswarm.tasks.task import SplitName

PolicyKey = Literal["champion", "best_member", "uniform"]
"""The champion; the member that is best alone on the selection items; all members with equal weights."""

_DIGITS, _PLACES = 4, 6
"""Significant digits that are written of a number, and the most decimal places."""


def _read_symbol(data: Any) -> bytes | None:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, dict) and data.keys() == {"hex"} and isinstance(data["hex"], str):
        return bytes.fromhex(data["hex"])
    if data is not None:
        raise ValueError("expected a text, the hexadecimal bytes of one, or null")
    return None


Symbol = Annotated[bytes | None, BeforeValidator(_read_symbol)]
"""What a symbol spells; None is END."""

Share = Annotated[float, Field(ge=0, le=1)]
SymbolShares = tuple[tuple[Symbol, Share], ...]
"""Symbols with their probabilities, the likeliest first."""


class TraceStep(NamedTuple):
    """One step of an answer.

    Attributes:
        symbol: that was chosen.
        entropy: of the lead, nats; None where it was not asked.
        log_prob: of the symbol in the fused distribution, nats; None where nobody knows.
        moved: total-variation distance of the fused distribution from what the lead alone would have made of the step:
            0 where it speaks alone, None where it has no say.
        speakers: who spoke, by their places among the members of the part.
        candidates: the likeliest symbols of the fused distribution.
        said: per speaker, in their order, those of its own distribution, before the recipe's temperature for it; none
            of one that had nothing to say.
    """

    symbol: Symbol
    entropy: Annotated[float, Field(ge=0)] | None
    log_prob: Annotated[float, Field(le=0)] | None
    moved: Share | None
    speakers: tuple[Annotated[int, Field(ge=0)], ...]
    candidates: SymbolShares
    said: tuple[SymbolShares, ...]

    def to_json(self) -> list[Any]:
        """As JSON data: an array in the order of the attributes, numbers rounded."""
        numbers = (_number(one) for one in (self.entropy, self.log_prob, self.moved))
        said = [_likeliest(one) for one in self.said]
        return [symbol_to_json(self.symbol), *numbers, list(self.speakers), _likeliest(self.candidates), said]


@dataclass(frozen=True)
class TracePart:
    """One of the mixes that a policy answers by.

    Attributes:
        label: which of them; "" where there is but one.
        members: their names, in the order of the mix.
        lead: the name of the member that leads it.
        alphabet: whose symbols it writes.
        rule: of fusion.
    """

    label: str
    members: tuple[str, ...]
    lead: str
    alphabet: str
    rule: str


@dataclass(frozen=True)
class TracedPolicy:
    """A policy that was traced.

    Attributes:
        key: its role.
        name: for people.
        digest: of it.
        parts: its mixes.
    """

    key: PolicyKey
    name: str
    digest: str
    parts: tuple[TracePart, ...]


@dataclass(frozen=True)
class TraceHeader:
    """The first line.

    Attributes:
        version: of the format.
        split: whose items were traced, the first of them in its order.
        items: how many.
        policies: each on all of them.
    """

    version: Literal[1]
    split: SplitName
    items: int
    policies: tuple[TracedPolicy, ...]

    def policy(self, key: PolicyKey) -> TracedPolicy | None:
        """The policy of a role; None where none was traced."""
        return next((one for one in self.policies if one.key == key), None)

    def to_json(self) -> str:
        """As a line."""
        return compact_json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back.

        Raises:
            ValueError: it is something else.
        """
        found: Self = _HEADER.validate_json(text, strict=True)
        return found


@dataclass(frozen=True)
class TraceLine:
    """One item as one mix of a policy answered it.

    Attributes:
        number: of the item within its split, from 1.
        item: its key.
        task: its name.
        question: without the examples that stand before it; a long one without its middle.
        gold: the right answer, likewise; "" where only a verifier knows.
        policy: the key of the policy.
        part: which of its mixes, by its place in the header.
        score: of the policy on the item; None where it failed.
        answer: of the policy, as it was scored; likewise without its middle. The steps spell what this part wrote: the
            first of its samples, and what a stop string or a limit of bytes cut off.
        failure: why there are no steps, or why nothing could be scored; None where all went well.
        steps: in order, that of END included.
    """

    number: Annotated[int, Field(ge=1)]
    item: str
    task: str
    question: str
    gold: str
    policy: PolicyKey
    part: Annotated[int, Field(ge=0)]
    score: Share | None
    answer: str
    failure: str | None
    steps: tuple[TraceStep, ...]

    def to_json(self) -> str:
        """As a line."""
        return line_of(vars(self), steps_to_json(self.steps))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back.

        Raises:
            ValueError: it is something else.
        """
        found: Self = _LINE.validate_json(text, strict=True)
        return found


_HEADER: TypeAdapter[Any] = TypeAdapter(TraceHeader)
_LINE: TypeAdapter[Any] = TypeAdapter(TraceLine)


def steps_to_json(steps: Sequence[TraceStep]) -> str:
    """Steps as JSON text."""
    return compact_json([step.to_json() for step in steps])


def line_of(about: Mapping[str, Any], steps: str) -> str:
    """A line.

    Args:
        about: the attributes of a `TraceLine`, in order; the last are the steps, of which nothing is looked at here.
        steps: as JSON text.
    """
    return compact_json({**about, "steps": []})[: -len("[]}")] + steps + "}"


def compact_json(content: Any) -> str:
    """JSON text in one line; keys stand in the order of the data, so that what a line is about stands in front."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def symbol_to_json(symbol: bytes | None) -> Any:
    """A symbol as JSON data: its text, the hexadecimal digits of bytes that are none, null for END."""
    if symbol is None:
        return None
    try:
        return symbol.decode()
    except UnicodeDecodeError:
        return {"hex": symbol.hex()}


def _likeliest(likeliest: SymbolShares) -> list[list[Any]]:
    return [[symbol_to_json(symbol), _number(share)] for symbol, share in likeliest]


def _number(value: float | None) -> float | None:
    """Rounded; None where there is none."""
    if value is None or math.isnan(value):
        return None
    return round_significant(round(value, _PLACES), _DIGITS) + 0.0  # which makes 0 of -0
