"""The command line: what each command prints, and every wrong input as one or two lines with exit code 2."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import evoswarm
from evoswarm.cli import run
from evoswarm.experiment.result import SearchResult

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # within MLflow
    pytest.mark.filterwarnings("ignore:For backward compatibility, 'str' dtypes"),  # within MLflow
]


class Outcome:
    """What a command did."""

    def __init__(self, code: int, out: str, error: str) -> None:
        self.code, self.out, self.error = code, out, error


Command = Callable[..., Outcome]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def call(*arguments: object) -> Outcome:
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


def refused(outcome: Outcome, *words: str) -> None:
    """One or two lines on stderr, exit code 2, no traceback, and the words in it."""
    assert outcome.code == 2
    assert outcome.error.startswith("error: ")
    assert len(outcome.error.strip().splitlines()) <= 2
    assert "Traceback" not in outcome.error
    for word in words:
        assert word in outcome.error


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


class TestStart:
    def test_help_is_instant_and_imports_nothing_heavy(self) -> None:
        code = (
            "import sys; from evoswarm.cli import run; code = run(['--help']);"
            "heavy = {'torch', 'transformers', 'mlflow', 'datasets', 'pydantic', 'numpy', 'deap'} & set(sys.modules);"
            "sys.exit(f'imported {heavy}' if heavy else code)"
        )
        times = []
        for _ in range(3):
            began = time.monotonic()
            done = python(code)
            times.append(time.monotonic() - began)
            assert done.returncode == 0, done.stderr
        assert min(times) < 0.5
        for name in ("search", "plan", "check", "generate", "evaluate", "zoo", "doctor"):
            assert name in done.stdout

    def test_import_is_instant_and_lazy(self) -> None:
        code = (
            "import sys, evoswarm; from evoswarm import Recipe, SearchSpace, EvoswarmError, Request, MemberSpec\n"
            "heavy = {'torch', 'transformers', 'mlflow', 'datasets'} & set(sys.modules)\n"
            "sys.exit(f'imported {heavy}' if heavy else 0)"
        )
        done = python(code)
        assert done.returncode == 0, done.stderr

    def test_public_names(self) -> None:
        assert evoswarm.__all__ == sorted(evoswarm.__all__)
        assert set(evoswarm.__all__) == set(evoswarm._HOMES)
        for name in evoswarm.__all__:
            assert getattr(evoswarm, name) is not None
            assert name in dir(evoswarm)
        with pytest.raises(AttributeError, match="nothing"):
            _ = evoswarm.nothing

    def test_version(self, command: Command) -> None:
        assert command("--version").out.strip() == evoswarm.__version__

    def test_nothing_asked_shows_help(self, command: Command) -> None:
        for arguments, word in (((), "doctor"), (("zoo",), "list")):
            outcome = command(*arguments)
            assert (outcome.code, outcome.error) == (0, "")
            assert word in outcome.out

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (["serch"], "serch"),
            (["search"], "SPACE"),
            (["search", "x.yaml", "--generations", "3"], "--generations"),
            (["search", "x.yaml", "--seed", "-1"], "--seed"),
            (["search", "x.yaml", "--seed", "many"], "--seed"),
            (["zoo", "feed"], "feed"),
            (["generate", "r.json", "p", "--max-bytes", "0"], "--max-bytes"),
            (["evaluate", "r.json"], "--space"),
            (["doctor", "who"], "who"),
        ],
    )
    def test_wrong_words(self, command: Command, arguments: list[str], word: str) -> None:
        refused(command(*arguments), word)


class TestCheck:
    def test_a_valid_space(self, command: Command, space_file: Path) -> None:
        outcome = command("check", space_file)
        assert outcome.code == 0
        assert "a valid search space: 2 members, 2 tasks" in outcome.out

    def test_a_bad_space_is_refused_before_torch_is_imported(self, tmp_path: Path) -> None:
        (tmp_path / "bad.yaml").write_text("name: bad\npool:\n  - {name: a, path: zoo:llama-a, colour: red}\n")
        code = (
            "import sys; from evoswarm.cli import run\n"
            "code = run(['search', sys.argv[1]]); print('torch' in sys.modules, code)"
        )
        done = python(code, str(tmp_path / "bad.yaml"))
        assert done.stdout.split() == ["False", "2"]
        assert "bad.yaml:3" in done.stderr
        assert "colour" in done.stderr

    @pytest.mark.parametrize("name", ["search", "plan", "check"])
    def test_a_space_that_is_not_there(self, command: Command, name: str) -> None:
        refused(command(name, "nowhere.yaml"), "nowhere.yaml")

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("evolution.generation=3", ("generation",)),
            ("evolution.generations=none at all", ("evolution.generations",)),
            ("pool.0.path=/not/there", ("/not/there",)),
            ("tasks.0.family=alchemy", ("alchemy",)),
            ("no equals sign", ("no equals sign",)),
        ],
    )
    def test_wrong_overrides(self, command: Command, space_file: Path, override: str, words: tuple[str, ...]) -> None:
        refused(command("check", space_file, "--set", override), *words)


class TestSearch:
    def test_what_a_person_sees(self, command: Command, space_file: Path) -> None:
        outcome = command("search", space_file, "--set", "evolution.generations=2", "--out", "mine")
        assert outcome.code == 0, outcome.error
        for text in (
            "generation 1/2: best per island",
            "evaluations/s",
            "Champion",
            "One greedy answer.",
            "On the selection split (6 items)",
            "member llama-a",
            "member llama-b",
            "uniform mix",
            "Pareto front by accuracy and flops",
            "mine/champion.json",
            "mine/front.json",
            "mine/individuals.jsonl",
            "runs/ledger.sqlite",
            "evoswarm generate mine ",
        ):
            assert text in outcome.out, text
        assert Path("mine/champion.json").exists()
        refused(command("search", space_file, "--seed", "7", "--out", "mine"), "mine", "seed is 0, not 7")

    def test_what_a_machine_sees(self, command: Command, space_file: Path) -> None:
        outcome = command("search", space_file, "--json", "--seed", "3", "--set", "evolution.generations=2")
        rows = [json.loads(line) for line in outcome.out.splitlines()]
        assert [row["event"] for row in rows] == ["generation", "generation", "result"]
        assert set(rows[0]["islands"][0]["best"]) == {"accuracy"}
        assert rows[-1]["directory"] == "runs/micro-seed3"
        assert rows[-1]["certificate"] == "runs/micro-seed3/certificate.json"
        assert Path(rows[-1]["certificate"]).exists()
        assert {row["name"] for row in rows[-1]["rivals"]} == {"member llama-a", "member llama-b", "uniform mix"}
        assert Path(rows[-1]["champion"]).exists()

    def test_quiet_says_nothing(self, command: Command, space_file: Path) -> None:
        outcome = command("search", space_file, "--quiet", "--set", "evolution.generations=1")
        assert (outcome.code, outcome.out, outcome.error) == (0, "", "")

    def test_ctrl_c_keeps_everything_and_says_how_to_go_on(self, space_file: Path, tmp_path: Path) -> None:
        code = "import torch; torch.set_num_threads(1); from evoswarm.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "search", str(space_file), "--set", "evolution.generations=1000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        while not process.stdout.readline().startswith("generation 1/"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "everything is kept in runs/micro-seed0" in error
        assert "goes on" in error
        assert "Traceback" not in error
        assert (tmp_path / "runs" / "micro-seed0" / "individuals.jsonl").read_text().count("\n") >= 6


class TestPlan:
    def test_it_says_what_a_search_takes_and_writes_nothing(self, command: Command, space_file: Path) -> None:
        outcome = command("plan", space_file)
        assert outcome.code == 0, outcome.error
        for word in ("time:", "evaluations", "prefixes:", "memory:", "6 items detect a difference of"):
            assert word in outcome.out
        assert not list(Path.cwd().iterdir())


class TestGenerate:
    def test_a_prompt_to_standard_output(self, command: Command, finished: SearchResult) -> None:
        outcome = command("generate", finished.directory, "rev stone=", "--max-bytes", "8")
        assert outcome.code == 0, outcome.error
        assert len(outcome.out.encode()) <= 9
        assert outcome.error == ""

    def test_standard_input_is_one_prompt(
        self, command: Command, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        direct = command("generate", finished.directory / "champion.json", "rev stone=", "--max-bytes", "8").out
        monkeypatch.setattr(sys, "stdin", io.StringIO("rev stone=\n"))
        assert command("generate", finished.directory, "-", "--max-bytes", "8").out == direct

    def test_rows_with_costs_to_a_file(self, command: Command, finished: SearchResult) -> None:
        Path("ask.jsonl").write_text('{"prompt": "rev stone="}\n\n{"prompt": "12+34=", "more": 1}\n')
        mix = finished.directory / "recipes" / "uniform-mix.json"
        outcome = command("generate", mix, "--prompts", "ask.jsonl", "--out", "deep/rows.jsonl", "--max-bytes", "6")
        assert (outcome.code, outcome.out) == (0, "")
        rows = [json.loads(line) for line in Path("deep/rows.jsonl").read_text().splitlines()]
        assert [row["prompt"] for row in rows] == ["rev stone=", "12+34="]
        for row in rows:
            assert set(row["cost"]["members"]) == {"llama-a", "llama-b"}
            assert row["cost"]["members"]["llama-a"]["flops"] > 0
            assert row["open_share"] == 1.0
            assert len(row["text"].encode()) <= 6

    def test_stop_strings_end_an_answer(self, command: Command, finished: SearchResult) -> None:
        whole = command("generate", finished.directory, "rev stone=", "--max-bytes", "8").out.rstrip("\n")
        if len(whole) > 1:
            cut = command("generate", finished.directory, "rev stone=", "--max-bytes", "8", "--stop", whole[1]).out
            assert cut.rstrip("\n") == whole[: whole.index(whole[1])]

    def test_wrong_questions(self, command: Command, finished: SearchResult) -> None:
        run_directory = finished.directory
        refused(command("generate", run_directory), "PROMPT", "--prompts")
        refused(command("generate", run_directory, "x", "--prompts", "ask.jsonl"), "got two")
        refused(command("generate", run_directory, "--prompts", "nowhere.jsonl"), "nowhere.jsonl")
        refused(command("generate", run_directory, "x", "--stop", ""), "--stop")
        Path("empty.jsonl").write_text("\n")
        refused(command("generate", run_directory, "--prompts", "empty.jsonl"), "empty.jsonl", "at least one prompt")
        Path("broken.jsonl").write_text('{"prompt": "a"}\n{"prompt": \n')
        refused(command("generate", run_directory, "--prompts", "broken.jsonl"), "broken.jsonl:2")
        Path("other.jsonl").write_text('{"prompt": "a"}\n{"question": "b"}\n')
        refused(command("generate", run_directory, "--prompts", "other.jsonl"), "other.jsonl:2: prompt", "question")
        Path("number.jsonl").write_text('{"prompt": 7}\n')
        refused(command("generate", run_directory, "--prompts", "number.jsonl"), "number.jsonl:1: prompt")
        Path("bytes.jsonl").write_bytes(b'{"prompt": "\xff"}\n')
        refused(command("generate", run_directory, "--prompts", "bytes.jsonl"), "bytes.jsonl", "UTF-8")

    def test_wrong_recipes(self, command: Command, finished: SearchResult) -> None:
        refused(command("generate", "nowhere.json", "x"), "nowhere.json")
        Path("directory").mkdir()
        refused(command("generate", "directory", "x"), "directory", "champion.json")
        Path("broken.json").write_text("{")
        refused(command("generate", "broken.json", "x"), "broken.json")
        recipe = json.loads((finished.directory / "recipes" / "uniform-mix.json").read_text())
        Path("lead.json").write_text(json.dumps({**recipe, "lead": "nobody"}))
        refused(command("generate", "lead.json", "x"), "lead.json", "lead", "nobody")
        recipe["members"][0]["spec"]["path"] = "/not/there"
        Path("gone.json").write_text(json.dumps(recipe))
        refused(command("generate", "gone.json", "x"), "/not/there")
        recipe["members"][0]["spec"] = {**recipe["members"][1]["spec"], "name": "llama-a", "fingerprint": "0" * 64}
        Path("changed.json").write_text(json.dumps(recipe))
        refused(command("generate", "changed.json", "x"), "changed.json", "llama-a", "fingerprint")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b'{"prompt": "a"}\n{"prompt": "\\ud800"}\n', ("ask.jsonl:2: prompt", "UTF-8")),
            (b"[" * 100_000, ("ask.jsonl:1", "too many levels")),
            (b'{"prompt": ' + b"1" * 5000 + b"}", ("ask.jsonl:1", "too many digits")),
        ],
    )
    def test_questions_nothing_can_read(self, command: Command, content: bytes, words: tuple[str, ...]) -> None:
        Path("ask.jsonl").write_bytes(content)
        refused(command("generate", "recipe.json", "--prompts", "ask.jsonl"), *words)

    def test_a_byte_order_mark_is_no_mistake(self, command: Command) -> None:
        Path("ask.jsonl").write_bytes(b'\xef\xbb\xbf{"prompt": "a"}\n')
        refused(command("generate", "recipe.json", "--prompts", "ask.jsonl"), "recipe.json: expected")

    def test_questions_that_are_no_utf_8(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        refused(command("generate", "recipe.json", "a\udcff"), "PROMPT", "UTF-8")
        refused(command("generate", "recipe.json", "a", "--stop", "\udcff"), "--stop", "UTF-8")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\xff"), encoding="utf-8"))
        refused(command("generate", "recipe.json", "-"), "standard input", "UTF-8")
        monkeypatch.setattr(sys, "stdin", None)
        refused(command("generate", "recipe.json", "-"), "standard input", "closed")

    def test_a_question_that_begins_with_a_dash(self, command: Command) -> None:
        refused(command("generate", "recipe.json", "-5+3="), "-5", "generate RUN -- -5+3=")
        refused(command("generate", "recipe.json", "--", "-5+3="), "recipe.json: expected")
        assert "begins with a dash" not in command("generate", "recipe.json", "--otu", "x").error

    def test_a_missing_recipe_is_refused_before_torch_is_imported(self) -> None:
        code = (
            "import sys; from evoswarm.cli import run\n"
            "code = run(['generate', 'nowhere.json', 'x']); print('torch' in sys.modules, code)"
        )
        done = python(code)
        assert done.stdout.split() == ["False", "2"]
        assert "[Errno" not in done.stderr

    def test_a_place_that_cannot_be_written(self, command: Command, finished: SearchResult) -> None:
        Path("file").write_text("")
        refused(command("generate", finished.directory, "x", "--out", "file/rows.jsonl"), "file/rows.jsonl")


class TestEvaluate:
    def test_the_same_figures_as_the_search(self, command: Command, space_file: Path, finished: SearchResult) -> None:
        outcome = command("evaluate", finished.directory, "--space", space_file, "--json")
        assert outcome.code == 0, outcome.error
        figures = json.loads(outcome.out)
        assert figures["accuracy"] == finished.accuracy
        assert figures["cost"]["flops"] == pytest.approx(finished.cost.flops)
        assert (figures["split"], figures["items"], figures["opening"]) == ("selection", 6, None)

    def test_the_test_split_is_opened_on_record(
        self, command: Command, space_file: Path, finished: SearchResult
    ) -> None:
        one = finished.directory / "recipes" / "member-llama-a.json"
        two = finished.directory / "recipes" / "member-llama-b.json"
        arguments = ("--space", space_file, "--split", "test")
        assert "no other recipe opened them before.\n" in command("evaluate", one, *arguments).out
        assert "it is the same opening" in command("evaluate", one, *arguments).out
        second = command("evaluate", two, *arguments)
        assert second.code == 0
        assert "1 other recipe opened them before" in second.out
        assert json.loads(command("evaluate", two, *arguments, "--json").out)["opening"] == {
            "first": False,
            "others": 1,
        }

    def test_wrong_words(self, command: Command, space_file: Path, finished: SearchResult, tmp_path: Path) -> None:
        recipe = finished.directory
        refused(command("evaluate", recipe, "--space", space_file, "--split", "exam"), "--split", "exam")
        refused(command("evaluate", "nowhere.json", "--space", space_file), "nowhere.json")
        refused(command("evaluate", recipe, "--space", "nowhere.yaml"), "nowhere.yaml")
        data = json.loads((finished.directory / "recipes" / "uniform-mix.json").read_text())
        data["members"][1]["spec"]["name"] = data["members"][1]["spec"]["path"] = "stranger"
        Path("stranger.json").write_text(json.dumps(data))
        refused(
            command("evaluate", "stranger.json", "--space", space_file),
            "stranger.json: members.1.spec.name",
            "expected a member of the pool (llama-a, llama-b)",
        )


class TestOutput:
    @pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["check"], ["zoo", "list"]])
    def test_a_full_output_is_one_line(self, space_file: Path, arguments: list[str]) -> None:
        asked = [*arguments, str(space_file)] if arguments == ["check"] else arguments
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", "from evoswarm.cli import main; main()", *asked],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert done.returncode == 2
        assert done.stderr == "error: standard output: expected to write to it, got: No space left on device\n"

    def test_a_search_goes_on_when_nobody_reads(self, space_file: Path, tmp_path: Path) -> None:
        code = "import torch; torch.set_num_threads(1); from evoswarm.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, "search", str(space_file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        process.stderr.close()
        assert process.wait(timeout=60) == 0
        assert (tmp_path / "runs" / "micro-seed0" / "champion.json").exists()


class TestRest:
    def test_zoo_list(self, command: Command) -> None:
        outcome = command("zoo", "list")
        assert outcome.code == 0, outcome.error
        for name in ("zoo:llama-a", "zoo:mamba-b", "zoo:opt-g"):
            assert name in outcome.out

    def test_doctor(self, command: Command) -> None:
        outcome = command("doctor")
        assert outcome.code == 0
        for word in ("python", "torch", "mlflow", "memory", "disk", "cpu", "HF_TOKEN"):
            assert word in outcome.out

    def test_doctor_says_how_to_get_what_is_missing(self, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("evoswarm.cli.doctor.PURPOSES", {"no-such-package-of-ours": "is missed"})
        outcome = command("doctor")
        assert outcome.code == 1
        assert "pip install no-such-package-of-ours" in outcome.out
