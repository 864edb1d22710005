"""A member: one loaded causal LM with its own tokenizer, prompt format and device."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evoswarm.decoding.forward.runner import Runner
from evoswarm.decoding.forward.weight_files import OLD_WEIGHTS, WEIGHTS
from evoswarm.decoding.request import MemberShape
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.cuts import cut_places
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
)
HUB_SECONDS = 20.0
STAND_IN = "\ue000prompt\ue000"  # private-use characters: no template and no tokenizer knows them


class Member:
    """A loaded member.

    Attributes:
        spec: where it came from, its fingerprint filled in.
        codec: its tokens and bytes.
        runner: reads tokens.
        shape: what its cost is computed from.
        context: longest sequence it can read, tokens; None where there is no limit.
        dtype: of the loaded weights.
        device: where they are.
    """

    def __init__(self, spec: MemberSpec, model: Any, tokenizer: Any, fingerprint: str, batch_tokens: int) -> None:
        """Wrap a model and its tokenizer; see ``load_member``."""
        self.spec = spec.model_copy(update={"fingerprint": fingerprint})
        self._tokenizer = tokenizer
        self.runner = Runner(model, spec.name, batch_tokens)
        self._ends = _end_ids(model, tokenizer, self.runner.columns, spec.name)
        added = tokenizer.added_tokens_decoder.values()  # those without a role among them
        self._specials = {*tokenizer.all_special_tokens, *(token.content for token in added if token.special)}
        self.codec = Codec(tokenizer, self._ends, self.runner.columns, spec.name)
        self.shape = _shape(model)
        self.context = _context(model)
        self.dtype = str(model.dtype).removeprefix("torch.")
        self.device = str(model.device)
        if spec.chat_template and not tokenizer.chat_template:
            raise MemberError(
                f"member {spec.name!r}: expected a tokenizer with a chat template (chat_template is on), got none"
            )

    @cached_property
    def cuts(self) -> bytes:
        """Where the tokenizer treats both sides of a place in a text apart (see ``cut_places``)."""
        return cut_places(self.codec)

    def render(self, text: str) -> tuple[int, ...]:
        """Token ids of a prompt, through the chat template where that is on.

        A special token written literally in the text is text: it is never matched.
        """
        if not self.spec.chat_template:
            ids = list(self._plain(text, add_special_tokens=True))
            while ids and ids[-1] in self._ends and len(ids) > 1:
                ids.pop()  # some tokenizers close what they encode; a prompt stays open
        elif any(special in text for special in self._specials):
            before, _, after = self._template(STAND_IN).partition(STAND_IN)
            ids = [*self._marked(before), *self._plain(text, add_special_tokens=False), *self._marked(after)]
        else:
            ids = self._marked(self._template(text))
        return tuple(ids) or (self._first_token(),)

    def _template(self, text: str) -> str:
        message = [{"role": "user", "content": text}]
        return str(self._tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False))

    def _marked(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _plain(self, text: str, add_special_tokens: bool) -> list[int]:
        """Encode a user's text: special tokens in it are not matched."""
        backend = self._tokenizer.backend_tokenizer
        before = backend.encode_special_tokens
        backend.encode_special_tokens = True
        try:
            return list(backend.encode(text, add_special_tokens=add_special_tokens).ids)
        finally:
            backend.encode_special_tokens = before

    def _first_token(self) -> int:
        """What an empty prompt is read as."""
        begin = self._tokenizer.bos_token_id
        return int(begin) if begin is not None else self._ends[0]


def load_member(spec: MemberSpec, batch_tokens: int, device: str | None = None, digest: str | None = None) -> Member:
    """Load a member from a directory, the hub or the zoo.

    Args:
        spec: where it is.
        batch_tokens: tokens forwarded at once, padding included.
        device: where to put it (see ``devices.place``); None is what the spec says, ``auto`` being the first GPU.
        digest: its fingerprint; None reads the files for it.

    Raises:
        MemberError: there is no such model, it may not be had, or it cannot take part; says what to do.
    """
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    directory = locate(spec)
    device = _device(spec) if device is None else seen_device(spec, device)
    dtype: Any = {"auto": "auto" if device.startswith("cuda") else torch.float32}.get(spec.dtype) or getattr(
        torch, spec.dtype
    )
    part = "tokenizer"
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, trust_remote_code=spec.trust_remote_code)
        part = "model"
        model, report = AutoModelForCausalLM.from_pretrained(
            directory, dtype=dtype, trust_remote_code=spec.trust_remote_code, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0]
        if "ignore_mismatched_sizes" in str(error):
            reason = "its weights have other shapes than its config.json says"
        raise MemberError(
            f"member {spec.name!r}: {spec.path} cannot be loaded as a causal language model ({part}): {reason}"
        ) from None
    missing = sorted(report["missing_keys"])
    if missing:  # transformers would draw them by chance
        raise MemberError(
            f"member {spec.name!r}: expected all weights in {spec.path}, got none for {', '.join(missing[:3])}"
        )
    model = model.to(device).eval().requires_grad_(False)
    return Member(spec, model, tokenizer, digest or fingerprint(directory, spec.chat_template), batch_tokens)


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
    """SHA-256 over weights, tokenizer, configuration and whether prompts go through the template; never over names."""
    weights = sorted({path for pattern in WEIGHTS for path in directory.glob(pattern)})
    weights = weights or sorted({path for pattern in OLD_WEIGHTS for path in directory.glob(pattern)})
    digest = hashlib.sha256()
    for path in [*weights, *(directory / name for name in DESCRIPTIONS)]:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()};".encode())
    digest.update(f"chat_template:{chat_template}".encode())
    return digest.hexdigest()


def seen_device(spec: MemberSpec, device: str) -> str:
    """The device, if torch can see it.

    Args:
        spec: of the member that is to be there, for errors.
        device: by the name that torch gives it.

    Raises:
        MemberError: it cannot.
    """
    if device.startswith("cuda"):
        if not torch.cuda.is_available():
            raise MemberError(f"member {spec.name!r}: expected a GPU (device is {device}), got none that torch can see")
        seen = torch.cuda.device_count()
        if int(device.partition(":")[2] or 0) >= seen:
            raise MemberError(f"member {spec.name!r}: expected one of {seen} GPUs from cuda:0 on, got {device}")
    if device == "mps" and not torch.backends.mps.is_available():
        raise MemberError(f"member {spec.name!r}: expected an Apple GPU (device is mps), got none that torch can see")
    return device


def _device(spec: MemberSpec) -> str:
    if spec.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return seen_device(spec, spec.device)


def _end_ids(model: Any, tokenizer: Any, columns: int, name: str) -> tuple[int, ...]:
    """All end tokens: generation config, config and tokenizer together."""
    found: set[int] = set()
    generation = getattr(model, "generation_config", None)
    for source in (generation, model.config.get_text_config(), tokenizer):
        ids = getattr(source, "eos_token_id", None)
        found.update(ids if isinstance(ids, (list, tuple)) else [] if ids is None else [ids])
    known = tuple(sorted(token for token in found if 0 <= token < columns))
    if not known:
        raise MemberError(
            f"member {name!r}: expected a tokenizer with an end token (an answer must be able to end), got none;"
            " set eos_token_id in its generation_config.json"
        )
    return known


def _context(model: Any) -> int | None:
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else None


def _shape(model: Any) -> MemberShape:
    """Count parameters; experts count with the share that is active."""
    config = model.config.get_text_config()
    output = model.get_output_embeddings()
    output_parameters = 0 if output is None else sum(one.numel() for one in output.parameters())
    tables = {id(one) for module in model.modules() if isinstance(module, nn.Embedding) for one in module.parameters()}
    tables |= set() if output is None else {id(one) for one in output.parameters()}
    experts = getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None) or 1
    chosen = getattr(config, "num_experts_per_tok", None) or experts
    active = sum(
        one.numel() * (chosen / experts if ".experts." in name else 1.0)
        for name, one in model.named_parameters()
        if id(one) not in tables
    )
    heads = getattr(config, "num_attention_heads", 0) or 0
    hidden = getattr(config, "hidden_size", 0)
    size = getattr(config, "head_dim", None) or (hidden // heads if heads else 0)
    attends = 0 if type(model.config).__name__.lower().startswith(("mamba", "rwkv")) else int(config.num_hidden_layers)
    every = list(model.parameters())
    return MemberShape(
        active_parameters=int(active),
        output_parameters=output_parameters,
        parameters=sum(one.numel() for one in every),
        parameter_bytes=sum(one.numel() * one.element_size() for one in every),
        attention_width=heads * size * attends,
    )
