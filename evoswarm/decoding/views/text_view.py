"""The exact distribution of a token model over the next symbol of an alphabet whose symbols make up tokens.

Behind a text x, a model may be in the middle of a token. Every *head* is a tokenization of a beginning of x from
which some token leads beyond x; the next symbol's probability is the sum over heads of the probability of having
tokenized that far, times that of the tokens that go on with that symbol. Only tokenizations that the tokenizer
itself would produce are heads. The idea of covering tokens is from Vieira et al., "From language models over
tokens to language models over characters" (2024); the restriction to canonical paths and the rule of what is
read are evoswarm's, and ``tests/oracle.py`` states them once more as plainly as possible.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from evoswarm.decoding.compiled.arrays import COMPILED, joined
from evoswarm.decoding.compiled.heads import KNOWN, LEARNS, TOO_LONG, Heads
from evoswarm.decoding.compiled.heads import NOT_FINITE as SPOILT
from evoswarm.decoding.memory.contexts import NOT_FINITE, ContextTable
from evoswarm.decoding.memory.device_sums import DeviceSums
from evoswarm.decoding.memory.host_sums import HostSums
from evoswarm.decoding.memory.member_memory import MemberMemory
from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums
from evoswarm.decoding.reader import Integers
from evoswarm.decoding.text.tokenizations import Tokenizations
from evoswarm.decoding.views.view import View


class TextView(View):
    """Where tokens are made of symbols: the sum over all ways to write a text, up to epsilon.

    Attributes:
        tokenizations: of texts of the alphabet in the member's tokenizer.
        sums: over the member's rows.
    """

    def __init__(
        self,
        memory: MemberMemory,
        number: int,
        contexts: ContextTable,
        tokenizations: Tokenizations,
        epsilon: float,
    ) -> None:
        """Begin without contexts; see `View`. A share ``epsilon`` of the mass may stay unread."""
        super().__init__(memory, number, contexts, tokenizations.decomposition)
        self.tokenizations, self._epsilon = tokenizations, epsilon
        made = HostSums if COMPILED and memory.rows.device.type == "cpu" else DeviceSums
        self.sums: SymbolSums = made(
            memory.rows, tokenizations.tokens, self.decomposition.order, contexts.alphabet.size
        )
        self._heads = Heads(memory.nodes, tokenizations.texts, self.prompt)

    def _resolve(self, contexts: Integers) -> None:
        """See `View`."""
        heads = self._find(contexts)
        counts = np.diff(np.asarray(heads.begin))
        for context in contexts[counts == 0].tolist():  # the tokenizer cannot spell the text
            self._contexts.record_abstention(self._number, context)
            self._contexts.reads[context, self._number] = 0
        going, done = np.flatnonzero(counts), list[Integers]()
        while len(going):
            becomes = self._weigh(going)
            done.append(going[becomes == KNOWN])
            for place in going[becomes == SPOILT].tolist():
                self._fail(int(contexts[place]), NOT_FINITE)
            for place in going[becomes == TOO_LONG].tolist():
                self._fail(int(contexts[place]), self.memory.too_long())
            going = going[becomes == LEARNS]
        known = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *done]))
        for start in range(0, len(known), self._at_once):
            self._finish(contexts, known[start : start + self._at_once])

    def _find(self, contexts: Integers) -> Heads:
        """The heads at contexts."""
        table, texts = self._contexts, self.tokenizations.texts
        texts.make_room(len(table.parents))
        texts.find(contexts, table.parents, table.last, table.symbols)
        self._heads.make_room(len(table.parents))
        self._heads.find(contexts, table.parents, table.symbols)
        return self._heads

    def _weigh(self, places: Integers) -> NDArray[np.int8]:
        """What becomes of some of the contexts; what must be read is asked for, and what can be learnt is learnt."""
        memory, heads = self.memory, self._heads
        becomes: NDArray[np.int8] = heads.weigh(
            places, memory.tree.clock, self._epsilon, memory.longest, memory.rows.not_finite
        )
        memory.rows.slots.touch(heads.used.array())
        if heads.wanted.count:
            memory.want(heads.wanted.array().tolist())
        if heads.edges.count:
            memory.rows.learn_edges(np.unique(heads.edges.array()))
        if heads.totals.count:
            keys = np.unique(heads.totals.array())
            rows = np.asarray(memory.nodes.row)[keys >> 32]
            heads.note_totals(keys, self.sums.totals(rows, keys & 0xFFFFFFFF))
        return becomes

    def _finish(self, asked: Integers, places: Integers) -> None:
        """Add the heads up, mask, normalise, floor, for all contexts together."""
        contexts, heads = asked[places], self._heads
        begins = np.asarray(heads.begin)
        counts = np.diff(begins)[places]
        every = joined(begins[places], counts)
        masses = np.asarray(heads.mass)[every]
        counted = masses > 0
        some = every[counted]
        owners = np.repeat(np.arange(len(places)), counts)[counted]
        rows = np.asarray(self.memory.nodes.row)[np.asarray(heads.node)[some]]
        arrays = HeadArrays(rows, np.asarray(heads.branch)[some], masses[counted], owners)
        allowed = self._contexts.allowed(contexts)
        found, totals = self.sums.by_symbol(arrays, allowed)
        unread = np.asarray(heads.unread)[places]
        for index in np.flatnonzero(totals == 0).tolist():
            self._contexts.record_abstention(self._number, int(contexts[index]), 1.0 if unread[index] > 0 else 0.0)
        speaks = totals > 0
        if not speaks.all():
            unread, totals = unread[speaks], totals[speaks]
            found = found[torch.from_numpy(np.flatnonzero(speaks)).to(found.device)]
        if len(found):
            said = contexts[speaks]
            self._learn(said, found, found.log(), self._contexts.limits(said), unread / (unread + totals))
        self._note_reads(contexts, places)

    def _note_reads(self, contexts: Integers, places: Integers) -> None:
        heads = self._heads
        counts = np.asarray(heads.read_count)[places]
        reads = np.asarray(heads.reads)[joined(np.asarray(heads.read_begin)[places], counts)]
        self._contexts.note_reads(self._number, contexts, counts, reads)

    def forget(self) -> None:
        """See `View`."""
        super().forget()
        self._heads.forget(0)
        self.tokenizations.forget()
