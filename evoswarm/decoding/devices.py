"""What there is to run members on, for those who must not know torch."""

from __future__ import annotations

import os
from logging import CRITICAL, getLogger

import psutil
import torch


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
