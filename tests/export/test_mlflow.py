"""A policy as a model of MLflow: its own loader, command line and server answer as evoswarm does, offline."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from evoswarm.cli import run
from evoswarm.policies import PolicyDocument, load_document
from evoswarm.policies.about import TaskAsked
from tests.docs.pages import ROOT

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),  # within MLflow, as it is imported
]


def exported(policy: Path, folder: Path) -> Path:
    """A policy as a model, moved elsewhere."""
    assert run(["export", str(policy), "--to", "mlflow", str(folder / "model"), "--quiet"]) == 0
    (folder / "moved").mkdir()
    return Path(shutil.move(folder / "model", folder / "moved" / "of mine"))


@pytest.fixture(scope="module")
def model(policy_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mix as a model."""
    return exported(policy_file, tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own server of it, without a network, in a directory where nothing is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(model), "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    environment |= {"HF_HUB_OFFLINE": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "OMP_NUM_THREADS": "1"}
    log = tmp_path_factory.mktemp("served") / "log"
    with (
        log.open("w") as said,
        subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=log.parent,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        ) as process,
    ):
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"{address}/ping", timeout=10):
                        break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    time.sleep(0.2)
            yield address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)  # the server is a child of the command


def invoke(server: str, **body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{server}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_hundred_items_through_the_server(server: str, items: list[str], evoswarm_answers: list[str]) -> None:
    def quarter(number: int) -> tuple[int, Any]:
        part = items[25 * number : 25 * (number + 1)]
        return invoke(server, dataframe_split={"columns": ["prompt"], "data": [[item] for item in part]})

    with ThreadPoolExecutor(4) as clients:  # at once
        found = list(clients.map(quarter, range(4)))
    assert [status for status, _ in found] == [200] * 4
    rows = [row for _, answer in found for row in answer["predictions"]]
    assert [row["text"] for row in rows] == evoswarm_answers
    assert {row["failure"] for row in rows} == {None}
    assert all(row["flops"] > 0 for row in rows)
    status, answer = invoke(server, inputs=[{"prompt": items[0]}], params={"max_bytes": 1})
    assert (status, answer["predictions"][0]["finish"]) == (200, "limit")
    assert answer["predictions"][0]["text"] == evoswarm_answers[0][:1]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"inputs": [{"prompt": "1+1=", "task": "nope"}]}, "expected one of sums, spelling, got 'nope'"),
        ({"inputs": [{"question": "1+1="}]}, "prompt"),
        ({"inputs": [{"prompt": "1+1="}], "params": {"max_bytes": "many"}}, "max_bytes"),
        ({"inputs": [{"prompt": "1+1="}], "params": {"temperature": -1.0}}, "temperature"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(server: str, body: dict[str, Any], said: str) -> None:
    status, answer = invoke(server, **body)
    assert status == 400
    assert said in json.dumps(answer)


@pytest.mark.parametrize("kind", ["vote_file", "route_file"])
def test_a_hundred_items_as_a_table(
    kind: str,
    request: pytest.FixtureRequest,
    items: list[str],
    answers_of: Callable[[Path], list[str]],
    tmp_path: Path,
) -> None:
    import mlflow.pyfunc
    import pandas

    file = request.getfixturevalue(kind)
    found = mlflow.pyfunc.load_model(str(exported(file, tmp_path))).predict(pandas.DataFrame({"prompt": items}))
    assert list(found["text"]) == answers_of(file)


def test_a_batch_by_the_command_line(
    model: Path, items: list[str], evoswarm_answers: list[str], tmp_path: Path
) -> None:
    import pandas
    from mlflow.models.cli import commands

    pandas.DataFrame({"prompt": items[:10]}).to_csv(tmp_path / "in.csv", index=False)
    words = ["predict", "-m", str(model), "--env-manager", "local", "-t", "csv"]
    done = CliRunner().invoke(commands, [*words, "-i", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.json")])
    assert done.exit_code == 0, done.output
    rows = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert [row["text"] for row in rows] == evoswarm_answers[:10]


def test_rows_of_a_tasks_own_columns_are_worded_by_its_template(policy_file: Path, tmp_path: Path) -> None:
    import mlflow.pyfunc
    import pandas

    document = load_document(policy_file)
    assert document.about is not None
    asked = {"sums": TaskAsked(max_bytes=12, prompt="{a} + {b} =")}
    own = tmp_path / "own.json"
    own.write_text(PolicyDocument(document.policy, document.about.model_copy(update={"tasks": asked})).to_json())
    loaded = mlflow.pyfunc.load_model(str(exported(own, tmp_path)))
    rows = pandas.DataFrame({"a": [12, 3], "b": [34, 4]})
    texts = pandas.DataFrame({"prompt": ["12 + 34 =", "3 + 4 ="]})
    assert list(loaded.predict(rows)["text"]) == list(loaded.predict(texts)["text"]) != ["", ""]
    with pytest.raises(mlflow.exceptions.MlflowException, match="expected a value at 'b'"):
        loaded.predict(rows[["a"]])


def test_what_the_folder_says_of_itself(model: Path, policy_file: Path) -> None:
    said = YAML(typ="safe").load(model / "MLmodel")
    flavor = said["flavors"]["python_function"]
    assert flavor["artifacts"] == {"bundle": {"path": "artifacts/bundle", "uri": "artifacts/bundle"}}
    assert flavor["model_code_path"] == "answering_model.py"
    assert (model / "artifacts" / "bundle" / "champion.json").is_file()
    assert said["metadata"]["evoswarm.kind"] == "mix"
    assert json.loads((model / "serving_input_example.json").read_text())["dataframe_split"]["columns"] == ["prompt"]
    inputs = json.loads(said["signature"]["inputs"])
    assert [(one["name"], one["required"]) for one in inputs] == [("prompt", True), ("task", False)]
    pinned = (model / "requirements.txt").read_text().split()
    assert all("==" in one and "+" not in one for one in pinned)
    assert {"evoswarm", "torch", "transformers", "mlflow"} <= {one.partition("==")[0] for one in pinned}
    for file in ("MLmodel", "conda.yaml", "python_env.yaml", "answering_model.py"):
        text = (model / file).read_text()
        assert str(policy_file.parent) not in text
        assert "/tmp/" not in text
