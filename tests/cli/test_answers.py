"""The command ``answers``: for people, for spreadsheets and for machines."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from evoswarm.experiment.result import SearchResult
from evoswarm.spreadsheets import unmarked
from tests.cli.conftest import Command, python, refused
from tests.experiment.runs import copied

QUIZ = """
name: quiz
pool: [{{name: llama-a, path: {pool}/llama-a}}, {{name: llama-b, path: {pool}/llama-b}}]
tasks:
  - {{name: quiz, source: dataset, path: quiz.csv, answer: "{{gold}}", max_bytes: 6, few_shot: {{count: 1}}}}
splits: {{search: 2, selection: 4, test: 2}}
tracking: {{mlflow: false}}
"""


@pytest.fixture
def quiz(pool: Path, finished: SearchResult, command: Command) -> Path:
    """A space over a table of one's own, and a recipe for it, in an empty directory."""
    Path("quiz.yaml").write_text(QUIZ.format(pool=pool))
    rows = [f'{a}+{b}=,{a + b},{a},"=of ""sums"", ä",a{b}' for a in range(3, 9) for b in range(3, 9)]
    Path("quiz.csv").write_text("\n".join(["question,gold,level,note,score", *rows]))
    return Path(shutil.copy(finished.directory / "recipes" / "uniform-mix.json", "mix.json"))


class TestForPeople:
    def test_every_question_with_its_answers_then_the_accuracies(
        self, command: Command, finished: SearchResult
    ) -> None:
        outcome = command("answers", finished.directory)
        assert (outcome.code, outcome.error) == (0, "")
        lines = outcome.out.splitlines()
        for number in range(1, 7):
            assert any(line.startswith(f"{number:<4} ") for line in lines)
        assert sum(line.startswith("     champion") and "FLOPs" in line for line in lines) == 6
        (everything,) = [line.split() for line in lines if line.startswith("all ")]
        assert everything[1] == "6"
        assert float(everything[2]) == pytest.approx(finished.accuracy, abs=5e-4)

    def test_no_model_and_no_heavy_library_is_needed(self, finished: SearchResult, tmp_path: Path) -> None:
        """Nor for the same as tables, nor for the run as a page."""
        run, out = str(finished.directory), str(tmp_path / "out")
        code = (
            "import sys; from evoswarm.cli import run\n"
            f"code = run(['answers', {run!r}, '--by', 'task'])\n"
            "print({'torch', 'transformers', 'scipy', 'mlflow'} & set(sys.modules), code)\n"
            f"code = run(['export', {run!r}, '--to', 'tables', {out!r}, '--quiet'])\n"
            "print({'torch', 'transformers', 'mlflow', 'optuna'} & set(sys.modules), code)\n"
            f"code = run(['report', {run!r}, '--quiet', '--out', {out!r} + '.html'])\n"
            "print({'torch', 'transformers', 'mlflow', 'optuna'} & set(sys.modules), code)"
        )
        done = python(code)
        assert done.stdout.splitlines()[-3:] == ["set() 0"] * 3, done.stderr

    def test_what_is_not_known_is_said_with_what_would_help(self, command: Command, finished: SearchResult) -> None:
        outcome = command("answers", finished.directory, "--ledger", "none.sqlite")
        assert outcome.code == 0
        assert "not in the ledger" in outcome.out
        assert "no ledger none.sqlite): of 6 items the answers of champion 6, llama-a 6, llama-b 6" in outcome.error
        assert f"evoswarm answers {finished.directory} --split selection --ledger none.sqlite --decode" in outcome.error


class TestTables:
    def test_a_table_of_ones_own(self, command: Command, quiz: Path) -> None:
        """Decoded once; then from the ledger, with the columns of the user's own file."""
        arguments = ("answers", quiz, "--space", "quiz.yaml")
        outcome = command(*arguments, "--decode", "--csv", "o.csv")
        assert outcome.code == 0, outcome.error
        assert "written: o.csv" in outcome.error
        shown = command(*arguments, "--csv")
        assert Path("o.csv").read_bytes().decode("utf-8-sig") == shown.out.replace("\n", "\r\n").replace("\r\r", "\r")
        rows = list(csv.DictReader(io.StringIO(shown.out)))
        asked = {row["question"]: row for row in csv.DictReader(Path("quiz.csv").read_text().splitlines())}
        assert len(rows) == 4
        for row in rows:
            own = asked[row["question"]]
            assert (row["gold"], row["level"], unmarked(row["note"])) == (own["gold"], own["level"], own["note"])
            assert row["note"].startswith("'="), "no spreadsheet takes it for a formula"
            assert row["input_score"] == own["score"]  # ours has that name
            assert row["score"] in ("0.0", "1.0")
            assert {row["llama-a.score"], row["llama-b.score"]} <= {"0.0", "1.0"}
            assert float(row["flops"]) > 0
        by = list(csv.DictReader(io.StringIO(command(*arguments, "--by", "level", "--csv").out)))
        assert [row["level"] for row in by] == [*sorted({row["level"] for row in rows}), "all"]
        assert float(by[-1]["champion"]) == sum(float(row["score"]) for row in rows) / 4
        refused(command(*arguments, "--by", "levle"), "--by", "question, gold, level, note, score", "levle")

    def test_json_lines(self, command: Command, finished: SearchResult) -> None:
        rows = [json.loads(line) for line in command("answers", finished.directory, "--json").out.splitlines()]
        assert len(rows) == 6
        for row in rows:
            assert set(row["members"]) == {"llama-a", "llama-b"}
            assert {"item", "task", "question", "gold", "answer", "score", "failure", "flops", "columns"} <= set(row)
            assert {row["ending"], *(one["ending"] for one in row["members"].values())} <= {"end", "limit", "cut_off"}
        groups = command("answers", finished.directory, "--json", "--by", "task").out.splitlines()
        assert [json.loads(line)["value"] for line in groups] == ["spell", "sum", "all"]

    def test_a_file_that_is_there_stays(self, command: Command, finished: SearchResult) -> None:
        Path("o.csv").write_text("mine")
        refused(command("answers", "nowhere", "--csv", "o.csv"), "o.csv", "--overwrite replaces it")
        assert command("answers", finished.directory, "--csv", "o.csv", "--overwrite").code == 0
        assert Path("o.csv").read_text(encoding="utf-8-sig").startswith("item,task,question,gold,answer,score")

    def test_what_is_read_is_not_overwritten(
        self, command: Command, quiz: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuses(name: str) -> None:
            arguments = ("answers", quiz, "--space", "quiz.yaml", "--csv", name, "--overwrite")
            refused(command(*arguments), name, "not read by the same command")

        for name in ("quiz.csv", "quiz.yaml", "mix.json"):
            refuses(name)
        monkeypatch.setenv("QUIZZES", str(Path.cwd()))
        space = Path("quiz.yaml")
        space.write_text(space.read_text().replace("quiz.csv", "$QUIZZES/quiz.csv"))
        refuses("quiz.csv")

    def test_the_ledger_is_not_overwritten(self, command: Command, finished: SearchResult, tmp_path: Path) -> None:
        run = copied(finished, tmp_path / "runs")
        ledger = run.parent / "ledger.sqlite"
        before = ledger.read_bytes()
        refused(command("answers", run, "--csv", ledger, "--overwrite"), "not read by the same command")
        assert ledger.read_bytes() == before

    def test_columns_of_ones_own_that_are_called_like_ours(self, command: Command, quiz: Path) -> None:
        rows = [f"{a}+{b}=,{a + b},mine,{a},{b}" for a in range(3, 9) for b in range(3, 9)]
        Path("quiz.csv").write_text("\n".join(["question,gold,input_gold,items,llama-a", *rows]))
        arguments = ("answers", quiz, "--space", "quiz.yaml", "--csv")
        refused(command(*arguments), "expected a column 'gold'", "'input_gold'", "got both")
        for by in ("items", "llama-a"):
            header, *groups = csv.reader(io.StringIO(command(*arguments, "--by", by).out))
            assert header[:3] == [f"input_{by}", "items", "champion"]
            assert sum(int(group[1]) for group in groups[:-1]) == int(groups[-1][1]) == 4
            assert {int(group[0]) for group in groups[:-1]} <= set(range(3, 9))


class TestWrongWords:
    def test_wrong_words(self, command: Command, finished: SearchResult) -> None:
        run = finished.directory
        refused(command("answers"), "RUN|RECIPE")
        refused(command("answers", "nowhere"), "nowhere")
        refused(command("answers", run, "--split", "train"), "--split", "search, selection or test")
        refused(command("answers", run, "--json", "--csv"), "expected --csv or --json")
        refused(command("answers", run, "--split", "test", "--decode"), "--decode", "a certificate alone")
        refused(command("answers", run / "recipes" / "uniform-mix.json", "--split", "test"), "certificate of this")
        refused(command("answers", "--csv", run), "RUN|RECIPE")
        Path("none.sqlite").write_text("no ledger")
        for more in ((), ("--decode",)):
            refused(command("answers", run, "--ledger", "none.sqlite", *more), "none.sqlite", "expected a ledger")
