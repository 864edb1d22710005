"""How the owners of a pool's members would run them, by the members' files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evoswarm.certificate.document import Owner
from evoswarm.experiment.workbench import Workbench


def owners_of(bench: Workbench) -> tuple[Owner, ...]:
    """How the owners of the pool's members would run them."""
    decoder = bench.evaluator.swarm
    return tuple(
        Owner(
            member=facts.spec.name,
            chat_template=facts.spec.chat_template or facts.spec.name in decoder.templated,
            sampled=facts.generation.sampled,
            temperature=facts.generation.temperature,
            top_k=facts.generation.top_k,
            top_p=facts.generation.top_p,
            min_p=facts.generation.min_p,
            left_out=facts.generation.left_out,
        )
        for facts in bench.swarm.facts
    )


def unobeyed(owners: Sequence[Owner]) -> Iterator[str]:
    """What members' owners would set, and nothing here obeys."""
    for one in owners:
        if one.left_out:
            settings = " and ".join(one.left_out)
            yield f"The generation settings of {one.member} also say {settings}; its answers are decoded without."
