"""Machine-made damage to a model's directory: fields of unusual types and sizes, bytes lost or swapped, files gone.

``python -m tests.decoding.mutations COUNT [SEED]`` tries many and prints what is no refusal in one sentence.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from sentencepiece import SentencePieceTrainer
from transformers import AutoModelForCausalLM

from evoswarm.decoding.forward.weight_files import weight_bytes
from evoswarm.decoding.member import fingerprint, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import EvoswarmError, Where
from evoswarm.member_spec import MemberSpec
from evoswarm.model_files import ModelFiles
from evoswarm.policies.mix import Recipe, RecipeMember
from tests.decoding import tiny

SECONDS = 10.0  # that one directory may take
DESCRIPTIONS = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 7, 259, 10**6, 10**9, 2**31, 2**63, 10**30, -(10**9), 0.0, -0.5, 1.5, 1e308,
    float("nan"), float("inf"), "", "a", "<eos>", "auto", "llama", "gpt2", "\ud800", "x" * 5000, "{{ 1/0 }}", "../..",
    "/dev/zero", [], [None], ["a"], [1, 2], [[]], [[[[[[]]]]]], {}, {"a": 1}, {"type": "x"}, {"content": 3}, [{}],
    list(range(3000)), "float64", "int8", "yarn", "dynamic", {"rope_type": "longrope"},
    {"rope_type": "dynamic", "factor": 2.0},
)  # fmt: skip
CHAT = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}="


def make_bases(home: Path) -> list[Path]:
    """Directories to damage: byte-level and SentencePiece-like, with templates, one in pieces with an index."""
    small = {**tiny.SMALL, "hidden_size": 16, "intermediate_size": 16, "head_dim": 8, "num_hidden_layers": 2}
    made = []
    for name, kind, family in (
        ("bytes", "gpt2", "llama"),
        ("pieces", "llama2", "gemma2"),
        ("words", "unigram", "gpt2"),
    ):
        tokenizer = tiny.KINDS[kind]()
        size = tokenizer.get_vocab_size(with_added_tokens=True)
        own = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64} if family == "gpt2" else small
        model = tiny.random_model(family, size, **own)
        path = tiny.save(home / name, model, tokenizer, chat_template=CHAT)
        if name == "pieces":
            (path / "model.safetensors").unlink()
            model.save_pretrained(path, max_shard_size="40KB")
        made.append(path)
    return [*made, _pieces_alone(home / "alone", small), _adapter(home / "lora", made[0])]


def _pieces_alone(path: Path, small: dict[str, Any]) -> Path:
    """A model whose tokenizer is a ``tokenizer.model``."""
    out = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(tiny.LINES[:3] * 9), model_writer=out, model_type="bpe", byte_fallback=True,
        vocab_size=340, hard_vocab_limit=False, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2,
        normalization_rule_name="identity", remove_extra_whitespaces=False,
    )  # fmt: skip
    tiny.random_model("llama", 352, **{**small, "eos_token_id": 2}).save_pretrained(path)
    (path / "tokenizer.model").write_bytes(out.getvalue())
    roles = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "chat_template": CHAT, "legacy": False}
    (path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", **roles}))
    return path


def _adapter(path: Path, base: Path) -> Path:
    """An adapter of a model that stays whole."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, path)
    return path


def damage(directory: Path, chance: random.Random) -> str:
    """Change one thing in a directory; says what."""
    files = sorted(path.name for path in directory.iterdir())
    described = ["config.json", "tokenizer.json", *(name for name in files if name.endswith(".json"))]
    if chance.random() < 0.85:
        name = chance.choice([one for one in described if one in DESCRIPTIONS] + described)
        with contextlib.suppress(
            OSError, ValueError, RecursionError, IndexError, TypeError
        ):  # it may be damaged already
            return _damage_json(directory / name, chance)
    return _damage_file(directory / chance.choice(files), chance)


def _damage_json(file: Path, chance: random.Random) -> str:
    if not file.is_file():  # a FIFO that was made of it before would let this program wait
        raise FileNotFoundError(file)
    content = json.loads(file.read_text())
    node, keys = content, []
    while True:
        key = chance.choice(list(node) if isinstance(node, dict) else range(len(node)))
        keys.append(key)
        if not isinstance(node[key], dict | list) or not node[key] or chance.random() < 0.3:
            break
        node = node[key]
    value = chance.choice(ODD)
    action = chance.choice(("set", "set", "set", "drop", "nest"))
    if action == "drop":
        del node[key]
    else:
        node[key] = value if action == "set" else {"a": node[key]}
    file.write_text(json.dumps(content))
    return f"{file.name}: {'.'.join(map(str, keys)):.60} {action} {value!r:.60}"


def _damage_file(file: Path, chance: random.Random) -> str:
    raw = bytearray(file.read_bytes()) if file.is_file() else bytearray()
    if file.is_dir():
        file.rmdir()
    if not file.is_file():  # damaged before: gone, a FIFO or a link to itself
        file.unlink(missing_ok=True)
        file.touch()
    action = chance.choice(("gone", "empty", "cut", "flip", "flip", "directory", "deep", "long number", "fifo", "loop"))
    if action in ("gone", "directory", "fifo", "loop"):
        file.unlink(missing_ok=True)
    if action == "directory":
        file.mkdir()
    elif action == "fifo":
        os.mkfifo(file)
    elif action == "loop":
        file.symlink_to(file)
    elif action == "empty":
        file.write_bytes(b"")
    elif action == "cut":
        file.write_bytes(raw[: chance.randrange(len(raw) + 1)])
    elif action == "flip":
        for _ in range(chance.choice((1, 3, 20))):
            if raw:
                raw[chance.randrange(min(len(raw), 4000))] = chance.randrange(256)
        file.write_bytes(raw)
    elif action == "deep":
        file.write_bytes(b"[" * 100_000)
    elif action == "long number":
        file.write_bytes(b'{"vocab_size": ' + b"9" * 6000 + b"}")
    return f"{file.name}: {action}"


def attempt(directory: Path, chance: random.Random) -> str:
    """Check, load and decode what is there: ``fine``, ``refused``, or what went wrong.

    Raises:
        Exception: whatever is no error of evoswarm's.
    """
    chat = chance.random() < 0.5
    outcome = "fine"
    try:
        ModelFiles(directory, "guest", Where("space.yaml", "pool.0.path")).check(Where("x") if chat else None)
    except EvoswarmError as error:
        outcome = sentence(error)
    try:
        weight_bytes(directory)
        spec = MemberSpec(name="guest", path=str(directory), chat_template=chat, device="cpu")
        fingerprint(directory, spec)
        swarm = Swarm([load_member(spec, 512)])
        for alphabet in ("bytes", "tokens"):
            alone = Recipe(members=(RecipeMember(spec=swarm.specs[0]),), lead="guest", alphabet=alphabet)
            swarm.decode([Request(alone, prompt, max_bytes=20, max_symbols=3) for prompt in ("4+5=", "a  b")])
    except EvoswarmError as error:
        outcome = sentence(error)
    return outcome


def sentence(error: EvoswarmError) -> str:
    """``refused`` where a refusal is one readable sentence; else what is wrong with it."""
    text = str(error)
    good = "\n" not in text and 20 < len(text) < 900 and ("expected" in text or "cannot" in text)
    return "refused" if good else f"odd sentence: {text!r}"


def one(bases: list[Path], home: Path, seed: int) -> tuple[str, str]:
    """What was damaged, and what came of it."""
    chance = random.Random(seed)
    directory = home / f"damaged-{seed}"
    shutil.copytree(chance.choice(bases), directory)
    what = damage(directory, chance)
    if chance.random() < 0.25:
        what += "; " + damage(directory, chance)
    began = time.monotonic()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            outcome = attempt(directory, chance)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        outcome = "".join(traceback.format_exception(error)[-4:])
    if time.monotonic() - began > SECONDS:
        outcome = f"{time.monotonic() - began:.0f} seconds, {outcome}"
    shutil.rmtree(directory)
    return what, outcome


def main(count: int, first: int) -> None:
    from evoswarm.decoding.forward.devices import silence_loading

    silence_loading()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        bases = make_bases(Path(folder))
        for seed in range(first, first + count):
            what, outcome = one(bases, Path(folder), seed)
            counts[outcome if outcome in ("fine", "refused") else "wrong"] += 1
            if outcome not in ("fine", "refused"):
                print(f"--- {seed}: {what}\n{outcome}", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
