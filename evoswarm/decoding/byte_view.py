"""The exact next-byte distribution of a token model.

Behind a text x, a model may be in the middle of a token. Every *head* is a tokenization of a beginning of x from
which some token leads beyond x; the next byte's probability is the sum over heads of the probability of having
tokenized that far, times that of the tokens that go on with that byte. Only tokenizations that the tokenizer
itself would produce are heads. The idea of covering tokens is from Vieira et al., "From language models over
tokens to language models over characters" (2024); the restriction to canonical paths and the rule of what is
read are evoswarm's, and ``tests/oracle.py`` states them once more as plainly as possible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.alphabet import Text, allowed_after, split_character
from evoswarm.decoding.codec import REMEMBERED, Codec, Path
from evoswarm.decoding.fusion import FLOOR
from evoswarm.decoding.prefix_tree import Node, PrefixTree
from evoswarm.decoding.text_memory import Distributions, PromptView, TextNode
from evoswarm.recipe import Failure, FailureKind

LOG_FLOOR = math.log(FLOOR)
SMALL = 1e-5  # below this a difference of running sums (absolute error 1e-16) is replaced by a sum of its own


@dataclass(frozen=True, slots=True)
class ByteRow:
    """A member's next-token distribution, laid out for sums over tokens that share a prefix.

    Attributes:
        log_probs: ``[texts]`` in the order of the codec, float32.
        cumulative: ``[texts + 1]`` running sum of the probabilities, float64.
        end: probability of all end tokens together.
    """

    log_probs: NDArray[np.float32]
    cumulative: NDArray[np.float64]
    end: float

    def total(self, bounds: NDArray[np.int64]) -> float:
        """Probability of all tokens between the outer bounds."""
        low, high = bounds[0], bounds[256]
        total = float(self.cumulative[high] - self.cumulative[low])
        return total if total > SMALL else float(self._some(low, high).sum())

    def by_byte(self, bounds: NDArray[np.int64], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
        """``[256]`` probabilities of the tokens between bounds, right relative to the mass of the allowed bytes."""
        at = self.cumulative[bounds]
        sums: NDArray[np.float64] = np.maximum(at[1:] - at[:-1], 0.0)
        if sums[allowed].sum() > SMALL:
            return sums
        byte_of = np.repeat(np.arange(256), np.diff(bounds))
        weights = self._some(bounds[0], bounds[256])
        return np.bincount(byte_of, weights=weights, minlength=256).astype(np.float64)

    def _some(self, low: int, high: int) -> NDArray[np.float64]:
        return np.exp(self.log_probs[low:high].astype(np.float64))


@dataclass(frozen=True, slots=True)
class Head:
    """A canonical tokenization of a beginning of the text.

    Attributes:
        path: its tokens.
        bounds: ``[257]`` where tokens that strictly extend the rest of the text stand in the codec's order.
        ends: whether it spells the whole text, so that END may follow.
    """

    path: Path
    bounds: NDArray[np.int64]
    ends: bool


class ByteView:
    """Next-byte distributions of one member at one epsilon."""

    def __init__(self, codec: Codec, distributions: Distributions, epsilon: float, context: int | None) -> None:
        """Args:
        codec: of the member's tokenizer.
        distributions: where finished rows go.
        epsilon: share of the mass that may stay unread.
        context: longest sequence the member can read, tokens.
        """
        self._codec, self._distributions = codec, distributions
        self._epsilon, self._context = epsilon, context
        self._heads: dict[bytes, tuple[Path, tuple[Head, ...]]] = {}

    def rows(self, logits: Tensor) -> list[ByteRow]:
        """``[rows, columns]`` logits -> rows; special tokens and columns beyond the vocabulary get no mass."""
        return byte_rows(self._codec, logits)

    def row_bytes(self) -> int:
        """Size of a kept row."""
        return 12 * len(self._codec.order)

    def lookup(self, tree: PrefixTree[ByteRow], prompt: PromptView, text: Text) -> TextNode | None:
        """The distribution behind a text, or None: then the rows it needs next have been asked for."""
        found = prompt.texts.get(text)
        if found is None:
            assert isinstance(text, bytes)
            found = self._try(tree, prompt, text)
            if found is not None:
                prompt.texts[text] = found
        return found

    def heads(self, text: bytes) -> tuple[Path, tuple[Head, ...]]:
        """The common prefix of all head paths, and the heads; a function of tokenizer and text."""
        found = self._heads.get(text)
        if found is None:
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            self._heads[text] = found = self._find_heads(text)
        return found

    def _find_heads(self, text: bytes) -> tuple[Path, tuple[Head, ...]]:
        codec = self._codec
        heads = []
        for start in range(max(0, len(text) - codec.max_token_bytes + 1), len(text) + 1):
            rest = text[start:]
            if not rest or codec.extends(rest):
                bounds = codec.bounds(rest)
                heads += [Head(path, bounds, not rest) for path in codec.paths(text[:start])]
        common = heads[0].path if heads else ()
        for head in heads[1:]:
            agreed = 0
            for one, other in zip(common, head.path, strict=False):
                if one != other:
                    break
                agreed += 1
            common = common[:agreed]
        return common, tuple(heads)

    def _try(self, tree: PrefixTree[ByteRow], prompt: PromptView, text: bytes) -> TextNode | None:
        common, heads = self.heads(text)
        if not heads:  # the tokenizer cannot spell this text
            return self._abstain((), 0.0)
        reads: dict[Path, tuple[Node, ByteRow]] = {}
        unread = [common]
        while unread:
            nodes = [tree.walk(prompt.node, path) for path in unread]
            if self._context is not None and max(node.depth for node in nodes) > self._context:
                return self._fail("prompt_too_long", f"prompt and answer have more than {self._context} tokens")
            rows = [tree.row(node) for node in nodes]
            for node, row in zip(nodes, rows, strict=True):
                if row is None:
                    tree.want(node)
            if any(row is None for row in rows):
                return None
            if any(row is not None and not math.isfinite(row.cumulative[-1] + row.end) for row in rows):
                return self._fail("non_finite", "the member's logits hold nan or infinity")
            reads.update({path: (node, row) for path, node, row in zip(unread, nodes, rows, strict=True) if row})
            unread, masses, share = self._weigh(common, heads, reads)
        return self._finish(text, heads, masses, share, reads)

    def _weigh(
        self, common: Path, heads: Sequence[Head], reads: dict[Path, tuple[Node, ByteRow]]
    ) -> tuple[list[Path], list[float], float]:
        """What to read next; the mass of each read head (0 where unread); the mass that unread heads count for."""
        masses, counts, missing = [], [], []
        for head in heads:
            mass, depth = 1.0, len(common)
            while depth < len(head.path) and head.path[:depth] in reads:
                mass *= math.exp(reads[head.path[:depth]][1].log_probs[self._codec.rank[head.path[depth]]])
                depth += 1
            here = reads.get(head.path[:depth]) if depth == len(head.path) else None
            if here is None:
                masses.append(0.0)
                counts.append(mass)
                missing.append(head.path[:depth])
            else:
                row = here[1]
                masses.append(mass)
                counts.append(mass * (row.total(head.bounds) + (row.end if head.ends else 0.0)))
                missing.append(())
        total = math.fsum(counts)
        is_unread = [head.path not in reads for head in heads]
        ask: dict[Path, None] = {}
        for path, count, unread in zip(missing, counts, is_unread, strict=True):
            if unread and count > 0 and count >= self._epsilon * total:
                ask[path] = None
        return list(ask), masses, math.fsum(c for c, unread in zip(counts, is_unread, strict=True) if unread)

    def _finish(
        self,
        text: bytes,
        heads: Sequence[Head],
        masses: Sequence[float],
        unread: float,
        reads: dict[Path, tuple[Node, ByteRow]],
    ) -> TextNode:
        """Add the heads up, mask, normalise, floor."""
        nodes = tuple(node for node, _ in reads.values())
        allowed = allowed_after(split_character(text)[1])
        probabilities = np.zeros(257)
        for head, mass in zip(heads, masses, strict=True):
            if mass > 0:
                row = reads[head.path][1]
                probabilities[:256] += mass * row.by_byte(head.bounds, allowed[:256])
                if head.ends:
                    probabilities[256] += mass * row.end
        probabilities[~allowed] = 0.0
        total = probabilities.sum()
        if not total > 0:
            return self._abstain(nodes, 1.0 if unread > 0 else 0.0)
        probabilities /= total
        some = probabilities > 0
        logs = np.full(257, -np.inf)
        logs[some] = np.log(probabilities[some])
        entropy = float(-(probabilities[some] * logs[some]).sum())
        logs[allowed] = np.maximum(logs[allowed], LOG_FLOOR)
        kept: NDArray[np.float32] = logs.astype(np.float32)
        index = self._distributions.add(torch.from_numpy(kept)[None])
        favourite, share = int(kept.argmax()), unread / (unread + total)
        gap = float(kept[favourite] - np.partition(kept, -2)[-2])
        return TextNode(index, max(0.0, entropy), False, share, nodes, favourite=favourite, gap=gap)

    def _abstain(self, nodes: tuple[Node, ...], left_out: float) -> TextNode:
        blank = self._distributions.add(torch.zeros((1, 257)))
        return TextNode(blank, 0.0, True, left_out, nodes)

    def _fail(self, kind: FailureKind, message: str) -> TextNode:
        return TextNode(-1, 0.0, True, 0.0, (), Failure(kind, message))


def byte_rows(codec: Codec, logits: Tensor) -> list[ByteRow]:
    """Lay out ``[rows, columns]`` logits for sums over tokens that share a prefix.

    One float64 running sum: in float32 half of the small masses of a large vocabulary would come out as 0.
    """
    scores = (logits.cpu() if logits.device.type == "mps" else logits).double()  # Apple GPUs have no float64
    order = torch.from_numpy(codec.order).to(scores.device)
    texts = scores[:, order]
    ends = scores[:, torch.tensor(codec.end_ids, device=scores.device)]
    total = torch.logsumexp(torch.cat([texts, ends], dim=1), dim=1, keepdim=True)
    log_probs = texts - total
    running = torch.nn.functional.pad(log_probs.exp().cumsum(1), (1, 0)).cpu().numpy()
    end = (ends - total).exp().sum(1).tolist()
    small = log_probs.float().cpu().numpy()
    return [ByteRow(small[index], running[index], end[index]) for index in range(len(small))]
