"""Models of about 100M parameters: against ``generate``, behind gates, outside their forwards, by common symbols."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from evoswarm import Completion, Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks import english
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, alternate, at_most, median_ratio, spread
from tests.benchmarks.models import (
    ARCHITECTURES,
    END,
    VOCABULARY,
    build,
    build_around,
    load,
    passages,
    sizes,
    tokenizer,
)
from tests.decoding.tiny import GPT2_PATTERN, LLAMA3_PATTERN
from tools.packages import NotFetchedError

PROMPTS, NEW_TOKENS = 64, 128
RECIPES, ITEMS, TEXT_BYTES = 16, 16, 64  # 64 items of 64 tokens would take two cores an hour: a random model is unsure
WIDE_RECIPES, WIDE_ITEMS, WIDE_TEXT_BYTES = 6, 8, 24
"""A forward costs as much as at 32k, and so does what is outside it in proportion: fewer show the share as well."""
WIDE_TOKENIZERS = ("qwen2", "llama3")
PAIR = {"llama": "qwen2", "gpt2": "mistral_v3"}
"""By architecture a real tokenizer: a byte-level one of 152,000 tokens, one of SentencePiece's of 33,000."""
PAIR_TEXTS, PAIR_TEXT_BYTES = 12, 80
OPEN_SHARE = 0.2
ENOUGH_BYTES = 1 << 20


@contextmanager
def members(options: Options, *names: str, tokenizers: int = 1) -> Iterator[list[Member]]:
    """Random members by architecture, on one tokenizer or on two in turn; their directories go at the end."""
    vocabulary = options.size(VOCABULARY, 2000)
    words = [tokenizer("stdlib", GPT2_PATTERN, vocabulary), tokenizer("purelib", LLAMA3_PATTERN, vocabulary)]
    with tempfile.TemporaryDirectory() as directory:
        yield load(
            [
                build(Path(directory), name, name, words[index % tokenizers], small=options.quick)
                for index, name in enumerate(names)
            ]
        )


def mixture(chosen: Sequence[Member], alphabet: str, threshold: float = 0.0, weight: float = 1.0) -> Recipe:
    """The first leads; the others speak from the threshold on."""
    parts = [
        RecipeMember(spec=member.spec, threshold=threshold, weight=weight if index else 1.0)
        for index, member in enumerate(chosen)
    ]
    return Recipe.model_validate({"alphabet": alphabet, "members": tuple(parts), "lead": chosen[0].spec.name})


def single_vs_generate(options: Options) -> Readings:
    """One Llama in ``tokens``, against its own ``generate``: ragged prompts at once, padded on the left; then one."""
    found: Readings = {}
    with members(options, "llama") as (member,):
        for key, count in (("single_vs_generate", options.size(PROMPTS, 4)), ("single_vs_generate_batch1", 1)):
            found[key] = _against_generate(member, count, options)
    return found


def _against_generate(member: Member, count: int, options: Options) -> Reading:
    length = options.size(NEW_TOKENS, 8)
    texts = [prompt[: 24 + 5 * number] for number, (prompt, _) in enumerate(passages(count, 24 + 5 * count, 8))]
    asked = [Request(mixture([member], "tokens"), text, max_symbols=length, max_bytes=ENOUGH_BYTES) for text in texts]
    answers: dict[str, list[str]] = {}

    def ours() -> None:
        answers["ours"] = [done.samples[0].text for done in Swarm([member]).decode(asked)]

    def theirs() -> None:
        answers["theirs"] = _generate(member, [member.render(text) for text in texts], length)

    times = alternate(ours, theirs, options.pairs)
    same = sum(one == other for one, other in zip(answers["ours"], answers["theirs"], strict=True))
    note = f"{sizes([member])}; {count} prompts, {length} new tokens, {same} answers alike; {spread(times)}"
    return Reading(median_ratio(times), note)


def _generate(member: Member, prompts: Sequence[tuple[int, ...]], length: int) -> list[str]:
    """What transformers does with the batch, greedily; END may not come."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(one)) + list(one) for one in prompts])
    mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in prompts])
    with torch.inference_mode():
        said = member.reader.model.generate(  # type: ignore[attr-defined]
            input_ids=ids,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=length,
            min_new_tokens=length,
            pad_token_id=0,
            eos_token_id=END,
        )
    spelled = [b"".join(member.codec.token_bytes[token] or b"" for token in row) for row in said[:, width:].tolist()]
    return [raw.decode(errors="replace") for raw in spelled]


def gated_vs_always(options: Options) -> Readings:
    """Deployment in ``tokens``: followers at a fifth of the lead's tokens, against followers at all of them."""
    found: Readings = {}
    with members(options, *ARCHITECTURES) as chosen:
        for batch, key in ((1, "gated_vs_always"), (16, "gated_vs_always_batch16")):
            texts = list(passages(batch, 80, options.size(160, 60)))
            always, gated = mixture(chosen, "tokens"), mixture(chosen, "tokens", _threshold(chosen, texts))
            shares: dict[str, float] = {}

            def run(recipe: Recipe, texts: Sequence[tuple[str, str]] = texts, to: dict[str, float] = shares) -> None:
                done = Swarm(chosen).decode([_forced(recipe, *pair) for pair in texts])
                to[recipe.digest] = sum(one.open_steps for one in done) / sum(one.steps for one in done)

            pairs = options.pairs if batch == 1 else 1  # the larger batch is only shown
            times = alternate(partial(run, gated), partial(run, always), pairs)
            note = f"{sizes(chosen)}; batch {batch}, followers at {shares[gated.digest]:.0%}; {spread(times)}"
            found[key] = Reading(median_ratio(times), note)
    return found


def _forced(recipe: Recipe, prompt: str, text: str, *, trace: bool = False) -> Request:
    return Request(recipe, prompt, max_bytes=len(text) + 1, forced=text, trace=trace)  # ASCII


def _threshold(chosen: Sequence[Member], texts: Sequence[tuple[str, str]]) -> float:
    """The entropy that a fifth of the lead's steps over these texts exceed."""
    lead = mixture(chosen[:1], "tokens")
    done: list[Completion] = Swarm(chosen).decode([_forced(lead, *pair, trace=True) for pair in texts])
    entropies = [step.entropy for one in done for step in one.trace]
    return statistics.quantiles(entropies, n=100)[round(100 * (1 - OPEN_SHARE)) - 1]


@contextmanager
def around(options: Options, real: Sequence[tuple[str, str]]) -> Iterator[list[Member]]:
    """Random members around real tokenizers, by architecture and tokenizer; their directories go at the end."""
    with tempfile.TemporaryDirectory() as directory:
        yield load([build_around(Path(directory), one, one, words, small=options.quick) for one, words in real])


def outside_forwards(options: Options) -> Readings:
    """Three architectures, two tokenizers of 32k."""
    size = (options.size(RECIPES, 2), options.size(ITEMS, 2), options.size(TEXT_BYTES, 20))
    with members(options, *ARCHITECTURES, tokenizers=2) as chosen:
        return {"outside_forwards": _outside(chosen, *size)}


def outside_forwards_150k(options: Options) -> Readings:
    """Three architectures, two real tokenizers of 152,000 and 128,000 tokens in turn."""
    size = (options.size(WIDE_RECIPES, 2), options.size(WIDE_ITEMS, 2), options.size(WIDE_TEXT_BYTES, 12))
    real = [(name, WIDE_TOKENIZERS[index % 2]) for index, name in enumerate(ARCHITECTURES)]
    with around(options, real) as chosen:
        reading = _outside(chosen, *size)
        return {"outside_forwards_150k": Reading(reading.value, f"{reading.note}; tokens of {_vocabularies(chosen)}")}


def _outside(chosen: Sequence[Member], recipes: int, items: int, text_bytes: int) -> Reading:
    """Share of time outside forwards in ``bytes``, every recipe on texts of its own.

    What is made of tokenizers alone is made before, once in a process: over so few texts it would be most of the time.
    """
    mixes = [mixture(chosen, "bytes", weight=1.0 + number) for number in range(recipes)]
    texts = list(passages(recipes * items, 60, text_bytes))
    asked = [
        _forced(mix, texts[item][0], texts[item * recipes + number][1])
        for number, mix in enumerate(mixes)
        for item in range(items)
    ]
    swarm = Swarm(chosen)
    swarm.decode([_forced(mixes[0], "a", "b")])
    before = swarm.counters.copy()
    _require_answers(swarm.decode(asked))
    work = swarm.counters.since(before)
    tokens = sum(len(chosen[0].codec.encode((one.forced or "").encode()) or ()) for one in asked) / len(asked)
    note = (
        f"{sizes(chosen)}; {recipes} recipes x {items} items x {text_bytes} bytes ({tokens:.0f} tokens);"
        f" {work.rows_forwarded} rows, {work.forward_seconds:.0f} of {work.seconds:.0f} s in forwards"
    )
    return Reading(1 - work.forward_seconds / work.seconds, note)


def common_vs_bytes(options: Options) -> Readings:
    """A mix of two members with a real tokenizer each, along English text: by symbols in common, and byte by byte."""
    try:
        with around(options, [*PAIR.items()]) as chosen:
            return {"common_vs_bytes": _common_vs_bytes(chosen, options)}
    except NotFetchedError as error:
        return {"common_vs_bytes": Reading(None, str(error))}


def _common_vs_bytes(chosen: Sequence[Member], options: Options) -> Reading:
    texts = english.passages(options.size(PAIR_TEXTS, 2), 60, options.size(PAIR_TEXT_BYTES, 20))
    swarm, steps = Swarm(chosen), dict[str, int]()

    def follow(alphabet: str) -> None:
        swarm.forget()
        done = swarm.decode([_forced(mixture(chosen, alphabet), *pair) for pair in texts])
        _require_answers(done)
        steps[alphabet] = sum(one.steps for one in done)

    for alphabet in ("common", "bytes"):  # what is made of the tokenizers alone is made once, and not measured
        swarm.decode([_forced(mixture(chosen, alphabet), "a", "b")])
    times = alternate(partial(follow, "common"), partial(follow, "bytes"), options.pairs)
    note = (
        f"{sizes(chosen)}, tokenizers {' and '.join(PAIR.values())} ({_vocabularies(chosen)} tokens);"
        f" {len(texts)} texts at once, {steps['common']} steps and {steps['bytes']}; {spread(times)}"
    )
    return Reading(median_ratio(times), note)


def _vocabularies(chosen: Sequence[Member]) -> str:
    """How many tokens each has that can be written, in words."""
    return ", ".join(f"{len(member.codec.order):,}" for member in chosen)


def _require_answers(done: Sequence[Completion]) -> None:
    failed = [one.failure for one in done if one.failure is not None]
    if failed:
        raise ValueError(f"expected answers, got {failed[0]}")


MEASUREMENTS = (
    Measurement(
        {"single_vs_generate": at_most(0.6), "single_vs_generate_batch1": at_most(0.9)},
        single_vs_generate,
        one_thread=False,
    ),
    Measurement({"gated_vs_always": at_most(0.60), "gated_vs_always_batch16": None}, gated_vs_always, one_thread=False),
    Measurement({"outside_forwards": at_most(0.10)}, outside_forwards, one_thread=False),
    Measurement({"outside_forwards_150k": at_most(0.12)}, outside_forwards_150k, one_thread=False),
    Measurement({"common_vs_bytes": at_most(0.35)}, common_vs_bytes, one_thread=False),
)
