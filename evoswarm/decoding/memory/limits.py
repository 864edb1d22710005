"""How much of what members have said and read may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evoswarm.decoding.forward.devices import free_bytes

STATE_SHARE, ROW_SHARE, TEXT_SHARE = 0.4, 0.1, 0.05  # of free memory; activations need room too, and distributions


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


def limits_on(
    devices: Sequence[str], given: tuple[int | None, int | None, int | None], share: float
) -> tuple[MemoryLimits, ...]:
    """What may be kept of each member: what is said, or parts of what is free, divided among those that share it.

    Args:
        devices: of the members.
        given: the limits that are said; None is a part of what is free.
        share: of these parts that may be had.
    """
    found = []
    for device in devices:
        on_device = free_bytes(device) / devices.count(device)
        on_host = free_bytes("cpu") / len(devices)
        parts = (on_device * STATE_SHARE, on_device * ROW_SHARE, on_host * TEXT_SHARE)
        limits = (int(part * share) if one is None else one for one, part in zip(given, parts, strict=True))
        found.append(MemoryLimits(*limits))
    return tuple(found)
