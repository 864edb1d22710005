"""How many threads torch computes with: one where models are so small that sharing their products out costs more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

ONE_THREAD_BELOW = 20_000_000
"""Parameters; splitting smaller products over threads costs more than it saves."""

FEWEST_BYTES = 2
"""Of a parameter as checkpoints store it."""


@contextmanager
def threads_for(parameters: Iterable[float]) -> Iterator[None]:
    """One thread while only tiny models run; torch's own setting comes back afterwards.

    Args:
        parameters: how many each of the models has.
    """
    before = torch.get_num_threads()
    if all(number < ONE_THREAD_BELOW for number in parameters):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> AbstractContextManager[None]:
    """One thread while many small tensors are computed with; torch's own setting comes back afterwards."""
    return threads_for(())
