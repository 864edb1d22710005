"""A device that is not there: tensors that say they lie on it, worked out on the host.

What a real device does not forgive raises here too (an operation on tensors of both sides, ``numpy`` of one over
there), and what makes the host wait is counted: transfers back, and numbers that Python asks for. It calls itself
``meta``, the one device that torch knows without hardware.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

ELSEWHERE = torch.device("meta")
TRANSFER, NUMBER, PLACES = "transfer", "number", "places"
"""What makes the host wait: tensors that come back, one number, a shape that depends on what is in a tensor."""

_aten = torch.ops.aten
_WAITS = {
    _aten._local_scalar_dense.default: NUMBER,
    _aten.is_nonzero.default: NUMBER,
    _aten.equal.default: NUMBER,
    _aten.nonzero.default: PLACES,
    _aten.masked_select.default: PLACES,
}


class There(Tensor):
    """A tensor on the device."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> There:
        made: There = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=ELSEWHERE,
        )
        made.here = here
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]  # as torch's documentation has it
        raise RuntimeError(f"expected the device to be open, got {func} on one of its tensors")


class _FromPython(TorchFunctionMode):
    """``torch.tensor`` on the device: torch does not tell a dispatch mode of it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.tensor and kwargs.get("device") is not None:
            return func(*args, **{**kwargs, "device": "cpu"}).to(kwargs["device"])
        return func(*args, **kwargs)


class _Device(TorchDispatchMode):
    """See ``device``."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with self:  # what is made of other operations comes whole where no gradient is asked for
            found = func.decompose(*args, **(kwargs or {}))
        return self._run(func, args, kwargs or {}) if found is NotImplemented else found

    def _run(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        tensors = [one for one in tree_flatten((args, kwargs))[0] if isinstance(one, Tensor)]
        there = [one for one in tensors if isinstance(one, There)]
        if func is _aten._to_copy.default:
            return self._copied(args[0], kwargs)
        if func is _aten.copy_.default:
            self._crosses(args[1], isinstance(args[0], There))
            func(_here(args[0]), _here(args[1]), *args[2:])
            return args[0]
        if not there and not _is_there(kwargs.get("device")):
            return func(*args, **kwargs)
        if any(one.dim() for one in tensors if not isinstance(one, There)):
            raise RuntimeError(f"expected all tensors on one device, got some on each side for {func}")
        by_flags = func is _aten.index.Tensor and any(one is not None and one.dtype == torch.bool for one in args[1])
        if func in _WAITS or by_flags:
            self.waits[_WAITS.get(func, PLACES)] += 1
        known = {id(one.here): one for one in there}  # what is worked on in place stays the same tensor
        found = func(*tree_map(_here, args), **{name: _here(value) for name, value in kwargs.items()})
        return tree_map(lambda one: known.get(id(one), one) if id(one) in known else _there(one), found)

    def _copied(self, source: Tensor, kwargs: Mapping[str, Any]) -> Tensor:
        device = kwargs.get("device")
        to = isinstance(source, There) if device is None else _is_there(device)
        self._crosses(source, to)
        made: Tensor = _aten._to_copy.default(_here(source), **{name: _here(value) for name, value in kwargs.items()})
        return There(made) if to else made

    def _crosses(self, source: Tensor, to: bool) -> None:
        if isinstance(source, There) and not to:
            self.waits[TRANSFER] += 1


@contextmanager
def device() -> Iterator[Counter[str]]:
    """While this is open, ``ELSEWHERE`` is there; gives how often the host had to wait for it, by what for.

    ``torch.inference_mode`` is ``torch.no_grad`` within: it cannot be had for tensors of one's own kind.
    """
    inference_mode, made = torch.inference_mode, _Device()
    torch.inference_mode = torch.no_grad  # type: ignore[assignment,misc]  # as said above
    try:
        with made, _FromPython():
            yield made.waits
    finally:
        torch.inference_mode = inference_mode  # type: ignore[misc]  # as it was


def _is_there(device: Any) -> bool:
    return device is not None and torch.device(device).type == ELSEWHERE.type


def _here(one: Any) -> Any:
    """An argument as the host takes it."""
    if isinstance(one, torch.device):
        return torch.device("cpu")
    return one.here if isinstance(one, There) else one


def _there(one: Any) -> Any:
    return There(one) if isinstance(one, Tensor) else one
