"""What pairs of real tokenizers have in common, and how many steps that saves: no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import combinations
from typing import Any

from transformers import AutoTokenizer

from evoswarm.decoding.text.alphabet import CommonAlphabet
from evoswarm.decoding.text.codec import Codec
from tests.real.answers import ANSWERS, EVERYDAY
from tests.real.tokenizers import tokenizer_folder
from tools.cache import model_path

SMOLLM2 = "smollm2-135m-instruct"
NAMES = (SMOLLM2, "gemma3", "llama3", "qwen3", "mistral_v3", "tekken", "deepseek_v3", "olmo2", "phi3", "gptoss", "gpt2")
MOST_STEPS = 0.4
"""Of the steps by bytes, in everyday answers: the bar."""


@dataclass(frozen=True)
class Pair:
    """Two tokenizers and their common symbols, END left out.

    Attributes:
        tokens: of each vocabulary, those that spell something.
        symbols: that they have in common, the 256 bytes included.
        symbols_per_token: of each tokenizer, over all answers.
        steps: as each would write the answers, both together, of the steps by bytes; by kind of answer.
        everyday: the same over those kinds that the bar is asked of.
        alike: how often both go on with the same symbol, where both have come to the same place.
    """

    tokens: tuple[int, int]
    symbols: int
    symbols_per_token: tuple[float, float]
    steps: dict[str, float]
    everyday: float
    alike: float


@cache
def codec(name: str) -> Codec:
    """Of a real tokenizer; skips the test where it cannot be had."""
    tokenizer = AutoTokenizer.from_pretrained(model_path(name) if name == SMOLLM2 else tokenizer_folder(name))
    columns = max(tokenizer.get_vocab().values()) + 1
    return Codec(tokenizer, (tokenizer.eos_token_id,), columns, name)


def pair(*names: str) -> Pair:
    """What two tokenizers have in common, by their names."""
    codecs = [codec(name) for name in names]
    alphabet = CommonAlphabet(codecs)
    made = [alphabet.decomposition(one) for one in codecs]
    written = {kind: [one.encode(text.encode()) or () for one in made] for kind, text in ANSWERS.items()}
    tokens = [sum(len(one.encode(text.encode()) or ()) for text in ANSWERS.values()) for one in codecs]
    lengths = {kind: [len(text) for text in texts] for kind, texts in written.items()}
    raw = {kind: 2 * len(text.encode()) for kind, text in ANSWERS.items()}
    ends = [[_ends(text, alphabet) for text in texts] for texts in written.values()]
    shared = [(one[at], other[at]) for one, other in ends for at in one.keys() & other.keys()]
    return Pair(
        tokens=(len(codecs[0].order), len(codecs[1].order)),
        symbols=alphabet.end,
        symbols_per_token=(
            round(sum(each[0] for each in lengths.values()) / tokens[0], 3),
            round(sum(each[1] for each in lengths.values()) / tokens[1], 3),
        ),
        steps={kind: round(sum(each) / raw[kind], 3) for kind, each in lengths.items()},
        everyday=round(sum(sum(lengths[kind]) for kind in EVERYDAY) / sum(raw[kind] for kind in EVERYDAY), 3),
        alike=round(sum(one == other for one, other in shared) / len(shared), 3),
    )


def _ends(text: Sequence[int], alphabet: CommonAlphabet) -> dict[int, int]:
    """Where each symbol of a text ends, by where it begins."""
    found, begin = {}, 0
    for symbol in text:
        found[begin] = begin + len(alphabet.spell(symbol))
        begin = found[begin]
    return found


def every_pair(names: Sequence[str] = NAMES) -> dict[str, Any]:
    """All pairs, by both names."""
    return {f"{one}+{other}": asdict(pair(one, other)) for one, other in combinations(names, 2)}
