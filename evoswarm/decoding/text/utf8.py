"""UTF-8 that may end inside a character: what stands there, and what may follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def split_character(text: bytes) -> tuple[bytes, bytes]:
    """Split valid (but perhaps unfinished) UTF-8 into whole characters and the bytes of an unfinished last one."""
    for back in range(1, min(3, len(text)) + 1):
        byte = text[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return (text[:-back], text[-back:]) if back < need else (text, b"")
    return text, b""


def continuation_range(partial: bytes) -> tuple[int, int]:
    """First and last byte that may follow an unfinished character (Unicode 16, table 3-7).

    Args:
        partial: one to three bytes of a character that is not finished.
    """
    if len(partial) > 1:
        return 0x80, 0xBF
    return {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}.get(
        partial[0], (0x80, 0xBF)
    )


def allowed_after(partial: bytes) -> NDArray[np.bool_]:
    """Which of the 257 symbols keep a text valid UTF-8, behind the bytes of an unfinished character (or none).

    Returns:
        ``[257]`` booleans; END (256) only where no character is unfinished.
    """
    allowed = np.zeros(257, dtype=bool)
    if partial:
        first, last = continuation_range(partial)
        allowed[first : last + 1] = True
    else:
        allowed[:0x80] = True
        allowed[0xC2:0xF5] = True
        allowed[256] = True
    return allowed


def continues(partial: bytes, text: bytes) -> bool:
    """Whether a text may stand behind an unfinished character (or none): both together can go on to be valid UTF-8."""
    whole, rest = split_character(partial + text)
    try:
        whole.decode()
    except UnicodeDecodeError:
        return False
    return all(_may_follow(rest[:end], rest[end]) for end in range(len(rest)))


def _may_follow(partial: bytes, byte: int) -> bool:
    if not partial:
        return 0xC2 <= byte < 0xF5
    first, last = continuation_range(partial)
    return first <= byte <= last
