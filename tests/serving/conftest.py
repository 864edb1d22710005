"""Servers on real sockets, in a thread of this process; `tests/docs/test_typed.py` types the command."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from evoswarm.answering.engine import Engine
from evoswarm.answering.question import Question, Reply
from evoswarm.experiment.drawn import draw
from evoswarm.policies import Policy, PolicyDocument, Recipe, load_document
from evoswarm.serving.app import make_app
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.offered import Offers, offers
from evoswarm.serving.place import address_of, bound_socket
from evoswarm.serving.run import Service
from evoswarm.serving.worker import EngineThread
from evoswarm.space import SearchSpace
from tests.export.conftest import ABOUT, SPACE, alone, mix, route, vote

Serving = Callable[..., AbstractContextManager["Running"]]


def chat() -> Recipe:
    """A member with a chat template, which answers through it."""
    data = alone("qwen3-d")
    spec = data["members"][0]["spec"].model_dump(exclude={"fingerprint"})
    return Recipe.model_validate({**data, "members": [{"spec": {**spec, "chat_template": True}}]})


def babble() -> Recipe:
    """A member that hardly looks at what it says, and hardly ever ends by itself."""
    return Recipe.model_validate(alone("llama-a", sampled=True, sampling_temperature=100.0))


class Running:
    """A server, with the official client, which tries everything once, and one that asks in plain HTTP."""

    def __init__(self, base_url: str, service: Service, runner: threading.Thread, key: str | None = None) -> None:
        self.base_url, self.root = base_url, base_url.removesuffix("/v1")
        self.service, self.runner = service, runner
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self.http = httpx.Client(base_url=self.root, headers=headers, timeout=60)
        self.client = openai.OpenAI(base_url=base_url, api_key="none", max_retries=0)

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
        self.http.close()

    def post(self, path: str, **body: Any) -> httpx.Response:
        """A request in plain HTTP."""
        return self.http.post(f"/v1/{path}", json=body)

    def count(self, name: str, **labels: str) -> float:
        """A number of ``/metrics``: the sum over what has these labels."""
        found = 0.0
        for line in self.http.get("/metrics").text.splitlines():
            named = re.match(r"(\w+)(?:\{(.*)\})? (\S+)$", line)
            if (
                named
                and named[1] == name
                and all(f'{key}="{value}"' in (named[2] or "") for key, value in labels.items())
            ):
                found += float(named[3])
        return found


@pytest.fixture(scope="session")
def served_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Policies of all kinds, by the names under which they are served."""
    folder = tmp_path_factory.mktemp("served")
    policies: dict[str, Policy] = {"mix": mix(), "vote": vote(), "route": route(), "chat": chat(), "babble": babble()}
    for name, policy in policies.items():
        (folder / f"{name}.json").write_text(PolicyDocument(policy, ABOUT).to_json(), encoding="utf-8")
    return {name: folder / f"{name}.json" for name in policies}


@pytest.fixture(scope="session")
def offered(served_files: dict[str, Path]) -> Offers:
    """All of them, and their members."""
    return offers([(file, load_document(file)) for file in served_files.values()], members=True)


@pytest.fixture(scope="session")
def engine(_one_thread: None, offered: Offers) -> Engine:
    """Their engine; while a server runs it is the server's alone."""
    return Engine.load({name: one.source for name, one in offered.items()})


@pytest.fixture(scope="session")
def questions() -> list[str]:
    """A hundred test items of the policies' tasks."""
    return [item.prompt for item in draw(SearchSpace.from_text(SPACE, "tried.yaml")).items["test"]]


@pytest.fixture(scope="session")
def replies(engine: Engine, questions: list[str]) -> dict[str, list[Reply]]:
    """What evoswarm says to the questions, by the policy's name."""
    names = ("mix", "vote", "route", "chat", "mix/gpt2-c")
    return {name: engine.answer([Question(question, name) for question in questions]) for name in names}


@pytest.fixture(scope="session")
def serving(engine: Engine, offered: Offers) -> Serving:
    """Runs a server in a thread of this process, one at a time, with limits and keys of its own."""

    @contextmanager
    def run(*keys: str, **limits: Any) -> Iterator[Running]:
        held, bound = ServingLimits(**limits), bound_socket("127.0.0.1", 0)
        thread = EngineThread(engine, held)
        service = Service(make_app(thread, offered, held, keys), thread, bound, held)
        runner = threading.Thread(target=service.run)
        running = Running(address_of(bound), service, runner, *keys[:1])
        runner.start()
        try:
            assert running.http.get("/health").status_code == 200
            yield running
        finally:
            service.stop()
            runner.join(60)
            running.close()
            assert not runner.is_alive()

    return run


@pytest.fixture(scope="module")
def served(serving: Serving, replies: dict[str, list[Reply]]) -> Iterator[Running]:
    """A server with small limits."""
    with serving(body_bytes=65536, prompt_bytes=4096, tokens=512) as running:
        yield running
