"""Where a member's files are: a directory, the zoo, the hub; and their fingerprint."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from evoswarm.checkpoint import OLD_WEIGHTS, WEIGHTS, Adapter, Description, Unfit, adapter_of
from evoswarm.errors import MemberError
from evoswarm.recipe import MemberSpec
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
    if Path(spec.path).is_dir():
        return Path(spec.path)
    if spec.path.startswith((".", "/", "~")) or spec.path.count("/") > 1:
        raise MemberError(f"member {spec.name!r}: expected a directory with a model or a hub id, got {spec.path!r}")
    return _download(spec)


def locate_base(spec: MemberSpec, adapter: Adapter) -> Path:
    """The directory of the model that an adapter belongs to: here, or on the hub.

    Raises:
        MemberError: it is neither.
    """
    if adapter.local_base is not None:
        return adapter.local_base
    try:
        return locate(spec.model_copy(update={"path": adapter.base, "revision": adapter.revision}))
    except MemberError as error:
        raise MemberError(f"{error} (the base of the adapter {spec.path})") from None


def _download(spec: MemberSpec) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError

    where = f"member {spec.name!r}: hub id {spec.path!r}"
    code = ("*.py",) if spec.trust_remote_code else ()
    offline = False
    try:
        try:
            known = HfApi().model_info(spec.path, revision=spec.revision, timeout=HUB_SECONDS).siblings or ()
            files = [sibling.rfilename for sibling in known]
            weights: tuple[str, ...] = WEIGHTS if any(name.endswith(".safetensors") for name in files) else OLD_WEIGHTS
        except (GatedRepoError, RepositoryNotFoundError, HFValidationError):
            raise
        except Exception:  # the network library's own errors: it changes with the hub's client
            weights, offline = (*WEIGHTS, *OLD_WEIGHTS), True  # what the cache holds must do
        patterns = [*weights, *DESCRIPTIONS, *code]
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


def fingerprint(directory: Path, chat_template: bool) -> str:
    """SHA-256 over weights, tokenizer, configuration and whether prompts go through the template; never over names.

    The files of an adapter's base count too, where it is here; what is on the hub is known by the adapter's config.
    """
    digest = hashlib.sha256()
    _add_files(directory, digest)
    with suppress(Unfit):
        adapter = adapter_of(Description(directory))
        if adapter is not None and adapter.local_base is not None:
            _add_files(adapter.local_base, digest)
    digest.update(f"chat_template:{chat_template}".encode())
    return digest.hexdigest()


def _add_files(directory: Path, digest: hashlib._Hash) -> None:
    """Regular files only: whoever opens a FIFO waits."""
    weights = sorted({path for pattern in WEIGHTS for path in directory.glob(pattern)})
    weights = weights or sorted({path for pattern in OLD_WEIGHTS for path in directory.glob(pattern)})
    for path in [*weights, *(directory / name for name in DESCRIPTIONS)]:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()};".encode())
