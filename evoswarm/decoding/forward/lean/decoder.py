"""The forward of a decoder whose layers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from evoswarm.decoding.forward.lean.layers import KeysAndValues, Layer, Linear, Norm, Turned

FEWEST_POSITIONS = 512  # a table of positions is made for so many at least, and doubled


@dataclass(frozen=True)
class Placed:
    """New tokens behind a past, side by side: the past is padded on the left, new tokens on the right.

    Attributes:
        tokens: ``[chunks, new]``.
        positions: ``[chunks, new]``.
        past: columns in front of the new tokens.
        padded: whether a past is shorter than ``past``.
        rows: ``[rows]`` flat positions whose logits are wanted; None is all.
    """

    tokens: Tensor
    positions: Tensor
    past: int
    padded: bool
    rows: Tensor | None


class Turns:
    """Rotary positions of one kind, as the model works them out, in a table that grows."""

    def __init__(self, make: Callable[[Tensor], tuple[Tensor, Tensor]]) -> None:
        """Take what gives cosines and sines, each ``[1, positions, turned]``, for ``[1, positions]``."""
        self._make = make
        self._cos = self._sin = torch.empty(0)

    def at(self, positions: Tensor, most: int) -> Turned:
        """Of ``[chunks, new]`` positions, all below ``most``."""
        if most > len(self._cos):
            every = torch.arange(max(FEWEST_POSITIONS, 2 * len(self._cos), most), device=positions.device)
            cos, sin = (one[0] for one in self._make(every[None]))
            half = sin.shape[-1] // 2
            self._cos, self._sin = cos, torch.cat((-sin[:, :half], sin[:, half:]), -1)
        flat = positions.flatten()
        return Turned(*(table.index_select(0, flat).view(*positions.shape, 1, -1) for table in (self._cos, self._sin)))


@dataclass(frozen=True)
class LeanDecoder:
    """A causal decoder: what its library's model gives, checked against it (see ``trials``).

    Attributes:
        embed: of ``[chunks, new]`` tokens: ``[chunks, new, width]``.
        embed_positions: likewise of positions; None where nothing is added.
        layers: in order.
        norm: behind the last.
        output: gives logits.
        softcap: logits never pass it; None is no limit.
        turns: rotary positions by name.
    """

    embed: Callable[[Tensor], Tensor]
    embed_positions: Callable[[Tensor], Tensor] | None
    layers: Sequence[Layer]
    norm: Norm
    output: Linear
    softcap: float | None
    turns: Mapping[str, Turns] = field(default_factory=dict)

    def logits(self, placed: Placed, kept: Sequence[KeysAndValues]) -> Tensor:
        """``[rows, columns]`` in the order of the rows wanted; ``kept`` is where each layer's keys and values go."""
        x = self.embed(placed.tokens)
        if self.embed_positions is not None:
            x = x + self.embed_positions(placed.positions)
        new = placed.tokens.shape[1]
        turned = {name: turns.at(placed.positions, placed.past + new) for name, turns in self.turns.items()}
        masks: dict[int | None, Tensor | None] = {}
        for layer, keys_and_values in zip(self.layers, kept, strict=True):
            attention = layer.attention
            if attention.window not in masks:
                masks[attention.window] = _mask(placed, attention.window, x.dtype)
            mask = masks[attention.window]
            turns = turned[attention.turns] if attention.turns is not None else None
            x = layer(x, turns, mask, mask is None and new > 1, keys_and_values)
        x = x.flatten(0, 1)
        if placed.rows is not None:
            x = x.index_select(0, placed.rows)
        found = self.output(self.norm(x))
        return found if self.softcap is None else torch.tanh(found / self.softcap) * self.softcap


def _mask(placed: Placed, window: int | None, dtype: torch.dtype) -> Tensor | None:
    """``[chunks or 1, 1, new, past + new]`` minus infinity where a token is not seen; None where order says all.

    Where new tokens are padding, nobody looks at what comes of them; each of them sees something, or it would be nan.
    """
    past, new, device = placed.past, placed.tokens.shape[1], placed.tokens.device
    windowed = window is not None and window < past + new
    if not (placed.padded or windowed or (past and new > 1)):
        return None
    column = torch.arange(past + new, device=device)
    row = torch.arange(past, past + new, device=device)[:, None]
    seen = (column <= row)[None]
    if windowed and window is not None:
        seen = seen & (column > row - window)
    if placed.padded:
        seen = seen & (column >= past - placed.positions[:, :1, None])
    return torch.zeros(seen.shape, dtype=dtype, device=device).masked_fill_(~seen, -torch.inf)[:, None]
