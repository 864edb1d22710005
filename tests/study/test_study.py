"""Studies that really run, on the micro space: end to end, given up, killed, side by side, and looked at."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import psutil
import pytest
from rich.console import Console

from evoswarm.cli import run
from evoswarm.cli.study_command import print_study, score
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import RunError
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.session import search
from evoswarm.space import SearchSpace
from evoswarm.study.hyperparameters.files import write_result
from evoswarm.study.hyperparameters.question import STUDIES
from evoswarm.study.hyperparameters.record import TrialRecord
from evoswarm.study.hyperparameters.result import BEST, PLOT, RESULT, StudyResult
from evoswarm.study.hyperparameters.session import StudyInterrupted, study
from evoswarm.study.hyperparameters.storage import STORAGE
from evoswarm.study.hyperparameters.verdict import confirm
from evoswarm.study.hyperparameters.workers import MOST_DEATHS
from tests import forked
from tests.forked import COMMAND, Forked
from tests.study.conftest import Ask

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # within MLflow

MEMBERS = "genome.max_members: {choices: [1, 2]}"
DORMANT = "evolution.stagnation: {choices: [null, 50]}"
CONFIRM = "confirm_seeds: [100, 101, 102, 103, 104]\n"
ONE = CONFIRM + "sampler: grid\n"


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def outcomes(result: StudyResult) -> list[tuple[Any, ...]]:
    """What must be the same however a study came to its end."""
    return [(r.number, r.state, r.parameters, r.scores, r.pruned) for r in result.records]


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """The processes that run its trials."""
    found = []
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # gone since, or not yet waited for
            command = " ".join(child.cmdline())
            found += [child] if "spawn_main" in command else child.children() if "forkserver" in command else []
    return found


@pytest.fixture
def _warm_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forks of a process that has imported everything; those of `test_processes_end_when_their_study_does` are not."""
    warm = SimpleNamespace(get_context=lambda method: forked.context())
    monkeypatch.setattr("evoswarm.study.hyperparameters.workers.multiprocessing", warm)


@pytest.fixture(scope="session")
def clear(study_file: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> StudyResult:
    """A study of a setting that matters and one that cannot, from the worse value of the first."""
    file = study_file(f"{MEMBERS}\n{DORMANT}", 4, ONE, "genome.max_members=1")
    return study(file, runs=tmp_path_factory.mktemp("clear") / "runs", swarm=swarm)


@pytest.fixture(scope="session")
def given_up(ask: Ask, tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> StudyResult:
    """A study whose only other value is far worse than the default."""
    question = ask("genome.max_members: {choices: [1]}", 2, ONE)
    return study(question, runs=tmp_path_factory.mktemp("given_up") / "runs", swarm=swarm)


def test_a_setting_that_matters_is_found_and_confirmed(clear: StudyResult) -> None:
    assert [record.state for record in clear.records] == ["complete"] * 4
    assert clear.records[0].values == {"genome.max_members": 1, "evolution.stagnation": None}
    assert clear.changed["genome.max_members"] == 2
    assert clear.differs
    assert clear.confirmation is not None
    assert clear.confirmation.seeds == (100, 101, 102, 103, 104)
    assert clear.confirmation.low > 0.2
    assert "genome.max_members=2 is better than the default: +" in clear.sentence
    assert [i.path for i in clear.importances] == ["genome.max_members", "evolution.stagnation"]
    assert clear.importances[0].share > 0.5
    assert clear.importances[1].share < 0.1
    dormant = {record.values["genome.max_members"]: set() for record in clear.records}
    for record in clear.records:
        dormant[record.values["genome.max_members"]].add(record.scores)
    assert all(len(scores) == 1 for scores in dormant.values())


def test_the_files_of_a_study(clear: StudyResult, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(text_of(clear.directory / RESULT))
    assert data == json.loads(json.dumps(clear.as_dict()))
    assert [trial["number"] for trial in data["trials"]] == [0, 1, 2, 3]
    assert (clear.directory / PLOT).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    best = clear.directory / BEST
    assert "The best setting of the study 'small', trial" in text_of(best)
    assert "#     genome.max_members: 2" in text_of(best)
    space = SearchSpace.from_yaml(best)
    assert space == clear.question.space_of(clear.best.parameters)
    assert run(["check", str(best)]) == 0
    assert "a valid search space" in capsys.readouterr().out
    assert {path.name for path, _ in clear.written()} == {RESULT, PLOT, BEST}
    for setting in ("default", f"{clear.best.number:04d}"):
        searched = sorted(path.name for path in (clear.directory / "confirm" / setting).iterdir())
        assert searched == [f"seed{seed}" for seed in range(100, 105)]


def test_trials_are_in_optunas_storage_with_every_generation(clear: StudyResult) -> None:
    stored = optuna.load_study(study_name="small", storage=clear.storage)
    assert [trial.value for trial in stored.trials] == pytest.approx([record.mean for record in clear.records])
    assert stored.best_value == clear.best.mean
    assert [sorted(trial.intermediate_values) for trial in stored.trials] == [list(range(10))] * 4


def test_a_worse_setting_is_given_up_and_its_run_can_go_on(given_up: StudyResult, tmp_path: Path) -> None:
    default, worse = given_up.records
    assert (default.state, worse.state) == ("complete", "pruned")
    assert worse.pruned == (2, 0)  # at the first generation of the third seed
    assert len(worse.scores) == 2
    assert given_up.best is default
    assert given_up.sentence == (
        "No setting was shown to be better than the default: of 2 trials none scored more on the study's own seeds, "
        "so none was compared with it on fresh ones."
    )
    runs = given_up.directory / "trials" / "0001"
    assert sorted(path.name for path in runs.iterdir()) == ["seed0", "seed1", "seed2"]
    events = [json.loads(line)["event"] for line in text_of(runs / "seed2" / "journal.jsonl").splitlines()]
    assert events == ["began", "items", "fitted", "generation"]
    space = given_up.question.space_of(worse.parameters)
    more = search(space, out=runs / "seed2", seed=2, runs=given_up.directory.parents[1])
    whole = search(space, seed=2, runs=tmp_path)
    assert text_of(more.directory / "individuals.jsonl") == text_of(whole.directory / "individuals.jsonl")


def test_without_a_pruner_nothing_is_given_up(ask: Ask, given_up: StudyResult, tmp_path: Path, swarm: Swarm) -> None:
    patient = study(ask("genome.max_members: {choices: [1]}", 2, ONE + "pruner: null\n"), runs=tmp_path, swarm=swarm)
    assert [record.state for record in patient.records] == ["complete"] * 2
    assert patient.records[1].scores[:2] == given_up.records[1].scores


def test_where_nothing_can_matter_the_study_says_so(ask: Ask, tmp_path: Path, swarm: Swarm) -> None:
    question = ask(f"{DORMANT}\ngenome.sampling_temperature: {{choices: [[0.3, 1.5], [0.5, 0.6]]}}", 4, ONE)
    stale = tmp_path / STUDIES / "small" / BEST
    stale.parent.mkdir(parents=True)
    stale.write_text("from an earlier verdict", encoding="utf-8")
    result = study(question, runs=tmp_path, swarm=swarm)
    assert not result.differs
    assert result.best.number == 0
    assert result.sentence.startswith(
        "No setting was shown to be better than the default: of 4 trials none scored more"
    )
    assert not stale.exists()
    assert all(not importance.clear for importance in result.importances)


def test_a_lead_that_fresh_seeds_do_not_confirm_is_no_difference(clear: StudyResult, tmp_path: Path) -> None:
    lucky = StudyResult(
        clear.question,
        tmp_path,
        clear.storage,
        clear.records,
        clear.importances,
        confirm(range(5), [0.5, 0.6, 0.4, 0.7, 0.5], [0.4, 0.6, 0.5, 0.6, 0.5], 0.01),
    )
    assert lucky.sentence.startswith("No difference from the default was shown: the best setting, genome.max_members=2")
    assert "+2.0 points on 5 fresh seeds (95% interval -8.4 to +12.4, which holds 0)" in lucky.sentence
    write_result(lucky)
    assert {path.name for path in tmp_path.iterdir()} == {RESULT, PLOT}
    worse = confirm(range(5), [0.3, 0.3, 0.3, 0.2, 0.3], [0.4, 0.6, 0.5, 0.6, 0.5], 0.01)
    cursed = StudyResult(clear.question, tmp_path, clear.storage, clear.records, (), worse)
    assert cursed.sentence.startswith(
        "No setting was shown to be better than the default: the best one, genome.max_members=2"
    )


def test_a_finished_study_is_not_run_again_and_more_trials_are_added(ask: Ask, tmp_path: Path, swarm: Swarm) -> None:
    seen: list[TrialRecord] = []
    more = CONFIRM + "sampler: random\n"
    first = study(ask(DORMANT, 2, more), runs=tmp_path, swarm=swarm)
    again = study(ask(DORMANT, 3, more), runs=tmp_path, on_trial=seen.append, swarm=swarm)
    assert outcomes(again)[:2] == outcomes(first)
    assert [record.seconds for record in seen[:2]] == [record.seconds for record in first.records]
    assert len(again.records) == 3


SLOW = "evolution.mutation: {low: 0.5, high: 1}\nevolution.population: {low: 3, high: 4}"


def test_a_study_that_was_killed_goes_on_as_one_that_was_not(
    study_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swarm: Swarm
) -> None:
    monkeypatch.chdir(tmp_path)
    file = study_file(SLOW, 4, CONFIRM)
    with Forked(COMMAND, "study", file, "--json") as process:
        trials = (line for line in process.stdout if '"event": "trial"' in line)
        lines = [next(trials), next(trials)]
        running = tmp_path / "runs" / STUDIES / "small" / "trials" / "0002" / "seed1" / "individuals.jsonl"
        while not running.exists() and process.returncode is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert [json.loads(line)["number"] for line in lines] == [0, 1]
    stored = optuna.load_study(study_name="small", storage=f"sqlite:///{tmp_path / 'runs' / STORAGE}")
    assert [trial.state.name for trial in stored.trials] == ["COMPLETE", "COMPLETE", "RUNNING"]
    finished = running.parents[1] / "seed0" / "champion.json"
    before = finished.stat().st_mtime_ns
    resumed, undisturbed = study(file, swarm=swarm), study(file, runs=tmp_path / "other", swarm=swarm)
    assert outcomes(resumed) == outcomes(undisturbed)
    assert resumed.confirmation == undisturbed.confirmation
    assert [trial.state.is_finished() for trial in stored.trials] == [True] * 4
    assert finished.stat().st_mtime_ns > before  # replayed
    assert resumed.importances == undisturbed.importances


@pytest.fixture
def _ctrl_c_interrupts() -> Iterator[None]:
    """As in a terminal: a shell's background jobs, and so the tests in them, ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c_interrupts")
def test_ctrl_c_keeps_everything(ask: Ask, clear: StudyResult, tmp_path: Path, swarm: Swarm) -> None:
    question = ask(SLOW, 3, CONFIRM)

    def press(record: TrialRecord) -> None:
        if record.number == 1:
            signal.raise_signal(signal.SIGINT)  # here and now: one sent to the process may come during the next search

    with pytest.raises(StudyInterrupted, match=r"everything is kept in .*small, and the study goes on"):
        study(question, runs=tmp_path, on_trial=press, swarm=swarm)
    assert len(study(question, runs=tmp_path, swarm=swarm).records) == 3


@pytest.mark.usefixtures("_warm_workers")
def test_side_by_side_a_crashed_process_loses_only_its_attempt(ask: Ask, tmp_path: Path, swarm: Swarm) -> None:
    question = ask(SLOW, 3, CONFIRM + "sampler: random\npruner: null\n")
    killed: list[int] = []

    def crash(record: TrialRecord) -> None:
        if not killed:
            worker = workers_of(psutil.Process())[0]
            killed.append(worker.pid)
            worker.kill()

    both = study(question, runs=tmp_path / "both", jobs=2, on_trial=crash)
    assert len(killed) == 1
    assert not psutil.pid_exists(killed[0])
    assert sorted(record.number for record in both.records) == list(range(3))
    alone = study(question, runs=tmp_path / "alone", swarm=swarm)
    assert outcomes(both) == outcomes(alone)
    assert not workers_of(psutil.Process())


@pytest.mark.usefixtures("_warm_workers")
def test_a_trial_that_kills_its_process_is_not_run_for_ever(ask: Ask, tmp_path: Path) -> None:
    ended, killed = threading.Event(), set[int]()

    def kill() -> None:
        while not ended.wait(0.01):
            for worker in workers_of(psutil.Process()):
                killed.add(worker.pid)
                with suppress(psutil.NoSuchProcess):
                    worker.kill()

    seen: list[TrialRecord] = []
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(RunError, match="expected the default to be searched, got: its process died, again and aga"):
            study(ask(DORMANT, 2), runs=tmp_path, jobs=2, on_trial=seen.append)
    finally:
        ended.set()
        killer.join()
    assert [(record.state, record.scores) for record in seen] == [("failed", ())] * 2
    assert len(killed) == 2 * MOST_DEATHS


def test_another_question_under_the_same_name_is_refused(ask: Ask, given_up: StudyResult, swarm: Swarm) -> None:
    runs = given_up.directory.parents[1]
    with pytest.raises(RunError, match=r"study-.*\.yaml: name: expected the study that studies\.db holds .*'small'"):
        study(ask("genome.max_members: {choices: [2]}", 2, ONE), runs=runs, swarm=swarm)


def test_two_processes_on_one_study_are_refused(ask: Ask, tmp_path: Path, swarm: Swarm) -> None:
    question = ask(DORMANT, 2, CONFIRM)
    refusals: list[str] = []

    def try_it(record: TrialRecord) -> None:
        with pytest.raises(RunError) as caught:
            study(question, runs=tmp_path, swarm=swarm)
        refusals.append(str(caught.value))

    study(question, runs=tmp_path, on_trial=try_it, swarm=swarm)
    assert len(refusals) == 2
    assert all("the only one who runs this study, got another evoswarm" in refusal for refusal in refusals)


@pytest.mark.parametrize("content", [b"this is no database, but a text of some length", b"SQLite format 3\0 cut off"])
def test_a_broken_storage_is_refused_in_one_line(ask: Ask, tmp_path: Path, content: bytes, swarm: Swarm) -> None:
    (tmp_path / STORAGE).write_bytes(content)
    with pytest.raises(RunError, match=r"studies\.db: expected a storage of Optuna studies, got: ") as caught:
        study(ask(DORMANT, 2), runs=tmp_path, swarm=swarm)
    assert "\n" not in str(caught.value)


def test_a_ledger_that_is_in_the_way_fails_no_trial(ask: Ask, tmp_path: Path, swarm: Swarm) -> None:
    question = ask(DORMANT, 2, CONFIRM)
    file = tmp_path / "ledger.sqlite"
    with Ledger(file):
        pass
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE version SET version = 1")
        database.commit()
    seen: list[TrialRecord] = []
    with pytest.raises(RunError, match=r"ledger\.sqlite: expected a ledger of version 3 .*, got version 1"):
        study(question, runs=tmp_path, on_trial=seen.append, swarm=swarm)
    assert seen == []
    file.unlink()
    result = study(question, runs=tmp_path, swarm=swarm)
    assert [record.state for record in result.records] == ["complete", "complete"]


@pytest.mark.usefixtures("_warm_workers")
def test_an_error_of_a_process_is_said_once(ask: Ask, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledger.sqlite").write_text("no database, but a text of some length", encoding="utf-8")
    with pytest.raises(RunError, match=r"ledger\.sqlite: expected "):
        study(ask(DORMANT, 2), runs=tmp_path, jobs=2)
    assert capfd.readouterr().err == ""
    assert not workers_of(psutil.Process())


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_when_their_study_does(
    sent: signal.Signals, study_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, the study can tell nobody; Ctrl-C in a terminal comes to its processes, too."""
    monkeypatch.chdir(tmp_path)
    arguments = ("study", study_file(SLOW, 4, CONFIRM), "--jobs", "2", "--quiet")
    with Forked(COMMAND, *arguments, session=True) as process:
        while not list((tmp_path / "runs" / STUDIES).glob("small/trials/*/*/individuals.jsonl")):
            assert process.returncode is None
            time.sleep(0.02)
        workers = workers_of(psutil.Process(process.pid))
        if sent == signal.SIGINT:
            os.killpg(process.pid, sent)
            said = process.communicate()[1]
            assert said.startswith("interrupted: everything is kept in runs/studies/small, and the study goes on from")
            assert said.count("\n") == 1
        process.send_signal(signal.SIGKILL)
        assert process.wait() == (130 if sent == signal.SIGINT else -sent)
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_a_narrow_console_loses_no_score_and_no_setting(clear: StudyResult) -> None:
    for width in (50, 200):
        console = Console(width=width, file=io.StringIO())
        print_study(console, clear)
        printed = console.file.getvalue()  # type: ignore[attr-defined]
        table, _ = printed.split("How much each setting matters")
        assert "…" not in printed
        assert ("┃ settings" in table) is (width == 50)
        for record in clear.records:
            assert record.state != "complete" or score(record) in table


def test_optuna_dashboard_opens_the_storage(clear: StudyResult) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("optuna-dashboard")
    with subprocess.Popen(
        [program, clear.storage, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as dashboard:
        try:
            summaries = _fetch(f"http://127.0.0.1:{port}/api/studies", dashboard)
            [summary] = summaries["study_summaries"]
            assert summary["study_name"] == "small"
            detail = _fetch(f"http://127.0.0.1:{port}/api/studies/{summary['study_id']}", dashboard)
        finally:
            dashboard.kill()
    assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * 4
    assert [trial["number"] for trial in detail["trials"]] == [0, 1, 2, 3]


def _fetch(address: str, server: subprocess.Popen[bytes]) -> Any:
    """JSON from a server that may still be starting."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)
        except OSError:
            assert server.poll() is None, "the dashboard ended"
            time.sleep(0.2)
    return pytest.fail("the dashboard did not open")


def test_what_the_command_prints(
    study_file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["study", str(study_file("genome.max_members: {choices: [1]}", 2, ONE))]) == 0
    printed, told = capsys.readouterr()
    lines, news = printed.splitlines(), told.splitlines()
    assert news[0].startswith("study: ")
    assert "2 trials of 5 searches each ..." in news
    trials = [line for line in news if line.startswith("trial ")]
    assert trials[0].startswith("trial 0 (the default): genome.max_members=null | 1.000 ± 0.000, ")
    assert trials[1].startswith("trial 1: genome.max_members=1 | given up at seed 2, generation 1 (0.500 ± 0.000), ")
    assert any(line.startswith("No setting was shown to be better than the default: of 2 trials") for line in lines)
    assert "No space was written: nothing was shown to be better than the one that is there." in lines
    # A line of its own, however long the path is: it is copied.
    assert f"  optuna-dashboard sqlite:///{tmp_path / 'runs' / 'studies.db'}" in lines
    assert run(["study", str(study_file("genome.max_members: {choices: [1]}", 2, ONE)), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
