"""The files that hold a model's weights, and what they say they hold: only their headers are read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evoswarm.checkpoint.description import Description, Unfit, refuse_pointer, show
from evoswarm.user_files import LFS_POINTER

WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
OLD_WEIGHTS = ("pytorch_model*.bin", "pytorch_model*.bin.index.json")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLES = ("model.safetensors", "pytorch_model.bin")
ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
EMBEDDINGS = (  # what families call the table that ids are looked up in
    "embed_tokens.weight",
    "wte.weight",
    "embed_in.weight",
    "word_embeddings.weight",
    "tok_embeddings.weight",
    "backbone.embeddings.weight",
)
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


@dataclass(frozen=True)
class StoredWeights:
    """What the files of weights hold, by their headers.

    Attributes:
        files: that are loaded, in order.
        tensors: how many there are; None where a file does not say (pickled ones).
        elements: numbers in them; an upper bound where a file does not say.
        known_tokens: rows of the embedding of tokens; None where no file shows one, or several differ.
    """

    files: tuple[Path, ...]
    tensors: int | None
    elements: int
    known_tokens: int | None = None


def weight_files(description: Description) -> list[Path]:
    """The files that are loaded, by the names that the format gives them; none where there are no such.

    Some repositories hold the same weights twice, or an adapter's beside them.

    Raises:
        Unfit: an index is broken, names a file outside the directory, or one that is not there.
    """
    for single, index in zip(SINGLES, INDEXES, strict=True):
        if description.has(single):
            return [description.directory / single]
        if description.has(index):
            return _indexed(description, index)
    return []


def _indexed(description: Description, index: str) -> list[Path]:
    places = description.entry(index, "weight_map", dict, "an object (tensor: file)", default={})
    names = set()
    for tensor, name in places.items():
        if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
            raise description.odd(index, f"weight_map.{tensor:.80}", "a file of this directory", name)
        names.add(name)
    if not names:
        raise description.odd(index, "weight_map", "files with weights", places)
    for name in sorted(names):
        if not description.has(name):
            raise Unfit(f"expected {name} in {str(description.directory)!r} ({index} names it), got none")
    return [description.directory / name for name in sorted(names)]


def stored_weights(description: Description) -> StoredWeights:
    """What the files of weights hold.

    Raises:
        Unfit: they cannot be found or read.
    """
    files = weight_files(description)
    tensors: int | None = 0
    elements = 0
    rows: set[int] = set()
    for file in files:
        header = read_header(file)
        if header is None:  # pickled: a number takes a byte or more
            tensors, elements = None, elements + file.stat().st_size
        else:
            tensors = None if tensors is None else tensors + len(header)
            elements += sum(_elements(file, name, entry) for name, entry in header.items())
            rows.update(_embedding_rows(header))
    return StoredWeights(tuple(files), tensors, elements, rows.pop() if len(rows) == 1 else None)


def _embedding_rows(header: dict[str, dict[str, Any]]) -> Iterator[int]:
    """How many tokens each embedding in a file has a row for."""
    for name, entry in header.items():
        if len(entry["shape"]) == 2 and any(name == end or name.endswith(f".{end}") for end in EMBEDDINGS):
            yield entry["shape"][0]


def _elements(file: Path, name: str, entry: dict[str, Any]) -> int:
    shape = entry.get("shape")
    if not isinstance(shape, list) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise Unfit(f"expected a shape of whole numbers for {name:.80} in {str(file)!r}, got {show(shape)}")
    return math.prod(shape)


def read_header(file: Path) -> dict[str, dict[str, Any]] | None:
    """What a file of safetensors says of its tensors, by name: ``dtype``, ``shape``, ``data_offsets``.

    Returns:
        None for other formats.

    Raises:
        Unfit: it is cut off, or no such file.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:  # a header of JSON, its length in front
            beginning = stream.read(len(LFS_POINTER))
            refuse_pointer(beginning, repr(str(file)))
            if file.suffix != ".safetensors":
                return None
            length = int.from_bytes(beginning[:8], "little")
            stream.seek(8)
            if not 2 <= length <= min(size - 8, LONGEST_HEADER):
                raise Unfit(f"expected weights (safetensors) in {str(file)!r}, got a file that is cut off or no such")
            header = json.loads(stream.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        ends = [int(entry["data_offsets"][1]) for entry in tensors.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit(f"expected weights (safetensors) in {str(file)!r}, got a header that cannot be read") from None
    if ends and max(ends) > size - 8 - length:
        raise Unfit(
            f"expected {max(ends) + 8 + length:,} bytes in {str(file)!r} (its header says so), got {size:,}:"
            " it is cut off"
        )
    return tensors
