"""Compact prompts for reasoning-gym families: `47+85=`, `rev tiger=`, `gcd 48,36=`.

reasoning-gym words its questions for large models; a model of half a million parameters needs a prompt of a few
symbols. A compact form is made from the metadata of an entry, so it asks the same question, and the answer is
the entry's own answer in the form that the prompt calls for.

One family, `pair`, is not reasoning-gym's: it joins an arithmetic field and a spelling field in one item,
`47+85 & tiger=` with the answer `132 regit`. It is the case that only mixed distributions can win: members that
know one field and are uncertain about the other are never right alone.

reasoning-gym draws item `index` of seed `seed` from `Random(seed + index)`: two seeds closer together than the
number of items drawn share items. Choose seeds that are far apart where items must differ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from evoswarm.tasks.families import create

Entry = dict[str, Any]
"""A raw reasoning-gym entry: `question`, `answer`, `metadata`."""

_RETRY_STRIDE = 1_000_003  # a prime far above any sensible number of items: retries do not meet other indices
_RETRIES = 1_000


@dataclasses.dataclass(frozen=True)
class CompactForm:
    """How one family is asked and answered in few symbols.

    Attributes:
        name: the family; reasoning-gym's own name except for `pair`.
        config: default settings, small enough for tiny models. A user's settings override them one by one.
        render: makes (prompt, answer) from a raw entry.
        example: a prompt and its answer, for help texts.
        own_keys: the settings in `config` that are not reasoning-gym's.
        accepts: says whether an entry at an index is used under the settings; a refused one is drawn anew.
    """

    name: str
    config: Mapping[str, Any]
    render: Callable[[Entry], tuple[str, str]]
    example: tuple[str, str]
    own_keys: frozenset[str] = frozenset()
    accepts: Callable[[Entry, Mapping[str, Any], int], bool] | None = None


@dataclasses.dataclass(frozen=True)
class CompactItem:
    """One item in compact form; `entry` is the raw reasoning-gym entry (None for `pair`)."""

    prompt: str
    answer: str
    entry: Entry | None


def _filled(template: str) -> Callable[[Entry], tuple[str, str]]:
    """A prompt with values of the metadata in it; the answer is the entry's own."""
    return lambda entry: (template.format(**entry["metadata"]), str(entry["answer"]))


def _render_expression(entry: Entry) -> tuple[str, str]:
    return str(entry["metadata"]["expression"]).replace(" ", "") + "=", str(entry["answer"])


def _render_spell_backward(entry: Entry) -> tuple[str, str]:
    word = str(entry["metadata"]["word"]).lower()
    return f"rev {word}=", word[::-1]


def _render_gcd(entry: Entry) -> tuple[str, str]:
    return "gcd " + ",".join(str(number) for number in entry["metadata"]["numbers"]) + "=", str(entry["answer"])


def _render_number_sorting(entry: Entry) -> tuple[str, str]:
    metadata = entry["metadata"]
    verb = {"ascending": "asc", "descending": "desc"}[metadata["direction"]]
    # reasoning-gym rounds floats, also to no decimals: `7.0` is 7
    lists = (metadata["original_numbers"], metadata["sorted_numbers"])
    asked, sorted_ = (",".join(text.removesuffix(".0") for text in numbers) for numbers in lists)
    return f"{verb} {asked}=", sorted_


def _render_letter_counting(entry: Entry) -> tuple[str, str]:
    metadata = entry["metadata"]
    return f"count {metadata['target_letter']} {' '.join(metadata['span']).lower()}=", str(entry["answer"])


def _accepts_letter_counting(entry: Entry, config: Mapping[str, Any], index: int) -> bool:
    """Short spans only; where `balanced`, every second item asks for a letter that occurs more than once.

    In short spans nearly every letter occurs once: without balance the constant answer `1` scores 90%.
    """
    letters = sum(len(word) for word in entry["metadata"]["span"])
    if letters > config["max_letters"]:
        return False
    return not config["balanced"] or index % 2 == 0 or int(entry["answer"]) >= 2


def _render_pair(entry: Entry) -> tuple[str, str]:
    """From `{"sum": chain_sum entry, "word": spell_backward entry}`."""
    expression, total = _render_expression(entry["sum"])
    word, reversed_word = _render_spell_backward(entry["word"])
    return f"{expression.removesuffix('=')} & {word.removeprefix('rev ')}", f"{total} {reversed_word}"


_SUM_CONFIG = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2}
_SORT_CONFIG = {
    "min_numbers": 3,
    "max_numbers": 3,
    "min_decimals": 0,
    "max_decimals": 0,
    "min_value": 0,
    "max_value": 99,
}

_FORMS = (
    CompactForm("chain_sum", _SUM_CONFIG, _render_expression, ("47+85=", "132")),
    CompactForm(
        "spell_backward", {"min_word_len": 3, "max_word_len": 5}, _render_spell_backward, ("rev tiger=", "regit")
    ),
    CompactForm(
        "gcd",
        {"min_numbers": 2, "max_numbers": 2, "min_value": 2, "max_value": 60},
        _render_gcd,
        ("gcd 48,36=", "12"),
    ),
    CompactForm("number_sorting", _SORT_CONFIG, _render_number_sorting, ("asc 30,47,7=", "7,30,47")),
    CompactForm("count_bits", {"min_n": 1, "max_n": 255}, _filled("bits {number}="), ("bits 242=", "5")),
    CompactForm(
        "letter_counting",
        {"min_words": 1, "max_words": 1, "max_letters": 7, "balanced": True},
        _render_letter_counting,
        ("count e seven=", "2"),
        own_keys=frozenset({"max_letters", "balanced"}),
        accepts=_accepts_letter_counting,
    ),
    CompactForm("products", _SUM_CONFIG, _render_expression, ("12*34=", "408")),
    CompactForm(
        "basic_arithmetic",
        {"min_terms": 2, "max_terms": 3, "min_digits": 1, "max_digits": 1},
        _render_expression,
        ("5-3-6=", "-4"),
    ),
    CompactForm(
        "base_conversion",
        {"min_base": 2, "max_base": 10, "min_value": 0, "max_value": 99},
        _filled("base {source_base}>{target_base} {source_repr}="),
        ("base 10>2 9=", "1001"),
    ),
    CompactForm(
        "caesar_cipher",
        {"min_words": 1, "max_words": 1, "min_rotation": 1, "max_rotation": 3},
        _filled("caesar {rotation} {cipher_text}="),
        ("caesar 1 DBU=", "CAT"),
    ),
    CompactForm(
        "pair", {**_SUM_CONFIG, "min_word_len": 4, "max_word_len": 5}, _render_pair, ("47+85 & tiger=", "132 regit")
    ),
)
FAMILIES: Mapping[str, CompactForm] = MappingProxyType({form.name: form for form in _FORMS})


def entry(family: str, config: Mapping[str, Any], seed: int, index: int) -> CompactItem:
    """Returns item `index` of a family; it depends on nothing but the four arguments.

    Args:
        family: a key of `FAMILIES`.
        config: settings that override the family's defaults; `{}` keeps them.
        seed: the seed of the source, non-negative.
        index: the item's index, non-negative.

    Raises:
        ValueError: for an unknown family or setting, a setting that reasoning-gym refuses, or settings under
            which no acceptable item is found.
    """
    settings = _settings(family, config)
    if seed < 0 or index < 0:
        raise ValueError(f"expected a seed and an index of at least 0, got seed {seed} and index {index}")
    raw = _raw_entry(FAMILIES[family], settings, seed, index)
    prompt, answer = FAMILIES[family].render(raw)
    return CompactItem(prompt, answer, None if family == "pair" else raw)


def entries(family: str, config: Mapping[str, Any], seed: int, size: int) -> Iterator[CompactItem]:
    """Yields the items 0 .. size-1 of a family and seed; see `entry`."""
    return (entry(family, config, seed, index) for index in range(size))


def _settings(family: str, config: Mapping[str, Any]) -> dict[str, Any]:
    if family not in FAMILIES:
        raise ValueError(f"expected one of {', '.join(sorted(FAMILIES))} as the family, got {family!r}")
    form = FAMILIES[family]
    known = frozenset(form.config) if family == "pair" else _dataset_keys(family) | form.own_keys
    for key in config:
        if key not in known:
            raise ValueError(f"expected one of {', '.join(sorted(known))} as a setting of {family}, got {key!r}")
    return {**form.config, **config}


def _raw_entry(form: CompactForm, settings: Mapping[str, Any], seed: int, index: int) -> Entry:
    if form.name == "pair":
        word_keys = {"min_word_len", "max_word_len"}
        sums = {key: value for key, value in settings.items() if key not in word_keys}
        words = {key: value for key, value in settings.items() if key in word_keys}
        # One index for both would draw both from one random stream: the numbers would foretell the word.
        word = _dataset("spell_backward", _frozen(words), seed)[index + _RETRY_STRIDE]
        return {"sum": _dataset("chain_sum", _frozen(sums), seed)[index], "word": word}
    own = {key: value for key, value in settings.items() if key not in form.own_keys}
    dataset = _dataset(form.name, _frozen(own), seed)
    for attempt in range(_RETRIES):
        raw: Entry = dataset[index + attempt * _RETRY_STRIDE]
        if form.accepts is None or form.accepts(raw, settings, index):
            return raw
    raise ValueError(f"expected settings of {form.name} that accept an item in {_RETRIES} draws, got {dict(settings)}")


def _frozen(config: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """A hashable form; lists (as YAML gives them) become tuples."""
    return tuple((key, tuple(value) if isinstance(value, list) else value) for key, value in sorted(config.items()))


@lru_cache(maxsize=32)
def _dataset(name: str, config: tuple[tuple[str, Any], ...], seed: int) -> Any:
    """A reasoning-gym dataset; cached because some read a word list. It holds no state besides its settings."""
    return create(name, dict(config), seed, size=1)


@lru_cache(maxsize=32)
def _dataset_keys(name: str) -> frozenset[str]:
    import reasoning_gym.factory

    _, config_class = reasoning_gym.factory.DATASETS[name]
    return frozenset(field.name for field in dataclasses.fields(config_class)) - {"seed", "size"}
