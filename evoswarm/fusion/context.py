"""Context: what is known at a place moves weights and gates, by a few coefficients that all members share.

The logarithm of a speaker's weight gains a linear function of what is known there, beside those of `sharpening` (its
entropy) and `credibility`; so does the lead's entropy, which gates compare with thresholds. Weights know what all
speakers say; a gate knows the text and the lead, since it decides who is asked at all. What is the same for all members
cannot move weights that are normalised, so the place itself (how long the answer is, whether it stands within a word or
a number) tells for or against the lead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evoswarm.fusion.parameter import Parameter
from evoswarm.fusion.speakers import Tensor, argmax_and_margin

LARGEST = 100.0  # of coefficients
BETWEEN, WORD, NUMBER = 0, 1, 2
"""Where a place is: neither within a word nor within a number, within a word, within a number."""


def _coefficient(name: str, meaning: str) -> Parameter:
    return Parameter(
        name,
        meaning,
        default=0.0,
        searched=(-4.0, 4.0),
        at_least=-LARGEST,
        at_most=LARGEST,
        atoms=((0.0, 0.5),),
        optional=True,
    )


OWN_MARGIN = _coefficient(
    "own_margin", "adds to a speaker's log-weight per unit of its margin, 1 - p2/p1 of its two likeliest symbols"
)
AGREEMENT = _coefficient(
    "agreement", "adds to a speaker's log-weight per share of the other speakers with the same likeliest symbol"
)
LEAD_POSITION = _coefficient(
    "lead_position", "adds to the lead's log-weight per unit of log(1 + bytes of the answer so far)"
)
LEAD_NUMBER = _coefficient(
    "lead_number", "adds to the lead's log-weight within a number, and is taken from it within a word"
)
GATE_MARGIN = _coefficient(
    "gate_margin", "adds to what gates compare with thresholds, per unit of p2/p1 of the lead's two likeliest symbols"
)
GATE_INSIDE = _coefficient("gate_inside", "adds to what gates compare with thresholds within a word or a number")

CONTEXT: tuple[Parameter, ...] = (OWN_MARGIN, AGREEMENT, LEAD_POSITION, LEAD_NUMBER)
"""Of rules with weights."""
PLACED: tuple[Parameter, ...] = (LEAD_POSITION, LEAD_NUMBER)
"""Of these, what tells for or against the lead by the place alone."""
GATING: tuple[Parameter, ...] = (GATE_MARGIN, GATE_INSIDE)
"""Of gates, under every rule."""


@dataclass(frozen=True)
class AnswerSoFar:
    """What is known of places before anybody speaks there.

    Attributes:
        length: ``[streams]`` bytes of the answer so far, as floats.
        inside: ``[streams]`` BETWEEN, WORD or NUMBER.
        credibility: ``[speakers, streams]`` of the speakers, nats.
    """

    length: Tensor
    inside: Tensor
    credibility: Tensor


def of_speakers(
    log_probs: Tensor, present: Tensor, is_lead: Tensor, place: AnswerSoFar, parameters: Mapping[str, Tensor]
) -> Iterator[Tensor]:
    """``[speakers, streams]`` summands of the log-weights, of the coefficients that are given.

    Args:
        log_probs: ``[speakers, streams, symbols]`` tempered; less than all others where forbidden.
        present: ``[speakers, streams]`` who speaks.
        is_lead: ``[speakers, streams]``.
        place: where the streams are.
        parameters: ``[streams]`` of each coefficient, by name.
    """
    asked = {one: parameters[one.name] for one in CONTEXT if one.name in parameters}
    if OWN_MARGIN in asked or AGREEMENT in asked:
        favourite, margin = argmax_and_margin(log_probs)
        if OWN_MARGIN in asked:
            yield asked[OWN_MARGIN][None] * (1 - (-margin).exp())
        if AGREEMENT in asked:
            alike = (favourite[:, None] == favourite[None]) & present[:, None] & present[None]
            others = (present.sum(0) - 1).clamp_min(1)
            yield asked[AGREEMENT][None] * (alike.sum(0) - 1).clamp_min(0) / others
    if any(one in asked for one in PLACED):
        for one, known in zip(PLACED, of_place(place.length, place.inside), strict=True):
            if one in asked:
                yield is_lead * asked[one] * known


def of_place(length: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """``[streams]`` each: what the coefficients of `PLACED` are multiplied by, in the type of the lengths."""
    return length.log1p(), (inside == NUMBER).to(length.dtype) - (inside == WORD).to(length.dtype)


def inside(raw: bytes) -> int:
    """Where a text stands: BETWEEN, within a WORD, or within a NUMBER, by its last character; unfinished ones are of
    words."""
    last = raw[-1] if raw else 0x20
    if last < 0x80:
        return NUMBER if 0x30 <= last <= 0x39 else WORD if chr(last).isalpha() else BETWEEN
    start = max(0, len(raw) - 4)
    try:
        character = raw[next(at for at in range(len(raw) - 1, start - 1, -1) if raw[at] & 0xC0 != 0x80) :].decode()
    except (StopIteration, UnicodeDecodeError):
        return WORD
    return NUMBER if character.isdecimal() else WORD if character.isalpha() else BETWEEN


def words(parameters: tuple[Parameter, ...], values: Mapping[str, float]) -> Iterator[str]:
    """What moves the weights of a rule with these parameters, each as part of a sentence."""
    for one, what in (
        (OWN_MARGIN, "per unit of the speaker's margin"),
        (AGREEMENT, "per share of the others that agree"),
        (LEAD_POSITION, "for the lead per unit of log(1 + bytes)"),
        (LEAD_NUMBER, "for the lead within numbers, and less within words"),
    ):
        value = values.get(one.name, 0.0) if one in parameters else 0.0
        if value:
            yield f"log-weights {value:+.2g} {what}"


def gate_words(values: Mapping[str, float]) -> str:
    """What gates add to the lead's entropy, as part of a sentence."""
    margin, within = (values.get(one.name, 0.0) for one in GATING)
    said = [f"{margin:+.2g} p2/p1"] * bool(margin) + [f"{within:+.2g} within words and numbers"] * bool(within)
    return f" ({', '.join(said)})" if said else ""
