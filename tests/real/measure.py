"""What alphabets mean for trained models: agreement with ``generate``, rows read, steps, error of the default epsilon.

    python -m tests.real.measure        writes results.json beside this file; a few minutes on two cores

By tokens a member answers as ``generate`` does (``test_models.py``), so the others are compared with that. The pairs of
tokenizers (``pairs.py``) are there with those that ``make tokenizers`` fetches.

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
from evoswarm.decoding.request import Completion, Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from tests.benchmarks.models import passages
from tests.decoding.lone_view import LoneView
from tests.real.answers import ANSWERS, EVERYDAY
from tests.real.pairs import every_pair
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
    """Greedy answers by bytes and in common symbols beside those by tokens, which are those of ``generate``."""
    texts, right, seconds, forwards = {}, {}, {}, {}
    for alphabet in ("tokens", "bytes", "common"):
        one = alone(member, alphabet)
        requests = [Request(one, prompt, max_bytes=max_bytes, stop=("\n",)) for prompt, _ in asked]
        began = time.perf_counter()
        done = _decoded(Swarm([member]), requests)
        seconds[alphabet] = round(time.perf_counter() - began, 2)
        texts[alphabet] = [each.samples[0].text for each in done]
        right[alphabet] = sum(gold in text for text, (_, gold) in zip(texts[alphabet], asked, strict=True))
        forwards[alphabet] = _forwards_per_symbol(done)[member.spec.name]
    alike = {
        alphabet: sum(one == other for one, other in zip(texts[alphabet], texts["tokens"], strict=True))
        for alphabet in ("bytes", "common")
    }
    return {
        "questions": len(asked),
        "answers_alike": alike,
        "right": right,
        "forwards_per_symbol": forwards,
        "seconds": seconds,
    }


def _decoded(swarm: Swarm, requests: Sequence[Request]) -> list[Completion]:
    done = swarm.decode(requests)
    failed = [each.failure for each in done if each.failure is not None]
    if failed:
        raise ValueError(f"expected an answer to every question, got {failed[0]}")
    return done


def _forwards_per_symbol(done: Sequence[Completion]) -> dict[str, float]:
    """Tokens that each member reads for a symbol, prompts left out."""
    steps = sum(each.steps for each in done)
    names = [use.name for use in done[0].use]
    reads = {
        name: sum(use.tokens - use.prompt_tokens for each in done for use in each.use if use.name == name)
        for name in names
    }
    return {name: round(read / steps, 3) for name, read in reads.items()}


def together(members: Sequence[Member]) -> dict[str, Any]:
    """What a mix of several takes, by bytes and in common symbols: along given answers, and along its own."""
    parts = tuple(RecipeMember(spec=member.spec) for member in members)
    swarm, asked = Swarm(members), questions()
    steps, own, right, forwards = {}, {}, {}, {}
    for alphabet in ("bytes", "common"):
        mix = Recipe.model_validate({"members": parts, "lead": parts[0].spec.name, "alphabet": alphabet})
        given = [Request(mix, "Say something.", max_bytes=9999, forced=ANSWERS[kind]) for kind in EVERYDAY]
        followed = _decoded(swarm, given)
        free = _decoded(swarm, [Request(mix, prompt, max_bytes=ANSWER_BYTES, stop=("\n",)) for prompt, _ in asked])
        steps[alphabet], own[alphabet] = (sum(each.steps for each in done) for done in (followed, free))
        right[alphabet] = sum(gold in each.samples[0].text for each, (_, gold) in zip(free, asked, strict=True))
        forwards[alphabet] = _forwards_per_symbol(followed)
    return {
        "steps": steps,
        "steps_of_bytes": round(steps["common"] / steps["bytes"], 3),
        "own_answers": {"questions": len(asked), "right": right, "steps": own},
        "forwards_per_symbol": forwards,
    }


def _spec(name: str) -> MemberSpec:
    return MemberSpec(name=name, path=str(model_path(name)), device="cpu", dtype="float32")


def _measured(name: str) -> dict[str, Any]:
    spec = _spec(name)
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
    record["together"] = together([load_member(_spec(name), BATCH_TOKENS) for name in SOURCES])
    record["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    record["pairs"] = every_pair()
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
