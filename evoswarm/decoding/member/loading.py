"""From a specification to a loaded member: the border at which a stranger's files become one of ours, or an error."""

from __future__ import annotations

from typing import Any

import torch

from evoswarm.decoding.member.files import fingerprint, locate
from evoswarm.decoding.member.member import Member
from evoswarm.errors import MemberError, OutOfMemory, is_out_of_memory
from evoswarm.recipe import MemberSpec


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
        if is_out_of_memory(error):
            raise OutOfMemory(f"to load member {spec.name!r}", error) from error
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
