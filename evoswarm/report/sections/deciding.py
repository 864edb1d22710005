"""Who decided a step of an answer, and what counts as a right answer: one rule each for all that draws answers."""

from __future__ import annotations

from evoswarm.evaluation.traces.lines import TraceStep

TOGETHER = -1
"""Who decided a step at which nobody's first choice was taken."""

RIGHT = 0.5
"""From this score on an answer counts as right where scores are not all 0 or 1."""


def decided(step: TraceStep, lead: int) -> int:
    """Who decided a step, by place among the members of the mix.

    The lead, where it speaks alone or its own likeliest symbol was taken; else, of those whose likeliest it is, who
    gives it the largest probability; else TOGETHER.
    """
    if step.speakers == (lead,):
        return lead
    own = {speaker: said[0] for speaker, said in zip(step.speakers, step.said, strict=True) if said}
    backing = {speaker: share for speaker, (symbol, share) in own.items() if symbol == step.symbol}
    if lead in backing:
        return lead
    return max(backing, key=backing.__getitem__, default=TOGETHER)


def is_open(step: TraceStep, lead: int) -> bool:
    """Whether anybody spoke beside the lead."""
    return any(speaker != lead for speaker in step.speakers)


def is_right(score: float | None) -> bool:
    """Whether a score counts as right; a failure does not."""
    return score is not None and score >= RIGHT
