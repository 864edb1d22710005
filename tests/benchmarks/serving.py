"""Policies over HTTP: 64 clients at once against one after the other, and requests of every form."""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai

from evoswarm.policies import Recipe
from tests.benchmarks.figures import ROOT, Measurement, Options, Reading, Readings, alternate, at_least, exactly
from tests.serving.test_fuzz import fuzzed

CLIENTS = 64
SYMBOLS = 64
"""Of an answer, at most: drawn almost without preference, hardly any ends before."""


def load(options: Options) -> Readings:
    """Questions of 64 clients, answered by ``evoswarm serve`` in a process of its own, over two members of the zoo."""
    with _served() as base_url:
        prompts = [f"rev {number:x}stone=" for number in range(options.size(CLIENTS, 8))]
        alone: list[list[str]] = []
        crowd: list[list[str]] = []
        _one_by_one(base_url, prompts)  # what is read once is read now, for both
        times = alternate(
            lambda: alone.append(_one_by_one(base_url, prompts)),
            lambda: crowd.append(asyncio.run(_at_once(base_url, prompts))),
            options.pairs,
        )
    ratios = sorted(one / other for one, other in zip(*times, strict=True))
    medians = [statistics.median(side) for side in times]
    note = f"{len(ratios)} pairs, {ratios[0]:.1f} to {ratios[-1]:.1f}; {medians[0]:.2f} s and {medians[1]:.2f} s"
    heard = [text for texts in crowd for text in texts]
    other = sum(text != alone[0][place % len(prompts)] for place, text in enumerate(heard))
    return {
        "serving_speedup": Reading(statistics.median(ratios), f"{note}; {SYMBOLS} symbols an answer"),
        "serving_requests_per_second": Reading(len(prompts) / medians[1], f"{len(prompts)} clients at once"),
        "serving_lost": Reading(float(len(crowd) * len(prompts) - len(heard)), f"of {len(crowd) * len(prompts)}"),
        "serving_differ": Reading(float(other), "answers in a crowd that are not those given alone"),
    }


def fuzz(options: Options) -> Readings:
    """Requests that the OpenAPI document allows and forbids, by schemathesis; a fault of the server's ends it."""
    with _served("--max-tokens", "8", "--max-questions", "8", "--max-prompt", "512") as base_url:
        root = base_url.removesuffix("/v1")
        tried = fuzzed(root, options.size(200, 10))
        metrics = httpx.get(f"{root}/metrics").text
    by_status: dict[str, float] = {}
    for status, count in re.findall(r'evoswarm_requests_total{.*status="(\d+)"} (\S+)', metrics):
        by_status[status] = by_status.get(status, 0.0) + float(count)
    note = ", ".join(f"{status}: {count:.0f}" for status, count in sorted(by_status.items()))
    faults = sum(count for status, count in by_status.items() if status >= "500")
    return {
        "serving_fuzz_requests": Reading(float(tried), note),
        "serving_fuzz_faults": Reading(faults, "of status 5xx; an answer that its document does not allow fails"),
    }


@contextmanager
def _served(*options: str) -> Iterator[str]:
    """A server of a mix of two members of the zoo."""
    members = [{"spec": {"name": name, "path": f"zoo:{name}"}} for name in ("llama-a", "gpt2-c")]
    drawn = {"sampled": True, "sampling_temperature": 100.0}
    recipe = Recipe.model_validate({"members": members, "lead": "llama-a", "alphabet": "common", **drawn})
    with tempfile.TemporaryDirectory() as directory:
        file, log = recipe.save(Path(directory) / "mix.json"), Path(directory) / "log"
        command = [sys.executable, "-m", "evoswarm", "serve", str(file), "--port", "0", *options]
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with log.open("wb") as stream:
            process = subprocess.Popen(command, stderr=stream, env=env)
        try:
            while not (found := re.search(r"http://\S+", log.read_text())):
                if process.poll() is not None:
                    raise RuntimeError(log.read_text())
                asyncio.run(asyncio.sleep(0.1))
            yield found[0]
        finally:
            process.terminate()
            process.wait(60)


def _one_by_one(base_url: str, prompts: Sequence[str]) -> list[str]:
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        return [
            client.completions.create(model="mix", prompt=prompt, max_tokens=SYMBOLS).choices[0].text
            for prompt in prompts
        ]


async def _at_once(base_url: str, prompts: Sequence[str]) -> list[str]:
    async with openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:

        async def one(prompt: str) -> str:
            reply = await client.completions.create(model="mix", prompt=prompt, max_tokens=SYMBOLS)
            return reply.choices[0].text

        return await asyncio.gather(*map(one, prompts))


MEASUREMENTS = [
    Measurement(
        {
            "serving_speedup": at_least(5.0),
            "serving_requests_per_second": None,
            "serving_lost": exactly(0),
            "serving_differ": exactly(0),
        },
        load,
    ),
    Measurement({"serving_fuzz_requests": None, "serving_fuzz_faults": exactly(0)}, fuzz),
]
