"""A large run for tests of the report and for screenshots: a real search of real size over an imagined pool.

    python -m tests.report.large_run FOLDER [--individuals 10000]

Lineage, operators, migrations, reseeds, genes, choice, rivals and verdict are what a search writes; the answers are
made up (``imagined.py``). The questions are those of ``search_spaces/data``, with worked examples before them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest.mock import patch

from evoswarm.experiment.drawn import draw
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.space import SearchSpace
from tests.report.imagined import HastyEvaluator, ImaginedSwarm

NAME = "large-seed0"
DATA = Path(__file__).parents[2] / "search_spaces" / "data"
POOL = {
    "Qwen3-4B-Instruct-2507": "zoo:qwen3-d",
    "Llama-3.2-3B-Instruct": "zoo:llama-a",
    "gemma-3-4b-it": "zoo:gemma3-f",
    "Mistral-7B-Instruct-v0.3": "zoo:mistral-h",
    "SmolLM2-1.7B-Instruct": "zoo:opt-g",
    "falcon-mamba-7b-instruct": "zoo:mamba-b",
}
SPACE = """
name: large
description: Six instruction models of six families; three kinds of questions, answered with their reasons.
seed: 0
pool:
{pool}
alphabet: common
tasks:
  - name: capitals
    source: dataset
    path: {data}/capitals.jsonl
    prompt: "Question: {{question}}\\nAnswer:"
    answer: "{{answer}}"
    scorer: {{kind: exact, behind: ["answer is:"]}}
    few_shot: {{count: 3, between: " "}}
    max_bytes: 400
  - name: sums
    source: dataset
    path: {data}/sums.jsonl
    prompt: "Question: {{question}}\\nAnswer:"
    answer: "{{sum}}"
    scorer: {{kind: exact, behind: ["answer is:"]}}
    few_shot: {{count: 3, between: " ", answer: "{{worked}}"}}
    max_bytes: 400
  - name: science
    source: dataset
    path: {data}/science.jsonl
    prompt: "Question: {{question}}\\nOptions: {{choices.0}}, {{choices.1}}, {{choices.2}}, {{choices.3}}\\nAnswer:"
    answer: "{{answer}}"
    scorer: {{kind: exact, behind: ["answer is:"]}}
    few_shot: {{count: 3, between: " "}}
    max_bytes: 400
splits: {{search: {items}, selection: 60, test: 90, shares: [0.2, 0.3, 0.5]}}
genome: {{max_members: 4}}
evolution:
  generations: {generations}
  islands: 4
  population: 25
  stagnation: 12
  migration: {{every: 2, count: 1}}
  gold: {{founders: false}}
tracking: {{mlflow: false}}
certificate: {{samples: 3}}
"""


def large_run(folder: Path, individuals: int = 10_000, items: int = 90) -> SearchResult:
    """Search until so many individuals were evaluated.

    Args:
        folder: of runs; this one is called `NAME`, and its ledger lies beside it.
        individuals: about; 100 a generation, and migrants beside them.
        items: of the search split.
    """
    pool = "\n".join(f"  - {{name: {name}, path: '{path}'}}" for name, path in POOL.items())
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "large.yaml"
    generations = max(1, individuals // 100)
    file.write_text(SPACE.format(pool=pool, data=DATA, items=items, generations=generations), encoding="utf-8")
    space = SearchSpace.from_yaml(file)
    asked = [item for split in draw(space).items.values() for item in split]
    with patch("evoswarm.experiment.workbench.Evaluator", HastyEvaluator):
        return search(space, runs=folder, swarm=ImaginedSwarm(space.pool, asked))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--individuals", type=int, default=10_000)
    given = parser.parse_args()
    print(large_run(given.folder, given.individuals).directory)
