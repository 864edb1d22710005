"""What byte by byte means for trained models: agreement with ``generate``, rows read, error of the default epsilon.

    python -m tests.real.measure        writes results.json beside this file; about a minute on two cores

The questions are those beside this file; the texts are pieces of Python's standard library. The models must be in the
cache (``make real``).
"""

from __future__ import annotations

import json
import os
import platform
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
import transformers

from evoswarm.decoding.forward.devices import silence_loading
from evoswarm.decoding.member import Member, load_member
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests.benchmarks.models import passages
from tests.decoding.lone_view import LoneView
from tools.cache import model_path
from tools.real_models import SOURCES

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
BATCH_TOKENS = 2048
ANSWER_BYTES, SENTENCE_BYTES = 24, 48
TEXTS, TEXT_BYTES = 12, 80
DEFAULT = Recipe.model_fields["epsilon"].default


@dataclass(frozen=True)
class Views:
    """The default epsilon beside epsilon 0, over all positions of some texts.

    Attributes:
        positions: compared.
        abstentions: positions at which the member says nothing.
        largest_error: total variation between the two.
        mean_error: likewise.
        beyond_bound: by how much an error exceeds the bound reported with it, at most.
        rows: read per text at the default, prompts left out.
        rows_exact: likewise at epsilon 0.
    """

    positions: int
    abstentions: int
    largest_error: float
    mean_error: float
    beyond_bound: float
    rows: float
    rows_exact: float


def views(member: Member, texts: Sequence[tuple[str, str]]) -> Views:
    """Read every beginning of every text at both; (prompt, text) pairs."""
    near, exact = LoneView(member, DEFAULT), LoneView(member, 0.0)
    asked = [(prompt, text.encode()[:end]) for prompt, text in texts for end in range(len(text.encode()) + 1)]
    errors, beyond, abstentions = [], 0.0, 0
    for one, other in zip(near.read_all(asked), exact.read_all(asked), strict=True):
        abstentions += one.abstains or other.abstains
        errors.append(0.5 * float((near.probs(one) - exact.probs(other)).abs().sum()))
        beyond = max(beyond, errors[-1] - one.left_out)
    prompts = sum(len(member.render(prompt)) for prompt in {prompt for prompt, _ in texts})
    rows = [(reader.counters.rows_forwarded - prompts) / len(texts) for reader in (near, exact)]
    return Views(len(asked), abstentions, max(errors), sum(errors) / len(errors), beyond, *rows)


def alone(member: Member, alphabet: str = "bytes") -> Recipe:
    """The member by itself, greedily."""
    parts = (RecipeMember(spec=member.spec),)
    return Recipe.model_validate({"members": parts, "lead": member.spec.name, "alphabet": alphabet})


def questions(shots: int = 2) -> list[tuple[str, str]]:
    """(question, gold) of the files beside this one; behind so many shots, or, without any, as one would ask."""
    capitals = [(f"What is the capital of {row['country']}?", row["capital"]) for row in _rows("capitals")]
    sums = [(f"What is {row['a']} + {row['b']}?", row["sum"]) for row in _rows("sums")]
    asked = []
    for of_kind in (capitals, sums):
        shown = "".join(f"Question: {question}\nAnswer: {gold}\n\n" for question, gold in of_kind[:shots])
        left = of_kind[shots:]
        asked += [(f"{shown}Question: {question}\nAnswer:", gold) for question, gold in left] if shots else left
    return asked


def _rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()]


def _agreement(member: Member, asked: Sequence[tuple[str, str]], max_bytes: int) -> dict[str, Any]:
    """Greedy answers by bytes beside those by tokens, which are those of ``generate``."""
    answers = {}
    for alphabet in ("bytes", "tokens"):
        one = alone(member, alphabet)
        requests = [Request(one, prompt, max_bytes=max_bytes, stop=("\n",)) for prompt, _ in asked]
        began = time.perf_counter()
        done = Swarm([member]).decode(requests)
        seconds = time.perf_counter() - began
        failed = [each.failure for each in done if each.failure is not None]
        if failed:
            raise ValueError(f"expected an answer to every question, got {failed[0]}")
        answers[alphabet] = [each.samples[0].text for each in done]
        answers[f"{alphabet}_seconds"] = round(seconds, 2)  # type: ignore[arg-type]
    pairs = list(zip(answers["bytes"], answers["tokens"], (gold for _, gold in asked), strict=True))
    right = {name: [gold in text for text, gold in texts] for name, texts in _sides(pairs).items()}
    both = list(zip(right["bytes"], right["tokens"], strict=True))
    return {
        "questions": len(asked),
        "answers_alike": sum(one == other for one, other, _ in pairs),
        "right_by_bytes": sum(right["bytes"]),
        "right_by_tokens": sum(right["tokens"]),
        "only_bytes_right": sum(one and not other for one, other in both),
        "only_tokens_right": sum(other and not one for one, other in both),
        "seconds_by_bytes": answers["bytes_seconds"],
        "seconds_by_tokens": answers["tokens_seconds"],
    }


def _sides(pairs: Sequence[tuple[str, str, str]]) -> dict[str, list[tuple[str, str]]]:
    return {
        "bytes": [(one, gold) for one, _, gold in pairs],
        "tokens": [(other, gold) for _, other, gold in pairs],
    }


def _measured(name: str) -> dict[str, Any]:
    spec = MemberSpec(name=name, path=str(model_path(name)), device="cpu", dtype="float32")
    began = time.process_time()
    member = load_member(spec, BATCH_TOKENS)
    loading = time.process_time() - began
    found: dict[str, Any] = {"loading_cpu_seconds": round(loading, 1)}
    found["agreement"] = _agreement(member, questions(), ANSWER_BYTES)
    if name.endswith("instruct"):
        chatty = load_member(spec.model_copy(update={"chat_template": True}), BATCH_TOKENS)
        found["agreement_through_template"] = _agreement(chatty, questions(shots=0), SENTENCE_BYTES)
    seen = views(member, list(passages(TEXTS, TEXT_BYTES, TEXT_BYTES)))
    return {**found, "views": {key: float(f"{value:.4g}") for key, value in vars(seen).items()}}


def main() -> None:
    """Measure all real models that there are, print, write."""
    silence_loading()
    record: dict[str, Any] = {
        "date": date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "device": "cpu",
        "dtype": "float32",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    for name in SOURCES:
        record[name] = _measured(name)
        print(name, json.dumps(record[name], indent=2), flush=True)
    record["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
