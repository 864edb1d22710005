"""Traced answers as a page holds them: columns of small whole numbers, and no more of them than there is room for."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evoswarm.evaluation.traces.lines import (
    Symbol,
    SymbolShares,
    TracedPolicy,
    TraceLine,
    TraceStep,
    symbol_to_json,
)
from evoswarm.report.sections.deciding import TOGETHER, decided

SCALE = 10_000
"""Nats, shares and probabilities are whole numbers of this part; -1 where there is none."""

_MIDDLE = " [...] "  # stands in for that of a long answer
_BASE64 = 4 / 3  # what it adds
_CANDIDATES = (5, 3, 2)  # of each distribution that are shown: where not everything fits, fewer


class SymbolTable:
    """Symbols by number, in the order in which they were met.

    Attributes:
        entries: of the table, as JSON data: a text, ``{"hex": ...}`` where the bytes are none, null for END.
    """

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self._numbers: dict[Symbol, int] = {}

    def number(self, symbol: Symbol) -> int:
        """Of a symbol; a new one gets the next."""
        if symbol not in self._numbers:
            self._numbers[symbol] = len(self.entries)
            self.entries.append(symbol_to_json(symbol))
        return self._numbers[symbol]


def fitting(
    items: Sequence[Sequence[TraceLine]], policies: Sequence[TracedPolicy], members: Sequence[str], room: int
) -> dict[str, Any]:
    """The first items that there is room for, one at least.

    Args:
        items: their lines, in the order in which they are wanted.
        policies: whose lines they are.
        members: the page's, by place.
        room: bytes, packed.

    Returns:
        ``symbols`` (the table), ``speakers`` (sets of members that spoke together, by number), ``candidates`` (how many
        are shown of a distribution) and ``answers`` (per item its answers, see `_drawn`).
    """
    found: dict[str, Any] = {}
    for most in _CANDIDATES:
        found = _packed(items, {one.key: one for one in policies}, members, most, room)
        if len(found["answers"]) == len(items):
            break
    return found


def _packed(
    items: Iterable[Sequence[TraceLine]],
    policies: Mapping[str, TracedPolicy],
    members: Sequence[str],
    most: int,
    room: int,
) -> dict[str, Any]:
    symbols, speakers = SymbolTable(), dict[tuple[int, ...], int]()
    places = {name: place for place, name in enumerate(members)}
    keys = list(policies)
    answers: list[list[dict[str, Any]]] = []
    packer, size = zlib.compressobj(9), 0
    for lines in items:
        known = len(symbols.entries)
        drawn = [
            {"policy": keys.index(line.policy), **_drawn(line, policies[line.policy], places, symbols, speakers, most)}
            for line in lines
        ]
        text = json.dumps([lines[0].question, lines[0].gold, symbols.entries[known:], drawn], separators=(",", ":"))
        size += len(packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH))
        if answers and size * _BASE64 > room:
            del symbols.entries[known:]
            break
        answers.append(drawn)
    return {"symbols": symbols.entries, "speakers": [*map(list, speakers)], "candidates": most, "answers": answers}


def _drawn(
    line: TraceLine,
    policy: TracedPolicy,
    places: Mapping[str, int],
    symbols: SymbolTable,
    speakers: dict[tuple[int, ...], int],
    most: int,
) -> dict[str, Any]:
    """One answer, its steps as columns.

    Returns:
        ``part``, ``failure``, ``text`` (the answer as it was scored; null where the steps spell it), and per step
        ``symbol`` (number), ``by`` (who decided, by place among the page's members, or TOGETHER), ``entropy``,
        ``log_prob`` (negated), ``moved`` (whole numbers of SCALE), ``spoke`` (number of a set of speakers), ``fused``
        (a symbol and its probability by turns) and ``own`` (the same for each speaker; 0 where but one spoke, whose own
        choice is the fused one).
    """
    part = policy.parts[line.part]
    lead = part.members.index(part.lead)
    place = [places[name] for name in part.members]
    who = [decided(step, lead) for step in line.steps]
    sets = [tuple(place[one] for one in step.speakers) for step in line.steps]
    return {
        "part": line.part,
        "failure": line.failure,
        "text": None if _spells(line) else line.answer,
        "symbol": [symbols.number(step.symbol) for step in line.steps],
        "by": [one if one == TOGETHER else place[one] for one in who],
        "entropy": [_whole(step.entropy) for step in line.steps],
        "log_prob": [_whole(None if step.log_prob is None else -step.log_prob) for step in line.steps],
        "moved": [_whole(step.moved) for step in line.steps],
        "spoke": [speakers.setdefault(one, len(speakers)) for one in sets],
        "fused": [_flat(step.candidates, symbols, most) for step in line.steps],
        "own": [_own(step, symbols, most) for step in line.steps],
    }


def _spells(line: TraceLine) -> bool:
    """Whether the steps spell the answer, of which a long one is kept without its middle."""
    spelled = b"".join(step.symbol or b"" for step in line.steps).decode("utf-8", "replace")
    head, _, tail = line.answer.partition(_MIDDLE)
    return spelled == line.answer or bool(tail and spelled.startswith(head) and spelled.endswith(tail))


def _own(step: TraceStep, symbols: SymbolTable, most: int) -> Any:
    return 0 if len(step.speakers) == 1 else [_flat(one, symbols, most) for one in step.said]


def _flat(likeliest: SymbolShares, symbols: SymbolTable, most: int) -> list[int]:
    return [number for symbol, share in likeliest[:most] for number in (symbols.number(symbol), _whole(share))]


def _whole(value: float | None) -> int:
    return -1 if value is None else round(value * SCALE)
