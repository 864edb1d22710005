"""The table of contexts: a context is a text behind a prompt, and what each member says there is found out once.

All recipes, islands and generations share these contexts. A context is a row number; what is known of it stands in
tables, so that whole populations are looked up, gated, fused and moved on by a few array operations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.chat import Conversation
from evoswarm.decoding.compiled.arrays import joined
from evoswarm.decoding.compiled.nodes import NO_ROW
from evoswarm.decoding.memory.distributions import Distributions, Noted
from evoswarm.decoding.text.alphabet import Alphabet
from evoswarm.failure import Failure
from evoswarm.fusion.context import inside

T = TypeVar("T")
NOT_FINITE = Failure("non_finite", "the member's logits hold nan or infinity")
FIRST = 1024
NO_SYMBOL = -1
LONG_TEXT, WHOLE_EACH = 256, 32  # of texts of more bytes, behind which others stand, one in so many is kept whole
CONTEXT_BYTES = 600  # about, beside its tables: its text, its place behind its parent, what views know of it


class ContextTable:
    """Every text behind every prompt, and what is known there.

    Attributes:
        prompts: per context the number of its prompt.
        parents: ``[contexts]`` the context one symbol before; itself at a prompt's end.
        length: ``[contexts]`` bytes.
        symbols: ``[contexts]`` symbols.
        last: ``[contexts]`` the last of them; NO_SYMBOL at a prompt's end.
        used: ``[contexts]`` clock of the last stream that stood there.
        states: ``[contexts]`` what may follow, as the alphabet numbers it.
        inside: ``[contexts]`` whether it stands within a word or a number, see `evoswarm.fusion.context`.
        row: ``[contexts, members]`` row of ``Distributions``, or NO_ROW.
        known: ``[contexts, members]`` whether what follows is known.
        entropy: ``[contexts, members]`` nats, of the masked, untempered, unfloored distribution.
        abstains: ``[contexts, members]`` the member gives no mass to any allowed symbol.
        left_out: ``[contexts, members]`` bound on the total-variation error.
        argmax: ``[contexts, members]`` the likeliest symbol, ties to the lowest.
        margin: ``[contexts, members]`` by how much it leads the second, nats.
        distributions: the rows that ``row`` means.
        reads: ``[contexts, members, 2]`` where in ``read_nodes`` the tree nodes begin whose rows it needs, in order,
            and how many they are.
        read_nodes: of all contexts and members.
        failures: per (context, member) why there is no distribution.
        text_bytes: of all texts and prompts.
    """

    _CONTEXT_TABLES = ("parents", "length", "symbols", "last", "used", "states", "inside")
    _MEMBER_TABLES = ("row", "known", "entropy", "abstains", "left_out", "argmax", "margin", "reads")
    _TABLES = (*_CONTEXT_TABLES, *_MEMBER_TABLES)

    def __init__(self, alphabet: Alphabet, members: int, limit_bytes: int, device: torch.device | str = "cpu") -> None:
        """Begin without contexts, for so many members, with so much room for their distributions on a device."""
        self.alphabet, self.members = alphabet, members
        self.distributions = Distributions(alphabet.size, limit_bytes, torch.device(device))
        self._allowed = alphabet.allowed(np.arange(alphabet.states, dtype=np.int32)).to(device)
        self._limits = torch.where(self._allowed, math.inf, -math.inf)
        self._raws: list[bytes | None] = []  # None where it is put together from what stands before
        self.prompts: list[int] = []
        self.prompt_texts: list[str | Conversation] = []
        self.failures: dict[int, Failure] = {}
        self._noted: list[Noted] = []
        self.text_bytes = 0
        self._roots: dict[str | Conversation, int] = {}
        self._children: dict[int, int] = {}
        self.parents = np.zeros(FIRST, dtype=np.int64)
        self.length = np.zeros(FIRST, dtype=np.int32)
        self.symbols = np.zeros(FIRST, dtype=np.int32)
        self.last = np.full(FIRST, NO_SYMBOL, dtype=np.int32)
        self.used = np.zeros(FIRST, dtype=np.int64)
        self.states = np.zeros(FIRST, dtype=np.int32)
        self.inside = np.zeros(FIRST, dtype=np.int8)
        self.row = np.full((FIRST, members), NO_ROW, dtype=np.int64)
        self.known = np.zeros((FIRST, members), dtype=bool)
        self.entropy = np.zeros((FIRST, members))
        self.abstains = np.zeros((FIRST, members), dtype=bool)
        self.left_out = np.zeros((FIRST, members), dtype=np.float32)
        self.argmax = np.zeros((FIRST, members), dtype=np.int32)
        self.margin = np.zeros((FIRST, members), dtype=np.float32)
        self.reads = np.zeros((FIRST, members, 2), dtype=np.int64)
        self.read_nodes, self._read_count = np.empty(FIRST, dtype=np.int32), 0

    def __len__(self) -> int:
        return len(self._raws)

    def root(self, prompt: str | Conversation) -> int:
        """The context at the end of a prompt."""
        found = self._roots.get(prompt)
        if found is None:
            number = len(self.prompt_texts)
            self.prompt_texts.append(prompt)
            self.text_bytes += _size(prompt)
            found = self._roots[prompt] = self._add(len(self), number, b"", NO_SYMBOL, 0)
        return found

    def children(self, contexts: NDArray[np.int64], symbols: NDArray[np.int64]) -> NDArray[np.int64]:
        """``[n]`` the contexts one symbol behind ``[n]`` contexts; symbols are never END."""
        keys, owners = np.unique(contexts * self.alphabet.size + symbols, return_inverse=True)
        return np.array([self._child(key) for key in keys.tolist()], dtype=np.int64)[owners]

    def _child(self, key: int) -> int:
        found = self._children.get(key)
        if found is None:
            context, symbol = divmod(key, self.alphabet.size)
            before, symbols = self.raw(context), int(self.symbols[context])
            raw = before + self.alphabet.spell(symbol)
            found = self._add(context, self.prompts[context], raw, symbol, symbols + 1)
            self._children[key] = found
            if len(before) > LONG_TEXT and symbols % WHOLE_EACH and self._raws[context] is not None:
                self._raws[context] = None  # or an answer would take the square of its length
                self.text_bytes -= len(before)
        return found

    def raw(self, context: int) -> bytes:
        """The bytes of a context."""
        behind: list[int] = []
        while (found := self._raws[context]) is None:
            behind.append(int(self.last[context]))
            context = int(self.parents[context])
        return found + b"".join([self.alphabet.spell(symbol) for symbol in reversed(behind)]) if behind else found

    def _add(self, parent: int, prompt: int, raw: bytes, symbol: int, symbols: int) -> int:
        context = len(self._raws)
        if context == len(self.parents):
            self._extend_tables(context)
        self._raws.append(raw)
        self.text_bytes += len(raw)
        self.prompts.append(prompt)
        self.parents[context], self.length[context], self.symbols[context] = parent, len(raw), symbols
        self.last[context] = symbol
        self.states[context] = self.alphabet.state(raw)
        self.inside[context] = inside(raw)
        return context

    def allowed(self, contexts: NDArray[np.int64]) -> Tensor:
        """``[n, symbols]`` which symbols may follow the texts of ``[n]`` contexts, where the distributions are."""
        return self._by_state(self._allowed, contexts)

    def limits(self, contexts: NDArray[np.int64]) -> Tensor:
        """``[n, symbols]`` the same for fusion; see ``Speakers.limits``."""
        return self._by_state(self._limits, contexts)

    def _by_state(self, table: Tensor, contexts: NDArray[np.int64]) -> Tensor:
        if len(table) == 1:
            return table.expand(len(contexts), -1)
        return table.index_select(0, torch.from_numpy(self.states[contexts]).to(table.device))

    def path(self, context: int) -> list[int]:
        """All contexts from the prompt's end to this one, both included."""
        found = [context]
        for _ in range(int(self.symbols[context])):
            found.append(int(self.parents[found[-1]]))
        found.reverse()
        return found

    def text(self, context: int) -> list[int]:
        """The symbols from the prompt's end to a context."""
        found: list[int] = self.last[self.path(context)[1:]].tolist()
        return found

    def note(self, noted: Noted) -> None:
        """What a member says stands in rows of ``kept``; it is known from the next ``settle`` on."""
        self._noted.append(noted)

    def settle(self) -> None:
        """All that has been noted is known from now on: one transfer from where the distributions are."""
        if not self._noted:
            return
        sizes = [len(one.contexts) for one in self._noted]
        every = torch.cat([one.found for one in self._noted], 1).cpu().numpy()
        useless = []
        for one, found in zip(self._noted, np.split(every, np.cumsum(sizes)[:-1], axis=1), strict=True):
            spoilt = np.isnan(found[0])
            for context in one.contexts[spoilt].tolist():
                self.reads[context, one.member] = 0
                self.record_abstention(one.member, context, failure=NOT_FINITE)
            useless.append(one.rows[spoilt])
            sound = ~spoilt
            at = one.contexts[sound], one.member
            self.left_out[at] = one.left_out[sound]
            self.entropy[at], self.argmax[at], self.margin[at] = found[:, sound]
            self.row[at] = one.rows[sound]
            self.known[at] = True
        self._noted.clear()
        self.distributions.slots.give(np.concatenate(useless).tolist())

    def unsettle(self) -> None:
        """What has been noted and is not known yet is unknown again: something broke off."""
        for one in self._noted:
            at = one.contexts, one.member
            self.distributions.slots.give(one.rows[self.row[at] != one.rows].tolist())
            self.reads[one.contexts[~self.known[at]], one.member] = 0
        self._noted.clear()

    def record_abstention(
        self, member: int, context: int, left_out: float = 0.0, failure: Failure | None = None
    ) -> None:
        """A member gives no mass to any allowed symbol, or has failed."""
        self.abstains[context, member] = True
        self.left_out[context, member] = left_out
        self.known[context, member] = True
        if failure is not None:
            self.failures[context * self.members + member] = failure

    @contextmanager
    def kept(self, count: int) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Keep so many distributions: ``[n]`` their rows, and ``[n, symbols]`` where to write them.

        Contexts whose rows had to make room for them must find them out again.
        """
        taken, lost = self.distributions.slots.take(count)
        if len(lost):  # forgotten before they are written over, whatever comes in between
            here = self.row[: len(self)]
            here[np.isin(here, lost)] = NO_ROW
        try:
            with self.distributions.written(taken) as place:
                yield taken, place
        except BaseException:
            self.distributions.slots.give(taken.tolist())
            raise

    def note_reads(
        self, member: int, contexts: NDArray[np.int64], counts: NDArray[np.int64], nodes: NDArray[np.int64]
    ) -> None:
        """What a member says at ``[n]`` contexts needs ``[n]`` rows each: those of these nodes, context by context."""
        end = self._read_count + len(nodes)
        if end > len(self.read_nodes):
            self.read_nodes = np.concatenate([self.read_nodes, np.empty(end, dtype=np.int32)])
        self.read_nodes[self._read_count : end] = nodes
        self.reads[contexts, member, 0] = end - len(nodes) + counts.cumsum() - counts
        self.reads[contexts, member, 1] = counts
        self._read_count = end

    def nodes(self, member: int, contexts: NDArray[np.int64] | slice) -> NDArray[np.int32]:
        """The tree nodes whose rows some contexts need of a member, context by context."""
        begins, counts = self.reads[contexts, member].T
        return self.read_nodes[joined(begins, counts)]

    def oldest_kept(self, count: int) -> int:
        """The clock from which on at most so many contexts were used."""
        used: NDArray[np.int64] = self.used[: len(self)]
        if len(used) <= count:
            return 0
        newest_gone: np.int64 = np.sort(used)[len(used) - count - 1]
        return int(newest_gone) + 1

    def use(self, contexts: NDArray[np.int64], clock: int) -> None:
        """Somebody stands at these contexts, and goes on from there."""
        while len(contexts):
            self.used[contexts] = clock
            contexts = np.unique(self.parents[contexts[self.symbols[contexts] > 0]])

    def keep_used_since(self, clock: int) -> NDArray[np.int64]:
        """Forget all other contexts and number the rest anew.

        A context counts as used whenever one behind it was.

        Returns:
            ``[contexts]`` the new number of each; -1 of those that are gone.
        """
        self._use_parents()
        stays = self.used[: len(self)] >= clock
        left = self.row[: len(self)][~stays]
        self.distributions.slots.give(left[left != NO_ROW].tolist())
        kept = np.flatnonzero(stays)
        number = {old: new for new, old in enumerate(kept.tolist())}
        size, members = self.alphabet.size, self.members
        for name in self._TABLES:
            setattr(self, name, getattr(self, name)[kept])
        self.parents = np.array([number[parent] for parent in self.parents.tolist()], dtype=np.int64)
        self._raws = [self._raws[one] for one in number]
        prompts = {old: new for new, old in enumerate(sorted({self.prompts[one] for one in number}))}
        self.prompts = [prompts[self.prompts[one]] for one in number]
        self.prompt_texts = [self.prompt_texts[old] for old in prompts]
        self._roots = {prompt: number[context] for prompt, context in self._roots.items() if context in number}
        self._children = {
            number[key // size] * size + key % size: number[child]
            for key, child in self._children.items()
            if child in number
        }

        def renumbered(noted: dict[int, T]) -> dict[int, T]:
            pairs = ((*divmod(key, members), value) for key, value in noted.items())
            return {number[old] * members + member: value for old, member, value in pairs if old in number}

        self.failures = renumbered(self.failures)
        begins, counts = self.reads.reshape(-1, 2).T
        self.read_nodes = self.read_nodes[joined(begins, counts)]
        self._read_count = len(self.read_nodes)
        self.reads[:, :, 0] = (counts.cumsum() - counts).reshape(-1, members)
        self.text_bytes = sum(len(raw or b"") for raw in self._raws) + sum(map(_size, self.prompt_texts))
        self._extend_tables(max(0, FIRST - len(kept)))  # never less, so that doubling them makes room
        numbers = np.full(len(stays), -1, dtype=np.int64)
        numbers[kept] = np.arange(len(kept))
        return numbers

    def _use_parents(self) -> None:
        """Whoever stood at a context has come by all before it, perhaps long ago."""
        order = np.argsort(-self.symbols[: len(self)], kind="stable")
        depths = self.symbols[order]
        for rows in np.split(order, np.flatnonzero(np.diff(depths)) + 1):
            np.maximum.at(self.used, self.parents[rows], self.used[rows])

    def _extend_tables(self, count: int) -> None:
        for name in self._TABLES:
            table = getattr(self, name)
            more = np.full((count, *table.shape[1:]), NO_ROW if name == "row" else 0, dtype=table.dtype)
            setattr(self, name, np.concatenate([table, more]))

    @property
    def bytes_each(self) -> int:
        """About what a context takes, distributions not counted, and its text where that is long."""
        tables: int = sum(getattr(self, name)[:1].nbytes for name in self._TABLES)
        return CONTEXT_BYTES + tables + self.text_bytes // max(1, len(self))

    @property
    def bytes_in_use(self) -> int:
        """About what all contexts take, with their distributions."""
        return len(self) * self.bytes_each + self.distributions.slots.in_use * self.distributions.row_bytes


def _size(prompt: str | Conversation) -> int:
    """About the bytes of a prompt."""
    if isinstance(prompt, str):
        return len(prompt)
    return len(prompt.question) + sum(len(turn.content) for turn in prompt.before)
