"""A model whose weights are the mean of others' (Wortsman et al. 2022, "Model soups", arXiv:2203.05482), as files.

The files of weights are those of the first model with other numbers in them: the same headers, the same shards. So
nothing is held but a stretch of each tensor, whatever the models' size; embeddings that are tied are stored, and
averaged, once. Sums are taken in float64 in the order of the models: every machine writes the same bytes.
"""

from __future__ import annotations

import mmap
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from evoswarm.canonical import digest_of
from evoswarm.checkpoint import Description
from evoswarm.checkpoint.likeness import FLOATING
from evoswarm.checkpoint.weights import INDEXES, read_header, weight_files
from evoswarm.decoding.decoder import FactStore
from evoswarm.decoding.forward.weight_files import weight_bytes
from evoswarm.decoding.member.files import DESCRIPTIONS, Content
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec

STRETCH = 1 << 22
"""Numbers of a tensor that are averaged at once: 32 MiB as float64."""

DISK_LEFT = 1 << 30
"""Bytes that stay free on the disk."""

_DTYPES = dict(zip(FLOATING, (torch.float64, torch.float32, torch.float16, torch.bfloat16), strict=True))


@dataclass(frozen=True)
class _Place:
    """Where a tensor is.

    Attributes:
        file: mapped.
        start: of its first byte.
        end: behind its last one.
        dtype: as safetensors call it.
    """

    file: mmap.mmap
    start: int
    end: int
    dtype: str

    def numbers(self, begin: int, end: int) -> torch.Tensor:
        """Some of its numbers ``[end - begin]``, float64."""
        dtype = _DTYPES[self.dtype]
        offset = self.start + begin * dtype.itemsize
        return torch.frombuffer(self.file, dtype=dtype, count=end - begin, offset=offset).to(torch.float64, copy=True)


class Soup(Content):
    """The files of a model that is the mean of others; its weights are written when somebody wants them.

    Attributes:
        directory: that holds it; descriptions are there from the beginning.
        sources: directories of the models, the first of which gives everything but the numbers.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        directory: Path,
        known_as: Sequence[str],
        store: FactStore,
        on_write: Callable[[], None] = lambda: None,
    ) -> None:
        """Make the directory.

        Args:
            sources: at least two, of one shape (``checkpoint.likeness``).
            directory: is made; whoever asked for it removes it.
            known_as: fingerprints of the models.
            store: where it is kept what the files will hold, so that they need not be written to know.
            on_write: told when the weights are about to be written.
        """
        super().__init__(directory)
        self._on_write = on_write
        self.sources = tuple(sources)
        self._store, self._key = store, digest_of(["mean of weights 1", list(known_as)])
        self._describe()

    def _describe(self) -> None:
        """Make the directory with all but the weights."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in (*DESCRIPTIONS, *INDEXES):
            if (self.sources[0] / name).is_file():
                shutil.copyfile(self.sources[0] / name, self.directory / name)

    @cached_property
    def lines(self) -> str:
        """See ``Content``; where the store knows nothing of it, the weights are written and read."""
        known = self._store.facts([self._key])
        if self._key in known:
            return known[self._key]
        self.write()
        return self._store.keep({self._key: super().lines})[self._key]

    def weight_bytes(self, dtype: str) -> int:
        """See ``Content``: as many as those of the first model."""
        return weight_bytes(self.sources[0], dtype)

    def write(self) -> None:
        """Write the weights, where they are not there yet; what somebody threw away is made again.

        Raises:
            MemberError: there is no room for them on the disk, or they cannot be written.
        """
        files = weight_files(Description(self.sources[0]))
        if all((self.directory / file.name).is_file() for file in files):
            return
        self._on_write()
        self._describe()
        needed, free = self.weight_bytes("auto"), shutil.disk_usage(self.directory).free
        if free < needed + DISK_LEFT:
            raise MemberError(
                f"expected {needed + DISK_LEFT:,} bytes of free disk in {str(self.directory.parent)!r} for merged"
                f" weights, got {free:,}"
            )
        try:
            with ExitStack() as stack:
                others = [_places(source, stack) for source in self.sources]
                for file in files:
                    _write_mean(file, self.directory / file.name, others)
        except OSError as error:
            raise MemberError(f"merged weights cannot be written to {str(self.directory)!r}: {error}") from None


def soup_spec(first: MemberSpec, name: str, soup: Soup) -> MemberSpec:
    """The merged model as a member that is told what the first of the models is."""
    return first.model_copy(update={"name": name, "path": str(soup.directory), "revision": None, "fingerprint": None})


def _places(source: Path, stack: ExitStack) -> dict[str, _Place]:
    """Where the tensors of a model are, by name."""
    found = {}
    for file in weight_files(Description(source)):
        mapped = stack.enter_context(_mapped(file))
        begin = _header_bytes(mapped)
        for name, entry in (read_header(file) or {}).items():
            start, end = entry["data_offsets"]
            found[name] = _Place(mapped, begin + start, begin + end, entry["dtype"])
    return found


@contextmanager
def _mapped(file: Path) -> Iterator[mmap.mmap]:
    """A file as memory that is private to this process: torch wants what it could write to."""
    with file.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
    try:
        yield mapped
    finally:
        mapped.close()


def _header_bytes(file: Any) -> int:
    """Of a file of safetensors, its length in front included."""
    return 8 + int.from_bytes(file[:8], "little")


def _write_mean(file: Path, target: Path, models: Sequence[dict[str, _Place]]) -> None:
    """One file of weights, whole or not at all."""
    own = read_header(file) or {}
    part = target.with_name(f"{target.name}.part")
    with part.open("wb") as stream, file.open("rb") as pattern:
        pattern.seek(0)
        length = int.from_bytes(pattern.read(8), "little")
        pattern.seek(0)
        stream.write(pattern.read(8 + length))
        for name in sorted(own, key=lambda name: own[name]["data_offsets"]):
            for piece in _mean([model[name] for model in models]):
                stream.write(piece)
    os.replace(part, target)


def _mean(places: Sequence[_Place]) -> Iterator[bytes]:
    """The bytes of a mean tensor, stretch by stretch, in the first one's numbers; of tables, the first one's."""
    first = places[0]
    if first.dtype not in _DTYPES or any(place.dtype not in _DTYPES for place in places):
        yield first.file[first.start : first.end]
        return
    dtype = _DTYPES[first.dtype]
    count = (first.end - first.start) // dtype.itemsize
    for begin in range(0, count, STRETCH):
        end = min(begin + STRETCH, count)
        total = places[0].numbers(begin, end)
        for place in places[1:]:
            total += place.numbers(begin, end)
        total /= len(places)
        yield total.to(dtype).view(torch.uint8).numpy().tobytes()
