"""Why and where an answer ends before END: stop strings and limits."""

from __future__ import annotations

from collections.abc import Sequence

from evoswarm.decoding.request import FinishReason
from evoswarm.decoding.text.utf8 import split_character


def truncate(raw: bytes, max_bytes: int, stop: Sequence[bytes]) -> tuple[bytes, FinishReason | None]:
    """Apply stop strings and the limit to a text that has just grown, as if it had grown byte by byte.

    Returns:
        the text (cut before the stop string that was complete first; at a limit never inside a character) and why
        it ends: "stop", "limit" or None if it goes on.
    """
    within = raw[:max_bytes]
    found = [(start + len(text), start) for text in stop if (start := within.find(text)) >= 0]
    if found:
        return raw[: min(found)[1]], "stop"
    if len(raw) >= max_bytes:
        return split_character(within)[0], "limit"
    return raw, None


def ending_of(raw: bytes, max_bytes: int, full: bool, stop: Sequence[str]) -> tuple[bytes, FinishReason] | None:
    """The answer and why it ends, where a text that has just grown ends an answer; None where it goes on.

    Args:
        raw: the text.
        max_bytes: limit on it.
        full: it has as many symbols as it may have.
        stop: strings that end it.
    """
    stops = [one.encode() for one in stop]
    kept, why = truncate(raw, max_bytes, stops)
    if why is None and full:
        kept, why = truncate(raw, len(raw), stops)
    return None if why is None else (kept, why)
