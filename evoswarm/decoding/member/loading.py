"""From a specification to a loaded member: the border at which a stranger's files become one of ours, or an error."""

from __future__ import annotations

from typing import Any

import torch

from evoswarm.chat import ChatTemplate
from evoswarm.checkpoint.vocabulary import has_tokenizer
from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.member.adapters import find_adapter, merged
from evoswarm.decoding.member.border import reading
from evoswarm.decoding.member.ends import end_ids
from evoswarm.decoding.member.files import dated, identified, locate, locate_base
from evoswarm.decoding.member.member import Member
from evoswarm.decoding.member.model import examine, read_model
from evoswarm.decoding.member.prompt import chat_template_of
from evoswarm.decoding.member.tokenizer import check_vocabulary, read_tokenizer
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec


def load_member(spec: MemberSpec, batch_tokens: int, device: str | None = None, digest: str | None = None) -> Member:
    """Load a member from a directory, the hub or the zoo; an adapter is merged into its base.

    Args:
        spec: where it is.
        batch_tokens: tokens forwarded at once, padding included.
        device: where to put it (see ``devices.place``); None is what the spec says, ``auto`` being the first GPU.
        digest: its fingerprint; None reads the files for it.

    Raises:
        MemberError: there is no such model, it may not be had, or it cannot take part; says what to do.
        OutOfMemory: there is no room for it.
    """
    directory = locate(spec)
    device = _device(spec) if device is None else seen_device(spec, device)
    dtype: Any = {"auto": "auto" if device.startswith("cuda") else torch.float32}.get(spec.dtype) or getattr(
        torch, spec.dtype
    )
    adapter = find_adapter(spec, directory)
    base = directory if adapter is None else locate_base(spec, adapter)
    stored = examine(spec, base)
    speaks = directory if adapter is None or has_tokenizer(directory) else base
    tokenizer = read_tokenizer(spec, speaks)
    template = chat_template_of(dated(spec, directory), speaks, tokenizer)  # before weights are read
    model = read_model(spec, base, stored, dtype)
    if adapter is not None:
        model = merged(spec, adapter, base, model)
    with reading(spec.name, f"expected a model in {str(directory)!r} that reads its own tokens, got"):
        model = model.to(device).eval().requires_grad_(False)
        check_vocabulary(spec, speaks, tokenizer, int(model.get_input_embeddings().weight.shape[0]))
        return torch_member(identified(spec, directory, digest), model, tokenizer, template, batch_tokens)


def torch_member(
    spec: MemberSpec, model: Any, tokenizer: Any, template: ChatTemplate | None, batch_tokens: int
) -> Member:
    """The member of a model of transformers that is where it should be; see ``load_member``.

    Raises:
        MemberError: the model or the tokenizer cannot be used.
    """
    reader = TorchReader(model, spec.name, batch_tokens)
    return Member(spec, reader, tokenizer, end_ids(model, tokenizer, reader.columns, spec, template), template)


def seen_device(spec: MemberSpec, device: str) -> str:
    """The device, by the name that torch gives it.

    Raises:
        MemberError: torch cannot see it.
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
