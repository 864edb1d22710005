"""Other tools that turn models over tokens into models over bytes, at the same task in the same run.

    python -m tests.benchmarks.peers                           installs them, apart from everything else
    python -m tests.benchmarks --only vs_genlm_bytes vs_byte_sampler

`genlm-bytes` follows a beam of ways to cut a text into tokens, `byte-sampler` (Hayase et al. 2025) every valid one. The
task is the distribution over the next byte of the mean of two members, at every byte of a text, the next byte not being
known before: one text at a time, from an empty memory, prompt included. What each says is held against ours at epsilon
0. A peer runs in an interpreter of its own, which `EVOSWARM_PEERS` names or which the first command makes in the cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from evoswarm import MemberSpec, Recipe, Request, Swarm
from evoswarm.decoding.member import Member
from evoswarm.policies.mix import RecipeMember
from tests.benchmarks import english
from tests.benchmarks.figures import (
    Measurement,
    Options,
    Reading,
    Readings,
    alternate,
    at_least,
    median_ratio,
    spread,
)
from tests.decoding.lone_view import LoneView
from tools.cache import cache

VARIABLE = "EVOSWARM_PEERS"
INSTALL = "python -m tests.benchmarks.peers"
SIDES = {"vs_genlm_bytes": "genlm_bytes_side.py", "vs_byte_sampler": "byte_sampler_side.py"}
VOCABULARIES = (4000, 2000)
TEXTS, PROMPT_BYTES, TEXT_BYTES = 4, 160, 64
Pairs = Sequence[tuple[str, str]]


class PeerError(Exception):
    """A peer cannot be asked, and why."""


def interpreter() -> Path:
    """Where peers are installed; it need not exist."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else cache() / "peers" / "bin" / "python"


def versus(options: Options) -> Readings:
    """Bytes per second of ours over those of every peer that is there."""
    if not interpreter().is_file():
        why = f"expected peers in {interpreter()}, got none: `{INSTALL}` installs them, or {VARIABLE} names a Python"
        return {key: Reading(None, why) for key in SIDES}
    texts = prose(options.size(TEXTS, 1), options.size(TEXT_BYTES, 8))
    with tempfile.TemporaryDirectory() as scratch:
        sizes = [size if not options.quick else size // 4 for size in VOCABULARIES]
        folders = [english.bigram_directory(Path(scratch) / f"bigram-{size}", size) for size in sizes]
        swarm = Swarm.load(
            [MemberSpec(name=folder.name, path=str(folder), device="cpu", dtype="float32") for folder in folders]
        )
        exact = _said(swarm.members, texts, epsilon=0.0)
        return {key: _versus(side, swarm, folders, texts, exact, options) for key, side in SIDES.items()}


def prose(count: int, text_bytes: int) -> Pairs:
    """(prompt, text) pairs without tables and code: along these a beam comes to ends where it has no candidate left."""
    found = [pair for pair in english.passages(8 * count, PROMPT_BYTES, text_bytes) if "  " not in "".join(pair)]
    return found[:count]


def _versus(
    side: str, swarm: Swarm, folders: Sequence[Path], texts: Pairs, exact: NDArray[np.float64], options: Options
) -> Reading:
    parts = tuple(RecipeMember(spec=member.spec) for member in swarm.members)
    recipe = Recipe(members=parts, lead=parts[0].spec.name)

    def ours() -> None:
        swarm.forget()
        for prompt, text in texts:
            (done,) = swarm.decode([Request(recipe, prompt, forced=text)])
            if done.failure is not None:
                raise ValueError(f"expected an answer, got {done.failure}")

    try:
        with tempfile.TemporaryDirectory() as scratch, asked(side, Path(scratch) / "said.npy", folders) as ask:
            times = alternate(lambda: ask.follow(texts), ours, options.pairs)
            theirs = ask.said()
    except PeerError as error:
        return Reading(None, str(error))
    near = _said(swarm.members, texts, recipe.epsilon)
    size = sum(len(text.encode()) for _, text in texts)
    note = (
        f"{len(texts)} texts of {size} bytes behind prompts of {PROMPT_BYTES}, one at a time; off by"
        f" {_off(theirs, exact)} theirs and {_off(near, exact)} ours (total variation, mean); {spread(times)}"
    )
    return Reading(median_ratio(times), note)


class Asked:
    """A peer's process that has loaded the members.

    Args:
        told: what it reads.
        heard: what it answers.
        file: where it leaves what it said.
        complaints: of its own, for people.
    """

    def __init__(self, told: IO[str], heard: IO[str], file: Path, complaints: Path) -> None:
        self._told, self._heard, self._file, self._complaints = told, heard, file, complaints
        self._expect("ready")

    def follow(self, texts: Pairs) -> None:
        """Follow (prompt, text) pairs, one after the other, from an empty memory."""
        with suppress(BrokenPipeError):  # it has died; what it said last is said then
            self._told.write(json.dumps(texts) + "\n")
            self._told.flush()
        self._expect("done")

    def said(self) -> NDArray[np.float64]:
        """``[bytes of all texts, 257]`` the distributions of the last time, END last."""
        found: NDArray[np.float64] = np.load(self._file)
        return found

    def _expect(self, word: str) -> None:
        line = self._heard.readline().strip()
        if line != word:
            last = self._complaints.read_text(errors="replace").strip().splitlines()[-1:]
            raise PeerError(f"expected that the peer runs, got: {line or ''.join(last) or 'nothing'}")


@contextmanager
def asked(side: str, file: Path, folders: Sequence[Path]) -> Iterator[Asked]:
    """Start a peer over members of these folders; ends it at the end.

    Raises:
        PeerError: it does not run; its last words are said.
    """
    complaints = file.with_suffix(".txt")
    script = Path(__file__).with_name(side)
    with complaints.open("w") as errors:
        process = subprocess.Popen(
            [str(interpreter()), str(script), str(file), *map(str, folders)],
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Asked(process.stdin, process.stdout, file, complaints)
        finally:
            process.kill()
            process.wait()


def _said(members: Sequence[Member], texts: Pairs, epsilon: float) -> NDArray[np.float64]:
    """``[bytes of all texts, 257]`` the mean of the members' distributions, as a mix of them takes it."""
    places = [(prompt, text.encode()[:end]) for prompt, text in texts for end in range(len(text.encode()))]
    views = [LoneView(member, epsilon) for member in members]
    found = [np.stack([view.probs(one).numpy() for one in view.read_all(places)]) for view in views]
    mean: NDArray[np.float64] = np.mean(found, axis=0)
    return mean


def _off(said: NDArray[np.float64], exact: NDArray[np.float64]) -> str:
    """Total variation, over all places."""
    shares = said / said.sum(1, keepdims=True)
    return f"{0.5 * np.abs(shares - exact).sum(1).mean():.1e}"


MEASUREMENTS = (Measurement({key: at_least(20) for key in SIDES}, versus),)
