"""What the byte view reads and leaves out: meaning, not speed.

What must be read is recounted by the oracle's rule, from the finished texts and the speakers at every step.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from evoswarm import Completion, MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.member import Member, load_member
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks.english import VOCABULARY, bigram_directory, passages
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, at_least, at_most, exactly
from tests.benchmarks.quickstart import written
from tests.benchmarks.zoo import PROMPTS, TEXTS, judge, mixed_requests, recipes_by_chance, some, zoo
from tests.decoding import tiny
from tests.decoding.recipes import ONE_TOKENIZER, ZOO, recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import view_of

KINDS = ("gpt2", "llama3", "llama2", "unigram")
BATCH_TOKENS = 4096


def rows_per_node(options: Options) -> Readings:
    """Rows forwarded over distinct nodes needed; random recipes, gated and not, forced texts, both alphabets."""
    forwarded = needed = 0
    for names, alphabet in ((ZOO, "bytes"), (ONE_TOKENIZER, "tokens")):
        swarm = Swarm(some(names))
        asked = mixed_requests(recipes_by_chance(names, alphabet, options.size(40, 6)))
        done = swarm.decode(asked)
        needed += len(_needed(asked, done))
        forwarded += swarm.counters.rows_forwarded + swarm.counters.rows_reforwarded
    return {"rows_per_node": Reading(forwarded / needed, f"{forwarded} rows, {needed} nodes by the oracle's rule")}


def _needed(asked: Sequence[Request], done: Sequence[Completion]) -> set[tuple[str, tuple[int, ...]]]:
    """Every token prefix that a speaker had to read at some step."""
    tips: set[tuple[str, tuple[int, ...]]] = set()
    for request, completion in zip(asked, done, strict=True):
        if completion.failure is not None:
            raise ValueError(f"expected an answer to {request.prompt!r}, got {completion.failure}")
        symbols = [step.symbol for step in completion.trace]
        for length, step in enumerate(completion.trace):
            for name in step.speakers:
                tips |= {(name, path) for path in _read(name, request, symbols[:length])}
    return {(name, path[:depth]) for name, path in tips for depth in range(1, len(path) + 1)}


def _read(name: str, request: Request, symbols: Sequence[int]) -> list[tuple[int, ...]]:
    prompt = judge(name).prompt(request.prompt)
    if request.recipe.alphabet == "tokens":
        return [prompt + tuple(symbols)]
    return [prompt + path for path in _heads_read(name, prompt, bytes(symbols), request.recipe.epsilon)]


@cache
def _heads_read(name: str, prompt: tuple[int, ...], text: bytes, epsilon: float) -> tuple[tuple[int, ...], ...]:
    return tuple(sorted(view_of(judge(name)).read(prompt, text, epsilon)[1]))


def forwards_per_token(options: Options) -> Readings:
    """All members of the zoo read, one text at a time, what mixed recipes wrote; END counts as a token."""
    texts = written(options.size(24, 4), options.size(50, 10))
    counts = _forwards(zoo(), recipe(*ZOO), texts)
    ratios = {member.spec.name: read / tokens for member, (read, tokens, _) in zip(zoo(), counts, strict=True)}
    total = sum(read for read, _, _ in counts) / sum(tokens for _, tokens, _ in counts)
    note = f"{len(texts)} texts; " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    return {"forwards_per_token": Reading(total, note)}


def forwards_saved(options: Options) -> Readings:
    """Forwards at the default epsilon over forwards at 0, on held-out English read by a bigram of 4,000 tokens."""
    with tempfile.TemporaryDirectory() as directory:
        member = _loaded("bigram", bigram_directory(Path(directory), options.size(VOCABULARY, 1000)))
    texts = passages(options.size(40, 5), prompt_bytes=60, text_bytes=160)
    alone = Recipe(members=(RecipeMember(spec=member.spec),), lead="bigram")
    exact = Recipe(members=(RecipeMember(spec=member.spec),), lead="bigram", epsilon=0.0)
    (read, tokens, size) = _forwards([member], alone, texts)[0]
    (all_read, _, _) = _forwards([member], exact, texts)[0]
    note = f"{size / tokens:.2f} bytes and {read / tokens:.2f} forwards per token, {all_read / tokens:.2f} at epsilon 0"
    return {
        "forwards_saved": Reading(read / all_read, note),
        "fixture_bytes_per_token": Reading(size / tokens, "of the text behind forwards_saved"),
    }


def _forwards(members: Sequence[Member], one: Recipe, texts: Sequence[tuple[str, str]]) -> list[tuple[int, int, int]]:
    """Per member: rows that each text needs alone, its tokens, its bytes; END counts as one of each."""
    asked = [Request(one, prompt, max_bytes=len(text.encode()) + 1, forced=text) for prompt, text in texts]
    done = Swarm(members).decode(asked)
    counts = []
    for index, member in enumerate(members):
        read = tokens = size = 0
        for (_, text), completion in zip(texts, done, strict=True):
            path = member.codec.encode(text.encode())
            if completion.failure is not None or path is None:
                raise ValueError(f"expected that {member.spec.name} reads {text!r}, got {completion.failure}")
            use = completion.use[index]
            read += use.tokens - use.prompt_tokens + 1  # the prompt's last row is needed too
            tokens += len(path) + 1
            size += len(text.encode()) + 1
        counts.append((read, tokens, size))
    return counts


def tv_error(options: Options) -> Readings:
    """The oracle's view at the default epsilon against its view at 0; the engine's bound and its candidates beside."""
    bound, compared, within = 0.0, 0, True
    largest: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        for member, oracle, texts in _readers(Path(directory), options):
            alone = Recipe(members=(RecipeMember(spec=member.spec),), lead=member.spec.name)
            asked = [
                Request(alone, prompt, max_bytes=len(text.encode()) + 1, forced=text, trace=True)
                for prompt, text in texts
            ]
            for request, completion in zip(asked, Swarm([member]).decode(asked), strict=True):
                if completion.failure is not None:
                    continue  # the tokenizer cannot spell this text
                error = _distance(oracle, request, completion)
                largest[member.spec.name] = max(largest.get(member.spec.name, 0.0), error)
                bound = max(bound, float(completion.left_out))
                within = within and bool(error <= completion.left_out + 1e-6)
                compared += completion.steps
    worst = max(largest, key=largest.__getitem__)
    note = f"{compared} positions, {len(largest)} members, worst {worst}; the largest bound reported is {bound:.4f}"
    return {
        "tv_error": Reading(largest[worst], note),
        "tv_error_within_bound": Reading(within, "at every text"),
    }


def _readers(directory: Path, options: Options) -> Iterator[tuple[Member, OracleMember, list[tuple[str, str]]]]:
    """Members of the zoo, random models around tokenizers of other kinds, and the bigram on English; with texts."""
    foreign = [(PROMPTS[0], text) for text in TEXTS[:: options.size(1, 4)]]
    mixed = [*foreign, *written(8, 10)[:: options.size(4, 20)]]
    for member in zoo()[:: options.size(1, 4)]:
        yield member, judge(member.spec.name), mixed
    for kind in KINDS[:: options.size(1, 4)]:
        path = tiny.build(directory / kind, kind)
        yield _loaded(kind, path), OracleMember(path), mixed
    path = bigram_directory(directory / "bigram", options.size(VOCABULARY, 1000))
    yield _loaded("bigram", path), OracleMember(path), [*passages(options.size(4, 1), 60, 60), *foreign[:4]]


def _loaded(name: str, path: Path) -> Member:
    return load_member(MemberSpec(name=name, path=str(path), device="cpu"), BATCH_TOKENS)


def _distance(oracle: OracleMember, request: Request, completion: Completion) -> float:
    """Largest total variation between the two views at any position; raises where the engine is not the oracle."""
    prompt, raw = oracle.prompt(request.prompt), (request.forced or "").encode()
    largest = 0.0
    for length, step in enumerate(completion.trace):
        near = view_of(oracle).next_symbol(prompt, raw[:length], request.recipe.epsilon)
        exact = view_of(oracle).next_symbol(prompt, raw[:length], 0.0)
        if near is None or exact is None:
            continue
        if any(abs(near[0][symbol] - probability) > 1e-4 for symbol, probability in step.candidates):
            raise ValueError(f"expected the oracle's view behind {raw[:length]!r}, got {step.candidates}")
        largest = max(largest, 0.5 * sum(abs(p - q) for p, q in zip(near[0], exact[0], strict=True)))
    return largest


MEASUREMENTS = (
    Measurement({"rows_per_node": exactly(1.0)}, rows_per_node),
    Measurement({"forwards_per_token": at_most(1.10)}, forwards_per_token),
    Measurement({"forwards_saved": at_most(0.70), "fixture_bytes_per_token": at_least(3.0)}, forwards_saved),
    Measurement({"tv_error": at_most(0.005), "tv_error_within_bound": exactly(True)}, tv_error),
)
