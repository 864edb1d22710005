"""What one member says in one alphabet, context by context: what all ways of finding it out have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.distributions import Noted
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.reader import Integers
from evoswarm.decoding.text.alphabet import LOG_FLOOR, LOG_ZERO
from evoswarm.decoding.text.decomposition import Decomposition
from evoswarm.failure import Failure
from evoswarm.fusion.speakers import argmax_and_margin

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
        self._refused: dict[int, Failure | None] = {}  # by the number of a prompt, why the member cannot read it
        self._at_once = max(1, NUMBERS_AT_ONCE // contexts.alphabet.size)

    @abstractmethod
    def _resolve(self, contexts: Integers) -> None:
        """The same for contexts behind prompts that the member can read."""

    def forget(self) -> None:
        """The numbers of nodes, of contexts and of prompts change: forget all that refers to them."""
        self._refused.clear()

    def resolve(self, contexts: Integers) -> None:
        """Find out what the member says at ``[n]`` contexts, up to ``ContextTable.settle``; what must be read first is
        asked for.

        Nothing is kept of who waits: who still does asks again once it has been read.
        """
        readable = self._readable(contexts)
        if len(readable):
            self._resolve(readable)

    def _readable(self, contexts: Integers) -> Integers:
        """Those whose prompts the member can read; the others have failed."""
        numbers = [self._contexts.prompts[context] for context in contexts.tolist()]
        for number in set(numbers) - self._refused.keys():
            self._refused[number] = self.memory.refused(self._prompt(number))
        if not any(self._refused.values()):
            return contexts
        for context, number in zip(contexts.tolist(), numbers, strict=True):
            failure = self._refused[number]
            if failure is not None:
                self._fail(context, failure)
        return contexts[[self._refused[number] is None for number in numbers]]

    def prompt(self, context: int) -> int:
        """The tree node at the end of a context's prompt."""
        return self._prompt(self._contexts.prompts[context])

    def _prompt(self, number: int) -> int:
        return self.memory.prompt(self._contexts.prompt_texts[number])

    def _fail(self, context: int, failure: Failure) -> None:
        """There is no distribution at a context."""
        self._contexts.record_abstention(self._number, context, failure=failure)
        self._contexts.reads[context, self._number] = 0

    def _learn(
        self, contexts: Integers, probabilities: Tensor, logs: Tensor, limits: Tensor, left_out: NDArray[np.float64]
    ) -> None:
        """Note distributions, floored where a symbol may follow.

        Args:
            contexts: ``[n]``.
            probabilities: ``[n, symbols]``, that add up to one; changed.
            logs: their logarithms; changed.
            limits: ``[n, symbols]`` see ``ContextTable.limits``.
            left_out: ``[n]`` bounds on the total-variation error.
        """
        with self._contexts.kept(len(contexts)) as (rows, symbols):
            torch.clamp(logs, min=LOG_FLOOR, out=symbols)
            torch.minimum(symbols, limits, out=symbols)
            argmax, margin = argmax_and_margin(symbols)
        entropy = (probabilities.mul_(logs.clamp_(min=LOG_ZERO))).sum(1, dtype=torch.float64).neg_().clamp_(min=0.0)
        found = torch.stack([entropy, argmax.double(), margin.double()])
        self._contexts.note(Noted(self._number, contexts, rows, left_out, found))
