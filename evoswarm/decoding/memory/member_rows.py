"""What a member says behind the prefixes that it has read, one row each, whatever the alphabet."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.nodes import NO_ROW, Nodes
from evoswarm.decoding.memory.row_slots import RowSlots, written_to
from evoswarm.decoding.text.codec import Codec

WARM_BYTES = 1 << 25  # of rows that nobody needs now: keeping more costs more (fresh memory) than reading a few again,
WARM_ROWS = 256  # but of large vocabularies, which large models have, so many are kept
AT_ONCE = 1 << 18  # numbers handled in one step: more would fall out of the caches
NOBODY = -1
BYTES_PER_TOKEN = 8  # a log-probability here, and a probability in the order of some alphabet


class Sums(Protocol):
    """What an alphabet keeps beside the rows."""

    def release(self) -> None:
        """Give the memory back; it can be made again."""
        ...


class MemberRows:
    """Rows of one member: log-probabilities of its tokens and of END.

    Attributes:
        codec: of the member's tokenizer.
        device: where the rows lie; those of Apple GPUs are kept on the host.
        row_bytes: size of one row, with what an alphabet makes of it.
        log_probs: ``[rows, tokens + 1]`` by token id, END last; -inf of tokens that spell nothing.
        slots: which row is whose.
        owners: ``[rows]`` the nodes that they belong to; negative where nobody has one.
        written: ``[rows]`` how often each has been written; what was made of an earlier content is void.
        summed: who keeps sums over these rows; one alphabet at a time, or they would take the rows' room many times.
    """

    def __init__(self, codec: Codec, nodes: Nodes, limit_bytes: int, device: str) -> None:
        """Begin without rows.

        Args:
            codec: of the member's tokenizer.
            nodes: of the member's prefix tree.
            limit_bytes: what may be kept.
            device: where the logits come from.
        """
        self.codec, self._nodes = codec, nodes
        self.device = torch.device("cpu" if device.startswith("mps") else device)
        self.row_bytes = BYTES_PER_TOKEN * (len(codec.token_bytes) + 1)
        warm = max(WARM_BYTES, WARM_ROWS * self.row_bytes)
        self.slots = RowSlots(min(limit_bytes, warm) // self.row_bytes)
        self._not_finite: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self._checked: NDArray[np.int64] = np.empty(0, dtype=np.int64)  # which writing of each row was looked at
        self._all_checked = True
        self.written: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.summed: Sums | None = None
        self.owners: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        silent = [token for token, text in enumerate(codec.token_bytes) if text is None]
        self._silent = torch.tensor(silent, dtype=torch.int64, device=self.device)
        self._ends = torch.tensor(codec.end_ids, device=self.device)
        self.log_probs = torch.empty((0, len(codec.token_bytes) + 1), device=self.device)

    @property
    def limit_bytes(self) -> int:
        """What they may take, with what an alphabet makes of them."""
        return self.slots.limit * self.row_bytes

    def put(self, nodes: NDArray[np.int64], logits: Tensor) -> None:
        """Keep ``[nodes, columns]`` logits; special tokens and columns beyond the vocabulary get no mass."""
        rows, lost = self.slots.take(len(nodes))
        self._forget(lost)
        step = max(1, AT_ONCE // self.log_probs.shape[1])
        try:
            self._make_room()
            for start in range(0, len(rows), step):
                self._write(rows[start : start + step], logits[start : start + step])
        except BaseException:
            self.slots.give(rows.tolist())  # what they hold is nobody's
            raise
        self.owners[rows] = nodes
        self._all_checked = False
        np.asarray(self._nodes.row)[nodes] = rows

    def _write(self, rows: NDArray[np.int64], logits: Tensor) -> None:
        scores = logits.to(self.device).float()
        made = torch.empty((len(rows), self.log_probs.shape[1]), device=self.device)
        made[:, :-1] = scores[:, : made.shape[1] - 1]
        made[:, -1] = torch.logsumexp(scores.index_select(1, self._ends), 1)
        made.index_fill_(1, self._silent, -torch.inf)
        with written_to(self.log_probs, rows) as place:
            torch.log_softmax(made, 1, out=place)
        self.written[rows] += 1

    @property
    def not_finite(self) -> NDArray[np.uint8]:
        """``[rows]`` whether a row holds nan or infinity; looked at when somebody asks, for all rows at once."""
        if not self._all_checked:
            rows = np.flatnonzero((self.owners >= 0) & (self._checked != self.written))
            first = self.log_probs[torch.from_numpy(rows).to(self.device), 0]  # what is not finite spoils all of a row
            self._not_finite[rows] = first.isnan().cpu().numpy()
            self._checked[rows], self._all_checked = self.written[rows], True
        return self._not_finite

    def _make_room(self) -> None:
        have, size = len(self.log_probs), self.slots.size
        if size <= have:
            return
        if self.device.type == "cpu":
            size = max(size, self.slots.limit)  # pages that nobody has written to take no memory
        grown = self.log_probs.new_empty((size, self.log_probs.shape[1]))
        grown[:have] = self.log_probs
        self.log_probs = grown
        self.owners = np.concatenate([self.owners, np.full(size - have, NOBODY)])
        self._not_finite = np.concatenate([self._not_finite, np.zeros(size - have, dtype=np.uint8)])
        self.written = np.concatenate([self.written, np.zeros(size - have, dtype=np.int64)])
        self._checked = np.concatenate([self._checked, np.zeros(size - have, dtype=np.int64)])

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Forget some rows; their nodes have none any more."""
        self.slots.give(rows.tolist())
        self._forget(rows)

    def _forget(self, rows: NDArray[np.int64]) -> None:
        owners = self.owners[rows]
        np.asarray(self._nodes.row)[owners[owners >= 0]] = NO_ROW
        self.owners[rows] = NOBODY
        self._not_finite[rows] = 0

    def learn_edges(self, nodes: NDArray[np.int64]) -> None:
        """Note of every node the probability of its token; their parents must have rows."""
        tree = self._nodes
        rows = torch.from_numpy(np.asarray(tree.row)[np.asarray(tree.parent)[nodes]]).to(self.device)
        tokens = torch.from_numpy(np.asarray(tree.token)[nodes].astype(np.int64)).to(self.device)
        np.asarray(tree.edge)[nodes] = self.log_probs[rows, tokens].double().exp().cpu().numpy()
