"""A search over two trained models of different families, from a space in YAML to a certificate."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from evoswarm.decoding.member import Member
from evoswarm.experiment.outlook.plan import make_plan
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.session import search
from evoswarm.run_directory import INDIVIDUALS
from evoswarm.space import SearchSpace, draw_items, make_tasks
from tests.real.conftest import GEMMA3, SMOLLM2, real_spec

HERE = Path(__file__).parent
SPACE = """
name: real-two
pool:
  - {{name: gemma, path: {gemma}, dtype: float32, device: cpu}}
  - {{name: smol, path: {smol}, dtype: float32, device: cpu, chat_template: true}}
tasks:
  - name: capitals
    source: dataset
    path: {here}/capitals.jsonl
    prompt: "What is the capital of {{country}}? Answer with one word."
    answer: "{{capital}}"
    max_bytes: 40
    stop: ["\\n"]
    scorer: {{kind: contains}}
    few_shot: {{count: 2, between: " ", separator: "\\n\\n"}}
  - name: sums
    source: dataset
    path: {here}/sums.jsonl
    prompt: "What is {{a}} + {{b}}? Answer:"
    answer: "{{sum}}"
    max_bytes: 20
    stop: ["\\n"]
    scorer: {{kind: numeric}}
    few_shot: {{count: 3, between: " ", separator: "\\n\\n"}}
splits: {{search: 4, selection: 4, test: 6}}
genome: {{samples: [1]}}
evolution: {{generations: 2, islands: 1, population: 3}}
tracking: {{mlflow: false}}
"""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> SearchSpace:
    gemma, smol = (real_spec(name).path for name in (GEMMA3, SMOLLM2))
    file = tmp_path_factory.mktemp("real") / "real-two.yaml"
    file.write_text(SPACE.format(gemma=gemma, smol=smol, here=HERE), encoding="utf-8")
    return SearchSpace.from_yaml(file)


def test_questions_are_rendered_as_the_template_and_the_tokenizer_say(
    space: SearchSpace, real_member: Callable[..., Member], real_tokenizer: Callable[[str], Any]
) -> None:
    smol, gemma = real_member(SMOLLM2, chat_template=True), real_member(GEMMA3)
    items = [item for split in draw_items(space, make_tasks(space)).values() for item in split]
    assert len(items) == 14
    for item in items:
        chat = [{"role": "user", "content": item.prompt}]
        template = real_tokenizer(SMOLLM2).apply_chat_template(chat, add_generation_prompt=True, return_dict=True)
        assert smol.render(item.prompt) == tuple(template["input_ids"])
        assert gemma.render(item.prompt) == tuple(real_tokenizer(GEMMA3)(item.prompt)["input_ids"])


def test_a_search_ends_in_a_certificate_without_failures(space: SearchSpace, tmp_path: Path) -> None:
    result = search(space, runs=tmp_path)
    individuals = [json.loads(line) for line in (result.directory / INDIVIDUALS).read_text("utf-8").splitlines()]
    assert [one["failure"] for one in individuals] == [None] * len(individuals)
    both = [one for one in individuals if all(one["genome"]["members"])]
    assert both, "or nothing was mixed"
    assert max(one["accuracy"] for one in individuals) >= 0.5, "trained models know some capitals and sums"
    assert result.certificate is not None
    assert result.certificate.failures == 0
    assert result.certificate.items.test == 6
    page = (result.directory / PAGE).read_text("utf-8")
    assert page.startswith("CERTIFICATE: real-two")


def test_the_plan_of_a_real_space_is_sane(space: SearchSpace) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:  # which has held no other test's memory
        plan = fresh.submit(make_plan, space).result()
    in_float32 = 4 * (134_515_008 + 268_098_176)
    assert plan.weight_bytes == in_float32
    assert in_float32 < plan.memory_bytes < 8 * in_float32
    assert plan.sample_items == 2
    parts = plan.outlook.parts
    assert [parts[name].evaluations for name in ("search", "choosing")] == [2 * 4 * 3, 4 * (20 + 3 + 11)]
    assert all(parts[name].seconds > 0 for name in ("rivals", "test"))
    assert 1 < plan.seconds < 600
    assert 100 < plan.rows < plan.rows_alone
