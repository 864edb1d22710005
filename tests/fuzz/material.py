"""What is spoilt: good files of every kind, made once per folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

SPACE = """
name: fuzz
description: A space with a bit of everything.
seed: 3
pool:
  - {name: llama-a, path: "zoo:llama-a"}
  - {name: gemma3-f, path: "zoo:gemma3-f", device: cpu, dtype: float32}
  - {name: own, path: model}
prompt_format: "{prompt}"
alphabet: bytes
tasks:
  - name: spell
    source: reasoning_gym
    family: spell_backward
    max_bytes: 12
    config: {min_word_len: 3, max_word_len: 5}
  - name: own
    source: dataset
    path: rows.jsonl
    prompt: "{question}="
    answer: "{answer}"
    scorer: {kind: regex, pattern: "(\\\\d+)", ignore_case: true}
    stop: ["\\n"]
    max_bytes: 8
    few_shot: {count: 1, between: " ", separator: "\\n"}
splits: {search: 4, selection: 4, test: 4}
genome: {samples: [1, 3], sampling_temperature: [0.5, 1.0], rules: [mixture, contrast], max_members: 2}
evolution:
  generations: 2
  islands: 2
  population: 3
  migration: {every: 2, count: 1}
objectives: [accuracy]
budget: {seconds: 100}
decoding: {batch_tokens: 512}
certificate: {margin: 0.03}
tracking: {mlflow: false}
"""
STUDY = """
name: fuzz-study
space: space.yaml
set: [evolution.elites=1]
settings:
  evolution.population: {choices: [4, 8]}
  evolution.mutation: {low: 0.5, high: 1}
  evolution.mutated_genes: {low: 0.5, high: 8, log: true}
seeds: [0, 1, 2, 3, 4]
confirm_seeds: [100, 101, 102, 103, 104]
trials: 4
sampler: tpe
pruner: {after_seeds: 3, level: 0.05}
measure: selection
seed: 0
"""
SEARCHED = """
name: fuzz-run
pool:
  - {name: llama-a, path: "zoo:llama-a", device: cpu}
  - {name: llama-b, path: "zoo:llama-b", device: cpu}
tasks:
  - {name: spell, source: reasoning_gym, family: spell_backward, max_bytes: 6}
splits: {search: 3, selection: 3, test: 3}
evolution: {generations: 2, islands: 1, population: 3}
tracking: {mlflow: false}
"""
ROWS = [{"question": f"{a}+{b}", "answer": str(a + b), "level": a} for a in range(3, 12) for b in range(3, 9)]
RUN, LEDGER = "run", "ledger.sqlite"


def make_material(folder: Path) -> Path:
    """Write everything; one small search really runs.

    Args:
        folder: that need not exist.

    Returns:
        The folder: ``space.yaml`` with ``study.yaml``, rows in four formats and ``model/`` beside it,
        ``prompts.jsonl``, ``recipe.json`` and ``own.json`` (of the model alone), and ``runs/`` with a finished run and
        the ledger.
    """
    from evoswarm.experiment.session import search
    from evoswarm.member_spec import MemberSpec
    from evoswarm.policies.mix import Recipe, RecipeMember
    from evoswarm.space import SearchSpace
    from tests.decoding import tiny

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "space.yaml").write_text(SPACE, encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    (folder / "searched.yaml").write_text(SEARCHED, encoding="utf-8")
    _write_rows(folder)
    questions = [{"prompt": "rev stone="}, {"prompt": "12+34=", "more": [1, None]}]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in questions), encoding="utf-8")
    model = tiny.build(folder / "model", "gpt2")
    own = MemberSpec(name="own", path=str(model), device="cpu")
    Recipe(members=(RecipeMember(spec=own),), lead="own").save(folder / "own.json")
    runs = folder / "runs"
    found = search(SearchSpace.from_yaml(folder / "searched.yaml"), out=runs / RUN, runs=runs)
    shutil.copyfile(found.directory / "recipes" / "uniform-mix.json", folder / "recipe.json")
    return folder


def _write_rows(folder: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (folder / "rows.json").write_text(json.dumps(ROWS), encoding="utf-8")
    lines = ["question,answer,level", *(f'"{row["question"]}",{row["answer"]},{row["level"]}' for row in ROWS)]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "rows.parquet")
