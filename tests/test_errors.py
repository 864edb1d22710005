"""Which exceptions say that memory ran out, and whether errors survive a journey."""

from __future__ import annotations

import errno
import pickle

import numpy as np
import pytest
import torch

from evoswarm.errors import EvoswarmError, MemberError, OutOfMemory, RecipeError, Where, is_out_of_memory


def _raised(make: object) -> Exception:
    try:
        make()  # type: ignore[operator]
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


HUGE = 1 << 50


@pytest.mark.parametrize(
    "error",
    [
        _raised(lambda: bytearray(HUGE)),
        _raised(lambda: np.empty(HUGE)),
        _raised(lambda: torch.empty(HUGE)),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libmkl.so: failed to map segment from shared object"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("can't start new thread"),
        SystemError("error return without exception set"),
        SystemError("<function _find_and_load at 0x7f> returned NULL without setting an exception"),
        OutOfMemory("to load a member"),
    ],
    ids=lambda error: f"{type(error).__name__}: {error}"[:40],
)
def test_what_says_that_memory_ran_out(error: Exception) -> None:
    assert is_out_of_memory(error)
    wrapped = ValueError("the library says something else")
    wrapped.__cause__ = error
    assert is_out_of_memory(wrapped)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("expected a number"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        OSError(errno.ENOENT, "No such file or directory"),
        ImportError("No module named 'x'"),
        MemberError("expected a member, got 'out of memory'"),
    ],
)
def test_what_does_not(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_what_was_replaced_on_purpose_does_not_count() -> None:
    try:
        raise MemoryError
    except MemoryError:
        error = _raised(lambda: _raise_anew(ValueError("a fresh start")))
    assert not is_out_of_memory(error)


def _raise_anew(error: Exception) -> None:
    raise error from None


@pytest.mark.parametrize(
    "error",
    [
        RecipeError("expected a, got b", Where("f.json", "members.0")),
        OutOfMemory("to load member 'a'", MemoryError("no")),
    ],
)
def test_errors_cross_the_borders_of_processes(error: EvoswarmError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.message, again.where) == (
        type(error),
        str(error),
        error.message,
        error.where,
    )
