"""Adapters: a few weights beside those of another model, which their config names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from evoswarm.checkpoint.description import Description, Unfit
from evoswarm.checkpoint.weights import ADAPTERS, weight_files

CONFIG = "adapter_config.json"
KEPT_BASE, KEPT_HUB_BASE = "base", "hub-base"
"""Folders within an adapter's, by which it can be carried about together with its base: one that was a directory, and
one of the hub. Only the files of the first are part of a fingerprint, there as elsewhere."""


@dataclass(frozen=True)
class Adapter:
    """An adapter's directory.

    Attributes:
        directory: that holds it.
        base: the model it was trained on, as its config names it: a directory or a hub id.
        revision: of the base on the hub.
        kind: such as ``LORA``.
    """

    directory: Path
    base: str
    revision: str | None
    kind: str

    @property
    def local_base(self) -> Path | None:
        """The base's directory where it is here, as the caller or the adapter would look for it; None on the hub.

        One that is kept within the adapter's own directory comes first.
        """
        here = Path(os.path.expanduser(self.base))
        if os.path.isfile(self.directory / KEPT_BASE / "config.json"):
            return self.directory / KEPT_BASE
        return next((path for path in (here, self.directory / here) if os.path.isdir(path)), None)

    @property
    def kept_hub_base(self) -> Path | None:
        """The copy of a base of the hub that is kept within the adapter's own directory; None where there is none."""
        kept = self.directory / KEPT_HUB_BASE
        return kept if os.path.isfile(kept / "config.json") else None


def adapter_of(description: Description) -> Adapter | None:
    """The adapter that a directory holds instead of a model; None for models, those with an adapter beside them too.

    Raises:
        Unfit: its config is broken or names no base, or there is something in the directory that is no file.
    """
    description.check_files()
    if not description.has(CONFIG) or weight_files(description):
        return None
    if not any(description.has(name) for name in ADAPTERS):
        named = description.entry(CONFIG, "base_model_name_or_path", str, "a directory or a hub id")
        raise Unfit(
            f"expected the adapter's weights ({ADAPTERS[0]}) in {str(description.directory)!r}, got none: it is an"
            f" adapter of {named!r:.120}; copy them there, or merge it first (peft: merge_and_unload, then"
            " save_pretrained) and name the folder that was written"
        )
    base = description.entry(CONFIG, "base_model_name_or_path", str, "a directory or a hub id")
    if not base:
        raise description.odd(CONFIG, "base_model_name_or_path", "the model that the adapter belongs to", base)
    revision = description.entry(CONFIG, "revision", str, "a text")
    kind = description.entry(CONFIG, "peft_type", str, "a text", default="unknown")
    return Adapter(description.directory, base, revision, kind)
