"""How much the members of a policy can read, and what they never write."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from evoswarm.decoding.swarm import Swarm
from evoswarm.policies import Policy
from evoswarm.policies.route import every_mix


class Reach:
    """What all members of a policy can read.

    Args:
        policy: by the swarm's names for its members.
        swarm: where they are loaded.
    """

    def __init__(self, policy: Policy, swarm: Swarm) -> None:
        self._swarm = swarm
        self._asked = sorted({(spec.name, mix.prompt_format) for mix in every_mix(policy) for spec in mix.specs})

    @cached_property
    def unspoken(self) -> frozenset[str]:
        """Texts of special tokens that are never spelled by one member or another: no answer holds them."""
        members = {member.spec.name: member for member in self._swarm.members}
        return frozenset[str]().union(*(members[name].unspoken for name, _ in self._asked))

    def fits(self, context: str, room: int, most: int | None = None) -> bool:
        """Whether every member can read a context and some tokens behind it.

        Args:
            context: a question that is worded already.
            room: tokens behind it.
            most: tokens in all, where members can read more.
        """
        for name, prompt_format in self._asked:
            own = self._swarm.context_lengths[name]
            limit = most if own is None else own if most is None else min(own, most)
            if limit is not None:
                read = self._swarm.prompt_lengths(name, [prompt_format.replace("{prompt}", context)])[0]
                if read + room > limit:
                    return False
        return True

    def cut(self, context: str, room: int, text: str = "") -> str:
        """The longest end of a context that every member can read with what is behind it; "" where none does.

        Args:
            context: a question that is worded already.
            room: tokens behind it.
            text: that stands between.
        """
        if self.fits(context + text, room):
            return context
        kept = longest(len(context), lambda size: self.fits(context[len(context) - size :] + text, room))
        return context[len(context) - kept :]


def longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``most`` that fits, where smaller ones do too; 0 where none does."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
