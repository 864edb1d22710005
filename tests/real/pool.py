"""Searches and certifies ``search_spaces/real-small.yaml`` on the models of the cache, and says what came out.

    python -m tests.real.pool [--record]

The models must be in the cache (``make real``). What is done is not done again: the run lies under ``runs/``, and the
same command goes on with it. ``--record`` also counts steps by bytes and by symbols in common, and writes ``pool.json``
beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import torch
import transformers

from evoswarm.certificate.document import Certificate
from evoswarm.certificate.page import page
from evoswarm.cli.showing.generation_line import generation_line
from evoswarm.decoding.decoder import Decoder
from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.evaluation.evaluation import Summary
from evoswarm.experiment.certification import certify
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.session import search
from evoswarm.experiment.wording import duration
from evoswarm.experiment.workbench import Workbench, load_swarm, workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Recipe
from evoswarm.run_directory import CERTIFICATE
from evoswarm.space import SearchSpace
from tests.real.conftest import GEMMA3, SMOLLM2
from tools.cache import model_path

SPACE = "search_spaces/real-small.yaml"
RECORD = Path(__file__).with_name("pool.json")
RUNS = Path("runs")


def real_space(*overrides: str) -> SearchSpace:
    """The space with the models of the cache in place of those of the hub."""
    paths = [f"pool.{place}.path={json.dumps(str(model_path(name)))}" for place, name in enumerate((SMOLLM2, GEMMA3))]
    here = ("pool.0.device=cpu", "pool.1.device=cpu", "tracking.mlflow=false")
    return SearchSpace.from_yaml(SPACE, (*paths, *here, *overrides))


class Clock:
    """Seconds by part, by the clock and of all processors, over all sittings that were not killed.

    Args:
        file: where they are kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.parts: dict[str, dict[str, float]] = json.loads(file.read_text("utf-8")) if file.is_file() else {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measure a part."""
        began = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            before = self.parts.get(name, {"seconds": 0.0, "cpu_seconds": 0.0})
            wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
            now = {"seconds": before["seconds"] + wall, "cpu_seconds": before["cpu_seconds"] + cpu}
            self.parts[name] = {key: round(value, 1) for key, value in now.items()}
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self.parts) + "\n", encoding="utf-8")


def directory_of(space: SearchSpace) -> Path:
    """Where its run lies: another one for another search."""
    return RUNS / f"{space.name}-{space.continuation_digest[:8]}"


def run(space: SearchSpace, clock: Clock, swarm: Decoder | None = None) -> tuple[Certificate, Path, Decoder]:
    """Search and certify, or go on with it; the pool is loaded unless it is given."""
    tell = Progress(lambda one: print(f"{one} ...", flush=True), lambda one: print(generation_line(one), flush=True))
    directory = directory_of(space)
    with clock.part("loading"):
        swarm = swarm or load_swarm(space)
    with clock.part("search"):
        result = search(space, out=directory, runs=RUNS, progress=tell, swarm=swarm, certify=False)
    with clock.part("certificate"):
        certificate = certify(result.directory, runs=RUNS, progress=tell, swarm=swarm)
    return certificate, directory, swarm


def plain_figures(space: SearchSpace, swarm: Decoder) -> dict[str, Any]:
    """Every member alone and all alike on the test items, which the certificate has opened and decoded them on."""
    with workbench(space, RUNS / "ledger.sqlite", splits=["test"], swarm=swarm) as bench:
        policies = _plain(bench)
        rows = bench.evaluator.summaries(list(policies.values()), bench.items["test"])
        return {name: _figures(row) for name, row in zip(policies, rows, strict=True)}


def _plain(bench: Workbench) -> dict[str, Recipe]:
    alone = {spec.name: single(bench.space, spec) for spec in bench.pool}
    return {**alone, "uniform mix": uniform(bench.space, bench.pool)}


def _figures(row: Summary) -> dict[str, Any]:
    by_task = {name: round(score, 4) for name, score in row.by_task.items()}
    return {"accuracy": round(row.accuracy or 0.0, 4), "by_task": by_task}


def steps_by_alphabet(space: SearchSpace, alphabets: Sequence[AlphabetName] = ("bytes", "common")) -> dict[str, Any]:
    """What an alphabet costs on the selection items: steps, and seconds with nothing read before."""
    found: dict[str, Any] = {}
    answers: dict[str, dict[str, list[str]]] = {}
    for alphabet in alphabets:
        with workbench(space, ":memory:", splits=["selection"], swarm=load_swarm(space)) as bench:
            items = bench.items["selection"]
            for name, recipe in _plain(bench).items():
                began = time.process_time()
                rows = bench.evaluator.evaluate([recipe.changed(alphabet=alphabet)], items)[0]
                cpu = time.process_time() - began
                answers.setdefault(name, {})[alphabet] = [row.answer for row in rows]
                found.setdefault(name, {})[alphabet] = {
                    "steps_per_item": round(sum(row.steps for row in rows) / len(items), 2),
                    "accuracy": round(sum(row.score or 0.0 for row in rows) / len(items), 4),
                    "cpu_seconds": round(cpu, 1),
                }
    for name, texts in answers.items():
        one, other = (texts[alphabet] for alphabet in alphabets)
        found[name]["answers_alike"] = sum(a == b for a, b in zip(one, other, strict=True))
    return found


def certified_figures(certificate: Certificate) -> dict[str, Any]:
    """The verdict, and everybody's score on the test items."""
    compared = [*certificate.rivals, *certificate.ceilings]
    return {
        "items": certificate.items.model_dump(),
        "outcome": certificate.verdict.outcome,
        "sentence": certificate.verdict.sentence,
        "searching": certificate.verdict.searching,
        "champion": {
            "words": certificate.subject.words,
            "accuracy": round(certificate.score.mean, 4),
            "by_task": {name: round(one.mean, 4) for name, one in certificate.by_task.items()},
        },
        "compared": {
            one.key: {
                "name": one.name,
                "description": one.description,
                "accuracy": round(one.score.mean, 4),
                "champion_ahead": [round(end, 4) for end in (one.difference.low, one.difference.high)],
            }
            for one in compared
        },
    }


def main() -> None:
    """Search, certify, print, and record where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    recording = parser.parse_args().record
    silence_loading()
    space = real_space()
    clock = Clock(directory_of(space).with_suffix(".seconds.json"))
    certificate, directory, swarm = run(space, clock)
    with clock.part("figures"):
        plain = plain_figures(space, swarm)
    print(f"\n{page(certificate)}")
    for name, one in plain.items():
        print(f"{name}: {one['accuracy']:.1%} of the test items, {one['by_task']}")
    if recording:
        record = {
            "date": date.today().isoformat(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "parts": clock.parts,
            "certificate": certified_figures(certificate),
            "plain": plain,
            "alphabets": steps_by_alphabet(space),
        }
        RECORD.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, part in clock.parts.items():
        print(f"{name}: {duration(part['seconds'])} ({part['cpu_seconds']:.0f} CPU seconds)")
    print(f"certificate: {directory / PAGE} and {directory / CERTIFICATE}")


if __name__ == "__main__":
    main()
