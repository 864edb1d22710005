"""What one member has read and said, whoever asks in whatever alphabet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.chat import Conversation, PromptRefused
from evoswarm.decoding.compiled.nodes import NO_TOKEN, ROOT, Nodes
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.memory.prefix_tree import PrefixTree
from evoswarm.decoding.request import Counters
from evoswarm.failure import Failure

NODE_BYTES = 160  # of its places in all tables: 105 where they are full, 270 where all have just grown
SWOLLEN = 4 / 3  # times the nodes that were left when they were last forgotten: it takes a walk over all of them
LEAST_ROWS = 16  # that a reading may make, whatever the limit: by one at a time, many who wait would wait long
ENDLESS = 1 << 31  # tokens


class MemberMemory:
    """The prefixes, rows and prompts of one member: each is read once for all recipes, alphabets and epsilons.

    Attributes:
        member: whose they are.
        nodes: of its prefix tree.
        rows: what it said.
        tree: what it has read.
        longest: tokens that it can read.
    """

    def __init__(self, member: Member, limits: MemoryLimits, counters: Counters) -> None:
        """Begin with nothing read.

        Args:
            member: whose memory it is.
            limits: what may be kept of it.
            counters: where the work is counted.
        """
        self.member, self.nodes = member, Nodes()
        self.rows = MemberRows(member.codec, self.nodes, limits.row_bytes, member.reader.device)
        self.tree = PrefixTree(member.reader, self.nodes, self.rows, limits.state_bytes, counters)
        self.longest = ENDLESS if member.reader.context_length is None else member.reader.context_length
        self._at_once, self._rows_asked = max(LEAST_ROWS, limits.row_bytes // self.rows.row_bytes), 0
        self._prompts: dict[str | Conversation, int] = {}
        self._foreign: dict[int, Failure] = {}
        self._most_nodes, self._nodes_left = limits.text_bytes // NODE_BYTES, 0

    @property
    def crowded(self) -> bool:
        """Whether there are more nodes, read or not, than may be kept: prompts are long."""
        return self.nodes.alive > max(self._most_nodes, SWOLLEN * self._nodes_left)

    def prompt(self, asked: str | Conversation) -> int:
        """The node at the end of a prompt."""
        found = self._prompts.get(asked)
        if found is None:
            try:
                tokens = self.member.render(asked)
            except PromptRefused as error:
                self._prompts[asked] = found = self.nodes.add(ROOT, NO_TOKEN)  # behind nothing that is ever read
                self._foreign[found] = Failure("prompt_refused", error.message)
                return found
            self._prompts[asked] = found = self.tree.prompt(tokens)
            foreign = self.member.unreadable(tokens)
            if foreign is not None:
                self._foreign[found] = Failure("unknown_token", foreign)
        return found

    def want(self, nodes: Sequence[int]) -> None:
        """Ask for nodes' rows at the next reading, as far as there is room for them; who gets none asks again.

        So a reading makes no more rows than may be kept (one chain of tokens apart), however many streams wait: on the
        way to a node, every token that can be asked for and is read makes a row.
        """
        if not self.tree.waiting:
            self._rows_asked = 0
        wanted = []
        for node in nodes:
            rows = self.nodes.rows_missing(node)
            if not self._rows_asked or self._rows_asked + rows <= self._at_once:
                self._rows_asked += rows
                wanted.append(node)
        self.tree.want(wanted)

    def refused(self, prompt: int) -> Failure | None:
        """Why nothing can be read behind the end of a prompt: the template refused it, or a token is unknown."""
        return self._foreign.get(prompt)

    def unreadable(self, prompt: int) -> Failure | None:
        """The same, or that it has more tokens than the member can read."""
        return self.refused(prompt) or (self.too_long() if self.nodes.depth[prompt] > self.longest else None)

    def too_long(self) -> Failure:
        """Why a node behind too many tokens cannot be read."""
        return Failure("prompt_too_long", f"prompt and answer have more than {self.longest} tokens")

    def end_reading(self) -> None:
        """All that was asked for has been read."""
        self.tree.end_reading()
        self.rows.slots.tick()

    @property
    def row_bytes_in_use(self) -> int:
        """Bytes of the output rows now kept."""
        return self.rows.slots.in_use * self.rows.row_bytes

    def tidy(self, needed: NDArray[np.int64] | None) -> None:
        """Between decodings: forget who waits, and what exceeds the limits.

        Args:
            needed: where given, nodes to which nobody else refers (nor to what is behind them), and the prompts, are
                forgotten too.
        """
        self.tree.forget_wanted()
        self.tree.shrink()
        self.member.reader.drop_buffers()
        if needed is not None:
            self._prompts.clear()
            self._foreign.clear()
            self.tree.prune(self.nodes.with_ancestors(needed))
            self._nodes_left = self.nodes.alive
