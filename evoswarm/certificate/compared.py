"""Parts of a certificate: figures with their intervals, and whom a champion is compared with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of them: frozen, unknown keys refused, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Interval(Part):
    """A mean with its 95% interval; either end is also a one-sided bound at 97.5%.

    Attributes:
        mean: as observed.
        low: lower end.
        high: upper end.
    """

    mean: float
    low: float
    high: float


class DetectableGain(Part):
    """The true gain over every rival that is found with a probability of 80%; None where not even the greatest is.

    Attributes:
        before: as expected before the test items were opened, by how often champion and rivals differed on selection.
        seen: by the spread of their differences on the test items.
    """

    before: float | None
    seen: float | None


class Compute(Part):
    """What somebody costs deployed alone, mean per item, tasks weighted.

    Attributes:
        flops: floating-point operations.
        passes: calls of batch size 1.
        weight_reads: bytes of weights moved: passes times a member's size.
    """

    flops: float
    passes: float
    weight_reads: float


class Failed(Part):
    """Items that failed alike: there is no answer to them, and they count as wrong.

    Attributes:
        kind: of the failure: ``prompt_too_long``, ``non_finite``, ``no_mass``, ``scorer_error``, ``out_of_memory``, ...
        member: to blame for it; empty where no single one is.
        items: how many.
    """

    kind: str
    member: str
    items: int


class Compared(Part):
    """Somebody whom the champion is compared with, on the same test items.

    Attributes:
        key: which one, see ``evoswarm.evaluation.candidate.Candidate``.
        name: in a few words.
        description: what it is and how it was chosen.
        score: its own.
        difference: champion less this one, paired by item.
        compute: of this one.
        champion_ratio: the champion's compute in units of this one's; None where this one costs nothing.
        failures: items on which it failed; they count 0.
        failed: the same by kind and member.
        at_limit: answers that were ended by their limit of bytes.
        cut_off: of these, those that had nothing yet that their scorer could read; they count 0.
    """

    key: str
    name: str
    description: str
    score: Interval
    difference: Interval
    compute: Compute
    champion_ratio: Compute | None
    failures: int
    failed: tuple[Failed, ...] = ()
    at_limit: int = 0
    cut_off: int = 0


class Absent(Part):
    """A rival that there is none of.

    Attributes:
        key: which one.
        why: as a sentence.
    """

    key: str
    why: str


class RivalResult(Compared):
    """One of those that must all be beaten.

    Attributes:
        beaten: the lower end of the difference is above 0.
        most: upper bound of the champion's gain at level 0.025 / rivals.
        policy: what was decoded, as a policy's file has it (see ``evoswarm.policies.read_policy``): whoever has the
            members can decode it again. None in certificates of earlier versions.
    """

    beaten: bool
    most: float
    policy: dict[str, Any] | None = None


class DiagnosticResult(Compared):
    """Something that tells what a part of the champion is good for; no verdict hangs on it.

    Attributes:
        p_value: two-sided, of no difference.
        p_holm: adjusted for all diagnostics together (Holm 1979).
        policy: as in a rival's result; of a mix that was fitted. None where what it is follows from the champion.
    """

    p_value: float
    p_holm: float
    policy: dict[str, Any] | None = None


class CeilingResult(Compared):
    """What nobody can play, because it looks at the right answers: an upper end for the eye, not a rival."""
