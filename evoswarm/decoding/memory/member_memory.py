"""What one member has read and said, whoever asks in whatever alphabet."""

from __future__ import annotations

from evoswarm.chat import Conversation, PromptRefused
from evoswarm.decoding.member import Member
from evoswarm.decoding.memory.limits import MemoryLimits
from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.memory.prefix_tree import NO_ROW, NO_SLOT, Node, PrefixTree
from evoswarm.decoding.request import Counters
from evoswarm.failure import Failure

NO_TOKEN = -1
NODE_BYTES = 400  # of a Python object, its children and its place in other tables
SWOLLEN = 4 / 3  # times the nodes that were left when they were last forgotten: it takes a walk over all of them
LEAST_ROWS = 16  # that a reading may make, whatever the limit: by one at a time, many who wait would wait long


class MemberMemory:
    """The prefixes, rows and prompts of one member: each is read once for all recipes, alphabets and epsilons.

    Attributes:
        member: whose they are.
        rows: what it said.
        tree: what it has read.
    """

    def __init__(self, member: Member, limits: MemoryLimits, counters: Counters) -> None:
        """Begin with nothing read.

        Args:
            member: whose memory it is.
            limits: what may be kept of it.
            counters: where the work is counted.
        """
        self.member = member
        self.rows = MemberRows(member.codec, limits.row_bytes, member.reader.device)
        self.tree = PrefixTree(member.reader, self.rows, limits.state_bytes, counters)
        self._at_once, self._rows_asked = max(LEAST_ROWS, limits.row_bytes // self.rows.row_bytes), 0
        self._prompts: dict[str | Conversation, Node] = {}
        self._foreign: dict[Node, Failure] = {}
        self._most_nodes, self._nodes_left = limits.text_bytes // NODE_BYTES, 0

    @property
    def crowded(self) -> bool:
        """Whether there are more nodes, read or not, than may be kept: prompts are long."""
        return self.tree.nodes > max(self._most_nodes, SWOLLEN * self._nodes_left)

    def prompt(self, asked: str | Conversation) -> Node:
        """The node at the end of a prompt."""
        found = self._prompts.get(asked)
        if found is None:
            try:
                tokens = self.member.render(asked)
            except PromptRefused as error:
                self._prompts[asked] = found = Node(self.tree.root, NO_TOKEN)  # behind nothing that is ever read
                self._foreign[found] = Failure("prompt_refused", error.message)
                return found
            self._prompts[asked] = found = self.tree.prompt(tokens)
            foreign = self.member.unreadable(tokens)
            if foreign is not None:
                self._foreign[found] = Failure("unknown_token", foreign)
        return found

    def want(self, node: Node) -> None:
        """Ask for a node's row at the next reading, if there is room for it; who gets none asks again behind that.

        So a reading makes no more rows than may be kept (one chain of tokens apart), however many streams wait: on the
        way to a node, every token that can be asked for and is read makes a row.
        """
        rows = 0
        one: Node | None = node
        while one is not None and one.keeps_row and (one is node or one.slot == NO_SLOT):
            rows += one.row == NO_ROW
            one = one.parent
        if not self.tree.waiting:
            self._rows_asked = 0
        if not self._rows_asked or self._rows_asked + rows <= self._at_once:
            self._rows_asked += rows
            self.tree.want(node)

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

    def end_reading(self) -> None:
        """All that was asked for has been read."""
        self.tree.end_reading()
        self.rows.slots.tick()

    @property
    def row_bytes_in_use(self) -> int:
        """Bytes of the output rows now kept."""
        return self.rows.slots.in_use * self.rows.row_bytes

    def tidy(self, needed: set[Node] | None) -> None:
        """Between decodings: forget who waits, and what exceeds the limits.

        Args:
            needed: where given, nodes to which nobody else refers, and the prompts, are forgotten too.
        """
        self.tree.forget_wanted()
        self.tree.shrink()
        self.member.reader.drop_buffers()
        if needed is not None:
            self._prompts.clear()
            self._foreign.clear()
            self.tree.prune(needed)
            self._nodes_left = self.tree.nodes
