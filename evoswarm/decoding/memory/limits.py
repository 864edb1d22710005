"""How much of what members have said and read may be kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """Bytes that may be kept per member; what is dropped is computed again (memory changes cost, never results).

    Attributes:
        state_bytes: keys and values, or recurrent states, on the member's device.
        row_bytes: whole output rows; and, beside them, distributions over alphabets as large as those.
        text_bytes: texts and the distributions over bytes behind them, half each, on the host.
    """

    state_bytes: int
    row_bytes: int
    text_bytes: int
