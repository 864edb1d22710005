"""What the recipes of a pool choose between at every step, in words."""

from __future__ import annotations

from evoswarm.experiment.workbench import Workbench
from evoswarm.genomes.plain import uniform


def symbols(bench: Workbench) -> str:
    """The symbols of a mix of the whole pool, and what members must take apart for them."""
    mix = uniform(bench.space, bench.pool)
    facts = bench.swarm.symbols(mix)
    if mix.alphabet == "bytes":
        return "256 bytes"
    if not any(facts.decomposed.values()):
        return f"{facts.tokens[mix.lead]:,}, the tokens of the tokenizer that all members share"
    apart = ", ".join(
        f"{count:,} of the {facts.tokens[name]:,} tokens of {name}" for name, count in facts.decomposed.items() if count
    )
    return f"{facts.symbols:,} that all members have in common; taken apart for it are {apart}"
