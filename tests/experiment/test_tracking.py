"""Everything MLflow is told is read back from a real store."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from mlflow import MlflowClient

import evoswarm
from evoswarm.cli import run as run_command
from evoswarm.errors import RunError, SpaceError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import Seen
from evoswarm.evaluation.openings.places import OPENINGS
from evoswarm.experiment.certification import certify
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.places import LEDGER
from evoswarm.experiment.mirror.description import plain
from evoswarm.experiment.openings.guard import Guard, book_of
from evoswarm.experiment.result import SearchResult
from evoswarm.experiment.session import search
from evoswarm.policies import Recipe
from evoswarm.run_directory import JOURNAL, REPORT, TRACKING, RunDirectory
from evoswarm.space import SearchSpace, Tracking, named_store
from evoswarm.tracking import CHAMPION, ChildRun, Outcome, SearchRun, Tracker, flattened, tracking_uri
from evoswarm.tracking.openings import OPENING_DIGEST
from evoswarm.tracking.registering import ModelFolder, Registry
from evoswarm.tracking.store import Store, now
from evoswarm.trust import Trust
from tests.forked import Forked

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # within MLflow
    pytest.mark.filterwarnings("ignore:For backward compatibility, 'str' dtypes"),  # within MLflow
]

Micro = Callable[..., SearchSpace]

OWN = Trust(tracking=True)


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def tracked(micro: Micro, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SearchResult, MlflowClient, Any]]:
    """A search that MLflow followed; its client; its run."""
    before = dict(os.environ)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    runs = tmp_path_factory.mktemp("tracked") / "runs"
    result = search(micro("tracking.mlflow=true"), runs=runs)
    client = MlflowClient(tracking_uri=f"sqlite:///{runs}/mlflow.db")
    experiment = client.get_experiment_by_name("evoswarm")
    found = client.search_runs([experiment.experiment_id], filter_string="tags.`evoswarm.seed` = '0'")
    assert len(found) == 1
    yield result, client, found[0]
    os.environ.clear()
    os.environ.update(before)


Tracked = tuple[SearchResult, MlflowClient, Any]


def test_parameters_are_the_space_by_the_names_of_members_and_tasks(tracked: Tracked) -> None:
    result, _, run = tracked
    assert run.data.params["evolution.generations"] == "3"
    assert run.data.params["pool.llama-b.path"].endswith("llama-b")
    assert run.data.params["tasks.spell.family"] == "spell_backward"
    assert run.data.params["evolution.migration.every"] == "2"
    assert "mixture, product" in run.data.params["genome.rules"]
    for member in read_contenders(result):
        assert run.data.params[f"pool.{member.spec.name}.fingerprint"] == member.spec.fingerprint
    assert not [name for name, value in run.data.params.items() if value == "None" or name.startswith("tracking")]


def test_few_tags_are_left_to_read(tracked: Tracked) -> None:
    result, _, run = tracked
    assert run.info.status == "FINISHED"
    assert {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")} == {
        "evoswarm.version": evoswarm.__version__,
        "evoswarm.space": "micro",
        "evoswarm.seed": "0",
        "evoswarm.run_directory": str(result.directory),
        "evoswarm.champion": result.champion.digest[:12],
        "evoswarm.verdict": result.certificate.verdict.outcome if result.certificate else "",
    }


def test_splits_are_inputs_of_which_nothing_is_told_but_digests_and_sizes(tracked: Tracked) -> None:
    result, _, run = tracked
    inputs = {one.tags[0].value: one.dataset for one in run.inputs.dataset_inputs}
    assert list(inputs) == ["search", "selection", "test"]
    assert len({one.digest for one in inputs.values()}) == 3
    for split, one in inputs.items():
        assert one.name == f"micro {split}"
        assert json.loads(one.profile)["num_rows"] == 6
        assert json.loads(one.source)["tasks"]["spell"] == "the family spell_backward"
    drawn = draw(SearchSpace.from_yaml(result.directory / "space.yaml"))
    told = "".join(map(str, (inputs, run.data.tags, run.data.params)))
    assert not [item.prompt for item in drawn.items["test"] if item.prompt in told]


def read_contenders(result: SearchResult) -> list[Any]:
    """The members of the uniform mix."""
    return list(next(s.policy for s in result.comparison if s.name == "uniform mix").members)  # type: ignore[attr-defined]


def test_metrics_per_generation_in_the_order_of_what_people_look_for(tracked: Tracked) -> None:
    result, client, run = tracked
    expected = [
        "accuracy/best", "accuracy/best_so_far", "accuracy/median",
        "front/hypervolume", "front/size",
        "islands/arrivals", "islands/best_0", "islands/best_1", "islands/diversity", "islands/stagnant",
        "problems/at_limit", "problems/cut_off", "problems/failed",
    ]  # fmt: skip
    assert sorted(name for name in run.data.metrics if "/" in name)[: len(expected)] == expected
    for name in [*expected, "speed/seconds", "speed/prefix_reuse", "work/decoded", "work/rows_forwarded"]:
        history = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in history] == [0, 1, 2], name
    rows = [json.loads(line) for line in (result.directory / "individuals.jsonl").read_text().splitlines()]
    best = max(row["accuracy"] for row in rows)
    assert client.get_metric_history(run.info.run_id, "accuracy/best_so_far")[-1].value == pytest.approx(best)


def read_table(client: MlflowClient, run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The lineage table; MLflow looks for tables in its global store only."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", client.tracking_uri)
    table = client.load_table(run.info.experiment_id, "lineage.json", run_ids=[run.info.run_id])
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    return table


def test_the_lineage_is_a_table(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    result, client, run = tracked
    table = read_table(client, run, monkeypatch)
    rows = [json.loads(line) for line in (result.directory / "individuals.jsonl").read_text().splitlines()]
    assert list(table["id"]) == [row["id"] for row in rows]
    assert list(table["parents"]) == [" ".join(row["parents"]) for row in rows]
    assert list(table["accuracy"]) == pytest.approx([row["accuracy"] for row in rows])
    assert list(table.columns)[:5] == ["id", "accuracy", "flops", "open_share", "operator"]
    assert {"island", "generation", "migrated_from", "key", "accuracy.sum"} <= set(table.columns)
    names = ["llama-a", "llama-b"]
    assert list(table["lead"]) == [names[row["genome"]["lead"]] for row in rows]
    assert list(table["weight.llama-b"]) == pytest.approx([row["genome"]["weights"][1] for row in rows], rel=1e-5)


def test_the_files_are_artifacts(tracked: Tracked, tmp_path: Path) -> None:
    result, client, run = tracked
    copy = Path(client.download_artifacts(run.info.run_id, "run", str(tmp_path)))
    report = Path(client.download_artifacts(run.info.run_id, REPORT, str(tmp_path)))  # to be found at once
    assert report.read_bytes() == (result.directory / REPORT).read_bytes()
    for path in result.directory.rglob("*"):
        if path.is_file() and path.name != REPORT:
            copied = (copy / path.relative_to(result.directory)).read_bytes()
            if path.name != JOURNAL:
                assert copied == path.read_bytes()
            else:  # which then says that all has been copied
                assert path.read_bytes().startswith(copied)
                assert json.loads(path.read_text().splitlines()[-1])["event"] == "mirrored"
    assert not (copy / REPORT).exists()


def policies(client: MlflowClient, run: Any) -> dict[str, Any]:
    """The children of a search's run that are policies, by their names."""
    found = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    return {child.info.run_name: child for child in found if "evoswarm.role" in child.data.tags}


def test_champion_and_front_are_child_runs_that_can_be_compared(tracked: Tracked) -> None:
    result, client, run = tracked
    children = policies(client, run)
    champion = children["champion of micro-seed0"]
    policy = result.champion
    assert isinstance(policy, Recipe)
    told = champion.data.params
    assert (told["lead"], told["members"]) == (policy.lead, str(len(policy.members)))
    assert told["rule"] == (policy.fusion.rule if len(policy.members) > 1 else "alone")
    for member in policy.members:
        for gene in ("weight", "temperature", "threshold"):
            assert float(told[f"{gene}.{member.spec.name}"]) == getattr(member, gene)
    assert champion.data.metrics["selection_accuracy"] == pytest.approx(result.accuracy, rel=1e-5)
    assert champion.data.metrics["flops"] == pytest.approx(result.cost.flops, rel=1e-5)
    assert champion.info.status == "FINISHED"
    assert champion.data.tags["mlflow.note.content"].endswith(f"Policy {policy.digest}")
    others = {s.policy.digest for s in result.front} - {policy.digest}
    digests = {child.data.tags["mlflow.evoswarm.policy"]: child for child in children.values()}
    assert set(digests) == {policy.digest, *others}
    for digest in others:
        assert digests[digest].data.tags["evoswarm.role"] == "front"
        if digests[digest].data.params["rule"] != "route by task":  # charts leave out whoever lacks a value
            assert {"weight.llama-a", "weight.llama-b"} <= set(digests[digest].data.params)


def test_the_run_of_the_search_says_what_it_came_to(tracked: Tracked) -> None:
    result, _, run = tracked
    certificate = result.certificate
    assert certificate is not None
    values = run.data.metrics
    score = certificate.score
    shown = [values[f"test_accuracy{end}"] for end in ("", "_low", "_high")]
    assert shown == pytest.approx([score.mean, score.low, score.high], rel=1e-5)
    assert values["selection_accuracy"] == pytest.approx(result.accuracy, rel=1e-5)
    assert values["champion_flops"] == pytest.approx(result.cost.flops, rel=1e-5)
    by_task = {f"{split}_accuracy_by_task/{task}" for split in ("selection", "test") for task in ("spell", "sum")}
    assert by_task <= set(values)
    gains = {name: value for name, value in values.items() if name.startswith("rivals/")}
    for rival in certificate.rivals:
        assert gains[f"rivals/gain_over_{rival.key}"] == pytest.approx(rival.difference.mean, rel=1e-5)
    keys = {*(rival.key for rival in certificate.rivals), "uniform_pool", "R5"}
    assert set(gains) == {f"rivals/gain_over_{key}" for key in keys}


def test_the_description_tells_a_stranger_what_won_and_where_to_look(tracked: Tracked) -> None:
    result, client, run = tracked
    certificate = result.certificate
    assert certificate is not None
    verdict, where, *rest = run.data.tags["mlflow.note.content"].split("\n\n")
    assert verdict == f"**{plain(certificate.verdict.sentence)}**"
    here = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts"
    assert f"[Report]({here}/{REPORT})" in where
    assert f"[Lineage]({here}/lineage.json)" in where
    compared = [child.info.run_id in where for child in policies(client, run).values()]
    assert all(compared) or len(compared) == 1
    text = "\n".join(rest)
    for line in certificate.subject.words:
        assert f"- {plain(line)}" in text
    for rival in certificate.rivals:
        assert f"| {plain(f'{rival.key} {rival.name}')}" in text
    assert f"evoswarm generate {result.directory} YOUR-QUESTION" in text
    assert f"evoswarm search {result.directory}/space.yaml --seed 0" in text


def test_what_a_stranger_wrote_into_a_space_is_text() -> None:
    assert plain("a|b\n<script>*x*</script> [1](javascript:y) `z` _u_") == (
        "a&#124;b &lt;script&gt;\\*x\\*&lt;/script&gt; \\[1\\](javascript:y) \\`z\\` \\_u\\_"
    )


def openings(client: MlflowClient, run: Any) -> list[Any]:
    """The children of a search's run that are openings of its test items."""
    query = f"tags.`mlflow.parentRunId` = '{run.info.run_id}' and tags.`evoswarm.opening` != ''"
    return list(client.search_runs([run.info.experiment_id], query))


def test_a_certificate_given_again_is_the_same_opening_below_the_search(tracked: Tracked) -> None:
    result, client, run = tracked
    before = openings(client, run)
    assert [opened.data.tags["evoswarm.champion"] for opened in before] == [result.champion.digest]
    champion = (result.directory / "champion.json").read_bytes()
    certify(result.directory)
    assert (result.directory / "champion.json").read_bytes() == champion
    assert [opened.info.run_id for opened in openings(client, run)] == [before[0].info.run_id]
    again = client.get_run(run.info.run_id).data
    assert again.tags == run.data.tags
    assert str(again.metrics) == str(run.data.metrics)  # nan included
    for name in ("test_accuracy", "selection_accuracy", "rivals/gain_over_R1"):
        points = client.get_metric_history(run.info.run_id, name)
        assert len({point.value for point in points}) == len(points) == 1


def test_telemetry_is_off_and_the_environment_untouched(tracked: Tracked) -> None:
    from mlflow.telemetry.client import get_telemetry_client

    assert get_telemetry_client() is None
    assert "MLFLOW_DISABLE_TELEMETRY" not in os.environ
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_continued_search_goes_on_in_its_run(
    tracked: Tracked, micro: Micro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client, run = tracked
    another = "genome.rules=[most_confident]"  # its champion is none that another search of the store has
    settings = (f"tracking={{uri: '{client.tracking_uri}'}}", "name=continued", another)
    first = search(micro(*settings, "evolution.generations=1"), runs=tmp_path, certify=False, trust=OWN)
    more = search(micro(*settings, "evolution.generations=2"), runs=tmp_path, certify=False, trust=OWN)
    assert more.directory == first.directory
    found = client.search_runs([run.info.experiment_id], filter_string="tags.`evoswarm.space` = 'continued'")
    assert len(found) == 1
    assert [point.step for point in client.get_metric_history(found[0].info.run_id, "accuracy/best")] == [0, 1]
    assert found[0].data.params["evolution.generations"] == "1"  # MLflow's parameters are written once
    assert found[0].data.tags["now.evolution.generations"] == "2"
    assert (found[0].data.tags["evoswarm.verdict"], "test_accuracy" in found[0].data.metrics) == ("none", False)
    certificate = certify(more.directory, trust=OWN, force=True)  # later, of a run that MLflow knows
    told = client.get_run(found[0].info.run_id)
    assert told.data.tags["evoswarm.verdict"] == certificate.verdict.outcome
    assert told.data.tags["evoswarm.forced"] == "true"  # another search of the store opened these items
    assert told.data.metrics["test_accuracy"] == pytest.approx(certificate.score.mean, rel=1e-5)
    assert told.info.status == "FINISHED"
    assert len(openings(client, told)) == 1
    assert {file.path for file in client.list_artifacts(told.info.run_id, "run")} >= {"run/certificate.json"}
    table = read_table(client, found[0], monkeypatch)
    assert len(table) == len((more.directory / "individuals.jsonl").read_text().splitlines())


def test_an_opening_of_the_test_split_is_mirrored(
    tracked: Tracked, space_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, client, run = tracked
    monkeypatch.chdir(tmp_path)
    uri = f"tracking={{uri: '{client.tracking_uri}'}}"
    arguments = [
        "evaluate",
        str(result.directory),
        "--space",
        str(space_file),
        "--split",
        "test",
        "--open",
        "--set",
        uri,
    ]
    assert run_command(arguments) == 0
    assert run_command(arguments) == 0  # the same opening is mirrored once
    query = f"tags.`evoswarm.champion` = '{result.champion.digest}' and tags.`evoswarm.opening` != ''"
    opened = client.search_runs([run.info.experiment_id], query)
    assert len(opened) == 1
    assert opened[0].data.tags["evoswarm.opened_before_by"] == "0"
    assert opened[0].data.metrics["items"] == 6
    assert 0 <= opened[0].data.metrics["test_accuracy"] <= 1


def heard(uri: str, root: Path, space: SearchSpace) -> Seen:
    """What is known of a space's test items where nothing is known but what MLflow says."""
    tracker = Tracker(Tracking(uri=uri), root)
    with Ledger(root / LEDGER) as ledger:
        guard = Guard(book_of(ledger, root), draw(space), space, tracker)
        guard.hear(())
        seen = guard.seen()
    tracker.close()
    return seen


def test_what_mlflow_alone_knows_of_openings_counts_and_is_written_down(
    tracked: Tracked, micro: Micro, tmp_path: Path
) -> None:
    result, client, _ = tracked
    seen = heard(client.tracking_uri, tmp_path, micro())
    assert (seen.opened, seen.by[0].champions) == (6, (result.champion.digest,))
    (line,) = (result.directory / OPENINGS).read_text().splitlines()[:1]
    assert line in (tmp_path / OPENINGS).read_text().splitlines()
    with Ledger(tmp_path / LEDGER) as ledger:
        assert line in ledger.opening_lines().values()


def test_mlflow_is_told_what_it_has_lost(tracked: Tracked, micro: Micro, tmp_path: Path) -> None:
    result, _, run = tracked
    shutil.copy(result.directory.parent / OPENINGS, tmp_path)
    shutil.copy(result.directory.parent / "mlflow.db", tmp_path)
    uri, other = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "other"
    client = MlflowClient(tracking_uri=uri)
    for one in client.search_runs([run.info.experiment_id], f"tags.`{OPENING_DIGEST}` != ''"):
        client.delete_run(one.info.run_id)
    other.mkdir()
    assert heard(uri, other, micro()).opened == 0
    assert heard(uri, tmp_path, micro()).opened == 6
    (other / OPENINGS).unlink()
    assert heard(uri, other, micro()).opened == 6


def _wait_for(event: Event, _: Store) -> None:
    event.wait()


def test_an_opening_whose_text_is_lost_is_left_out_and_written_again(
    tracked: Tracked, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result, _, run = tracked
    shutil.copy(result.directory.parent / "mlflow.db", tmp_path)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    tags = {"evoswarm.opening": "space", "evoswarm.champion": "c" * 64, OPENING_DIGEST: "d" * 64}
    before = client.create_run(run.info.experiment_id, tags=tags)
    client.set_terminated(before.info.run_id)
    tracker, late = Tracker(Tracking(uri=client.tracking_uri), tmp_path), Event()
    with caplog.at_level(logging.WARNING, logger="evoswarm"):
        lost = tracker.openings(())
        tracker.put(partial(_wait_for, late))
        assert tracker.openings((), seconds=0.0) is None  # busy: it goes on all the same
    late.set()
    tracker.opening("again", tags, {}, "text")
    found = tracker.openings(())
    tracker.close()
    assert lost is not None
    assert found is not None
    assert found.digests - lost.digests == {"d" * 64}
    assert found.lines == {**lost.lines, "d" * 64: "text"}
    left_out, late_answer, _ = (record.getMessage() for record in caplog.records)
    assert f"run {before.info.run_id} is left out" in left_out
    assert "it is told of this search all the same" in late_answer
    assert len(client.search_runs([run.info.experiment_id], f"tags.`{OPENING_DIGEST}` = '{'d' * 64}'")) == 1


def test_an_opening_that_an_earlier_version_logged_gets_its_digest(
    tracked: Tracked, micro: Micro, tmp_path: Path
) -> None:
    result, _, run = tracked
    for name in (OPENINGS, "mlflow.db"):
        shutil.copy(result.directory.parent / name, tmp_path)
    uri, other = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "other"
    client = MlflowClient(tracking_uri=uri)
    (before,) = openings(client, run)
    client.delete_tag(before.info.run_id, OPENING_DIGEST)
    assert heard(uri, tmp_path, micro()).opened == 6
    assert [one.info.run_id for one in openings(client, run)] == [before.info.run_id]
    other.mkdir()
    assert heard(uri, other, micro()).opened == 6


def test_a_store_that_cannot_be_reached_says_nothing_of_openings_and_stops_nobody(
    tracked: Tracked, micro: Micro, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result, _, _ = tracked
    shutil.copy(result.directory.parent / OPENINGS, tmp_path)
    with caplog.at_level(logging.WARNING, logger="evoswarm"):
        assert heard("http://127.0.0.1:9", tmp_path, micro()).opened == 6
    assert len([one for one in caplog.records if "goes on without it" in one.getMessage()]) == 1


def test_a_dead_server_is_said_once_and_the_search_goes_on(
    micro: Micro,
    finished: SearchResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with caplog.at_level(logging.WARNING, logger="evoswarm"):
        result = search(micro("tracking.mlflow=true"), runs=tmp_path)
    assert result.champion == finished.champion
    assert result.tracking_uri is None
    said = [record.getMessage() for record in caplog.records if "MLflow" in record.getMessage()]
    assert len(said) == 1
    assert f"127.0.0.1:{port}" in said[0]
    assert "goes on without it" in said[0]


def returns(function: Callable[[], None]) -> None:
    """Call a function that must not wait for what never comes."""
    caller = Thread(target=function, daemon=True)
    caller.start()
    caller.join(60)
    assert not caller.is_alive()


def test_a_server_that_accepts_and_says_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        tracker = Tracker(Tracking(uri=f"http://127.0.0.1:{silent.getsockname()[1]}"), tmp_path)
        tracker.begin(SearchRun("x", RunDirectory(tmp_path / "x"), {}, {}))
        returns(partial(tracker.close, seconds=1.0))
        assert not tracker.alive


def test_two_who_begin_a_store_at_once_both_write_to_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; import mlflow; from evoswarm.space import Tracking\n"
        "from evoswarm.tracking import SearchRun, Tracker; from evoswarm.run_directory import RunDirectory\n"
        "print('ready', flush=True)\n"
        "while not Path(sys.argv[3]).exists(): time.sleep(0.001)\n"
        "root = Path(sys.argv[1]); t = Tracker(Tracking(), root)\n"
        "t.begin(SearchRun(sys.argv[2], RunDirectory(root / sys.argv[2]), {}, {})); t.close()\n"
        "assert t.alive and t.run_id"
    )
    both = [Forked(code, tmp_path, name, tmp_path / "now") for name in ("one", "two")]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    (tmp_path / "now").touch()
    for process in both:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("evoswarm")
    assert {run.info.run_name for run in client.search_runs([experiment.experiment_id])} == {"one", "two"}


def test_of_a_broken_store_it_is_said_once_which_file_to_move(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with sqlite3.connect(tmp_path / "mlflow.db") as broken:
        broken.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        broken.execute("INSERT INTO alembic_version VALUES ('of nobody')")
    broken.close()
    with caplog.at_level(logging.WARNING, logger="evoswarm"):
        tracker = Tracker(Tracking(), tmp_path)
        tracker.begin(SearchRun("x", RunDirectory(tmp_path / "x"), {}, {}))
        tracker.close()
    said = [record.getMessage() for record in caplog.records if record.name.startswith("evoswarm")]
    assert len(said) == 1
    assert f"if {tmp_path}/mlflow.db is broken, move it away" in said[0]


def test_the_environment_wins_over_the_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Tracking(uri="http://space")
    assert tracking_uri(settings, tmp_path) == "http://space"
    assert tracking_uri(Tracking(), tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://environment")
    assert tracking_uri(settings, tmp_path) == "http://environment"


def test_without_mlflow_nothing_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from evoswarm.space import Tracking; from evoswarm.tracking import *\n"
        "from evoswarm.run_directory import RunDirectory\n"
        "t = Tracker(Tracking(mlflow=False), Path(sys.argv[1])); run = RunDirectory(Path(sys.argv[1]) / 'x')\n"
        "t.begin(SearchRun('x', run, {}, {})); t.generation(0, {'best': 1.0}, 0); t.close()\n"
        "assert 'mlflow' not in sys.modules and not run.events"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_flattened_names() -> None:
    data = {"a": {"b": [1, {"c": None}]}, "empty": [], "d": "x", "e": [1, 2], "f": [{"name": "n!", "g": 1}]}
    flat = {"a.b.0": 1, "a.b.1.c": None, "empty": [], "d": "x", "e": "1, 2", "f.n_.g": 1}
    assert flattened(data) == flat
    assert flattened([{"name": "same"}, {"name": "same", "x": 1}], "two") == {
        "two.0.name": "same",
        "two.1.name": "same",
        "two.1.x": 1,
    }


def told(directory: Path, root: Path) -> str:
    """A search of three generations, as far as MLflow is concerned; the id of its run."""
    run = RunDirectory(directory)
    tracker = Tracker(Tracking(), root)
    tracker.begin(SearchRun("x", run, {"a": 1}, {"b": "c"}))
    for generation in range(3):
        tracker.generation(generation, {"best": 0.5, "seconds": time.monotonic(), "prefix_reuse": None}, now())
    child = ChildRun("champion", CHAMPION, "abc", {"lead": "m"}, {"flops": 1.0}, "{}", "It wins.")
    tracker.champions([child])
    tracker.outcome(run, Outcome({"selection_accuracy": 0.5, "test_accuracy": 0.4}, {"evoswarm.verdict": "no value"}))
    tracker.opening("opened", {"evoswarm.opening": "s", "evoswarm.champion": "abc"}, {"items": 6}, run=run)
    tracker.finish("FINISHED", {"id": ["one"], "parents": [""]})
    tracker.close()
    run.close()
    assert tracker.alive
    assert tracker.run_id
    return tracker.run_id


@pytest.mark.parametrize("kept", [None, 1, 0])
def test_what_mlflow_has_is_read_back_before_anything_is_logged(tmp_path: Path, kept: int | None) -> None:
    """As after a power cut: of the journal the first lines are left, of MLflow's store everything."""
    run_id = told(tmp_path / "run", tmp_path)
    journal = tmp_path / "run" / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    assert [json.loads(line)["event"] for line in lines[:1]] == ["tracking"]
    journal.write_text("".join(lines if kept is None else lines[: 1 + kept]))
    assert told(tmp_path / "run", tmp_path) == run_id
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("evoswarm").experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["champion", "opened", "x"]
    for name in ("best", "seconds", "prefix_reuse"):
        assert [point.step for point in client.get_metric_history(run_id, name)] == [0, 1, 2]
    child, opened, own = sorted(runs, key=lambda run: run.info.run_name)
    assert child.data.tags["mlflow.parentRunId"] == opened.data.tags["mlflow.parentRunId"] == run_id
    assert len(client.get_metric_history(child.info.run_id, "flops")) == 1
    assert own.data.tags["evoswarm.verdict"] == "no value"
    assert [point.value for point in client.get_metric_history(run_id, "test_accuracy")] == [0.4]
    table = json.loads((tmp_path / "mlartifacts" / run_id / "artifacts" / "lineage.json").read_text())
    assert table == {"columns": ["id", "parents"], "data": [["one", ""]]}


def test_a_run_that_an_earlier_version_logged_goes_on(tmp_path: Path) -> None:
    """Its policies are known again, and called what they are now; a description of somebody's own stays."""
    run = RunDirectory(tmp_path / "run")
    run.journal(TRACKING, key="k")
    made: list[str] = []

    def job(store: Store) -> None:
        tags = {"evoswarm.key": "k", "evoswarm.forced": "false", "mlflow.note.content": "mine"}
        parent = store.client.create_run(store.experiment, run_name="x", tags=tags).info.run_id
        for name, digest in (("champion", "before"), ("front: member m", "abc")):
            below = {"mlflow.parentRunId": parent, "evoswarm.recipe": digest, "mlflow.runName": name}
            child = store.client.create_run(store.experiment, tags=below)
            store.end(child.info.run_id, "FINISHED")
        made.append(parent)

    tracker = Tracker(Tracking(), tmp_path)
    tracker.put(job)
    tracker.close()
    run.close()
    assert told(tmp_path / "run", tmp_path) == made[0]
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("evoswarm").experiment_id])
    roles = {one.info.run_name: one.data.tags.get("evoswarm.role") for one in runs}
    assert roles == {"x": None, "opened": None, "champion": "champion", "earlier champion": "earlier"}
    tags = client.get_run(made[0]).data.tags
    assert (tags["mlflow.note.content"], "evoswarm.forced" in tags) == ("mine", False)


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")  # within MLflow, as it is imported
def test_a_model_is_registered_with_its_certificate_and_verdict(tracked: Tracked, tmp_path: Path) -> None:
    result, client, run = tracked
    model = tmp_path / "model"
    export = ["export", str(result.directory), "--to", "mlflow", str(model), "--quiet"]
    assert run_command([*export, "--register", "tried"]) == 0
    made = client.get_model_version("tried", "1")
    begin, _, rest = made.description.partition("\n... (the rest is in ")
    assert (result.directory / "certificate.txt").read_text().startswith(begin)
    assert (len(made.description), rest) == (5000, "the model's own folder)")
    verdict = json.loads((result.directory / "certificate.json").read_text())["verdict"]["outcome"]
    assert made.tags["evoswarm.verdict"] == verdict
    assert made.tags["evoswarm.policy"] == result.champion.digest
    own = client.get_run(made.run_id)
    assert (own.data.tags["mlflow.parentRunId"], own.info.status) == (run.info.run_id, "FINISHED")

    def written(folder: Path) -> set[str]:
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}

    kept = Path(client.get_model_version_download_uri("tried", "1").removeprefix("file://"))
    assert {"MLmodel", "artifacts/bundle/champion.json"} <= written(kept) == written(model)
    registry = Registry(Tracking(), result.directory.parent)
    assert registry.register(ModelFolder("tried", model / "artifacts" / "bundle", "another", {})) == "2"
    with pytest.raises(RunError, match="expected a store of MLflow that takes models"):
        registry.register(ModelFolder("a/b", model / "artifacts" / "bundle", "a third", {}))
    exports = client.search_runs([own.info.experiment_id], "attributes.run_name LIKE 'export %'")
    statuses = sorted((one.info.run_name, one.info.status) for one in exports)
    assert statuses == [("export a/b", "FAILED"), ("export tried", "FINISHED"), ("export tried", "FINISHED")]


def test_a_model_is_not_registered_where_that_cannot_be(
    tracked: Tracked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    export = ["export", str(tracked[0].directory), "--to", "mlflow", str(tmp_path / "model")]
    assert run_command([*export, "--register", "a/b"]) == 2
    assert "--register: expected a name without / and :" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert run_command([*export, "--register", "mine"]) == 2
    assert "http://127.0.0.1:9: expected a store of MLflow that takes models" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_what_an_earlier_champion_scored_is_no_longer_said(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    tracker = Tracker(Tracking(), tmp_path)
    tracker.begin(SearchRun("x", run, {}, {}))
    tracker.outcome(run, Outcome({"selection_accuracy": 0.5, "test_accuracy": 0.4}, {"evoswarm.champion": "one"}))
    tracker.outcome(run, Outcome({"selection_accuracy": 0.6}, {"evoswarm.champion": "two"}))
    tracker.close()
    assert tracker.run_id
    data = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db").get_run(tracker.run_id).data
    assert (data.tags["evoswarm.champion"], data.metrics["selection_accuracy"]) == ("two", 0.6)
    assert math.isnan(data.metrics["test_accuracy"])


def test_a_new_directory_of_an_old_name_is_a_run_of_its_own(tmp_path: Path) -> None:
    first = told(tmp_path / "run", tmp_path)
    (tmp_path / "run" / JOURNAL).unlink()
    assert told(tmp_path / "run", tmp_path) != first


@pytest.mark.parametrize("name", ["with blanks", "50%20off", "really?", "a#b"])
def test_the_store_beside_the_runs_may_lie_anywhere(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    tracker = Tracker(Tracking(), root)
    said: list[list[str]] = []

    def job(store: Store) -> None:
        run = store.client.create_run(store.experiment).info.run_id
        store.client.log_text(run, "text", "note.txt")
        store.end(run, "FINISHED")
        said.append([file.path for file in store.client.list_artifacts(run)])

    tracker.put(job)
    tracker.close()
    assert tracker.alive
    assert said == [["note.txt"]]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert (root / "mlflow.db").is_file()
    assert (root / "mlartifacts").is_dir()


def test_a_space_names_no_store_on_its_own_word(
    micro: Micro, tmp_path: Path, space_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    strange = micro(f"tracking.uri=sqlite:///{tmp_path}/elsewhere.db", "tracking.mlflow=true")
    with pytest.raises(SpaceError, match=r"tracking\.uri: expected your own word .*--trust-tracking"):
        search(strange, runs=tmp_path / "runs")
    assert not (tmp_path / "elsewhere.db").exists()
    assert named_store(strange.trusting(OWN)) == f"sqlite:///{tmp_path}/elsewhere.db"
    file = tmp_path / "strange.yaml"
    file.write_text(strange.to_yaml())
    assert run_command(["check", str(file)]) == 2
    assert "your credentials for MLflow" in capsys.readouterr().err
    for words in (["--trust-tracking"], ["--set", "tracking.uri=http://mine"]):
        assert run_command(["check", str(file), *words]) == 0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mine")
    assert run_command(["check", str(file)]) == 0


def test_no_link_of_a_run_directory_is_uploaded(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    run = RunDirectory(tmp_path / "x")
    run.write("recipes/a.json", "{}")
    (run.path / "innocent.txt").symlink_to(tmp_path / "secret")
    os.mkfifo(run.path / "pipe")
    tracker = Tracker(Tracking(), tmp_path)
    tracker.begin(SearchRun("x", run, {}, {}))
    tracker.finish("FINISHED", {})
    tracker.close()
    assert tracker.alive
    kept = (tmp_path / "mlartifacts").rglob("*")
    assert sorted(file.name for file in kept if file.is_file()) == ["a.json", "journal.jsonl", "lineage.json"]


def test_a_server_that_never_answers_is_given_up_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evoswarm.tracking.store.ANSWER_SECONDS", 0.5)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        tracker = Tracker(Tracking(uri=f"http://127.0.0.1:{listening.getsockname()[1]}"), tmp_path)
        tracker.close(1e6)  # as long as it takes: the server is given up before
    assert not tracker.alive
