"""The next-token distribution in the ``tokens`` alphabet, for members that share one tokenizer."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from evoswarm.decoding.alphabet import Text
from evoswarm.decoding.byte_view import LOG_FLOOR
from evoswarm.decoding.codec import Codec
from evoswarm.decoding.fusion import first_argmax, top_gap
from evoswarm.decoding.gate import entropy
from evoswarm.decoding.prefix_tree import PrefixTree
from evoswarm.decoding.text_memory import Distributions, PromptView, TextNode
from evoswarm.recipe import Failure


class TokenRow(NamedTuple):
    """What is kept of an output row: where it stands, its entropy (nan: not finite), its favourite and the gap."""

    row: int
    entropy: float
    favourite: int
    gap: float


class TokenView:
    """Next-token distributions of one member: a text is a path of tokens, so a node's row is the answer."""

    def __init__(self, codec: Codec, distributions: Distributions, context: int | None) -> None:
        """Args:
        codec: of the shared tokenizer.
        distributions: where finished rows go.
        context: longest sequence the member can read, tokens.
        """
        self._codec, self._distributions, self._context = codec, distributions, context
        self.allowed = torch.zeros(len(codec.token_bytes) + 1, dtype=torch.bool)
        self.allowed[torch.from_numpy(codec.order)] = True
        self.allowed[-1] = True

    def rows(self, logits: Tensor) -> list[TokenRow]:
        """``[rows, columns]`` logits -> what is known of each row."""
        order = torch.from_numpy(self._codec.order).to(logits.device)
        scores = logits.float()
        ends = torch.logsumexp(scores[:, torch.tensor(self._codec.end_ids, device=logits.device)], 1, keepdim=True)
        log_probs = torch.log_softmax(torch.cat([scores[:, order], ends], dim=1), dim=1)
        entropies = torch.where(log_probs.isnan().any(1), torch.nan, entropy(log_probs)).tolist()
        symbols = torch.full((len(logits), len(self.allowed)), -torch.inf)
        log_probs = log_probs.clamp_min(LOG_FLOOR).cpu()
        symbols[:, torch.from_numpy(self._codec.order)] = log_probs[:, :-1]
        symbols[:, -1] = log_probs[:, -1]
        first = self._distributions.add(symbols)
        favourites, gaps = first_argmax(symbols).tolist(), top_gap(symbols).tolist()
        return [
            TokenRow(first + index, *known) for index, known in enumerate(zip(entropies, favourites, gaps, strict=True))
        ]

    def row_bytes(self) -> int:
        """What a kept row adds to the distributions' own memory."""
        return 64

    def lookup(self, tree: PrefixTree[TokenRow], prompt: PromptView, text: Text) -> TextNode | None:
        """The distribution behind a path of tokens, or None: then its row has been asked for."""
        found = prompt.texts.get(text)
        if found is not None:
            return found
        assert isinstance(text, tuple)
        node = tree.walk(prompt.node, text)
        if self._context is not None and node.depth > self._context:
            message = f"prompt and answer have more than {self._context} tokens"
            found = TextNode(-1, 0.0, True, 0.0, (), Failure("prompt_too_long", message))
        else:
            row = tree.row(node)
            if row is None:
                tree.want(node)
                return None
            if math.isnan(row.entropy):
                found = TextNode(
                    -1, 0.0, True, 0.0, (), Failure("non_finite", "the member's logits hold nan or infinity")
                )
            else:
                found = TextNode(row.row, row.entropy, False, 0.0, (node,), None, row.favourite, row.gap)
        prompt.texts[text] = found
        return found
