"""Answers of a recipe, and every wrong question as one or two lines with exit code 2."""

from __future__ import annotations

import codecs
import csv
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evoswarm.answering.engine import Engine
from evoswarm.answering.question import Question, Reply
from evoswarm.decoding.swarm import Swarm
from evoswarm.experiment.result import SearchResult
from tests.cli.conftest import Command, python, refused


class TestGenerate:
    def test_a_prompt_to_standard_output(self, command: Command, finished: SearchResult) -> None:
        outcome = command("generate", finished.directory, "rev stone=", "--max-bytes", "8")
        assert outcome.code == 0, outcome.error
        assert len(outcome.out.encode()) <= 9
        quiet = command("generate", finished.directory, "rev stone=", "--max-bytes", "8", "--quiet")
        assert (quiet.out, quiet.error) == (outcome.out, "")

    def test_one_line_says_what_the_answer_stands_on(self, command: Command, finished: SearchResult) -> None:
        certificate = finished.certificate
        assert certificate is not None
        said = command("generate", finished.directory, "rev stone=").error
        assert len(said.splitlines()) == 1
        for words in (f"the run {finished.directory.name} (space micro)", "on 6 test items", "certificate: undecided"):
            assert words in said
        Path("bare.json").write_text(finished.champion.to_json())
        assert command("generate", "bare.json", "rev stone=", "--max-bytes", "8").error == ""

    def test_a_task_is_asked_as_it_was_scored(self, command: Command, finished: SearchResult) -> None:
        content = json.loads((finished.directory / "recipes" / "uniform-mix.json").read_text())
        content["about"]["tasks"]["sum"]["max_bytes"] = 2
        Path("mix.json").write_text(json.dumps(content))
        rows = {}
        for task in ("spell", "sum"):
            outcome = command("generate", "mix.json", "rev stone=", "--task", task, "--quiet")
            assert outcome.code == 0, outcome.error
            rows[task] = outcome.out.rstrip("\n")
        assert rows["sum"] == rows["spell"][:2] != rows["spell"]
        assert command("generate", "mix.json", "rev stone=", "--quiet").out.rstrip("\n") == rows["spell"]
        refused(command("generate", finished.directory, "x", "--task", "gcd"), "--task", "spell, sum", "'gcd'")

    def test_a_bundle_answers_wherever_it_is_carried(
        self, command: Command, finished: SearchResult, pool: Path
    ) -> None:
        asked = ("rev stone=", "--max-bytes", "8", "--quiet")
        direct = command("generate", finished.directory, *asked).out
        content = json.loads((finished.directory / "champion.json").read_text())
        for member in content["members"]:
            shutil.copytree(pool / member["spec"]["name"], Path("bundle/models") / member["spec"]["name"])
            member["spec"]["path"] = f"./models/{member['spec']['name']}"
        Path("bundle/policy.json").write_text(json.dumps(content))
        Path("bundle").rename("carried")
        outcome = command("generate", "carried/policy.json", *asked)
        assert (outcome.code, outcome.out) == (0, direct), outcome.error
        Path("carried/models").rename("gone")
        refusal = command("generate", "carried/policy.json", *asked)
        refused(refusal, "carried/policy.json", "carried/models/")

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
        assert ["more" in row for row in rows] == [False, True]
        for row in rows:
            assert set(row["cost"]["members"]) == {"llama-a", "llama-b"}
            assert row["cost"]["members"]["llama-a"]["flops"] > 0
            assert row["open_share"] == 1.0
            assert len(row["text"].encode()) <= 6

    def test_a_table_keeps_its_columns_beside_the_answers(self, command: Command, finished: SearchResult) -> None:
        """What a spreadsheet wrote, one reads again: quotes, line ends and other alphabets included."""
        asked = [
            ["nr", "question", "note", "text"],
            ["1", "rev stone=", 'he said "ä, ö"', "a\r\nb"],
            ["2", "1+2=", "", "-2"],
        ]
        with Path("ask.csv").open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows(asked)
        outcome = command("generate", finished.directory, "--prompts", "ask.csv", "--out", "o.csv", "--max-bytes", "6")
        assert outcome.code == 0, outcome.error
        assert "the column text of the prompts is input_text there" in outcome.error
        assert Path("o.csv").read_bytes().startswith(codecs.BOM_UTF8)
        with Path("o.csv").open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = csv.reader(stream)
        assert header[:6] == ["nr", "question", "note", "input_text", "text", "failure"]
        assert [row[:4] for row in rows] == asked[1:]
        for row in rows:
            said = dict(zip(header, row, strict=True))
            direct = command("generate", finished.directory, said["question"], "--max-bytes", "6").out
            assert direct == said["text"] + "\n"
            assert float(said["cost.flops"]) > 0

    def test_answers_come_some_at_a_time(
        self, command: Command, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        questions = ["rev stone=", "12+34=", "rev stone=", "rev cab=", "5+5="]
        Path("ask.jsonl").write_text("".join(json.dumps({"prompt": one}) + "\n" for one in questions))
        arguments = ("generate", finished.directory, "--prompts", "ask.jsonl", "--max-bytes", "6")
        together = command(*arguments).out
        monkeypatch.setattr("evoswarm.answering.answers.AT_ONCE", 2)
        forgotten: list[Swarm] = []
        forget = Swarm.forget

        def heard(swarm: Swarm) -> None:
            forgotten.append(swarm)
            forget(swarm)

        monkeypatch.setattr(Swarm, "forget", heard)
        assert command(*arguments).out == together
        assert len(together.splitlines()) == 5
        assert len(forgotten) == 3, "what was read is forgotten each time"

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
        refused(command("generate", run_directory, "--prompts", "empty.jsonl"), "empty.jsonl", "at least one row")
        Path("broken.jsonl").write_text('{"prompt": "a"}\n{"prompt": \n')
        refused(command("generate", run_directory, "--prompts", "broken.jsonl"), "broken.jsonl:2")
        Path("other.jsonl").write_text('{"prompt": "a"}\n\n{"question": "b"}\n')
        refused(command("generate", run_directory, "--prompts", "other.jsonl"), "prompt: row 2", "question")
        Path("number.jsonl").write_text('{"prompt": 7}\n')
        refused(command("generate", run_directory, "--prompts", "number.jsonl"), "number.jsonl: prompt: row 1", "7")
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
        recipe["members"][0]["spec"]["path"] = "/" + 5000 * "x"
        Path("long.json").write_text(json.dumps(recipe))
        refused(command("generate", "long.json", "x"), "long.json: members.0.spec.path: expected a model directory")
        recipe["members"][0]["spec"] = {**recipe["members"][1]["spec"], "name": "llama-a", "fingerprint": "0" * 64}
        Path("changed.json").write_text(json.dumps(recipe))
        refused(command("generate", "changed.json", "x"), "changed.json", "llama-a", "fingerprint", "--allow-changed")
        assert command("generate", "changed.json", "x", "--max-bytes", "2", "--allow-changed").code == 0

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b'{"prompt": "a"}\n{"prompt": "\\ud800"}\n', ("ask.jsonl: prompt: row 2", "UTF-8")),
            (b"[" * 100_000, ("ask.jsonl:1", "of a sensible size", "recursion")),
            (b'{"prompt": ' + b"1" * 5000 + b"}", ("ask.jsonl:1", "of a sensible size", "digits")),
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

    def test_an_answer_waits_for_nothing_but_the_models_libraries(self, finished: SearchResult) -> None:
        """What torch and transformers import themselves is theirs to say."""
        libraries = {"mlflow", "optuna", "deap", "datasets", "pandas", "pyarrow", "reasoning_gym", "sklearn", "ruamel"}
        rooms = {"space", "genomes", "evolution", "rivals", "certificate", "statistics", "tracking", "study"}
        code = (
            "import sys; from evoswarm.cli import run\n"
            "code = run(['generate', sys.argv[1], 'rev stone=', '--task', 'spell', '-q'])\n"
            "print(code, {'torch', 'transformers'} <= set(sys.modules), *sorted(sys.modules), sep='\\n')"
        )
        done = python(code, str(finished.directory))
        _, *said = done.stdout.splitlines()
        assert said[:2] == ["0", "True"], done.stderr
        assert not libraries.intersection(said)
        assert not {f"evoswarm.{room}" for room in rooms}.intersection(said)

    def test_a_place_that_cannot_be_written(self, command: Command, finished: SearchResult) -> None:
        Path("file").write_text("")
        refused(command("generate", finished.directory, "x", "--out", "file/rows.jsonl"), "file/rows.jsonl")


class TestOutput:
    """What stands there is not lost without a word, and that is said before anything is loaded."""

    def test_a_file_that_is_there_stays(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "rows.jsonl"
            out.write_text("mine")
            code = (
                "import sys; from evoswarm.cli import run\n"
                f"code = run(['generate', 'nowhere.json', 'x', '--out', {str(out)!r}])\n"
                "print({'torch', 'evoswarm.policies'} & set(sys.modules), code)"
            )
            done = python(code)
            assert done.stdout.split() == ["set()", "2"]
            assert "--overwrite replaces it" in done.stderr
            assert out.read_text() == "mine"

    def test_unless_its_owner_says_so(self, command: Command, finished: SearchResult) -> None:
        Path("rows.jsonl").write_text("mine")
        arguments = ("generate", finished.directory, "rev stone=", "--out", "rows.jsonl", "--max-bytes", "2")
        refused(command(*arguments), "rows.jsonl", "--overwrite replaces it")
        assert command(*arguments, "--overwrite").code == 0
        assert json.loads(Path("rows.jsonl").read_text())["prompt"] == "rev stone="

    def test_it_stays_whole_where_the_command_fails(self, command: Command, finished: SearchResult) -> None:
        recipe = json.loads((finished.directory / "recipes" / "uniform-mix.json").read_text())
        recipe["members"][0]["spec"]["path"] = "/not/there"
        Path("gone.json").write_text(json.dumps(recipe))
        Path("rows.jsonl").write_text("mine")
        refused(command("generate", "gone.json", "x", "--out", "rows.jsonl", "--overwrite"), "/not/there")
        assert Path("rows.jsonl").read_text() == "mine"
        refused(command("generate", "gone.json", "x", "--out", "new.jsonl"), "/not/there")
        assert sorted(path.name for path in Path().iterdir()) == ["gone.json", "rows.jsonl"]

    def test_what_was_answered_before_ctrl_c_is_kept_beside_it(
        self, command: Command, finished: SearchResult, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("ask.csv").write_text("prompt,nr\nrev stone=,1\nrev cab=,2\nrev tea=,3\n")
        monkeypatch.setattr("evoswarm.answering.answers.AT_ONCE", 1)
        answer, asked = Engine.answer, list[str]()

        def impatient(self: Engine, questions: Sequence[Question], **more: Any) -> list[Reply]:
            asked.append(str(questions[0].prompt))
            if len(asked) == 3:
                raise KeyboardInterrupt
            return answer(self, questions, **more)

        monkeypatch.setattr(Engine, "answer", impatient)
        arguments = ("generate", finished.directory, "--prompts", "ask.csv", "--out", "o.csv", "--max-bytes", "4")
        outcome = command(*arguments)
        assert outcome.code == 130
        assert "the 2 rows before that are in o.csv.part" in outcome.error
        assert sorted(path.name for path in Path().iterdir()) == ["ask.csv", "o.csv.part"]
        rows = list(csv.DictReader(Path("o.csv.part").read_text("utf-8-sig").splitlines()))
        assert [row["nr"] for row in rows] == ["1", "2"]

    def test_a_directory_is_no_file(self, command: Command) -> None:
        Path("there").mkdir()
        refused(command("generate", "r.json", "x", "--out", "there", "--overwrite"), "there", "got a directory")


class TestOutputIsNoInput:
    """What a command reads, it does not overwrite, whatever name it is given."""

    @pytest.mark.parametrize("disguise", ["itself", "link", "hard link"])
    @pytest.mark.parametrize("which", ["recipe", "prompts", "file of the run"])
    def test_an_input_is_not_overwritten(
        self, command: Command, finished: SearchResult, tmp_path: Path, which: str, disguise: str
    ) -> None:
        recipe = shutil.copy(finished.directory / "champion.json", tmp_path / "recipe.json")
        Path("ask.jsonl").write_text('{"prompt": "rev stone="}\n')
        run = shutil.copytree(finished.directory, tmp_path / "run")
        asked, victim = {
            "recipe": (recipe, recipe),
            "prompts": (recipe, tmp_path / "ask.jsonl"),
            "file of the run": (run, run / "individuals.jsonl"),
        }[which]
        before = Path(victim).read_bytes()
        out = Path(victim) if disguise == "itself" else Path("out.jsonl")
        if disguise == "link":
            out.symlink_to(victim)
        elif disguise == "hard link":
            out.hardlink_to(victim)
        arguments = ("generate", asked, "--prompts", "ask.jsonl", "--out", out, "--overwrite")
        refused(command(*arguments), "not read by the same command")
        assert Path(victim).read_bytes() == before
