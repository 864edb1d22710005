"""The JSON files that describe a model, read with limits: they come from strangers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evoswarm.user_files import LFS_POINTER

LIMITS = {"tokenizer.json": 1 << 29}  # bytes; the largest known are below 1 << 26
USUAL_LIMIT = 1 << 26  # an index of very many tensors; descriptions have a few KB
MOST_LAYERS = 10_000  # lists as long as a config says are made before a weight is looked at; no model has a tenth
LAYERS = ("num_hidden_layers", "num_layers", "n_layers", "n_layer")  # what families call them


class Unfit(ValueError):
    """Why a directory cannot be loaded as a member, as one sentence."""


@dataclass(frozen=True)
class Description:
    """What the files of a model say about it.

    Attributes:
        directory: that holds them.
    """

    directory: Path
    _read: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def has(self, name: str) -> bool:
        """Whether there is a regular file by this name; FIFOs and devices are not read."""
        return (self.directory / name).is_file()

    def check_files(self) -> None:
        """Refuse what is neither file nor directory: whoever opens a FIFO waits for ever.

        Raises:
            Unfit: there is such a thing, or the directory cannot be read.
        """
        try:
            odd = sorted(path.name for path in self.directory.iterdir() if path.exists() and not _is_ordinary(path))
        except OSError as error:
            raise Unfit(f"expected a readable directory {str(self.directory)!r}, got: {error.strerror}") from None
        if odd:
            raise Unfit(
                f"expected files in {str(self.directory)!r}, got {odd[0]}, which is a FIFO, a socket or a device"
            )

    def path(self, name: str) -> str:
        """How a file is called in messages."""
        return repr(str(self.directory / name))

    def json(self, name: str) -> dict[str, Any]:
        """The object in a file; empty where there is no such file.

        Raises:
            Unfit: it is too large, cannot be read, or is no JSON object.
        """
        if name not in self._read:
            self._read[name] = self._load(name) if self.has(name) else {}
        return self._read[name]

    def _load(self, name: str) -> dict[str, Any]:
        limit = LIMITS.get(name, USUAL_LIMIT)
        try:
            with (self.directory / name).open("rb") as file:
                raw = file.read(
                    min(limit, os.fstat(file.fileno()).st_size) + 1
                )  # a buffer of that size is made at once
            if len(raw) > limit:
                raise Unfit(f"expected at most {limit:,} bytes in {self.path(name)}, got more")
            refuse_pointer(raw, self.path(name))
            content = json.loads(raw)
        except Unfit:
            raise
        except (OSError, ValueError, RecursionError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())[:120]
            raise Unfit(f"expected JSON in {self.path(name)}, got: {reason}") from None
        if not isinstance(content, dict):
            raise Unfit(f"expected an object in {self.path(name)}, got {show(content)}")
        return content

    def entry(self, name: str, key: str, kind: type | tuple[type, ...], expected: str, default: Any = None) -> Any:
        """A field of a file; ``default`` where it is not there or null.

        Raises:
            Unfit: it is of another type.
        """
        value = self.json(name).get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.odd(name, key, expected, value)
        return value

    def odd(self, name: str, key: str, expected: str, got: Any) -> Unfit:
        """What to raise where a field holds something unexpected."""
        return Unfit(f"expected {expected} as {key} in {self.path(name)}, got {show(got)}")

    def text_config(self) -> dict[str, Any]:
        """The part of config.json that describes the language model: models that also see or hear nest it."""
        inner = self.entry("config.json", "text_config", dict, "an object")
        return self.json("config.json") if inner is None else inner

    def columns(self) -> int | None:
        """How many tokens the model knows; None where its config does not say."""
        value = self.text_config().get("vocab_size")
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.odd("config.json", "vocab_size", "a whole number of at least 1", value)
        return value

    def check_layers(self, tensors: int | None = None) -> None:
        """Refuse numbers of layers that the model cannot have: building one takes time and memory with each.

        Args:
            tensors: how many its files hold, where that is known: a layer has one at least.

        Raises:
            Unfit: there are more layers than tensors, or than ``MOST_LAYERS``.
        """
        for key, value in _counts_of_layers(self.json("config.json")):
            if value > MOST_LAYERS:
                raise self.odd("config.json", key, f"at most {MOST_LAYERS:,} layers", value)
        for key, value in self.text_config().items():
            if tensors is not None and key in LAYERS and isinstance(value, int) and value > tensors:
                raise self.odd(
                    "config.json", key, f"at most {tensors:,} layers (its weights have as many tensors)", value
                )


def refuse_pointer(beginning: bytes, path: str) -> None:
    """Refuse what a clone without git-lfs holds in place of a large file.

    Args:
        beginning: of the file.
        path: as messages show it.

    Raises:
        Unfit: says what fetches the file.
    """
    if beginning.startswith(LFS_POINTER.encode()):
        raise Unfit(
            f"expected the file {path} itself, got a pointer of git-lfs (the folder was cloned without it): run"
            " `git lfs pull` in the folder, or download the model anew"
        )


def _is_ordinary(path: Path) -> bool:
    return path.is_file() or path.is_dir()


def _counts_of_layers(settings: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    """Every number that a config gives for layers of some kind, with its path.

    Lists in lists hold counts, too: GPT-Neo says how often a pattern of layers is repeated.
    """
    for key, value in settings.items():
        if isinstance(value, dict) and depth < 4:
            yield from _counts_of_layers(value, f"{prefix}{key}.", depth + 1)
        elif isinstance(value, int | float) and (key == "depth" or "layer" in key.rpartition("_")[2]):
            yield f"{prefix}{key}", value
        elif isinstance(value, list):
            inner = [one for entry in value if isinstance(entry, list) for one in entry]
            yield from ((f"{prefix}{key}", one) for one in inner if isinstance(one, int | float))


def show(value: Any) -> str:
    """A value as it is shown in a message: short, and on one line."""
    return f"{' '.join(repr(value)[:200].split()):.60}"
