"""Questions of a file: which column holds them, and what stands beside them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evoswarm.cli.given.questions import read_questions
from evoswarm.errors import RunError
from evoswarm.experiment.asking import Asking


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


class TestColumns:
    @pytest.mark.parametrize("name", ["ask.csv", "ask.tsv", "ask.jsonl", "ask.json", "ask"])
    def test_every_kind_of_table_is_read(self, tmp_path: Path, name: str) -> None:
        rows = [{"prompt": "a", "level": "1"}, {"prompt": "b", "level": "2"}]
        delimiter = {".csv": ",", ".tsv": "\t"}.get(Path(name).suffix)
        text = json.dumps(rows) if name.endswith(".json") else "\n".join(json.dumps(row) for row in rows)
        if delimiter is not None:
            text = "\n".join(delimiter.join(fields) for fields in (rows[0], *(row.values() for row in rows)))
        questions = read_questions(None, written(tmp_path, name, text))
        assert list(questions.texts) == ["a", "b"]
        assert [questions.kept(number) for number in range(2)] == rows

    def test_prompt_comes_before_question_and_a_name_before_both(self, tmp_path: Path) -> None:
        file = written(tmp_path, "ask.csv", "question,prompt,task\na,b,c\n")
        assert read_questions(None, file).texts == ["b"]
        assert read_questions(None, file, "task").texts == ["c"]
        assert read_questions(None, written(tmp_path, "other.csv", "question,task\na,c\n")).texts == ["a"]

    def test_where_none_is_meant_those_that_are_there_are_named(self, tmp_path: Path) -> None:
        file = written(tmp_path, "ask.csv", "id,frage\n1,a\n")
        with pytest.raises(RunError, match=r"'prompt' or 'question' \(--column names .* got the columns id, frage"):
            read_questions(None, file).asked(Asking())
        with pytest.raises(RunError, match="expected a column 'Frage', got the columns id, frage"):
            read_questions(None, file, "Frage")

    def test_a_column_belongs_to_a_file(self) -> None:
        with pytest.raises(RunError, match="--column: expected --prompts FILE"):
            read_questions("what?", None, "prompt")


class TestNames:
    def test_what_an_answer_has_too_is_kept_under_another_name(self, tmp_path: Path) -> None:
        file = written(tmp_path, "ask.jsonl", '{"prompt": "a", "text": "b", "cost.flops": 3}\n')
        assert read_questions(None, file).kept(0) == {"prompt": "a", "input_text": "b", "input_cost.flops": 3}

    def test_unless_that_is_taken(self, tmp_path: Path) -> None:
        file = written(tmp_path, "ask.jsonl", '{"prompt": "a", "text": "b", "input_text": "c"}\n')
        with pytest.raises(RunError, match=r"'text' .* or 'input_text' .* got both: rename one"):
            read_questions(None, file)
