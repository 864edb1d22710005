"""What one member says in one alphabet, context by context: what all ways of finding it out have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.prefix_tree import Node
from evoswarm.decoding.text.alphabet import LOG_FLOOR, LOG_ZERO
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.failure import Failure
from evoswarm.fusion.speakers import argmax_and_margin

NOT_FINITE = Failure("non_finite", "the member's logits hold nan or infinity")
NUMBERS_AT_ONCE = 1 << 18  # of distributions worked out in one step: more would fall out of the caches


class View(ABC):
    """Next-symbol distributions of one member, in one alphabet.

    Attributes:
        memory: what the member has read and said.
        decomposition: of its tokens in the symbols of the alphabet.
    """

    def __init__(self, memory: MemberMemory, number: int, contexts: ContextTable, decomposition: Decomposition) -> None:
        """Begin without contexts.

        Args:
            memory: of the member.
            number: of the member among those who speak at the contexts.
            contexts: where what is found out is noted.
            decomposition: of its tokens in the symbols of the contexts.
        """
        self.memory, self.decomposition = memory, decomposition
        self._number, self._contexts = number, contexts
        self._at_once = max(1, NUMBERS_AT_ONCE // contexts.alphabet.size)

    @abstractmethod
    def resolve(self, contexts: Sequence[int]) -> None:
        """Find out what the member says at these contexts; what must be read first is asked for."""

    @abstractmethod
    def cease(self, contexts: Sequence[int]) -> None:
        """Nobody waits at these contexts any more."""

    @abstractmethod
    def forget(self, *, nodes: bool) -> None:
        """Forget who waits; and, where nodes or the numbers of contexts change, all that refers to them."""

    def prompt(self, context: int) -> Node:
        """The tree node at the end of a context's prompt."""
        return self.memory.prompt(self._contexts.prompt_texts[self._contexts.prompts[context]])

    def _failure(self, node: Node) -> Failure | None:
        """Why a node that is used now has nothing to say."""
        node.used = self.memory.tree.clock
        return NOT_FINITE if node.row in self.memory.rows.not_finite else self.memory.unreadable(node)

    def _fail(self, context: int, failure: Failure) -> None:
        """There is no distribution at a context."""
        self._contexts.record_abstention(self._number, context, failure=failure)
        self._note_reads(context, ())

    def _note_reads(self, context: int, nodes: tuple[Node, ...]) -> None:
        """The nodes whose rows the distribution at a context needs, in order."""
        self._contexts.reads[context * self._contexts.members + self._number] = nodes

    def _learn(
        self,
        contexts: Sequence[int],
        probabilities: Tensor,
        logs: Tensor,
        allowed: Tensor,
        left_out: NDArray[np.float64],
    ) -> None:
        """Note distributions, floored where a symbol may follow.

        Args:
            contexts: ``[n]``.
            probabilities: ``[n, symbols]``, that add up to one.
            logs: their logarithms.
            allowed: ``[n, symbols]`` what may follow.
            left_out: ``[n]`` bounds on the total-variation error.
        """
        entropy = -(probabilities * logs.clamp(min=LOG_ZERO)).sum(1, dtype=torch.float64)
        symbols = logs.clamp(min=LOG_FLOOR).masked_fill_(~allowed, -torch.inf)
        argmax, margin = argmax_and_margin(symbols)
        self._contexts.record(
            self._number,
            contexts,
            rows=self._contexts.keep(symbols),
            entropy=entropy.clamp(min=0.0).numpy(),
            left_out=left_out,
            argmax=argmax.numpy(),
            margin=margin.numpy(),
        )
