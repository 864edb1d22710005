"""How well ``plan`` foretells a search: seconds of the processor by part, and memory, of both in one run.

    python -m tests.benchmarks.estimates                       the shipped spaces and two pools of random models
    python -m tests.benchmarks.estimates --only quickstart     one of them

Plan and search run in processes of their own, one after the other, on one thread: what counts is their ratio. The
random models have about 100M parameters and tokenizers of 32k and of 50k; what they say means nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from evoswarm.experiment.figures import GenerationFigures
from evoswarm.experiment.progress import Progress, Stage
from tests.benchmarks.figures import ROOT

SHIPPED = ("quickstart", "tokens", "accuracy-cost", "large-pool", "two-by-two-same", "two-by-two-cross")
RANDOM = {
    "random-common": {"llama": 32_000, "gpt2": 50_257},
    "random-tokens": {"llama": 32_000, "gpt_neox": 32_000},
}
"""Architectures with the sizes of their vocabularies, by the name of their pool."""

SPACE = """
name: {name}
pool: [{pool}]
tasks:
  - {{name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 12}}
  - {{name: pair, source: reasoning_gym, family: pair, max_bytes: 12}}
splits: {{search: 32, selection: 48, test: 96}}
genome: {{samples: [1]}}
evolution: {{generations: 4, islands: 2, population: 6}}
tracking: {{mlflow: false}}
certificate: {{samples: 5}}
"""
BEGIN = {"importing": "start", "calibrating": "search", "choosing": "choosing", "rivals": "rivals", "test": "test"}
"""Which part of a plan begins with a stage of a search."""

RESULTS = Path(__file__).with_name("estimates.json")


def main() -> None:
    """Plan, search, compare; print one line per space, and write the figures of a whole run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*SHIPPED, *RANDOM], default=[*SHIPPED, *RANDOM])
    parser.add_argument("--one", nargs=2, metavar=("plan|search", "SPACE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        what, space = arguments.one
        print(json.dumps(planned(space) if what == "plan" else searched(space)))
        return
    found = {}
    for name in arguments.only:
        with space_file(name) as file:
            found[name] = compared(_in_a_process("plan", file), _in_a_process("search", file))
        print(f"{name:18}{line(found[name])}", flush=True)
    if set(arguments.only) == {*SHIPPED, *RANDOM}:
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores, one used"
        record = {"date": date.today().isoformat(), "machine": machine, "spaces": found}
        RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def planned(file: str) -> dict[str, Any]:
    """What a plan says, and what it took itself."""
    from evoswarm.experiment.outlook.plan import make_plan
    from evoswarm.space import SearchSpace

    began = time.process_time()
    plan = make_plan(SearchSpace.from_yaml(file), clock=time.process_time)
    parts = {name: part.seconds for name, part in plan.outlook.parts.items()}
    parts["start"] += began  # imports, which a search needs as well
    return {"parts": parts, "memory": plan.memory_bytes, "own_seconds": time.process_time() - began}


def searched(file: str) -> dict[str, Any]:
    """What a search takes, from the start of its process, and what it said was left as soon as it knew."""
    from evoswarm.experiment.session import search
    from evoswarm.space import SearchSpace

    marks = [("start", 0.0)]
    left: list[tuple[float, float]] = []  # by the wall clock, as users see it

    def stage(one: Stage) -> None:
        if BEGIN.get(one.name, marks[-1][0]) != marks[-1][0]:
            marks.append((BEGIN[one.name], time.process_time()))

    def generation(one: GenerationFigures) -> None:
        if one.seconds_left is not None:
            left.append((time.monotonic(), one.seconds_left))

    told = Progress(stage=stage, generation=generation)
    with tempfile.TemporaryDirectory() as runs:
        search(SearchSpace.from_yaml(file), runs=runs, progress=told)
    when, told_left = left[0] if left else (time.monotonic(), 0.0)
    rest = {"told": told_left, "took": time.monotonic() - when}
    marks.append(("end", time.process_time()))
    parts = {name: after - before for (name, before), (_, after) in pairwise(marks)}
    status = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    memory = 1024 * int(status[1]) if status else 0
    return {"parts": parts, "memory": memory, "left": rest}


def compared(plan: dict[str, Any], search: dict[str, Any]) -> dict[str, Any]:
    """Both with their ratios, over the parts that there were: a champion without a right answer opens no test items."""
    told, took = sum(plan["parts"][name] for name in search["parts"]), sum(search["parts"].values())
    return {
        "ratio": told / took,
        "told_seconds": plan["parts"],
        "took_seconds": search["parts"],
        "plan_seconds": plan["own_seconds"],
        "left": search["left"],
        "memory_ratio": plan["memory"] / search["memory"] if search["memory"] else None,
        "told_memory": plan["memory"],
        "took_memory": search["memory"],
    }


def line(one: dict[str, Any]) -> str:
    """Of one space, for people."""
    parts = " ".join(f"{name} {one['told_seconds'][name]:.1f}/{took:.1f}" for name, took in one["took_seconds"].items())
    memory = f"memory {one['told_memory'] / 1e9:.2f}/{one['took_memory'] / 1e9:.2f} GB"
    left = f"left {one['left']['told']:.0f}/{one['left']['took']:.0f}"
    return f"{one['ratio']:.2f} (told/took: {parts}; {left}; {memory}; the plan itself {one['plan_seconds']:.1f} s)"


@contextmanager
def space_file(name: str) -> Iterator[str]:
    """The file of a shipped space, or of one over random models that are made for it."""
    if name in SHIPPED:
        yield str(ROOT / "search_spaces" / f"{name}.yaml")
        return
    from tests.benchmarks.models import build, tokenizer
    from tests.decoding.tiny import GPT2_PATTERN

    with tempfile.TemporaryDirectory() as directory:
        specs = [
            build(Path(directory), member, member, tokenizer("stdlib", GPT2_PATTERN, size))
            for member, size in RANDOM[name].items()
        ]
        pool = ", ".join(f"{{name: {spec.name}, path: {spec.path}, dtype: float32, device: cpu}}" for spec in specs)
        file = Path(directory) / f"{name}.yaml"
        file.write_text(SPACE.format(name=name, pool=pool), encoding="utf-8")
        yield str(file)


def _in_a_process(what: str, file: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.estimates", "--one", what, file]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
