"""Where real tokenizers and models lie that tests use: outside the repository, whatever their licences say.

``packages/`` holds what registries sent, as they sent it, ``models/`` and ``tokenizers/`` a folder for each.
"""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "EVOSWARM_REAL"


def cache() -> Path:
    """The folder that ``$EVOSWARM_REAL`` names, or ``~/.cache/evoswarm-real``; it need not exist."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser().resolve() if given else Path.home() / ".cache" / "evoswarm-real"


def packages() -> Path:
    """Where packages are kept as they came."""
    return cache() / "packages"


def model_path(name: str) -> Path:
    """The checkpoint folder of a real model; it need not exist."""
    return cache() / "models" / name


def tokenizer_path(name: str) -> Path:
    """The folder of a real tokenizer; it need not exist."""
    return cache() / "tokenizers" / name
