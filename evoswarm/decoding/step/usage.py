"""What a recipe would cost, deployed alone: recounted from what was decoded, once for all who decoded the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evoswarm.decoding.memory.prefix_tree import Node
from evoswarm.decoding.request import MemberUse


def use_of(name: str, prompt: Node | None, by_step: Iterable[Sequence[Node]]) -> MemberUse:
    """What one member does for one request when the recipe is deployed alone, with an unbounded cache.

    Each node that has not been read before is one pass over the chunk of all that is still unread before it; the
    prompt goes with the first. A node that a chunk has passed over costs only its output row. Samples count one
    behind the other, in whatever order they really were decoded.

    Args:
        name: of the member.
        prompt: the end of its prompt; None if it never spoke.
        by_step: per step at which it spoke, over all samples, the nodes whose rows it needed.
    """
    seen: set[Node] = set()
    rows: set[Node] = set()
    tokens = passes = context = steps = 0
    for reads in by_step:
        steps += 1
        for node in reads:
            if node in rows:
                continue
            rows.add(node)
            if node in seen:
                continue
            if not seen:
                assert prompt is not None
                tokens, context = prompt.depth, prompt.depth * (prompt.depth + 1) // 2
                seen.add(prompt)
            one: Node | None = node
            while one is not None and one not in seen:
                seen.add(one)
                tokens += 1
                context += one.depth
                one = one.parent
            passes += 1
    prompt_tokens = prompt.depth if seen and prompt is not None else 0
    return MemberUse(name, prompt_tokens, tokens, passes, len(rows), context, steps)
