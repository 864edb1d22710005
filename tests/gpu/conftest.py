"""What is checked on a GPU: `make gpu` on a machine that has one."""

from __future__ import annotations

import os

import pytest
import torch

DEVICE_VARIABLE = "EVOSWARM_CHECK_DEVICE"


@pytest.fixture(scope="session")
def device() -> str:
    """The device that is compared with the CPU: the first GPU, or what the variable says (``cpu`` tries the checks)."""
    wanted = os.environ.get(DEVICE_VARIABLE, "cuda")
    if wanted == "cuda" and not torch.cuda.is_available():
        pytest.skip("expected a GPU that torch can use through CUDA, got none: `make gpu` on a machine that has one")
    return wanted


@pytest.fixture(scope="session")
def cuda(device: str) -> str:
    """The first GPU, for checks that make no sense elsewhere."""
    if device != "cuda":
        pytest.skip(f"only CUDA can be asked for this, not {device}")
    return device
