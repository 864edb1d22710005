"""What one member says at every context: the protocol of the views, and what all of them have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from evoswarm.chat import PromptRefused
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.prefix_tree import Node, PrefixTree, Rows
from evoswarm.decoding.request import Counters
from evoswarm.failure import Failure

NO_TOKEN = -1
NOT_FINITE = Failure("non_finite", "the member's logits hold nan or infinity")
T = TypeVar("T")


class View(ABC):
    """One member in one alphabet: its prefix tree, and the prompts it has seen.

    Attributes:
        member: whose view it is.
        tree: what it has read.
    """

    def __init__(
        self, member: Member, number: int, contexts: ContextTable, rows: Rows, limits: MemoryLimits, counters: Counters
    ) -> None:
        """Begin with an empty tree.

        Args:
            member: whose view it is.
            number: of the member among those who speak at the contexts.
            contexts: where what is found out is noted.
            rows: keeps what the member says.
            limits: what may be kept of it.
            counters: where the work is counted.
        """
        self.member, self._number, self._contexts = member, number, contexts
        self.tree = PrefixTree(member.reader, rows, limits.state_bytes, counters)
        self._prompts: dict[int, Node] = {}
        self._foreign: dict[Node, Failure] = {}

    @abstractmethod
    def resolve(self, contexts: Sequence[int]) -> None:
        """Find out what the member says at these contexts; what must be read first is asked for."""

    @property
    @abstractmethod
    def row_bytes_in_use(self) -> int:
        """Bytes of the output rows now kept."""

    def prompt(self, context: int) -> Node:
        """The tree node at the end of a context's prompt."""
        prompt = self._contexts.prompts[context]
        found = self._prompts.get(prompt)
        if found is None:
            text = self._contexts.prompt_texts[prompt]
            try:
                tokens = self.member.render(text)
            except PromptRefused as error:
                self._prompts[prompt] = found = Node(self.tree.root, NO_TOKEN)  # behind nothing that is ever read
                self._foreign[found] = Failure("prompt_refused", error.message)
                return found
            self._prompts[prompt] = found = self.tree.prompt(tokens)
            foreign = self.member.unreadable(tokens)
            if foreign is not None:
                self._foreign[found] = Failure("unknown_token", foreign)
        return found

    def unreadable(self, node: Node) -> Failure | None:
        """Why a node cannot be read: its context is too short, its prompt was refused or holds an unknown token."""
        if self._foreign:
            begin: Node | None = node
            while begin is not None and begin not in self._foreign:
                begin = begin.parent
            if begin is not None:
                return self._foreign[begin]
        most = self.member.reader.context_length
        if most is None or node.depth <= most:
            return None
        return Failure("prompt_too_long", f"prompt and answer have more than {most} tokens")

    def note_reads(self, context: int, nodes: tuple[Node, ...]) -> None:
        """The nodes whose rows the distribution at a context needs, in order."""
        self._contexts.reads[context * self._contexts.members + self._number] = nodes

    def fail(self, context: int, failure: Failure) -> None:
        """There is no distribution at this context."""
        self._contexts.record_abstention(self._number, context, failure=failure)
        self.note_reads(context, ())

    def end_reading(self) -> None:
        """All that was asked for has been read."""
        self.tree.end_reading()

    def forget(self, *, contexts: bool) -> None:
        """Forget who waits; and, where the contexts have been numbered anew, all that can be found out again."""
        self.tree.forget_wanted()
        if contexts:
            self._prompts.clear()
            self._foreign.clear()

    def _walk(self, context: int, known: dict[int, T], start: Callable[[int], T], step: Callable[[T, int], T]) -> T:
        """What belongs to a context, made symbol by symbol behind the nearest context that is known.

        Args:
            context: whose is wanted.
            known: what was made before, by context; grows.
            start: what belongs to the end of a context's prompt.
            step: one symbol further.
        """
        found, path = known.get(context), []
        while found is None and self._contexts.symbols[context]:
            path.append(context)
            context = int(self._contexts.parents[context])
            found = known.get(context)
        if found is None:
            found = start(context)
        for one in reversed(path):
            found = known[one] = step(found, self._contexts.texts[one][-1])
        return found
