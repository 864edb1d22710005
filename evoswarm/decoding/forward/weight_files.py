"""The files that hold a model's weights, and what they come to before anything is loaded."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path

import torch

WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
OLD_WEIGHTS = ("pytorch_model*.bin", "pytorch_model*.bin.index.json")


def weight_bytes(directory: Path, dtype: str = "auto") -> int:
    """Bytes that a model's weights take once loaded, by its files alone.

    What is missing or broken counts as far as it goes: ``load_member`` says what is wrong with it.

    Args:
        directory: that holds them.
        dtype: they are converted to; ``auto`` leaves them as they are stored.
    """
    item = None if dtype == "auto" else torch.empty(0, dtype=getattr(torch, dtype)).element_size()
    return sum(_stored_bytes(file, item) for file in _weight_files(directory) if file.is_file())


def _weight_files(directory: Path) -> list[Path]:
    """The files that are loaded: some repositories hold the same weights twice."""
    with suppress(OSError, ValueError, KeyError):
        index = json.loads((directory / "model.safetensors.index.json").read_text(encoding="utf-8"))
        return [directory / name for name in sorted(set(index["weight_map"].values()))]
    single = directory / "model.safetensors"
    kinds = [[single]] if single.is_file() else []
    kinds += [sorted(directory.glob(pattern)) for pattern in (WEIGHTS[0], OLD_WEIGHTS[0])]
    return next((files for files in kinds if files), [])


def _stored_bytes(file: Path, item: int | None) -> int:
    """Bytes of the tensors in a file of weights, ``item`` (unless None) for every element of the floating ones."""
    size = file.stat().st_size
    if file.suffix != ".safetensors":
        return size
    total = 0
    try:
        with file.open("rb") as stream:  # a header of JSON, its length in front
            header = json.loads(stream.read(min(size, int.from_bytes(stream.read(8), "little"))))
        for name, tensor in header.items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                floating = item is not None and tensor["dtype"].startswith(("F", "BF"))
                total += math.prod(tensor["shape"]) * (item or 0) if floating else end - begin
    except (ValueError, KeyError, TypeError, AttributeError):
        return size
    return total
