"""A sampled mixture that draws who speaks, beside the same distribution fused from all members.

    python -m tests.benchmarks --only drawn_speaker_p

The power rule with exponent 1 is the same mixture, and hears everybody.
"""

from __future__ import annotations

from collections import Counter

from scipy.stats import chisquare

from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.cost import Cost, cost_of
from evoswarm.policies.mix import Fusion, Recipe
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_least, at_most
from tests.benchmarks.zoo import some
from tests.decoding.recipes import PROMPTS, recipe
from tests.decoding.tiny import LINES

MEMBERS = ("llama-a", "gpt2-c", "mistral-h", "llama-b")
SAMPLES = 1000
ENGLISH = LINES[:1]
END = 256
LEAST_EXPECTED = 5.0  # of a class of the chi-square test; rarer symbols are one class


def drawn(options: Options) -> Readings:
    """First symbols of very many draws against the fused distribution; and what answers cost either way."""
    swarm = Swarm(some(MEMBERS))
    mixed = recipe(*MEMBERS, weights=(4, 3, 2, 1), temperatures=(1.0, 1.5, 2.0, 1.0), samples=SAMPLES)
    whole = mixed.changed(fusion=Fusion(rule="power", alpha=1.0).model_dump(by_alias=True))
    rounds = options.size(1000, 10)
    counts: Counter[str] = Counter()
    for number in range(rounds):
        done = swarm.decode([Request(mixed, PROMPTS[0], f"item {number}", max_symbols=1)])[0]
        counts.update(sample.text for sample in done.samples)
    draws = rounds * SAMPLES
    expected = _first_symbols(swarm, whole)
    common = {text: share * draws for text, share in expected.items() if share * draws >= LEAST_EXPECTED}
    seen = [counts[text] for text in common]
    p = chisquare([*seen, draws - sum(seen)], [*common.values(), draws - sum(common.values())]).pvalue
    one, all_of_them = _costs(swarm, mixed), _costs(swarm, whole)
    among = f"{len(MEMBERS)} members, a forced answer of a few sentences, by bytes"
    return {
        "drawn_speaker_p": Reading(float(p), f"chi-square of {draws:,} draws over {len(common) + 1} classes"),
        "drawn_speaker_passes": Reading(one.passes / all_of_them.passes, f"of the whole mixture's: {among}"),
        "drawn_speaker_weight_reads": Reading(one.weight_reads / all_of_them.weight_reads, "likewise"),
        "drawn_speaker_flops": Reading(one.flops / all_of_them.flops, "likewise; each member reads what others wrote"),
    }


def _first_symbols(swarm: Swarm, whole: Recipe) -> dict[str, float]:
    """What the whole mixture gives the symbols that it is likely to begin with, by the texts they are."""
    greedy = whole.changed(samples=1)
    step = swarm.decode([Request(greedy, PROMPTS[0], max_symbols=1, trace=True)])[0].trace[0]
    return {chr(symbol) if symbol < END else "": share for symbol, share in step.candidates}


def _costs(swarm: Swarm, one: Recipe) -> Cost:
    """Of one answer of a few sentences; it is given, so that both sides have the same."""
    alone = one.changed(samples=1, sampled=True)
    text = " ".join(ENGLISH * 3)
    done = swarm.decode([Request(alone, PROMPTS[0], max_bytes=len(text) + 1, forced=text)])[0]
    return cost_of(done.use, swarm.shapes)


MEASUREMENTS = (
    Measurement(
        {
            "drawn_speaker_p": at_least(0.001),
            "drawn_speaker_passes": None,
            "drawn_speaker_weight_reads": None,
            "drawn_speaker_flops": at_most(0.5),
        },
        drawn,
    ),
)
