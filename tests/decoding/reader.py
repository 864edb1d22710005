"""The byte view of one member, asked directly: for many texts at once, or for one out of a cold memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.byte_view import ByteRow, ByteView
from evoswarm.decoding.member import Member
from evoswarm.decoding.prefix_tree import PrefixTree, TreeLimits
from evoswarm.decoding.request import Counters
from evoswarm.decoding.text_memory import Distributions, PromptView, TextNode


class Reader:
    """One member at one epsilon with a memory of its own, or with that of another reader."""

    def __init__(
        self, member: Member, epsilon: float, limits: TreeLimits | None = None, shares: Reader | None = None
    ) -> None:
        self.member = member
        self.distributions = Distributions(257)
        self.counters = Counters()
        self.view = ByteView(member.codec, self.distributions, epsilon, member.context)
        self.tree: PrefixTree[ByteRow] = (
            shares.tree
            if shares
            else PrefixTree(member.runner, self.view.rows, self.view.row_bytes(), limits or TreeLimits(), self.counters)
        )
        self.prompts: dict[str, PromptView] = {}

    def read(self, prompt: str, texts: Sequence[bytes]) -> list[TextNode]:
        """What is known behind every text."""
        return self.read_all([(prompt, text) for text in texts])

    def read_all(self, asked: Sequence[tuple[str, bytes]], turns: int = 100) -> list[TextNode]:
        """The same behind many prompts; reads what all wait for, turn by turn."""
        for prompt, _ in asked:
            if prompt not in self.prompts:
                self.prompts[prompt] = PromptView(self.tree.prompt(self.member.render(prompt)))
        for _ in range(turns):
            found = [self.view.lookup(self.tree, self.prompts[prompt], text) for prompt, text in asked]
            nodes = [node for node in found if node is not None]
            if len(nodes) == len(asked):
                return nodes
            self.tree.read()
        raise TimeoutError(f"{len(asked) - len(nodes)} texts still wait after {turns} turns")

    def log_probs(self, prompt: str, text: bytes) -> NDArray[np.float64]:
        """``[257]`` log-probabilities behind one text."""
        return self.distributions.take([self.read(prompt, [text])[0].row])[0].double().numpy()
