"""One form for everything that is digested: rounded numbers, sorted JSON, SHA-256."""

from __future__ import annotations

import hashlib
import json
import math


def round_significant(value: float, digits: int = 6) -> float:
    """Round to significant digits, so that what is written is exactly what is decoded."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value


def digest_of(content: object) -> str:
    """SHA-256 (hex) of JSON data, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
