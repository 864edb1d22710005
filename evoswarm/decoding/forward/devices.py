"""What there is to run members on, for those who must not know torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from logging import CRITICAL, getLogger

import psutil
import torch

from evoswarm.member_spec import MemberSpec


def describe_devices() -> dict[str, str]:
    """The devices by the names that a space gives them, each with what it has."""
    found = {}
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        found[f"cuda:{index}"] = f"{name}, {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    if torch.backends.mps.is_available():
        found["mps"] = "available"
    found["cpu"] = f"{os.cpu_count()} cores, torch uses up to {torch.get_num_threads()} threads"
    return found


def free_bytes(device: str) -> int:
    """Memory that is free on a device by the name torch gives it."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def place(
    sizes_in_bytes: Sequence[int], specs: Sequence[MemberSpec], room: Mapping[str, int] | None = None
) -> list[str]:
    """A device for every member: those that leave it open are spread over the GPUs.

    The largest goes first, each to the GPU with most room left (of equal ones the first), whether it fits or not; to
    the CPU where there is no GPU. Members with a device of their own take room there before the others are placed.

    Args:
        sizes_in_bytes: of the members' weights.
        specs: of the members, in the same order.
        room: free bytes by GPU (``cuda:0``, ...); None asks the GPUs that torch can see.

    Returns:
        names of devices in the order of the members.
    """
    left = dict(gpu_room() if room is None else room)
    devices = [spec.device for spec in specs]
    for device, size in zip(devices, sizes_in_bytes, strict=True):
        named = "cuda:0" if device == "cuda" else device
        if named in left:
            left[named] -= size
    for number in sorted(range(len(specs)), key=lambda number: -sizes_in_bytes[number]):  # equal ones in their order
        if devices[number] == "auto":
            devices[number] = max(left, key=left.__getitem__) if left else "cpu"  # the first of equal ones
            if left:
                left[devices[number]] -= sizes_in_bytes[number]
    return devices


def gpu_room() -> dict[str, int]:
    """Free bytes by GPU."""
    return {f"cuda:{index}": free_bytes(f"cuda:{index}") for index in range(torch.cuda.device_count())}


def release_unused() -> None:
    """Give what torch keeps for later allocations back to the GPUs."""
    torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def gpu_peak_bytes() -> int:
    """The most that this process has held on GPUs so far."""
    return sum(torch.cuda.max_memory_allocated(index) for index in range(torch.cuda.device_count()))


def silence_loading() -> None:
    """No progress bars and advice when members are loaded: they are not for those who use the command line."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for client in ("huggingface_hub", "httpx", "httpx2"):
        getLogger(client).setLevel(CRITICAL)  # what it retries is said once, in our own words
