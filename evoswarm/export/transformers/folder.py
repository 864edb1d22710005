"""The folder of an exported policy: found, loaded, and copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evoswarm.answering.engine import Engine
from evoswarm.errors import MemberError
from evoswarm.policies import PolicyDocument, load_document

HUB_KEYS = ("cache_dir", "force_download", "local_files_only", "revision", "token")


def folder_of(place: str | os.PathLike[str], hub: Mapping[str, Any]) -> Path:
    """A folder that is here, or the copy of one of the hub.

    Args:
        place: a path, or the id of a repository.
        hub: what says how it is fetched.
    """
    if os.path.isdir(place):
        return Path(place)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(str(place), **{key: value for key, value in hub.items() if value is not None}))


def load_engine(
    folder: Path,
    policy: str,
    *,
    dtype: object = None,
    device_map: object = None,
    trust_remote_code: bool = False,
    allow_changed: bool = False,
) -> Engine:
    """Load the policy of a folder.

    Args:
        folder: that it is in.
        policy: its file there.
        dtype: of all members; ``auto`` and None are what the policy says of each.
        device_map: one device for all members; likewise.
        trust_remote_code: members may bring code of their own.
        allow_changed: members may be others than the policy knew.

    Raises:
        MemberError: a member cannot be loaded, or not so.
        RecipeError: the folder holds no policy.
    """
    document = load_document(folder / policy)
    said = {"dtype": _dtype(dtype), "device": _device(device_map)}
    update = {key: value for key, value in said.items() if value is not None}
    if update:
        specs = {spec.name: spec.model_copy(update=update) for spec in document.policy.specs}
        document = PolicyDocument(document.policy.bound(specs), document.about)
    return Engine.load(
        document, trust_remote_code=trust_remote_code, allow_changed=allow_changed, file=str(folder / policy)
    )


def copy_folder(folder: Path, out: Path) -> None:
    """Copy all that a folder holds; nothing where that is the same folder."""
    if folder.resolve() != out.resolve():
        shutil.copytree(folder, out, dirs_exist_ok=True)


def _dtype(dtype: object) -> str | None:
    name = str(dtype).removeprefix("torch.")
    if dtype is None or name == "auto":
        return None  # as the policy says: what its answers were scored in
    if name not in ("float32", "bfloat16", "float16"):
        raise MemberError(f"dtype: expected auto, float32, bfloat16 or float16, got {name!r:.60}")
    return name


def _device(device_map: object) -> str | None:
    if isinstance(device_map, dict) and list(device_map) == [""]:
        device_map = device_map[""]
    if device_map is None or device_map == "auto":
        return None
    name = f"cuda:{device_map}" if isinstance(device_map, int) else str(device_map)
    known = ("cpu", "mps", "cuda")
    if isinstance(device_map, dict) or name.partition(":")[0] not in known:
        raise MemberError(
            f"device_map: expected auto or one device for all members (the policy can say more), got {name!r:.60}"
        )
    return name
