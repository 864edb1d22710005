"""The members of a pool as one alphabet sees them: each with its tree, its distributions and its prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evoswarm.decoding.alphabet import Alphabet, Bytes, Tokens
from evoswarm.decoding.byte_view import ByteView
from evoswarm.decoding.member import Member
from evoswarm.decoding.prefix_tree import PrefixTree, TreeLimits
from evoswarm.decoding.request import Counters
from evoswarm.decoding.stream import Stream
from evoswarm.decoding.text_memory import Distributions, PromptView, TextNode
from evoswarm.decoding.token_view import TokenView
from evoswarm.recipe import Recipe


class MemberView:
    """One member in one alphabet at one epsilon: its tree, its view and the prompts it has seen."""

    def __init__(self, member: Member, view: Any, distributions: Distributions, limits: TreeLimits, counters: Counters):
        self.member, self.view, self.distributions = member, view, distributions
        self.tree: PrefixTree[Any] = PrefixTree(member.runner, view.rows, view.row_bytes(), limits, counters)
        self._prompts: dict[str, PromptView] = {}
        self._counters = counters

    def prompt(self, text: str) -> PromptView:
        """What this member knows behind a prompt."""
        found = self._prompts.get(text)
        if found is None:
            self._prompts[text] = found = PromptView(self.tree.prompt(self.member.render(text)))
        return found

    def lookup(self, prompt: PromptView, stream: Stream) -> TextNode | None:
        """The member's distribution at a stream's text, or None while it has to be read first."""
        known = len(prompt.texts)
        found: TextNode | None = self.view.lookup(self.tree, prompt, stream.text)
        if found is not None:
            self._counters.text_lookups += 1
            self._counters.text_hits += len(prompt.texts) == known
        return found


class PoolView:
    """All members in one alphabet at one epsilon; they share a matrix of distributions."""

    def __init__(
        self, members: Sequence[Member], recipe: Recipe, limits: Sequence[TreeLimits], counters: Counters
    ) -> None:
        """Args:
        members: the pool.
        recipe: any recipe of this alphabet and epsilon.
        limits: what the tree of each member may keep.
        counters: where the work is counted.
        """
        self.alphabet: Alphabet
        if recipe.alphabet == "tokens":
            self.alphabet = Tokens(members[0].codec.token_bytes)
        else:
            self.alphabet = Bytes()
        self.distributions = Distributions(self.alphabet.size)
        self.members = [
            MemberView(member, self._view(member, recipe), self.distributions, limit, counters)
            for member, limit in zip(members, limits, strict=True)
        ]

    def _view(self, member: Member, recipe: Recipe) -> ByteView | TokenView:
        if recipe.alphabet == "tokens":
            return TokenView(member.codec, self.distributions, member.context)
        return ByteView(member.codec, self.distributions, recipe.epsilon, member.context)


def view_key(recipe: Recipe) -> tuple[str, float]:
    """What recipes must have in common to share a view of the pool."""
    return recipe.alphabet, recipe.epsilon
