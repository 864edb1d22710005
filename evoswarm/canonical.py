"""One form for everything that is digested or compared: rounded numbers, sorted JSON, SHA-256."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any


def round_significant(value: float, digits: int = 6) -> float:
    """Round to significant digits, so that what is written is exactly what is decoded."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value


def canonical_json(content: object, default: Callable[[Any], Any] | None = None) -> str:
    """The one JSON text of some data, whatever the order of its keys.

    Args:
        content: JSON data.
        default: what to write in place of something that JSON does not know; None refuses it.
    """
    return json.dumps(content, sort_keys=True, ensure_ascii=False, default=default)


def sha256(content: str | bytes) -> str:
    """SHA-256 (hex) of bytes, or of a text as UTF-8."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def digest_of(content: object) -> str:
    """SHA-256 (hex) of JSON data, whatever the order of its keys."""
    return sha256(canonical_json(content))
