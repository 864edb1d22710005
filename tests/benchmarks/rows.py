"""Rows of a real vocabulary: from logits to distributions over bytes, against running sums of all tokens."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer

from evoswarm.decoding.compiled.nodes import ROOT, Nodes
from evoswarm.decoding.compiled.text_states import ROOT_BRANCH
from evoswarm.decoding.memory.host_sums import HostSums
from evoswarm.decoding.memory.member_rows import MemberRows
from evoswarm.decoding.memory.symbol_sums import HeadArrays, SymbolSums
from evoswarm.decoding.text.alphabet import ByteAlphabet
from evoswarm.decoding.text.codec import Codec
from evoswarm.decoding.text.token_trie import TokenTrie
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, alternate, at_most, median_ratio, spread
from tools.real_tokenizers import make

TOKENIZER, ROWS, SPREAD = "qwen2", 64, 4.0
INSIDE = b" "  # half of the vocabulary goes on behind it


class Heads(NamedTuple):
    """Two heads a row: at the end of the text, and behind a token that `INSIDE` begins; each holds half of the mass."""

    codec: Codec
    tokens: TokenTrie
    order: NDArray[np.int64]
    logits: Tensor
    rows: MemberRows
    sums: SymbolSums

    @classmethod
    def of(cls, name: str, rows: int) -> Heads:
        """Of a real tokenizer, over logits drawn at random."""
        tokenizer = AutoTokenizer.from_pretrained(make(name))
        codec = Codec(tokenizer, (tokenizer.eos_token_id,), max(tokenizer.get_vocab().values()) + 1, name)
        made = ByteAlphabet().decomposition(codec)
        generator = torch.Generator().manual_seed(0)
        logits = SPREAD * torch.randn((rows, len(codec.token_bytes)), generator=generator)
        kept, tokens = MemberRows(codec, Nodes(), 1 << 34, "cpu"), TokenTrie(made)
        return cls(codec, tokens, made.order, logits, kept, HostSums(kept, tokens, made.order, ByteAlphabet.size))

    @property
    def branch(self) -> int:
        """Of what is left of the text at the second head."""
        return self.tokens.child(ROOT_BRANCH, INSIDE[0])

    def by_blocks(self) -> Tensor:
        """``[rows, 257]`` as the engine does it, in memory that was used before."""
        nodes = np.array([self.rows._nodes.child(ROOT, token) for token in range(len(self.logits))])
        self.rows.put(nodes, self.logits)
        every, count = np.asarray(self.rows._nodes.row)[nodes], len(nodes)
        heads = HeadArrays(
            np.repeat(every, 2),
            np.tile([ROOT_BRANCH, self.branch], count),
            np.full(2 * count, 0.5),
            np.repeat(np.arange(count), 2),
        )
        found, _ = self.sums.by_symbol(heads, torch.ones((count, ByteAlphabet.size), dtype=torch.bool))
        self.rows.drop(every)
        return found

    def by_running_sums(self) -> Tensor:
        """``[rows, 257]`` as differences of running sums over all tokens in their order, in float64."""
        order, ends = torch.from_numpy(self.order), torch.tensor(self.codec.end_ids)
        found = torch.zeros((len(self.logits), ByteAlphabet.size), dtype=torch.float64)
        starts, following = self.tokens.following
        for row, logits in enumerate(self.logits):
            some = torch.cat([logits[order], logits[ends].logsumexp(0, keepdim=True)])
            shares = (some - some.logsumexp(0)).exp_()
            running = torch.zeros(len(some), dtype=torch.float64)
            running[1:] = shares[:-1].cumsum(0, dtype=torch.float64)
            for branch in (ROOT_BRANCH, self.branch):
                symbols, low, high = torch.from_numpy(following[starts[branch] : starts[branch + 1]]).T
                found[row, symbols] += 0.5 * (running[high] - running[low])
            found[row, -1] += 0.5 * shares[-1]
        return found / found.sum(1, keepdim=True)

    def exactly(self) -> NDArray[np.float64]:
        """``[rows, 257]`` each figure a sum of its own, in float64."""
        order, ends = torch.from_numpy(self.order), torch.tensor(self.codec.end_ids)
        some = torch.cat([self.logits[:, order], self.logits[:, ends]], 1).double().softmax(1).numpy()
        found = np.zeros((len(some), ByteAlphabet.size))
        starts, following = self.tokens.following
        for branch in (ROOT_BRANCH, self.branch):
            for symbol, low, high in following[starts[branch] : starts[branch + 1]].tolist():
                found[:, symbol] += 0.5 * some[:, low:high].sum(1)
        found[:, -1] += 0.5 * some[:, len(order) :].sum(1)
        return found / found.sum(1, keepdims=True)


def rows_of_a_real_vocabulary(options: Options) -> Readings:
    """How long a row takes, in one thread, and how far its figures are from those of float64."""
    heads = Heads.of(TOKENIZER, options.size(ROWS, 4))
    times = alternate(heads.by_blocks, heads.by_running_sums, options.pairs)
    exact, found = heads.exactly(), heads.by_blocks().double().numpy()
    some = exact > 0
    off = np.abs(found[some] / exact[some] - 1)
    what = f"{len(heads.order)} tokens ({TOKENIZER}), {len(found)} rows"
    return {
        "row_against_running_sums": Reading(median_ratio(times), f"{what}, two heads each; {spread(times)}"),
        "row_error_mean": Reading(
            float(off.mean()), f"relative, against float64; {some.sum()} figures down to {exact[some].min():.0e}"
        ),
        "row_error_worst": Reading(float(off.max()), "of these"),
    }


MEASUREMENTS = (
    Measurement(
        {
            "row_against_running_sums": at_most(0.5),
            "row_error_mean": at_most(1e-6),
            "row_error_worst": at_most(1e-5),
        },
        rows_of_a_real_vocabulary,
    ),
)
