"""A reader in plain numpy: a random recurrent network of Elman's kind, whose states lie in an array by slot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.reader import Chunk, Reader, SlotAllocator
from evoswarm.decoding.request import Counters, MemberShape

WIDTH = 16
AT_ONCE = 3  # chunks in a batch


class ElmanReader(Reader):
    """Reads token by token: state = tanh(recurrence @ state + embedding[token]), logits = output @ state."""

    def __init__(self, columns: int, seed: int = 0) -> None:
        chance = np.random.default_rng(seed)
        self.device, self.dtype, self.context_length = "cpu", "float64", None
        self.columns = self.vocabulary = columns
        self._embedding = chance.normal(size=(columns, WIDTH))
        self._recurrence = chance.normal(size=(WIDTH, WIDTH)) / WIDTH**0.5
        self._output = 3.0 * chance.normal(size=(columns, WIDTH))
        size = self._recurrence.size + self._output.size
        self.shape = MemberShape(self._recurrence.size, self._output.size, size + columns * WIDTH, 8 * size, 0)
        self.slots = SlotAllocator(self._spoil)
        self._states = np.zeros((1, WIDTH))

    def state_bytes(self) -> int:
        return self._states[0].nbytes

    def read(
        self, chunks: Sequence[Chunk], counters: Counters
    ) -> Iterator[tuple[Sequence[Chunk], NDArray[np.float64]]]:
        missing = self.slots.end - len(self._states)
        self._states = np.concatenate([self._states, np.full((max(0, missing), WIDTH), np.nan)])
        for start in range(0, len(chunks), AT_ONCE):
            batch = chunks[start : start + AT_ONCE]
            rows = [row for chunk in batch for row in self._read(chunk)]
            counters.forwards += 1
            counters.chunk_tokens += sum(len(chunk.tokens) for chunk in batch)
            counters.padded_tokens += sum(len(chunk.tokens) for chunk in batch)
            yield batch, np.array(rows).reshape(-1, self.columns)

    def _read(self, chunk: Chunk) -> Iterator[NDArray[np.float64]]:
        state = self._states[chunk.before if chunk.depth else 0]
        for step, (token, slot) in enumerate(zip(chunk.tokens, chunk.slots, strict=True)):
            state = np.tanh(self._recurrence @ state + self._embedding[token])
            if slot >= 0:
                self._states[slot] = state
            if step in chunk.rows:
                yield self._output @ state

    def logits(self, tokens: Sequence[int]) -> NDArray[np.float64]:
        """``[columns]`` behind a whole text, by the definition."""
        state = np.zeros(WIDTH)
        for token in tokens:
            state = np.tanh(self._recurrence @ state + self._embedding[token])
        return self._output @ state

    def _spoil(self, slots: Sequence[int]) -> None:
        """Whoever believes what a freed slot held reads nan."""
        self._states[[slot for slot in slots if slot < len(self._states)]] = np.nan
