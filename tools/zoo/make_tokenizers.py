"""Makes the tokenizers of the built-in pool: six that really differ, see `KINDS`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from evoswarm.tasks.compact_forms import entries
from tools.zoo.training_data import TRAINED_FAMILIES, TRAINING_SEED

_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS_AND_NUMBERS = r" ?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_CORPUS_SIZE = 6_000

KINDS: dict[str, str] = {
    "bpe-small": "byte-level BPE of 384 symbols, digits apart",
    "bpe-large": "byte-level BPE of 1,024 symbols, digit runs up to three and words merged",
    "bpe-own": "byte-level BPE of 320 symbols, digits apart, with a begin symbol",
    "chat": "byte-level BPE of 512 symbols, with a chat template and two end tokens",
    "sp": "SentencePiece-like BPE: metaspace with a dummy prefix, <0xNN> byte fallback, begin symbol",
    "bytes": "256 bytes without merges, with a begin symbol",
}


@dataclasses.dataclass(frozen=True)
class TokenizerPlan:
    """How a tokenizer is made: its special tokens by role, its size and its rules.

    Attributes:
        size: symbols including bytes and special tokens (what training reaches may be less).
        specials: role (`pad_token`, `eos_token`, ...) to text; `extra_end` is a second end token.
        pattern: the regular expression that splits words, None for no splitting.
        begins: whether the begin symbol is put before every prompt.
        metaspace: SentencePiece-like instead of byte-level.
        chat: whether a chat template belongs to it.
    """

    size: int
    specials: dict[str, str]
    pattern: str | None = _WORDS
    begins: bool = False
    metaspace: bool = False
    chat: bool = False


PLANS: dict[str, TokenizerPlan] = {
    "bpe-small": TokenizerPlan(384, {"pad_token": "<pad>", "eos_token": "<eos>"}),
    "bpe-large": TokenizerPlan(
        1024, {"pad_token": "<|pad|>", "eos_token": "<|endoftext|>"}, pattern=_WORDS_AND_NUMBERS
    ),
    "bpe-own": TokenizerPlan(320, {"pad_token": "[PAD]", "bos_token": "[BOS]", "eos_token": "[EOS]"}, begins=True),
    "chat": TokenizerPlan(
        512,
        {"pad_token": "<|pad|>", "extra_end": "<|endoftext|>", "begin_turn": "<|im_start|>", "eos_token": "<|im_end|>"},
        chat=True,
    ),
    "sp": TokenizerPlan(
        640,
        {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"},
        begins=True,
        metaspace=True,
    ),
    "bytes": TokenizerPlan(
        259, {"pad_token": "<pad>", "bos_token": "<bos>", "eos_token": "<eos>"}, pattern=None, begins=True
    ),
}


def make_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """Trains one tokenizer on prompts and answers of the training stream; the same every time.

    Raises:
        KeyError: for a name that is not in `PLANS`.
    """
    plan = PLANS[name]
    tokenizer = Tokenizer.from_str(_trained(name))
    tokenizer.add_special_tokens(list(plan.specials.values()))
    if plan.begins:
        begin = plan.specials["bos_token"]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A",
            pair=f"{begin} $A {begin} $B",
            special_tokens=[(begin, tokenizer.token_to_id(begin))],
        )
    roles = {role: text for role, text in plan.specials.items() if role.endswith("_token")}
    others = [text for role, text in plan.specials.items() if not role.endswith("_token")]
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        clean_up_tokenization_spaces=False,
        model_max_length=128,
        additional_special_tokens=others,
        **roles,
    )
    if plan.chat:
        wrapped.chat_template = _CHAT_TEMPLATE
    return wrapped


@lru_cache(maxsize=len(PLANS))
def _trained(name: str) -> str:
    """The trained rules as JSON; training is a pure function of the name, and takes seconds."""
    plan = PLANS[name]
    return str((_metaspace_bpe(plan) if plan.metaspace else _byte_level_bpe(plan)).to_str())


def continuation_tokenizer(tokenizer: PreTrainedTokenizerFast) -> Tokenizer:
    """Returns the tokenizer of a continuation: no begin symbol and no dummy prefix before the text."""
    state: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    state["post_processor"] = None
    for part in _pre_tokenizer_parts(state):
        if part["type"] == "Metaspace":
            part["prepend_scheme"] = "never"
    return Tokenizer.from_str(json.dumps(state))


def end_tokens(name: str) -> list[str]:
    """Returns the end tokens of a tokenizer, the one of the tokenizer itself first."""
    specials = PLANS[name].specials
    return [specials["eos_token"]] + ([specials["extra_end"]] if "extra_end" in specials else [])


def end_ids(name: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Returns the ids of a tokenizer's end tokens, in the order of `end_tokens`."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return [vocabulary[text] for text in end_tokens(name)]


def save_tokenizer(name: str, directory: Path) -> PreTrainedTokenizerFast:
    """Makes a tokenizer and writes its Hugging Face files into `directory`."""
    tokenizer = make_tokenizer(name)
    tokenizer.save_pretrained(directory)
    return tokenizer


def _pre_tokenizer_parts(state: dict[str, Any]) -> list[dict[str, Any]]:
    part = state["pre_tokenizer"]
    return list(part["pretokenizers"]) if part["type"] == "Sequence" else [part]


def _corpus(chat: bool) -> Iterable[str]:
    """Prompts and answers of the training stream, each on its own as they are encoded; roles where there is chat."""
    if chat:
        yield from ["user", "assistant"] * _CORPUS_SIZE
    for family in TRAINED_FAMILIES:
        for item in entries(family, {}, TRAINING_SEED, _CORPUS_SIZE):
            yield item.prompt
            yield item.answer


def _byte_level_bpe(plan: TokenizerPlan) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if plan.pattern is None:
        tokenizer.pre_tokenizer = byte_level
    else:
        split = pre_tokenizers.Split(Regex(plan.pattern), behavior="isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    trainer = trainers.BpeTrainer(
        vocab_size=plan.size,
        special_tokens=list(plan.specials.values()),
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(plan.chat), trainer)
    return tokenizer


def _metaspace_bpe(plan: TokenizerPlan) -> Tokenizer:
    """A BPE like SentencePiece's: byte tokens `<0xNN>` are ordinary symbols, characters never seen fall back."""
    parts = [
        pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first"),
        pre_tokenizers.Digits(individual_digits=True),
    ]
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(parts)
    trainer = trainers.BpeTrainer(vocab_size=plan.size - 256 - len(plan.specials), show_progress=False)
    trained.train_from_iterator(_corpus(chat=False), trainer)
    state = json.loads(trained.to_str())["model"]
    pieces = sorted(state["vocab"], key=state["vocab"].__getitem__)
    symbols = [*plan.specials.values(), *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    model = models.BPE(
        vocab={symbol: position for position, symbol in enumerate(symbols)},
        merges=[tuple(merge) for merge in state["merges"]],
        byte_fallback=True,
        fuse_unk=True,
        unk_token=plan.specials["unk_token"],
    )
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return tokenizer
