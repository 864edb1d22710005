"""How long nothing moves at a terminal: commands over a pool with a slow member, each at a pseudo-terminal of its own.

    python -m tests.benchmarks --only silence_search

The member has hundreds of millions of random parameters and a real tokenizer of 200,000 entries: it takes seconds to
load, partly within calls that hold all threads, and to read the worked examples of a prompt.
A silence is the time between two moments at which the terminal is written to, from the first word to the last.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from tests.benchmarks.figures import ROOT, Measurement, Options, Reading, Readings, at_most
from tools.real_tokenizers import make

TOKENIZER = "llama4"
LAYERED = {"hidden_size": 1024, "num_attention_heads": 16, "num_hidden_layers": 12, "intermediate_size": 2752}
SMALL = {"hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96}
_ESCAPE = re.compile(r"\x1b\[\??\d*[A-Za-z]")
LIMIT, PATIENCE = 2.0, 180
"""Seconds: of a silence; of a command, which is interrupted then."""

SPACE = """
name: slow
pool:
  - {name: slow, path: ./slow}
  - {name: llama-a, path: "zoo:llama-a"}
tasks:
  - {name: sum, source: reasoning_gym, family: chain_sum, max_bytes: 3, few_shot: {count: 60}}
splits: {search: 6, selection: 6, test: 6}
evolution: {generations: 2, islands: 2, population: 3}
tracking: {mlflow: false}
alphabet: bytes
"""
STUDY = """
name: slow
space: space.yaml
settings:
  evolution.mutation: {low: 0.5, high: 1}
trials: 2
seeds: [0, 1, 2, 3, 4]
confirm_seeds: [5, 6, 7, 8, 9]
"""
COMMANDS = {
    "search": ["search", "space.yaml"],
    "compare": ["compare", "space.yaml", "--evaluations", "60", "--seeds", "0", "--algorithms", "random,archipelago"],
    "study": ["study", "study.yaml"],
}


def longest_silence(options: Options) -> Readings:
    """Search, compare and study; what was on the last line before the longest silence is noted."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        size = slow_member(folder, small=options.quick)
        (folder / "space.yaml").write_text(SPACE)
        (folder / "study.yaml").write_text(STUDY)
        found = {}
        for name, arguments in COMMANDS.items():
            seconds, before, took = heard(arguments, folder, options.size(PATIENCE, 30))
            note = f"of {took:.0f} s, over a member of {size / 1e6:.0f}M parameters; before it: {before}"
            found[f"silence_{name}"] = Reading(seconds, note)
    return found


def slow_member(folder: Path, *, small: bool) -> int:
    """Write a random model and its tokenizer; returns how many parameters it has."""
    source, target = make(TOKENIZER), folder / "slow"
    tokens = max(AutoTokenizer.from_pretrained(source).get_vocab().values()) + 1
    torch.manual_seed(0)
    made = AutoConfig.for_model("llama", vocab_size=tokens, tie_word_embeddings=True, **(SMALL if small else LAYERED))
    model = AutoModelForCausalLM.from_config(made).eval()
    model.save_pretrained(target)
    for file in source.iterdir():
        shutil.copy(file, target / file.name)
    return int(sum(one.numel() for one in model.parameters()))


def heard(arguments: list[str], folder: Path, patience: float) -> tuple[float, str, float]:
    """The longest silence of a command, what was said before it, and what the command took, seconds."""
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "COLUMNS": "100", "LINES": "30"}
    environment.pop("CI", None)
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "evoswarm", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    longest, before, last, text = 0.0, "", began, ""
    interrupted = False
    while True:
        try:
            told = os.read(parent, 1 << 16)
        except OSError:  # nobody writes any more
            break
        now = time.monotonic()
        if now - began > patience and not interrupted:
            interrupted = True
            process.send_signal(signal.SIGINT)
        if now - last > longest:
            longest, before = now - last, text or "the first word"
        last, text = now, _words(told) or text
    os.close(parent)
    if process.wait() not in ((130, -signal.SIGINT) if interrupted else (0,)):
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}, behind: {text}")
    return longest, before, last - began


def _words(told: bytes) -> str:
    """What a piece of output says first, without what moves the cursor."""
    lines = _ESCAPE.sub("", told.decode("utf-8", "replace")).replace("\r", "\n").split("\n")
    return next((line.strip() for line in lines if line.strip()), "")


MEASUREMENTS = (
    Measurement({f"silence_{name}": at_most(LIMIT) for name in COMMANDS}, longest_silence, one_thread=False),
)
