"""Commands that take a space: what each prints, and every wrong input as one or two lines with exit code 2."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from evoswarm.experiment.result import SearchResult
from tests.cli.conftest import Command, python, refused
from tests.forked import COMMAND, Forked

pytestmark = [
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy"),  # within MLflow
    pytest.mark.filterwarnings("ignore:For backward compatibility, 'str' dtypes"),  # within MLflow
]


class TestCheck:
    def test_a_valid_space(self, command: Command, space_file: Path) -> None:
        outcome = command("check", space_file)
        assert outcome.code == 0
        assert "a valid search space: 2 members, 2 tasks" in outcome.out

    def test_what_a_space_asks_for_and_rules_out_itself_is_noted(self, command: Command, space_file: Path) -> None:
        idle = ("evolution.algorithm=random", "evolution.gold={screen: 4}")
        outcome = command("check", space_file, *(word for one in idle for word in ("--set", one)))
        assert outcome.code == 0
        assert "note: evolution.gold (screen) is off: random breeds no children (evolution.algorithm)" in outcome.out

    def test_an_unknown_kind_of_genome_is_refused(self, command: Command, space_file: Path) -> None:
        for name in ("check", "search"):
            outcome = command(name, space_file, "--set", "genome.kind=chorus")
            refused(outcome, "genome.kind", "expected one of mix, vote, route, got 'chorus'")

    def test_a_study_is_checked_as_one(self, command: Command, space_file: Path) -> None:
        study = f"name: small\nspace: {space_file}\nsettings:\n  evolution.mutation: {{low: 0.5, high: %s}}\n"
        Path("study.yaml").write_text(study % 1)
        outcome = command("check", "study.yaml")
        assert outcome.code == 0
        assert "study.yaml: a valid study of micro: 1 setting, 20 trials of 5 searches each\n" in outcome.out
        assert "evoswarm study study.yaml" in outcome.out
        refused(command("check", "study.yaml", "--set", "seed=1"), "--set", "expected no --set beside a study")
        Path("study.yaml").write_text(study % 2)
        refused(command("check", "study.yaml"), "study.yaml:4:", "settings.evolution.mutation.high")

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
        for text in ("search: space micro", "in mine (new)", "generation 1/2: best per island", "evaluations/s"):
            assert text in outcome.error, text
            assert text not in outcome.out, text
        for text in (
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
        generations = [row for row in rows if row["event"] == "generation"]
        assert [(row["generation"], row["generations"]) for row in generations] == [(1, 2), (2, 2)]
        assert set(generations[0]["islands"][0]["best"]) == {"accuracy"}
        assert [row["event"] for row in rows[-2:]] == ["verdict", "result"]
        assert outcome.error == ""
        assert rows[-1]["directory"] == "runs/micro-seed3"
        assert rows[-1]["certificate"] == "runs/micro-seed3/certificate.json"
        assert Path(rows[-1]["certificate"]).exists()
        assert {row["name"] for row in rows[-1]["rivals"]} == {"member llama-a", "member llama-b", "uniform mix"}
        assert Path(rows[-1]["champion"]).exists()

    def test_quiet_says_nothing(self, command: Command, space_file: Path) -> None:
        outcome = command("search", space_file, "--quiet", "--set", "evolution.generations=1")
        assert (outcome.code, outcome.out, outcome.error) == (0, "", "")

    def test_ctrl_c_keeps_everything_and_says_how_to_go_on(self, space_file: Path, tmp_path: Path) -> None:
        with Forked(
            COMMAND, "search", space_file, "--set", "evolution.generations=1000", directory=tmp_path
        ) as process:
            while not process.stderr.readline().startswith("generation 1/"):
                assert process.returncode is None
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
            assert process.returncode == 130
        assert "everything is kept in runs/micro-seed0" in error
        assert "goes on" in error
        assert "Traceback" not in error
        assert (tmp_path / "runs" / "micro-seed0" / "individuals.jsonl").read_text().count("\n") >= 6


class TestPlan:
    def test_it_says_what_a_search_takes_and_writes_nothing(self, command: Command, space_file: Path) -> None:
        outcome = command("plan", space_file, "--set", "splits.selection=200", "--set", "splits.test=1000")
        assert outcome.code == 0, outcome.error
        for word in ("time:", "evaluations", "prefixes:", "memory:", "with 1,000 items a true gain of", "mixing:"):
            assert word in outcome.out
        assert "refused:" not in outcome.out
        assert not list(Path.cwd().iterdir())

    def test_splits_that_can_show_nothing_are_refused(self, command: Command, space_file: Path) -> None:
        outcome = command("plan", space_file)
        assert outcome.code == 2
        assert "refused:   splits.test: expected about " in outcome.out, "beside all else that it has to say"
        assert "time:" in outcome.out
        assert "splits.test: expected about " in outcome.error
        assert not list(Path.cwd().iterdir())


class TestEvaluate:
    def test_the_same_figures_as_the_search(self, command: Command, space_file: Path, finished: SearchResult) -> None:
        outcome = command("evaluate", finished.directory, "--space", space_file, "--json")
        assert outcome.code == 0, outcome.error
        figures = json.loads(outcome.out.splitlines()[-1])
        assert figures["accuracy"] == finished.accuracy
        assert figures["cost"]["flops"] == pytest.approx(finished.cost.flops)
        assert (figures["split"], figures["items"], figures["opening"]) == ("selection", 6, None)

    def test_the_test_split_is_opened_on_record(
        self, command: Command, space_file: Path, finished: SearchResult
    ) -> None:
        one = finished.directory / "recipes" / "member-llama-a.json"
        two = finished.directory / "recipes" / "member-llama-b.json"
        arguments = ("--space", space_file, "--split", "test")
        refused(command("evaluate", one, *arguments), "--split", "this opens 6 test items", "--open is that word")
        first = command("evaluate", one, *arguments, "--open").out
        assert "no other recipe opened them before." in " ".join(first.split())
        assert "it is the same opening" in " ".join(command("evaluate", one, *arguments).out.split())
        refused(command("evaluate", two, *arguments, "--open"), "opened for another recipe before", "--force")
        second = command("evaluate", two, *arguments, "--force")
        assert second.code == 0
        assert "1 other recipe had opened 6 of them before" in " ".join(second.out.split())
        last = command("evaluate", two, *arguments, "--json").out.splitlines()[-1]
        assert json.loads(last)["opening"] == {"first": False, "others": 1, "opened_before": 6}

    def test_who_gives_no_word_does_not_wait_for_libraries(
        self, space_file: Path, finished: SearchResult, tmp_path: Path
    ) -> None:
        recipe = finished.directory / "recipes" / "uniform-mix.json"
        code = (
            "import os, sys; from evoswarm.cli import run; os.chdir(sys.argv[3])\n"
            "code = run(['evaluate', sys.argv[1], '--space', sys.argv[2], '--split', 'test'])\n"
            "print({'torch', 'transformers', 'mlflow'} & set(sys.modules), code)"
        )
        outcome = python(code, str(recipe), str(space_file), str(tmp_path))
        assert outcome.stdout.splitlines() == ["set() 2"]
        assert "expected your word that test items may be opened (this opens 6 test items" in outcome.stderr

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
