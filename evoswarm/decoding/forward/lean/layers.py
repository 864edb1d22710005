"""What a decoder is made of: products, norms, turned positions, attention, feed-forward; weights are the model's own.

In half precision norms round where the library's own do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

FEW, WIDE = range(2, 6), 1 << 19
"""Rows, and numbers of a weight, from which on a product is turned over (see ``Linear``)."""


class KeysAndValues(Protocol):
    """Where the keys and values of one layer are kept."""

    def update(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """``[chunks, heads, new, size]`` in, ``[chunks, heads, past + new, size]`` out."""
        ...


class Linear(NamedTuple):
    """A product.

    Attributes:
        weight: ``[out, in]``.
        bias: ``[out]``.
    """

    weight: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        """``[..., in]`` to ``[..., out]``.

        In a processor's memory a few rows are multiplied from the other side: a forward of four tokens then takes 1.4
        of one token's time instead of 2.4 (MKL with AVX2, one thread, float32, 100M parameters), three as long as four.
        """
        rows = x.numel() // x.shape[-1]
        if rows not in FEW or not self.turned_over:
            return functional.linear(x, self.weight, self.bias)
        few = x.reshape(rows, -1)
        if rows == 3:
            few = functional.pad(few, (0, 0, 0, 1))
        found = (self.weight @ few.t()).t()[:rows].reshape(*x.shape[:-1], -1)
        return found if self.bias is None else found + self.bias

    @property
    def turned_over(self) -> bool:
        """Whether it pays for a few rows."""
        out, into = self.weight.shape
        in_memory = self.weight.is_cpu and self.weight.dtype == torch.float32 and self.weight.is_contiguous()
        return in_memory and out >= into and out * into >= WIDE


class SideBySide(NamedTuple):
    """Products of one thing, one behind the other.

    Attributes:
        parts: what gives each.
    """

    parts: tuple[Linear, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """``[..., in]`` to ``[..., out of all]``."""
        return torch.cat([part(x) for part in self.parts], -1)


class Norm(Protocol):
    """Brings the last dimension to one size."""

    def __call__(self, x: Tensor) -> Tensor:
        """``[..., width]`` in and out."""
        ...


class LayerNorm(NamedTuple):
    """Less its mean, by its deviation.

    Attributes:
        weight: ``[width]``.
        bias: ``[width]``.
        eps: added to the variance.
    """

    weight: Tensor | None
    bias: Tensor | None
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """See `Norm`."""
        return functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


class RmsNorm(NamedTuple):
    """By the root of its mean square (Zhang and Sennrich 2019, arXiv:1910.07467).

    Attributes:
        weight: broadcasts with ``[..., width]``; in float32 where it is multiplied before rounding.
        eps: added to the mean square.
    """

    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """See `Norm`."""
        if self.weight.dtype == x.dtype:
            return functional.rms_norm(x, x.shape[-1:], None, self.eps) * self.weight
        return (functional.rms_norm(x.float(), x.shape[-1:], None, self.eps) * self.weight).to(x.dtype)


class Turned(NamedTuple):
    """How rotary positions turn queries and keys (Su et al. 2021, arXiv:2104.09864), ready to be multiplied.

    Attributes:
        cos: ``[chunks, new, 1, turned]``.
        sin: likewise, its first half negated.
    """

    cos: Tensor
    sin: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """``[chunks, new, heads, size]``; what is behind the ``turned`` first numbers stays."""
        turned = self.cos.shape[-1]
        part = x if turned == x.shape[-1] else x[..., :turned]
        found = torch.addcmul(part * self.cos, part.roll(turned // 2, -1), self.sin)
        return found if turned == x.shape[-1] else torch.cat((found, x[..., turned:]), -1)


@dataclass(frozen=True)
class Attention:
    """Every token looks at those before it.

    Attributes:
        joined: gives queries, keys and values: all queries, then all keys, then all values; or head by head.
        out: what follows.
        heads: of queries.
        shared: of keys and values; each serves as many heads of queries.
        by_head: whether each head's query, key and value stand together.
        scale: of products of queries and keys.
        norm: of each query and key; None where there is none.
        turns: name of the rotary positions; None where there are none.
        window: how many tokens are seen, a token itself included; None is all.
    """

    joined: Linear | SideBySide
    out: Linear
    heads: int
    shared: int
    by_head: bool
    scale: float
    norm: Norm | None
    turns: str | None
    window: int | None

    def __call__(
        self, x: Tensor, turned: Turned | None, mask: Tensor | None, causal: bool, kept: KeysAndValues
    ) -> Tensor:
        """``[chunks, new, width]`` in and out.

        Args:
            x: of the new tokens.
            turned: their positions.
            mask: ``[chunks or 1, 1, new, past + new]`` minus infinity where a token is not seen, else 0.
            causal: without a mask: whether a token sees those before it only, or all.
            kept: where keys and values go.
        """
        query, key, value = self._parts(self.joined(x), turned)
        keys, values = kept.update(key.transpose(1, 2), value.transpose(1, 2))
        seen = functional.scaled_dot_product_attention(
            query.transpose(1, 2),
            keys,
            values,
            attn_mask=mask,
            is_causal=causal,
            scale=self.scale,
            enable_gqa=self.heads != self.shared,
        )
        return self.out(seen.transpose(1, 2).flatten(2))

    def _parts(self, joined: Tensor, turned: Turned | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each ``[chunks, new, heads, size]``, of ``[chunks, new, all]``."""
        chunks, new, width = joined.shape
        size = width // (self.heads + 2 * self.shared)
        both = self.heads + self.shared
        if self.by_head:
            query, key, value = joined.view(chunks, new, self.heads, 3, size).unbind(3)
            turns = torch.cat((query, key), 2) if turned is not None else None
        else:
            every = joined.view(chunks, new, -1, size)
            turns, value = every[:, :, :both], every[:, :, both:]
            query, key = turns[:, :, : self.heads], turns[:, :, self.heads :]
        if turns is None or (turned is None and self.norm is None):
            return query, key, value
        if self.norm is not None:
            turns = self.norm(turns)
        if turned is not None:
            turns = turned(turns)
        return turns[:, :, : self.heads], turns[:, :, self.heads :], value


@dataclass(frozen=True)
class FeedForward:
    """Each token by itself.

    Attributes:
        into: gives the wide numbers; gates first and what they gate behind them, where there are gates.
        out: what follows.
        activation: of the wide numbers, or of the gates.
        gated: whether there are gates (Shazeer 2020, arXiv:2002.05202).
    """

    into: Linear | SideBySide
    out: Linear
    activation: Callable[[Tensor], Tensor]
    gated: bool

    def __call__(self, x: Tensor) -> Tensor:
        """``[..., width]`` in and out."""
        wide = self.into(x)
        if not self.gated:
            return self.out(self.activation(wide))
        gates, gated = wide.chunk(2, -1)
        return self.out(self.activation(gates) * gated)


@dataclass(frozen=True)
class Layer:
    """Attention and feed-forward, each added to what it was given.

    Attributes:
        attention: of this layer.
        before_attention: norm of what it is given.
        after_attention: norm of what it gives; None where there is none.
        feed_forward: of this layer.
        before_forward: norm of what it is given.
        after_forward: norm of what it gives; None where there is none.
        parallel: whether both are given the same.
    """

    attention: Attention
    before_attention: Norm
    after_attention: Norm | None
    feed_forward: FeedForward
    before_forward: Norm
    after_forward: Norm | None
    parallel: bool

    def __call__(
        self, x: Tensor, turned: Turned | None, mask: Tensor | None, causal: bool, kept: KeysAndValues
    ) -> Tensor:
        """``[chunks, new, width]`` in and out; see `Attention`."""
        seen = self.attention(self.before_attention(x), turned, mask, causal, kept)
        if self.after_attention is not None:
            seen = self.after_attention(seen)
        if self.parallel:
            return self.feed_forward(self.before_forward(x)) + seen + x
        x = x + seen
        found = self.feed_forward(self.before_forward(x))
        return x + (found if self.after_forward is None else self.after_forward(found))
