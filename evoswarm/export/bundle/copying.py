"""The files of members within a bundle: those that loading reads, their fingerprints unchanged, and their licences."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evoswarm.checkpoint import Description, Unfit, adapter_of
from evoswarm.checkpoint.adapter import KEPT_BASE, KEPT_HUB_BASE
from evoswarm.checkpoint.vocabulary import TOKENIZER_FILES
from evoswarm.decoding.member.files import decisive_files, locate_base
from evoswarm.errors import MemberError
from evoswarm.export.members import MemberHere
from evoswarm.member_spec import MemberSpec

MEMBERS = "members"
"""The folder of a bundle that holds one folder a member."""

LICENCES = ("*licen[sc]e*", "copying*", "*notice*", "*terms*", "*use_policy*", "*use-policy*")
"""Names of files in which terms of use stand, in whatever case."""

_BLOB = re.compile(r"/models--[^/]+/blobs/[^/]+\Z")
_READ = frozenset({"", ".txt", ".md", ".html", ".pdf", ".rst"})  # how such files end


@dataclass(frozen=True)
class Copied:
    """A member as a bundle holds it.

    Attributes:
        here: the member whose files were copied.
        spec: as the bundle's policy names it: by a path within the bundle.
        files: to copy: where each is, and its name within the bundle.
        licences: names of the files of its terms within the bundle.
    """

    here: MemberHere
    spec: MemberSpec
    files: tuple[tuple[Path, str], ...]
    licences: tuple[str, ...]

    @property
    def size(self) -> int:
        """Of its files, in bytes."""
        return sum(source.stat().st_size for source, _ in self.files)


def to_copy(members: Sequence[MemberHere]) -> list[Copied]:
    """What a bundle holds of its members; two that are told different things share their files.

    Raises:
        MemberError: a member's code or its base cannot be had.
    """
    folders: dict[str, str] = {}
    found = []
    for one in members:
        place = os.path.realpath(one.directory)
        known = folders.get(place)
        folder = known or f"{MEMBERS}/{_free(one.spec.name, folders.values())}"
        folders[place] = folder
        own = list(_files(one, folder))
        moved = {"path": f"./{folder}", "revision": None, "device": "auto"}  # else it might be an id of the hub
        found.append(
            Copied(
                one,
                one.spec.model_copy(update=moved),
                () if known else tuple(own),
                tuple(name for source, name in own if _is_licence(source)),
            )
        )
    return found


def copy(members: Iterable[Copied], out: Path) -> None:
    """Copy the files into a bundle; links become what they lead to.

    Raises:
        OSError: one cannot be read or written.
    """
    for source, name in (pair for one in members for pair in one.files):
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _free(name: str, taken: Iterable[str]) -> str:
    """A name of a folder that none of the others is, on file systems that know no capitals either."""
    known = {Path(one).name.lower() for one in taken}
    names = (name, *(f"{name}-{number}" for number in range(2, len(known) + 2)))
    return next(one for one in names if one.lower() not in known)


def _files(one: MemberHere, folder: str) -> Iterator[tuple[Path, str]]:
    yield from ((path, f"{folder}/{path.name}") for path in _needed(one.directory, one.spec))
    try:
        adapter = adapter_of(Description(one.directory))
    except Unfit as error:
        raise MemberError(f"member {one.spec.name!r}: {error}") from None
    if adapter is not None:
        base, kept = locate_base(one.spec, adapter), KEPT_HUB_BASE if one.base is None else KEPT_BASE
        yield from ((path, f"{folder}/{kept}/{path.name}") for path in _needed(base, one.spec))


def _needed(directory: Path, spec: MemberSpec) -> list[Path]:
    """The files of a directory that loading may read, those that its fingerprint covers first.

    Raises:
        MemberError: it runs code that is not among them, or a link leads to somebody else's.
    """
    found = dict.fromkeys(decisive_files(directory))
    found |= dict.fromkeys(path for name in TOKENIZER_FILES if (path := directory / name).is_file())
    if spec.trust_remote_code:
        _require_own_code(directory, spec)
        found |= dict.fromkeys(path for path in sorted(directory.glob("*.py")) if path.is_file())
    found |= dict.fromkeys(path for path in sorted(directory.iterdir()) if _is_licence(path) and path.is_file())
    for path in found:
        _require_own(path, spec)
    return list(found)


def _require_own(path: Path, spec: MemberSpec) -> None:
    """Refuse a link that leads out of a member's directory, but for weights and for what the cache of the hub holds.

    A directory may be a stranger's, and a bundle is passed on: a link in it could bring any file of its user's along.
    """
    target = Path(os.path.realpath(path))
    inside = target.is_relative_to(os.path.realpath(path.parent)) or _BLOB.search(target.as_posix())
    if not inside and path.suffix not in (".safetensors", ".bin"):
        raise MemberError(
            f"member {spec.name!r}: expected files in {str(path.parent)!r:.200}, got {path.name}, a link to"
            f" {str(target)!r:.200}: a bundle is passed on, so copy it there first if it belongs to the model"
        )


def _is_licence(path: Path) -> bool:
    name = Path(path.name.lower())
    return name.suffix in _READ and any(name.match(pattern) for pattern in LICENCES)


def _require_own_code(directory: Path, spec: MemberSpec) -> None:
    """Refuse a member whose code lies in a repository of the hub beside its own: offline nobody has it."""
    try:
        classes = Description(directory).entry("config.json", "auto_map", dict, "an object", default={})
    except Unfit as error:
        raise MemberError(f"member {spec.name!r}: {error}") from None
    foreign = [str(value) for value in classes.values() if "--" in str(value)]
    if foreign:
        raise MemberError(
            f"member {spec.name!r}: expected its code beside its weights (a bundle works offline), got"
            f" {foreign[0]!r:.120} in another repository of the hub: save the model with its code first"
        )
