"""What members would say but cannot: special tokens are never spelled, so they get no mass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.prefix_tree import Node, PrefixTree
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
    spelled = _SpelledShares(member)
    tree = PrefixTree(member.reader, spelled, None, counters := Counters())
    for prompt in prompts:
        tree.want(tree.prompt(prompt))
    while tree.waiting:
        read_side_by_side([tree.reading()], counters)
    tree.end_reading()
    return 1.0 - sum(spelled.shares) / len(spelled.shares)


class _SpelledShares:
    """Keeps of every row only the share of what is spelled."""

    def __init__(self, member: Member) -> None:
        self._tokens = torch.tensor([*member.codec.order.tolist(), *member.codec.end_ids])
        self.shares: list[float] = []

    def put(self, nodes: Sequence[Node], logits: Tensor) -> None:
        for node, row in zip(nodes, logits, strict=True):
            likely = row.double().cpu().softmax(0)
            node.row = len(self.shares)
            self.shares.append(likely[self._tokens].sum().item())

    def drop(self, node: Node) -> None:
        """Nothing is kept that could be dropped."""
