"""The inner loops: their parts alone, and compiled or not they are the same."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evoswarm.decoding.compiled import arrays
from evoswarm.decoding.compiled.int_map import NOTHING, IntMap
from evoswarm.decoding.compiled.nodes import NO_SLOT, ROOT, Nodes, pair
from evoswarm.decoding.compiled.range_sums import BLOCK, range_sums

ROOT_FOLDER = Path(__file__).parents[2]
SAID = """
import json, sys
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

import evoswarm.decoding

class AsWritten:
    def find_spec(self, name, path=None, target=None):
        if not name.startswith("evoswarm.decoding.compiled."):
            return None
        file = Path(evoswarm.decoding.__file__).parent / "compiled" / (name.rpartition(".")[2] + ".py")
        return spec_from_file_location(name, file, loader=SourceFileLoader(name, str(file)))

if sys.argv[1] == "as written":
    sys.meta_path.insert(0, AsWritten())
from evoswarm import Request, Swarm
from evoswarm.decoding.compiled.arrays import COMPILED
from tests.decoding.recipes import recipe, spec
from tests.decoding.test_compiled import POOLS

swarm = Swarm.load([spec(name) for name in sorted({name for pool in POOLS.values() for name in pool})])
said = []
for alphabet, pool in POOLS.items():
    for settings in ({}, {"sampled": True, "noise_seed": 3}):
        mix = recipe(*pool, alphabet=alphabet, **settings)
        for done in swarm.decode([Request(mix, f"{number}+{number + 7}=", max_bytes=12) for number in range(6)]):
            use = [(one.tokens, one.passes, one.rows, one.context, one.steps) for one in done.use]
            said.append([done.samples[0].text, done.samples[0].steps, use, done.margin, done.left_out])
print(json.dumps([COMPILED, said]))
"""
POOLS = {"bytes": ("gpt2-c", "llama-a", "mamba-b"), "common": ("gpt2-c", "llama-a"), "tokens": ("llama-a",)}


def said(how: str) -> tuple[bool, list[list[Any]]]:
    found = subprocess.run([sys.executable, "-c", SAID, how], capture_output=True, text=True, check=False)
    assert not found.returncode, found.stderr
    compiled, answers = json.loads(found.stdout)
    return compiled, answers


def test_compiled_or_not_they_say_the_same() -> None:
    (installed, answers), (plain, want) = said("as installed"), said("as written")
    assert not plain
    assert installed == arrays.COMPILED
    assert len(answers) == len(want) == 36
    for one, other in zip(answers, want, strict=True):
        assert one[3:] == pytest.approx(other[3:], abs=1e-4)
        if min(one[3], other[3]) > 1e-4:
            assert one[:3] == other[:3]


def test_without_a_compiler_they_are_installed_as_they_are(tmp_path: Path) -> None:
    """What was compiled before is of other sources, perhaps, and goes."""
    loops = tmp_path / "evoswarm" / "decoding" / "compiled"
    shutil.copytree(ROOT_FOLDER / "evoswarm" / "decoding" / "compiled", loops, ignore=shutil.ignore_patterns("*.so"))
    (loops / "nodes.so").touch()
    whole = (ROOT_FOLDER / "setup.py").read_text(encoding="utf-8")
    few = re.sub(r"MODULES = \(.*\)", 'MODULES = ("arrays",)', whole)
    assert few != whole
    (tmp_path / "setup.py").write_text(few, encoding="utf-8")
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    environment = {**os.environ, "CC": "false"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert "not compiled, so decoding will take longer" in done.stdout + done.stderr
    assert not list(loops.glob("*.so"))


def test_a_map_is_what_a_dictionary_is() -> None:
    chance, made, want = random.Random(1), IntMap(), dict[int, int]()
    for number in range(20_000):
        key = chance.choice((chance.randrange(50), chance.getrandbits(62), number << 32))
        want[key] = number
        made.put(key, number)
    assert made.count == len(want)
    assert all(made.get(key) == value for key, value in want.items())
    assert [made.get(key) for key in range(10**6, 10**6 + 100) if key not in want] == [NOTHING] * 100
    made.clear()
    assert (made.count, made.get(next(iter(want)))) == (0, NOTHING)


@pytest.mark.parametrize("width", [1, 31, 32, 33, 500])
def test_sums_of_ranges_are_those_of_their_numbers(width: int) -> None:
    chance = np.random.default_rng(width)
    shares = chance.random((4, width), dtype=np.float32)
    blocks = shares[:, : width // BLOCK * BLOCK].reshape(4, -1, BLOCK).sum(2)
    table = np.concatenate([shares, blocks, np.full((4, 1), 7, dtype=np.float32)], axis=1)
    low = chance.integers(0, width, 200)
    high = low + chance.integers(0, width + 1 - low)
    rows = chance.integers(0, 4, 200)
    want = [shares[row, begin:end].sum(dtype=np.float64) for row, begin, end in zip(rows, low, high, strict=True)]
    np.testing.assert_allclose(range_sums(table, width, rows, low, high), want, rtol=1e-6, atol=1e-12)


def grown(chance: random.Random, count: int) -> tuple[Nodes, dict[tuple[int, ...], int]]:
    """A tree of random paths of few tokens, and its nodes by their tokens."""
    nodes, by_path = Nodes(), dict[tuple[int, ...], int]({(): ROOT})
    for _ in range(count):
        path = tuple(chance.randrange(3) for _ in range(chance.randint(1, 12)))
        node = ROOT
        for length, token in enumerate(path, 1):
            node = nodes.behind(node, token)
            assert by_path.setdefault(path[:length], node) == node
    return nodes, by_path


def test_nodes_are_found_again_and_know_their_paths() -> None:
    nodes, by_path = grown(random.Random(2), 600)
    assert nodes.alive == len(by_path) - 1 > 1024, "tables have grown"
    assert len(set(by_path.values())) == len(by_path)
    for path, node in by_path.items():
        assert np.asarray(nodes.token)[nodes.path(node)].tolist() == list(path)
        assert nodes.depth[node] == len(path)


def test_chains_are_what_is_missing_behind_what_is_there() -> None:
    chance = random.Random(3)
    nodes, by_path = grown(chance, 300)
    paths = {node: path for path, node in by_path.items()}
    for _ in range(20):
        for node in paths:
            nodes.slot[node] = NO_SLOT
        there = {path[:length] for path in chance.sample(list(by_path), 30) for length in range(len(path))}
        for number, path in enumerate(there - {()}):
            nodes.slot[by_path[path]] = number
        wanted = [path for path in chance.sample(list(by_path), 40) if path]
        flat, begins = nodes.chains(np.array([by_path[path] for path in wanted]))
        missing = {path[:length] for path in wanted for length in range(1, len(path) + 1)}
        missing = {path for path in missing if path not in there} | set(wanted)
        read: set[tuple[int, ...]] = set()
        for begin, end in pairwise(begins.tolist()):
            chain = [paths[node] for node in flat[begin:end].tolist()]
            assert chain[0][:-1] in there | {()}
            assert all(one == other[:-1] for one, other in pairwise(chain))
            assert not read & set(chain)
            read |= set(chain)
        assert read <= missing
        firsts = {path for path in missing if path[:-1] not in missing}
        assert firsts <= read, "what can be read now is read now"


def test_what_is_not_needed_is_forgotten_and_its_numbers_serve_again() -> None:
    chance = random.Random(4)
    nodes, by_path = grown(chance, 300)
    kept = chance.sample(list(by_path), 20)
    held = chance.choice(list(by_path))
    nodes.slot[by_path[held]] = 5
    needed = nodes.with_ancestors(np.array([by_path[path] for path in kept]))
    nodes.prune(needed)
    left = {path[:length] for path in (*kept, held) for length in range(1, len(path) + 1)}
    assert nodes.alive == len(left)
    for path, node in by_path.items():
        if path:
            found = nodes.children.get(pair(by_path[path[:-1]], path[-1]))
            assert (found == node) == (path in left), path
    count = nodes.count
    nodes.behind(ROOT, 9)
    assert nodes.count == count, "a freed number was taken"


def use_plainly(nodes: Nodes, prompt: int, reads: list[int]) -> tuple[int, int, int, int]:
    """What `Nodes.use` says, by sets."""
    seen, rows, tokens, passes, context = set[int](), set[int](), 0, 0, 0
    for node in reads:
        if node not in rows and node not in seen:
            if not seen:
                seen |= {prompt}
                tokens, context = nodes.depth[prompt], sum(range(nodes.depth[prompt] + 1))
            way = [
                one for one in nodes.path(node).tolist() if one not in seen and nodes.depth[one] > nodes.depth[prompt]
            ]
            seen |= set(way)
            tokens, passes, context = tokens + len(way), passes + 1, context + sum(nodes.depth[one] for one in way)
        rows.add(node)
    return tokens, passes, len(rows), context


def test_what_reading_would_take_alone() -> None:
    chance = random.Random(5)
    nodes, by_path = grown(chance, 200)
    for _ in range(50):
        prompt = chance.choice([path for path in by_path if 0 < len(path) < 4])
        behind = [node for path, node in by_path.items() if path[: len(prompt)] == prompt]
        reads = [chance.choice(behind) for _ in range(chance.randint(0, 15))]
        assert nodes.use(by_path[prompt], np.array(reads, dtype=np.int64)) == use_plainly(nodes, by_path[prompt], reads)
