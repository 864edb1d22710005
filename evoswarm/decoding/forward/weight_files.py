"""What a model's weights come to before anything is loaded."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import torch

from evoswarm.checkpoint import Description, Unfit, adapter_of
from evoswarm.checkpoint.weights import read_header, weight_files


def weight_bytes(directory: Path, dtype: str = "auto") -> int:
    """Bytes that a model's weights take once loaded, by its files alone.

    What is missing or broken counts as far as it goes: ``load_member`` says what is wrong with it. An adapter takes
    what its base takes, where that is here.

    Args:
        directory: that holds them.
        dtype: they are converted to; ``auto`` leaves them as they are stored.
    """
    item = None if dtype == "auto" else torch.empty(0, dtype=getattr(torch, dtype)).element_size()
    description, files = Description(directory), list[Path]()
    with suppress(Unfit):
        adapter = adapter_of(description)
        base = directory if adapter is None else adapter.local_base or adapter.kept_hub_base
        files = [] if base is None else weight_files(Description(base))
    return sum(_stored_bytes(file, item) for file in files if file.is_file())


def _stored_bytes(file: Path, item: int | None) -> int:
    """Bytes of the tensors in a file of weights, ``item`` (unless None) for every element of the floating ones."""
    size = file.stat().st_size
    try:
        header = read_header(file)
        if header is None:
            return size
        total = 0
        for tensor in header.values():
            begin, end = tensor["data_offsets"]
            floating = item is not None and tensor["dtype"].startswith(("F", "BF"))
            total += math.prod(tensor["shape"]) * (item or 0) if floating else end - begin
    except (Unfit, ValueError, KeyError, TypeError, AttributeError):
        return size
    return total
