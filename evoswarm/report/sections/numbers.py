"""Numbers as a page holds them: with as many digits as anybody looks at."""

from __future__ import annotations

import math
from typing import Any


def short(value: Any, digits: int = 6) -> Any:
    """A number with so many significant digits, an infinite one as ``max`` or ``min``; anything else as it is."""
    if not isinstance(value, float):
        return value
    if math.isinf(value):
        return "max" if value > 0 else "min"
    return float(f"{value:.{digits}g}")
