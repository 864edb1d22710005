"""What members would say but cannot: special tokens are never spelled, so they get no mass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.compiled.nodes import Nodes
from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.prefix_tree import PrefixTree
from evoswarm.decoding.request import Counters


def silenced_share(member: Member, prompts: Sequence[tuple[int, ...]]) -> float:
    """Share of a member's first step that goes to special tokens and to columns beyond its vocabulary.

    A model that opens its answers by such a token (harmony's channels, say) is silenced at its first step and answers
    from where it was never trained to go on.

    Args:
        member: any.
        prompts: at least one, as token ids that the member can read.

    Returns:
        the mean over the prompts, in [0, 1].
    """
    nodes = Nodes()
    spelled = _SpelledShares(member, nodes)
    tree = PrefixTree(member.reader, nodes, spelled, None, counters := Counters())
    tree.want([tree.prompt(prompt) for prompt in prompts])
    while tree.waiting:
        read_side_by_side([tree.reading()], counters)
    tree.end_reading()
    return 1.0 - sum(spelled.shares) / len(spelled.shares)


class _SpelledShares:
    """Keeps of every row only the share of what is spelled."""

    def __init__(self, member: Member, nodes: Nodes) -> None:
        self._nodes = nodes
        self._tokens = torch.tensor([*member.codec.order.tolist(), *member.codec.end_ids])
        self.shares: list[float] = []

    def put(self, nodes: NDArray[np.int64], logits: Tensor) -> None:
        for node, row in zip(nodes.tolist(), logits, strict=True):
            likely = row.double().cpu().softmax(0)
            self._nodes.row[node] = len(self.shares)
            self.shares.append(likely[self._tokens].sum().item())

    def drop(self, rows: NDArray[np.int64]) -> None:
        """Nothing is kept that could be dropped."""
