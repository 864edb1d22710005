"""The part of an answer that is certain while the rest of it is still being decoded."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class PartialText:
    """What of a growing answer can be shown: whole characters, and none that a stop string may still swallow.

    Args:
        stop: strings that end the answer.

    Attributes:
        shown: all that has been shown so far.

    Example:
        >>> text = PartialText(["END"])
        >>> [text.grown(raw) for raw in (b"42 E", b"42 EN", b"42 ENough")]
        ['42 ', '', 'ENough']
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self.shown = ""
        self._stop = [one.encode() for one in stop]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read = 0

    def grown(self, raw: bytes) -> str:
        """The characters that are certain since the last time.

        Args:
            raw: the whole answer so far, which begins with what it was then and holds no whole stop string.
        """
        certain = len(raw) - max((_overlap(raw, one) for one in self._stop), default=0)
        if certain <= self._read:
            return ""
        fresh = self._decoder.decode(raw[self._read : certain])
        self._read = certain
        self.shown += fresh
        return fresh

    def rest(self, text: str) -> str:
        """What is not shown yet of the whole answer."""
        return text[len(self.shown) :]


def _overlap(raw: bytes, stop: bytes) -> int:
    """How many bytes at the end of a text may be the beginning of a stop string."""
    return next((size for size in range(min(len(stop) - 1, len(raw)), 0, -1) if raw.endswith(stop[:size])), 0)
