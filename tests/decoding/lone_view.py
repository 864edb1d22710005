"""The view of one member, asked directly: for many texts at once, or for one out of a cold memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.forward.side_by_side import read_side_by_side
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.request import Counters
from evoswarm.decoding.text.alphabet import Alphabet, ByteAlphabet
from evoswarm.decoding.text.decomposition import Text
from evoswarm.decoding.views.pool_view import view_of
from evoswarm.decoding.views.view import View
from evoswarm.failure import Failure

ROOMY = 1 << 30


class Said(NamedTuple):
    """What a member says behind one text."""

    row: int
    entropy: float
    abstains: bool
    left_out: float
    reads: tuple[int, ...]
    failure: Failure | None
    argmax: int
    margin: float


class LoneView:
    """One member at one epsilon with a memory of its own, or with the rows of another reader."""

    def __init__(
        self,
        member: Member,
        epsilon: float,
        row_bytes: int = ROOMY,
        state_bytes: int = ROOMY,
        shares: LoneView | None = None,
        alphabet: Alphabet | None = None,
    ) -> None:
        self.member = member
        self.counters = Counters()
        alphabet = alphabet or ByteAlphabet()
        self.contexts = ContextTable(alphabet, 1, ROOMY)
        own = MemberMemory(member, MemoryLimits(state_bytes, row_bytes, ROOMY), self.counters)
        self.memory: MemberMemory = own if shares is None else shares.memory  # none of what it has made of it
        self.view: View = view_of(self.memory, 0, self.contexts, epsilon, None)

    def read(self, prompt: str, texts: Sequence[Text]) -> list[Said]:
        """What is known behind every text."""
        return self.read_all([(prompt, text) for text in texts])

    def context(self, prompt: str, text: Text) -> int:
        """The context behind a prompt and a text."""
        context = self.contexts.root(prompt)
        for symbol in text:
            context = int(self.contexts.children(np.array([context]), np.array([symbol]))[0])
        return context

    def read_all(self, asked: Sequence[tuple[str, Text]], turns: int = 100) -> list[Said]:
        """The same behind many prompts; reads what all wait for, turn by turn."""
        contexts = [self.context(prompt, text) for prompt, text in asked]
        for _ in range(turns):
            unknown = sorted({context for context in contexts if not self.contexts.known[context, 0]})
            if not unknown:
                return [self.said(context) for context in contexts]
            self.view.resolve(np.array(unknown))
            self.contexts.settle()
            while self.memory.tree.waiting:
                read_side_by_side([self.memory.tree.reading()], self.counters)
            self.memory.end_reading()
        raise TimeoutError(f"{len(unknown)} texts still wait after {turns} turns")

    def said(self, context: int) -> Said:
        """What is known at a context."""
        known = self.contexts
        tables = (known.row, known.entropy, known.abstains, known.left_out)
        row, entropy, abstains, left_out = (table[context, 0].item() for table in tables)
        argmax, margin = known.argmax[context, 0].item(), known.margin[context, 0].item()
        reads = tuple(known.nodes(0, np.array([context])).tolist())
        return Said(row, entropy, abstains, left_out, reads, known.failures.get(context), argmax, margin)

    def probs(self, said: Said) -> Tensor:
        """``[symbols]`` probabilities, float64; all alike where the member abstains."""
        if said.abstains:
            size = self.contexts.alphabet.size
            return torch.full((size,), 1 / size, dtype=torch.float64)
        return self.contexts.distributions.take(np.array([said.row]))[0].double().exp()

    def log_probs(self, prompt: str, text: Text) -> NDArray[np.float64]:
        """``[symbols]`` log-probabilities behind one text."""
        return self.probs(self.read(prompt, [text])[0]).log().numpy()
