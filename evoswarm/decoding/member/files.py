"""Where a member's files are: a directory, the zoo, the hub; and their fingerprint."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from evoswarm.chat import DEFAULT_DATE, find_template, is_dated
from evoswarm.checkpoint import OLD_WEIGHTS, WEIGHTS, Adapter, Description, Generation, Unfit, adapter_of, generation_of
from evoswarm.checkpoint.vocabulary import has_tokenizer
from evoswarm.decoding.forward.weight_files import weight_bytes
from evoswarm.errors import MemberError
from evoswarm.member_spec import MEAN, MemberSpec
from evoswarm.zoo.catalogue import member_path

DESCRIPTIONS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
    "spiece.model",
    "adapter_config.json",
    "adapter_model.bin",
)
TERMS = ("README.md", "LICEN*", "Licen*", "licen*", "NOTICE*", "Notice*", "COPYING*", "*TERMS*", "USE_POLICY*")
"""Names of files on the hub that are fetched though nothing reads them when a member answers: a model's card and terms
of use go wherever its files are passed on to."""

HUB_SECONDS = 20.0


def locate(spec: MemberSpec) -> Path:
    """The directory that holds a member's files; a hub id is downloaded (safetensors preferred).

    Raises:
        MemberError: no such directory, no such hub id, or no access to it.
    """
    if spec.path.startswith("zoo:"):
        try:
            return member_path(spec.path.removeprefix("zoo:"))
        except ValueError as error:
            raise MemberError(f"member {spec.name!r}: {error}") from None
    if os.path.isdir(spec.path):
        return Path(spec.path)
    if spec.path.startswith(MEAN):
        raise MemberError(
            f"member {spec.name!r}: expected a directory with a model or a hub id, got {spec.path!r}, the merged"
            " weights of these members: evoswarm.merge writes them, then name the directory"
        )
    if spec.path.startswith((".", "/", "~")) or spec.path.count("/") > 1:
        raise MemberError(f"member {spec.name!r}: expected a directory with a model or a hub id, got {spec.path!r}")
    return _download(spec)


def locate_base(spec: MemberSpec, adapter: Adapter) -> Path:
    """The directory of the model that an adapter belongs to: here, or on the hub.

    Raises:
        MemberError: it is neither.
    """
    kept = adapter.local_base or adapter.kept_hub_base
    if kept is not None:
        return kept
    try:
        return locate(spec.model_copy(update={"path": adapter.base, "revision": adapter.revision}))
    except MemberError as error:
        raise MemberError(f"{error} (the base of the adapter {spec.path})") from None


def _download(spec: MemberSpec) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    where = f"member {spec.name!r}: hub id {spec.path!r}"
    offline = False
    try:
        try:
            known = HfApi().model_info(spec.path, revision=spec.revision, timeout=HUB_SECONDS).siblings or ()
            files = [sibling.rfilename for sibling in known]
            patterns = wanted_of_hub(files, code=spec.trust_remote_code)
        except (GatedRepoError, RepositoryNotFoundError, HFValidationError):
            raise
        except Exception:  # the network library's own errors: it changes with the hub's client
            patterns, offline = wanted_of_hub([], code=spec.trust_remote_code), True  # what the cache holds must do
        return Path(
            snapshot_download(spec.path, revision=spec.revision, allow_patterns=patterns, local_files_only=offline)
        )
    except HFValidationError as error:
        raise MemberError(f"{where}: expected owner/name, got: {str(error)[:120]}") from None
    except GatedRepoError:
        raise MemberError(
            f"{where} is gated: accept its terms on its page, then set HF_TOKEN or run 'hf auth login'"
        ) from None
    except RepositoryNotFoundError:
        raise MemberError(
            f"{where} was not found: expected owner/name of a public model, or set HF_TOKEN for a private one"
        ) from None
    except Exception as error:  # whatever the network or the disk says
        why = "the hub cannot be reached" if offline else f"it cannot be downloaded ({str(error).strip():.100})"
        raise MemberError(
            f"{where} is neither a directory here nor in the cache, and {why};"
            " give a local path, or set HF_ENDPOINT / HF_HOME"
        ) from None


def wanted_of_hub(files: Sequence[str], *, code: bool) -> list[str]:
    """The patterns by which a member's files are fetched from the hub: safetensors alone where it has some.

    Args:
        files: names of those that it has; none where nobody knows.
        code: whether the model brings its own, which is trusted.
    """
    weights: tuple[str, ...] = WEIGHTS if any(name.endswith(".safetensors") for name in files) else OLD_WEIGHTS
    if not files:
        weights = (*WEIGHTS, *OLD_WEIGHTS)
    return [*weights, *DESCRIPTIONS, *TERMS, *(("*.py",) if code else ())]


class Content:
    """What the files of a directory hold, as a digest: large ones are read once, however a member is told to be asked.

    Attributes:
        directory: that holds them.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @cached_property
    def lines(self) -> str:
        """Names and digests of its files, and of those of an adapter's base."""
        base = local_base(self.directory)
        return "".join(_file_digests(place) for place in (self.directory, base) if place is not None)

    def weight_bytes(self, dtype: str) -> int:
        """Bytes that its weights take once loaded; see ``forward.weight_files``."""
        return weight_bytes(self.directory, dtype)

    def fingerprint(self, spec: MemberSpec) -> str:
        """See ``fingerprint``."""
        digest = hashlib.sha256(self.lines.encode())
        digest.update(f"chat_template:{spec.chat_template}".encode())
        if spec.told:  # nothing is added where nothing is said, so that known fingerprints stay
            digest.update(json.dumps(spec.told, sort_keys=True).encode())
        return digest.hexdigest()

    def identified(self, spec: MemberSpec) -> MemberSpec:
        """See ``identified``."""
        return identified(spec, self.directory, self.fingerprint(dated(spec, self.directory)))


class Double(Content):
    """A directory's files as if they were others: who stands in for a model has what it reads by itself."""

    @cached_property
    def lines(self) -> str:
        """See ``Content``."""
        return f"double of {super().lines}"


def identified(spec: MemberSpec, directory: Path, digest: str | None = None) -> MemberSpec:
    """The spec with all that its files decide filled in: the date that its template takes for today, its fingerprint.

    Args:
        spec: of the member.
        directory: that holds its files.
        digest: its fingerprint; None reads the files for it.

    Raises:
        MemberError: its template cannot be read.
    """
    told = dated(spec, directory)
    return told.model_copy(update={"fingerprint": digest or fingerprint(directory, told)})


def dated(spec: MemberSpec, directory: Path) -> MemberSpec:
    """The spec with a date where its chat template writes one: frozen, so that a recipe answers alike on all days.

    Raises:
        MemberError: its template cannot be read.
    """
    if not spec.chat_template:
        return spec
    base = None if has_tokenizer(directory) else local_base(directory)
    try:
        writes = is_dated(find_template(base or directory) or "")
    except MemberError as error:
        raise MemberError(f"member {spec.name!r}: {error}") from None
    return spec.model_copy(update={"template_date": (spec.template_date or DEFAULT_DATE) if writes else None})


def fingerprint(directory: Path, spec: MemberSpec) -> str:
    """SHA-256 over weights, tokenizer, configuration and all that decides its prompts and ends; never over names.

    So two members of one fingerprint make the same prompt of the same question, and an evaluation need not know the
    rendered prompt: its item digest holds the question, its context the fingerprints.

    The files of an adapter's base count too, where it is here; what is on the hub is known by the adapter's config.
    """
    return Content(directory).fingerprint(spec)


def generation(spec: MemberSpec, directory: Path) -> Generation:
    """How its owner's answers are decoded, by its files.

    Raises:
        MemberError: they ask for what ``generate`` of transformers would refuse; names the file.
    """
    try:
        return generation_of(directory)
    except Unfit as error:
        raise MemberError(f"member {spec.name!r}: {error}") from None


def local_base(directory: Path) -> Path | None:
    """The directory that an adapter goes with, where it is here; None for a whole model."""
    with suppress(Unfit):
        adapter = adapter_of(Description(directory))
        return None if adapter is None else adapter.local_base
    return None


def decisive_files(directory: Path) -> list[Path]:
    """The files of a directory that its fingerprint covers: weights, tokenizer, configuration.

    Pickled weights are only there where no others are. Regular files only: whoever opens a FIFO waits.
    """
    weights = sorted({path for pattern in WEIGHTS for path in directory.glob(pattern)})
    weights = weights or sorted({path for pattern in OLD_WEIGHTS for path in directory.glob(pattern)})
    return [path for path in [*weights, *(directory / name for name in DESCRIPTIONS)] if path.is_file()]


def _file_digests(directory: Path) -> str:
    found = []
    for path in decisive_files(directory):
        with path.open("rb") as file:
            found.append(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()};")
    return "".join(found)
