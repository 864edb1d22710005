"""What members said: for every (member, prompt, text) its next-symbol distribution, computed once for all recipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from evoswarm.decoding.alphabet import Text
from evoswarm.decoding.prefix_tree import Node
from evoswarm.recipe import Failure

FIRST_ROWS = 4096


@dataclass(slots=True)
class TextNode:
    """One member's next-symbol distribution behind one text.

    Attributes:
        row: where its log-probabilities stand in ``Distributions``.
        entropy: nats, of the masked, untempered, unfloored distribution.
        abstains: the member gives no mass to any allowed symbol.
        left_out: bound on the total-variation error.
        reads: the tree nodes whose rows it needs, in the order in which they are asked for.
        failure: why there is no distribution.
        favourite: the likeliest symbol, ties to the lowest.
        gap: by how much it leads the second, nats.
    """

    row: int
    entropy: float
    abstains: bool
    left_out: float
    reads: tuple[Node, ...]
    failure: Failure | None = None
    favourite: int = -1
    gap: float = 0.0


@dataclass(slots=True)
class PromptView:
    """One member behind one prompt.

    Attributes:
        node: the end of the rendered prompt in the member's tree.
        texts: what has been asked for behind it.
    """

    node: Node
    texts: dict[Text, TextNode] = field(default_factory=dict)


class Distributions:
    """A growing matrix of log-probabilities on the host; rows are given out in order and kept."""

    def __init__(self, symbols: int) -> None:
        """Args: symbols: width of a row, END included."""
        self._rows = torch.empty((FIRST_ROWS, symbols))
        self._count = 0

    def add(self, rows: Tensor) -> int:
        """Keep ``[n, symbols]`` rows; returns the index of the first."""
        needed = self._count + len(rows)
        if needed > len(self._rows):
            grown = torch.empty((max(needed, 2 * len(self._rows)), self._rows.shape[1]))
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : needed] = rows
        first, self._count = self._count, needed
        return first

    def take(self, rows: Sequence[int]) -> Tensor:
        """``[n, symbols]`` for n row indices."""
        return self._rows[torch.tensor(rows, dtype=torch.long)]

    def __len__(self) -> int:
        return self._count
