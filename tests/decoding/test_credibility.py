"""Credibility: whose word the answer so far bears out weighs more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, normalizers

from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from tests.decoding import tiny
from tests.decoding.recipes import PROMPTS, recipe

LETTERS, LENGTH = "abc", 4
WEIGHTS, TEMPERATURES = (0.5, 0.3, 0.2), (1.0, 0.7, 1.6)
WHOLE = Fusion(gamma=1.0, decay=1.0)

Step = dict[int, float]


def letters() -> Tokenizer:
    """A vocabulary of three letters and the end."""
    vocabulary = {symbol: index for index, symbol in enumerate([*tiny.SPECIALS, *LETTERS])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.add_special_tokens(tiny.SPECIALS)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.Fuse()])
    return tokenizer


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Swarm:
    """Three members over these letters, each with an opinion of its own."""
    tokenizer, specs = letters(), []
    for number, kind in enumerate(("llama", "gpt2", "llama")):
        torch.manual_seed(number)
        model = tiny.random_model(kind, tokenizer.get_vocab_size(), **tiny.SMALL)
        with torch.no_grad():
            model.get_output_embeddings().weight.mul_(2.0)
        path = tiny.save(tmp_path_factory.mktemp(f"toy-{number}"), model, tokenizer)
        specs.append(MemberSpec(name=f"toy-{number}", path=str(path), device="cpu"))
    return Swarm.load(specs)


def mix(toys: Swarm, members: Sequence[int], fusion: Fusion, thresholds: Sequence[float] = (0.0, 0.0, 0.0)) -> Recipe:
    made = tuple(
        RecipeMember(
            spec=toys.specs[one], weight=WEIGHTS[one], temperature=TEMPERATURES[one], threshold=thresholds[one]
        )
        for one in members
    )
    lead = toys.specs[members[0]].name
    # Drawn, so that a lone member keeps its temperature, and not at 1, so that nobody is drawn in place of the mix.
    return Recipe(members=made, lead=lead, fusion=fusion, alphabet="tokens", sampled=True, sampling_temperature=2.0)


def along(toys: Swarm, one: Recipe, texts: Sequence[str]) -> list[Completion]:
    return toys.decode([Request(one, "ab", forced=text, trace=True) for text in texts])


def steps_along(toys: Swarm, one: Recipe) -> dict[str, Step]:
    """By every text of up to so many letters, the distribution of what comes next; END is the highest number."""
    texts = ["".join(text) for text in product(LETTERS, repeat=LENGTH - 1)]
    found: dict[str, Step] = {}
    for text, done in zip(texts, along(toys, one, texts), strict=True):
        for position, step in enumerate(done.trace):
            whole = {symbol: share for symbol, share in step.candidates if share > 0}
            assert len(whole) == len(LETTERS) + 1
            assert math.fsum(whole.values()) == pytest.approx(1.0, abs=1e-5)
            found[text[:position]] = whole
    return found


def strings(steps: dict[str, Step]) -> dict[str, float]:
    """The probability of every string that has ended (with a full stop behind it) or has LENGTH letters."""
    symbols = sorted(steps[""])

    def outcomes(text: str, mass: float) -> Iterator[tuple[str, float]]:
        for letter, symbol in zip([*LETTERS, "."], symbols, strict=True):
            here = mass * steps[text][symbol]
            if letter == "." or len(text) + 1 == LENGTH:
                yield text + letter, here
            else:
                yield from outcomes(text + letter, here)

    return dict(outcomes("", 1.0))


def distance(one: dict[str, float], other: dict[str, float]) -> float:
    """Total variation."""
    assert one.keys() == other.keys()
    return 0.5 * math.fsum(abs(one[text] - other[text]) for text in one)


def test_gamma_and_decay_of_one_mix_whole_strings(toys: Swarm) -> None:
    """Against brute force over all strings of the vocabulary: the tempered members' own, mixed by weight."""
    each = [strings(steps_along(toys, mix(toys, [member], Fusion()))) for member in range(3)]
    want = {text: math.fsum(w * one[text] for w, one in zip(WEIGHTS, each, strict=True)) for text in each[0]}
    assert math.fsum(want.values()) == pytest.approx(1.0, abs=1e-5)
    got = strings(steps_along(toys, mix(toys, [0, 1, 2], WHOLE)))
    assert distance(got, want) < 1e-3
    symbol_by_symbol = strings(steps_along(toys, mix(toys, [0, 1, 2], Fusion())))
    assert distance(symbol_by_symbol, want) > 0.03, "which the test would see"


def test_who_is_silent_is_taken_to_have_said_what_the_others_did(toys: Swarm) -> None:
    """Brute force over strings again, of members that say what the mix says wherever their gate is shut."""
    gated = mix(toys, [0, 1, 2], WHOLE, thresholds=(0.0, 0.9, 0.6))
    own = [steps_along(toys, mix(toys, [member], Fusion())) for member in range(3)]
    open_at = speakers_along(toys, gated)
    assert {len(who) for who in open_at.values()} == {1, 2, 3}
    mixed = steps_along(toys, gated)
    each = [
        {text: own[member][text] if member in who else mixed[text] for text, who in open_at.items()}
        for member in range(3)
    ]
    said = [strings(steps) for steps in each]
    want = {text: math.fsum(w * one[text] for w, one in zip(WEIGHTS, said, strict=True)) for text in said[0]}
    assert distance(strings(mixed), want) < 1e-3


def speakers_along(toys: Swarm, one: Recipe) -> dict[str, set[int]]:
    """By the same texts, who spoke."""
    names = [spec.name for spec in toys.specs]
    texts = ["".join(text) for text in product(LETTERS, repeat=LENGTH - 1)]
    found: dict[str, set[int]] = {}
    for text, done in zip(texts, along(toys, one, texts), strict=True):
        found |= {text[:at]: {names.index(name) for name in step.speakers} for at, step in enumerate(done.trace)}
    return found


def test_what_is_forgotten_counts_no_more(toys: Swarm) -> None:
    """The weights behind a text, by hand: gamma times the discounted sum of tempered log-probabilities."""
    gamma, decay = 0.6, 0.7
    own = [steps_along(toys, mix(toys, [member], Fusion())) for member in range(3)]
    got = steps_along(toys, mix(toys, [0, 1, 2], Fusion(gamma=gamma, decay=decay)))
    symbols = dict(zip(LETTERS, sorted(own[0][""]), strict=False))
    for text in ("b", "ca", "bac"):
        credit = [
            math.fsum(
                decay ** (len(text) - at) * math.log(steps[text[:at]][symbols[text[at]]]) for at in range(len(text))
            )
            for steps in own
        ]
        raw = [w * math.exp(gamma * c) for w, c in zip(WEIGHTS, credit, strict=True)]
        for symbol, share in got[text].items():
            want = math.fsum(w * steps[text][symbol] for w, steps in zip(raw, own, strict=True)) / math.fsum(raw)
            assert share == pytest.approx(want, abs=1e-5)


def test_nobody_reads_more_for_it(zoo: Swarm) -> None:
    """Silent members do not catch up for credibility's sake: along one text the cost is that of the mix without it."""
    names, thresholds = ("mamba-b", "gpt2-c", "mistral-h"), (0.0, 0.4, 1.0)
    plain, with_it = (
        recipe(*names, thresholds=thresholds, fusion=fusion) for fusion in (Fusion(), Fusion(gamma=0.8, decay=0.9))
    )
    asked = [[Request(one, prompt, forced="naïve 47") for prompt in PROMPTS[:2]] for one in (plain, with_it)]
    for before, after in zip(*(zoo.decode(requests) for requests in asked), strict=True):
        assert before.use == after.use
