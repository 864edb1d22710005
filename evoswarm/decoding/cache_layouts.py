"""How models keep what they have read: the state of single tokens, in pools that grow.

What a state is depends on the architecture: keys and values of one token (attention), everything after one token
(recurrent), or nothing (a model whose cache cannot be addressed is read again from the start).
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

FIRST_SLOTS = 1024


@dataclass(frozen=True)
class Chunk:
    """Tokens to read behind a prefix.

    Attributes:
        past: slots of the prefix's tokens, first to last (attention); the slot of its last state (recurrent).
        tokens: to read; at least one.
        slots: where the states of these tokens go.
        prefix: token ids of the prefix.
        rows: which of the tokens need an output row, ascending positions within ``tokens``.
    """

    past: tuple[int, ...]
    tokens: tuple[int, ...]
    slots: tuple[int, ...]
    prefix: tuple[int, ...]
    rows: tuple[int, ...]


class Layout(Protocol):
    """How a family of models keeps what it has read."""

    needs_whole_past: bool

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """Read chunks in one batch; returns ``[rows, columns]`` logits in the order of chunks and their rows."""
        ...

    def slot_bytes(self) -> int:
        """Bytes of one slot; 0 before the first forward."""
        ...


class AttentionPool:
    """Keys and values of single tokens in a growing pool; a prefix is a list of slots.

    A batch is laid out with the past padded on the left and the new tokens on the right, directly behind it, so
    that neighbours in a text are neighbours in the batch (sliding windows, rotary positions).
    """

    needs_whole_past = True

    def __init__(self, model: Any, layers: int) -> None:
        """Args: model: the causal LM; layers: how many attention layers its cache has."""
        self.model = model
        self.device = model.device
        self.layers = [_PooledLayer() for _ in range(layers)]
        self.extra = _accepted(model, "position_ids")

    def slot_bytes(self) -> int:
        """Bytes of one token's keys and values."""
        return sum(layer.slot_bytes() for layer in self.layers)

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """One batched forward; writes the new tokens' keys and values into their slots."""
        past = max(len(chunk.past) for chunk in chunks)
        new = max(len(chunk.tokens) for chunk in chunks)
        plan = _Plan.of(chunks, past, new, self.device)
        for layer in self.layers:
            layer.plan = plan
        arguments: dict[str, Any] = {"attention_mask": plan.mask, "past_key_values": Cache(layers=list(self.layers))}
        if self.extra:
            arguments["position_ids"] = plan.positions
        return _selected_logits(self.model, plan.tokens, plan.rows, arguments)


@dataclass(frozen=True)
class _Plan:
    """Where everything stands in one batch.

    Attributes:
        tokens: ``[chunks, new]`` right-padded.
        mask: ``[chunks, past + new]`` 1 where a token stands.
        positions: ``[chunks, new]``.
        past_slots: ``[chunks, past]`` left-padded.
        new_index: ``[tokens]`` flat positions of the real new tokens in ``[chunks * new]``.
        new_slots: ``[tokens]`` where they go.
        rows: ``[rows]`` flat positions whose logits are wanted.
    """

    tokens: Tensor
    mask: Tensor
    positions: Tensor
    past_slots: Tensor
    new_index: Tensor
    new_slots: Tensor
    rows: Tensor

    @classmethod
    def of(cls, chunks: Sequence[Chunk], past: int, new: int, device: Any) -> _Plan:
        tokens = [[*chunk.tokens, *[0] * (new - len(chunk.tokens))] for chunk in chunks]
        mask = [
            [0] * (past - len(chunk.past))
            + [1] * (len(chunk.past) + len(chunk.tokens))
            + [0] * (new - len(chunk.tokens))
            for chunk in chunks
        ]
        starts = torch.tensor([len(chunk.prefix) for chunk in chunks])[:, None]
        lengths = torch.tensor([len(chunk.tokens) for chunk in chunks])[:, None]
        steps = torch.minimum(torch.arange(new)[None], lengths - 1)  # padding repeats the last position: always valid
        slots = [[0] * (past - len(chunk.past)) + list(chunk.past) for chunk in chunks]
        index = [number * new + step for number, chunk in enumerate(chunks) for step in range(len(chunk.tokens))]
        rows = [number * new + step for number, chunk in enumerate(chunks) for step in chunk.rows]
        return cls(
            tokens=torch.tensor(tokens, device=device),
            mask=torch.tensor(mask, device=device),
            positions=(starts + steps).to(device),
            past_slots=torch.tensor(slots, dtype=torch.long, device=device).reshape(len(chunks), past),
            new_index=torch.tensor(index, device=device),
            new_slots=torch.tensor([slot for chunk in chunks for slot in chunk.slots], device=device),
            rows=torch.tensor(rows, dtype=torch.long, device=device),
        )


class _PooledLayer(DynamicLayer):  # type: ignore[misc]
    """A cache layer that writes a pool and hands back one gather; full-length even where attention is windowed."""

    plan: _Plan

    def __init__(self) -> None:
        super().__init__()
        self.pool: list[Tensor] = []

    def slot_bytes(self) -> int:
        return sum(tensor[0].numel() * tensor.element_size() for tensor in self.pool)

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """``[chunks, heads, new, size]`` in, ``[chunks, heads, past + new, size]`` out."""
        plan = self.plan
        self._grow(int(plan.new_slots.max()) + 1, (key_states, value_states))
        whole = []
        for pool, states in zip(self.pool, (key_states, value_states), strict=True):
            rows = states.transpose(1, 2)
            gathered = pool[plan.past_slots]
            pool[plan.new_slots] = rows.reshape(-1, *rows.shape[2:])[plan.new_index]
            whole.append(torch.cat([gathered, rows], dim=1).transpose(1, 2))
        return whole[0], whole[1]

    def _grow(self, needed: int, states: tuple[Tensor, Tensor]) -> None:
        have = len(self.pool[0]) if self.pool else 0
        if needed <= have:
            return
        size = max(FIRST_SLOTS, needed, have * 2)
        grown = [one.new_zeros((size, one.shape[1], one.shape[3])) for one in states]
        for target, source in zip(grown, self.pool, strict=False):
            target[:have] = source
        self.pool = grown

    def get_seq_length(self) -> int:
        return int(self.plan.past_slots.shape[1])

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0


class RecurrentPool:
    """The state after single tokens in a growing pool; slot 0 is the state before any token.

    Every token is a step of its own: continuing a Mamba-1 state by several tokens at once is silently wrong in
    transformers.
    """

    needs_whole_past = False

    def __init__(self, model: Any, layers: int) -> None:
        """Args: model: the causal LM; layers: how many recurrent layers its cache has."""
        self.model = model
        self.device = model.device
        self.pools: list[tuple[Tensor, Tensor]] = []
        self.cache_name = "cache_params" if _accepted(model, "cache_params") else "past_key_values"
        self._measure(layers)

    def _measure(self, layers: int) -> None:
        """Learn the shapes of a state from one token."""
        cache = DynamicCache(config=self.model.config)
        with torch.inference_mode():
            self.model(torch.tensor([[0]], device=self.device), **{self.cache_name: cache}, use_cache=True)
        for layer in cache.layers[:layers]:
            self.pools.append(
                tuple(state.new_zeros((FIRST_SLOTS, *state.shape[1:])) for state in _states(layer))  # type: ignore[arg-type]
            )

    def slot_bytes(self) -> int:
        """Bytes of one state."""
        return sum(pool[0].numel() * pool.element_size() for pools in self.pools for pool in pools)

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """As many steps as the longest chunk has tokens; every step batches the chunks that are still running."""
        self._grow(max(slot for chunk in chunks for slot in chunk.slots) + 1)
        found: dict[tuple[int, int], Tensor] = {}
        slots = [chunk.past[-1] if chunk.past else 0 for chunk in chunks]
        for step in range(max(len(chunk.tokens) for chunk in chunks)):
            running = [number for number, chunk in enumerate(chunks) if step < len(chunk.tokens)]
            target = [chunks[number].slots[step] for number in running]
            logits = self._step(
                [slots[number] for number in running], target, [chunks[n].tokens[step] for n in running]
            )
            for row, number in enumerate(running):
                slots[number] = target[row]
                if step in chunks[number].rows:
                    found[number, step] = logits[row]
        rows = [found[number, step] for number, chunk in enumerate(chunks) for step in chunk.rows]
        return torch.stack(rows) if rows else torch.empty(0, device=self.device)

    def _step(self, sources: list[int], targets: list[int], tokens: list[int]) -> Tensor:
        cache = DynamicCache(config=self.model.config)
        source = torch.tensor(sources, device=self.device)
        target = torch.tensor(targets, device=self.device)
        for layer, pools in zip(cache.layers, self.pools, strict=True):
            conv, recurrent = (pool[source] for pool in pools)
            layer.lazy_initialization(conv_states=conv, recurrent_states=recurrent)
            layer.conv_states[0].copy_(conv)
            layer.recurrent_states[0].copy_(recurrent)
            layer.has_previous_state[0] = True
        ids = torch.tensor(tokens, device=self.device)[:, None]
        logits = self.model(ids, **{self.cache_name: cache}, use_cache=True).logits[:, -1]
        for layer, pools in zip(cache.layers, self.pools, strict=True):
            for pool, state in zip(pools, _states(layer), strict=True):
                pool[target] = state
        assert isinstance(logits, Tensor)
        return logits

    def _grow(self, needed: int) -> None:
        have = len(self.pools[0][0])
        if needed > have:
            size = max(needed, have * 2)
            self.pools = [
                tuple(torch.cat([pool, pool.new_zeros((size - have, *pool.shape[1:]))]) for pool in pools)  # type: ignore[misc]
                for pools in self.pools
            ]


class Reread:
    """No state: every prefix is read again from its first token. Right for every causal LM, and slow."""

    needs_whole_past = False

    def __init__(self, model: Any) -> None:
        """Args: model: the causal LM."""
        self.model = model

    def slot_bytes(self) -> int:
        """Nothing is kept."""
        return 0

    def forward(self, chunks: Sequence[Chunk]) -> Tensor:
        """One forward per length: padding would reach the state of models that are not attention only."""
        results: dict[int, Tensor] = {}
        for number, chunk in enumerate(chunks):
            ids = torch.tensor([[*chunk.prefix, *chunk.tokens]], device=self.model.device)
            rows = torch.tensor([len(chunk.prefix) + row for row in chunk.rows], dtype=torch.long, device=ids.device)
            results[number] = _selected_logits(self.model, ids, rows, {"use_cache": False})
        return torch.cat([results[number] for number in range(len(chunks))])


def _selected_logits(model: Any, ids: Tensor, rows: Tensor, arguments: dict[str, Any]) -> Tensor:
    """Logits at flat positions only: a hook in front of the output layer drops the others before they are made.

    Returns:
        ``[rows, columns]``.
    """
    output = model.get_output_embeddings()
    if output is None:
        logits = model(ids, **arguments).logits
        assert isinstance(logits, Tensor)
        return logits.reshape(-1, logits.shape[-1])[rows]

    def select(_module: Any, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden = inputs[0]
        return (hidden.reshape(-1, hidden.shape[-1])[rows][None], *inputs[1:])

    hook = output.register_forward_pre_hook(select)
    try:
        logits = model(ids, **arguments).logits
    finally:
        hook.remove()
    assert isinstance(logits, Tensor)
    return logits[0]


def _accepted(model: Any, argument: str) -> bool:
    """Whether the model's forward takes an argument by this name."""
    return argument in inspect.signature(model.forward).parameters


def _states(layer: Any) -> tuple[Tensor, Tensor]:
    return layer.conv_states[0], layer.recurrent_states[0]
