"""A search as an Optuna study: read back by Optuna, and shown by its dashboard."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState
from optuna_dashboard import wsgi

from evoswarm.cli import run
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.experiment.per_question.asked_policy import asked_policy
from evoswarm.experiment.progress import Progress, StageStep
from evoswarm.experiment.result import SearchResult
from evoswarm.export.optuna_study.parameters import parameters_of
from evoswarm.export.optuna_study.storage import WHOLE
from evoswarm.export.optuna_study.trials import trials_of
from evoswarm.genomes import GENOMES
from evoswarm.trust import NOBODY
from tests.genomes.test_kinds import made, population

Line = dict[str, Any]


@pytest.fixture(scope="module")
def odd(finished: SearchResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run, in whose lineage the second policy failed, and the third ran twice in a race."""
    runs = tmp_path_factory.mktemp("odd")
    own = Path(shutil.copytree(finished.directory, runs / "odd-seed0"))
    lines = [json.loads(line) for line in (own / "individuals.jsonl").read_text().splitlines()][:9]
    lines[1] |= {"objectives": [], "failure": "prompt_too_long", "accuracy": None, "by_task": {}}
    lines[2] |= {"items": 2, "standard_error": 0.5, "objectives": [0.25]}
    lines.append({**lines[2], "id": "g09-i0-00", "items": 6, "objectives": [0.75]})
    (own / "individuals.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return own


@pytest.fixture(scope="module")
def storage(odd: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A storage that had a study of its owner's, and has that of the run now."""
    file = tmp_path_factory.mktemp("storage") / "all.db"
    optuna.create_study(study_name="mine", storage=f"sqlite:///{file}").add_trial(optuna.create_trial(value=1.0))
    assert run(["export", str(odd), "--to", "optuna", str(file), "--quiet"]) == 0
    assert [path.name for path in file.parent.iterdir()] == ["all.db"]
    return f"sqlite:///{file}"


def lineage(odd: Path) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in (odd / "individuals.jsonl").read_text().splitlines():
        found.setdefault(json.loads(line)["key"], []).append(json.loads(line))
    return found


def test_how_far_it_is_can_be_told(odd: Path) -> None:
    steps: list[StageStep] = []
    search = FinishedSearch(asked_policy(odd, None, NOBODY))
    found = list(trials_of(search, datetime(2026, 1, 2), Progress(step=steps.append)))
    assert [(one.number, one.count) for one in steps] == [(number, len(found)) for number in range(1, len(found) + 1)]
    assert len(found) == len(lineage(odd))


def test_every_policy_is_one_trial(odd: Path, storage: str, finished: SearchResult) -> None:
    study, lines = optuna.load_study(study_name="odd-seed0", storage=storage), lineage(odd)
    assert study.direction.name == "MAXIMIZE"
    assert study.metric_names == ["accuracy"]
    assert study.user_attrs["champion"] == finished.champion.digest
    assert sorted(trial.user_attrs["policy"] for trial in study.trials) == sorted(lines)
    day = datetime.fromisoformat(json.loads((odd / "journal.jsonl").read_text().splitlines()[0])["date"])
    for trial in study.trials:
        said, own = trial.user_attrs, lines[trial.user_attrs["policy"]]
        assert said["individuals"] == [line["id"] for line in own]
        line = max(own, key=lambda one: one.get("items", 0))
        assert said["individual"] == line["id"]
        assert trial.values == (line["objectives"] or None)
        assert trial.state == (TrialState.FAIL if line["failure"] else TrialState.COMPLETE)
        assert said.get("failure") == line["failure"]
        assert {name: said[name] for name in line["cost"]} == line["cost"]
        assert {task: said[f"accuracy:{task}"] for task in line["by_task"]} == line["by_task"]
        assert {name: said[name] for name in ("generation", "island", "operator", "parents", "genome")} == {
            name: line[name] for name in ("generation", "island", "operator", "parents", "genome")
        }
        assert said["champion"] is (line["key"] == finished.champion.digest)
        assert trial.datetime_start == trial.datetime_complete == day
        genome, names = line["genome"], ("llama-a", "llama-b")
        assert trial.params["lead"] == names[genome["lead"]]
        assert "sampling_temperature" not in trial.params, "nothing is drawn"
        speakers = {names[index] for index, takes_part in enumerate(genome["members"]) if takes_part}
        for index, name in enumerate(names):
            if f"weight:{name}" in trial.params:
                assert trial.params[f"weight:{name}"] == genome["weights"][index]
                assert len(speakers) == 2, "alone, a member needs no weight"
    assert {"rule" in trial.params for trial in study.trials} == {True, False}
    failed = [trial for trial in study.trials if trial.state == TrialState.FAIL]
    assert [trial.user_attrs["failure"] for trial in failed] == ["prompt_too_long"]


def test_importance_of_genes_is_defined(storage: str) -> None:
    study = optuna.load_study(study_name="odd-seed0", storage=storage)
    importance = optuna.importance.get_param_importances(study, params=["lead"])
    assert list(importance) == ["lead"]
    assert math.isfinite(importance["lead"])


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def dashboard(storage: str) -> Iterator[str]:
    """The dashboard's own application behind a real server."""
    with make_server("127.0.0.1", 0, wsgi(storage), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_dashboard_shows_it(dashboard: str, odd: Path) -> None:
    def read(path: str) -> Any:
        with urllib.request.urlopen(f"{dashboard}/api/{path}", timeout=60) as answer:
            return json.load(answer)

    shown = {one["study_name"]: one["study_id"] for one in read("studies")["study_summaries"]}
    assert sorted(shown) == ["mine", "odd-seed0"]
    detail = read(f"studies/{shown['odd-seed0']}")
    assert len(detail["trials"]) == len(lineage(odd))
    assert {trial["state"] for trial in detail["trials"]} == {"Complete", "Fail"}
    assert "weight:llama-a" in {one["name"] for one in detail["union_search_space"]}
    assert {"accuracy:spell", "flops", "operator"} <= {one["key"] for one in detail["union_user_attrs"]}


def test_a_study_is_replaced_only_where_it_is_asked_for_and_others_stay(
    odd: Path, storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(shutil.copy(storage.removeprefix("sqlite:///"), tmp_path / "all.db"))
    command = ["export", str(odd), "--to", "optuna"]
    before = file.read_bytes()
    assert run([*command, str(file)]) == 2
    assert "without a study 'odd-seed0', got one with it (--overwrite replaces that study)" in capsys.readouterr().err
    assert file.read_bytes() == before
    address = f"sqlite:///{file}"
    assert run([*command, address]) == 2
    study = optuna.load_study(study_name="odd-seed0", storage=address)
    study.set_user_attr("note", "of before")
    assert run([*command, str(file), "--overwrite", "--quiet"]) == 0
    study = optuna.load_study(study_name="odd-seed0", storage=address)
    assert "note" not in study.user_attrs
    assert optuna.load_study(study_name="mine", storage=address).best_value == 1.0
    study.set_user_attr(WHOLE, False)  # as a killed export leaves it in a database
    study.set_user_attr("note", "half")
    assert run([*command, address, "--quiet"]) == 0
    study = optuna.load_study(study_name="odd-seed0", storage=address)
    assert (study.user_attrs[WHOLE], "note" in study.user_attrs) == (True, False)
    assert len(study.trials) == len(lineage(odd))


def test_a_storage_at_work_is_written_in_place_alone(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.db"
    with closing(sqlite3.connect(file)) as somebody:
        somebody.execute("PRAGMA journal_mode=wal")
        somebody.execute("CREATE TABLE theirs (number)")
        somebody.commit()
        assert run(["export", str(odd), "--to", "optuna", str(file)]) == 2
        assert f"{file}: expected a storage that nobody writes to, got one at work" in capsys.readouterr().err
        assert somebody.execute("SELECT count(*) FROM theirs").fetchone() == (0,)


def test_what_is_no_storage_stays_as_it_is(odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("ledger.sqlite", None), ("notes.txt", b"mine")):
        file = tmp_path / name
        if content is None:
            Ledger(file).close()
        else:
            file.write_bytes(content)
        before = file.read_bytes()
        assert run(["export", str(odd), "--to", "optuna", str(file), "--overwrite"]) == 2
        assert f"{file}: expected a storage of Optuna studies" in capsys.readouterr().err
        assert run(["export", str(odd), "--to", "optuna", f"sqlite:///{file}"]) == 2
        assert f"sqlite:///{file}: expected a storage of Optuna studies" in capsys.readouterr().err
        assert file.read_bytes() == before
    for address in ("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"):
        assert run(["export", str(odd), "--to", "optuna", address]) == 2
        assert f"{address}: expected a storage that stays" in capsys.readouterr().err
    assert run(["export", str(odd), "--to", "optuna", "postgresql+nobody://me:secret@127.0.0.1/x"]) == 2
    said = capsys.readouterr()
    assert "expected a storage of Optuna studies" in said.err
    assert "secret" not in said.err + said.out


@pytest.mark.parametrize("kind", GENOMES)
def test_every_gene_of_every_kind_has_a_distribution_that_holds_it(kind: str) -> None:
    genomes = made(kind, alpha=("min", "max"))
    parameters = parameters_of(genomes)
    assert list(parameters) == [one.name for one in genomes.coordinates.dimensions]
    assert len({one.name for one in parameters.values()}) == len(parameters)
    seen: set[float] = set()
    for genome in population(genomes):
        for gene, value in genomes.values(genome).items():
            one = parameters[gene]
            assert one.distribution._contains(one.distribution.to_internal_repr(one.value(value)))
            if "|" in one.name:
                seen.add(float(one.value(value)))
    if kind == "mix":
        assert {"alpha/(1+|alpha|)"} <= {one.name for one in parameters.values()}
        assert -1.0 in seen
        assert parameters["alpha"].value(math.inf) == 1.0
        weight, share = (parameters[f"{gene}:m0"].distribution for gene in ("weight", "open_share"))
        assert isinstance(weight, FloatDistribution)
        assert isinstance(share, FloatDistribution)
        assert (weight.log, share.log, share.low) == (True, False, 0.0), "an open share may be 0"


def test_values_that_are_no_numbers_are_refused_in_a_sentence(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Path(shutil.copytree(odd, tmp_path / "odd"))
    line = json.loads((odd / "individuals.jsonl").read_text().splitlines()[0])
    (own / "individuals.jsonl").write_text(json.dumps({**line, "objectives": ["much"]}) + "\n")
    assert run(["export", str(own), "--to", "optuna", str(tmp_path / "out.db")]) == 2
    assert f"{line['id']}: expected an individual as a search writes it" in capsys.readouterr().err
    assert not (tmp_path / "out.db").exists()
