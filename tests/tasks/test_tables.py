"""Tables as people's programs leave them: each is read, or refused in a sentence that names what it is."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from evoswarm.errors import TaskError
from evoswarm.tasks import arrow_tables, dataset, sourced_task, table, template, text_tables
from evoswarm.tasks.dataset import DatasetTask
from evoswarm.tasks.rows import is_local, read_rows
from evoswarm.tasks.scorers import Exact, Numeric
from evoswarm.tasks.scorers.settings import ScorerSettings
from evoswarm.tasks.settings import FewShot

ROWS = [{"question": f"{n} + 1?", "answer": str(n + 1)} for n in range(5)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def separated(delimiter: str, header: tuple[str, str] = ("question", "answer")) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([header, *(row.values() for row in ROWS)])
    return text.getvalue().encode()


READ: dict[str, tuple[str, bytes]] = {
    "lines that end in CR LF": ("own.jsonl", LINES.replace("\n", "\r\n").encode()),
    "lines that end in CR": ("own.jsonl", LINES.replace("\n", "\r").encode()),
    "a byte order mark": ("own.jsonl", b"\xef\xbb\xbf" + LINES.encode()),
    "another name of jsonl": ("own.ndjson", LINES.encode()),
    "capital letters": ("OWN.JSONL", LINES.encode()),
    "gzip": ("own.jsonl.gz", gzip.compress(LINES.encode())),
    "gzip in two parts": ("own.jsonl.gz", gzip.compress(LINES[:30].encode()) + gzip.compress(LINES[30:].encode())),
    "csv in gzip": ("own.csv.gz", gzip.compress(separated(","))),
    "tabs": ("own.tsv", separated("\t")),
    "semicolons": ("own.csv", separated(";")),
    "a header with blanks": ("own.csv", separated(",", (" question", " answer "))),
    "columns without a name": ("own.csv", separated(",").replace(b"\r\n", b",,\r\n")),
    "csv with CR": ("own.csv", separated(",").replace(b"\r\n", b"\r")),
}


@pytest.mark.parametrize(("name", "content"), READ.values(), ids=READ.keys())
def test_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    found = read_rows(name)
    assert found.columns == ("question", "answer")
    assert found.rows == ROWS


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "UTF-16": ("own.jsonl", LINES.encode("utf-16"), "own.jsonl:1: expected UTF-8, got UTF-16"),
    "Latin-1": ("own.csv", b"question,answer\ncaf\xe9,1\n", "own.csv:2: expected UTF-8, got the byte 0xe9"),
    "a file cut off": ("own.jsonl", LINES.encode()[:-9], "own.jsonl:5:24: expected JSON, got a syntax error"),
    "a file cut off, and told": ("own.jsonl", LINES.encode()[:-9], "the file may have been cut off"),
    "a list cut off": ("own.json", b'[{"question": 1}, {"que', "the file may have been cut off"),
    "a csv cut off": ("own.csv", b'question\n"1 + ', "a quote is never closed, or the file was cut off"),
    "quotes of another kind": (
        "own.csv",
        b'question\n"say \\"1\\""\n',
        "a quote within a quoted field is written twice",
    ),
    "lines in a list's file": ("own.json", LINES.encode(), "one object a line is a .jsonl file"),
    "a pointer of git-lfs": ("own.jsonl", POINTER, "`git lfs pull` fetches the file"),
    "a pointer for parquet": ("own.parquet", POINTER, "`git lfs pull` fetches the file"),
    "no gzip": ("own.csv.gz", b"question", "expected a gzip file, got"),
    "gzip cut off": ("own.csv.gz", gzip.compress(LINES.encode())[:-9], "expected a whole gzip file"),
    "text": ("own", b"1 + 1", "expected a file that ends in .jsonl, "),
}


@pytest.mark.parametrize(("name", "content", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    assert is_local(name), "what is here is never a name of the hub"
    with pytest.raises(TaskError, match=re.escape(words)) as caught:
        read_rows(name)
    assert str(caught.value).startswith(name)


def test_odd_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    os.mkfifo("own.jsonl")
    Path("gone.csv").symlink_to("nowhere.csv")
    for name, got in {
        "folder": "a directory",
        "own.jsonl": "something else than a regular file",
        "gone.csv": "something else than a regular file",
        "none.csv": "no such file",
        "~nobody/own.csv": "no such file",
        "x" * 5000 + ".csv": "no such file",
    }.items():
        with pytest.raises(TaskError, match=f"expected a readable file, got {got}"):
            read_rows(name)


def test_what_gzip_makes_of_little_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_tables, "_LARGEST", 1000)
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(b"a" * 1001))
    with pytest.raises(TaskError, match="expected at most 1,000 bytes when unpacked, got more"):
        read_rows(str(tmp_path / "own.csv.gz"))


@pytest.mark.parametrize("name", ["own.jsonl", "own.csv", "own.parquet", "own.json", "own"])
def test_rows_are_counted_before_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 4 if name != "own.json" else 1)
    path = tmp_path / name
    datasets.disable_progress_bars()
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    elif path.suffix:
        path.write_bytes(
            {".jsonl": LINES.encode(), ".csv": separated(","), ".json": b"[{}, {}, {}, {}, {}, {}, {}, {}]"}[
                path.suffix
            ]
        )
    else:
        datasets.Dataset.from_list(ROWS).save_to_disk(str(path))
    with pytest.raises(TaskError, match=r"expected at most \d rows, got more"):
        read_rows(str(path))


def test_fields_of_any_length(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    (tmp_path / "own.csv").write_text("question,answer\n" + "long " * 40_000 + ",1\n")
    (row,) = read_rows(str(tmp_path / "own.csv")).rows
    assert len(row["question"]) == 200_000
    assert csv.field_size_limit() == before, "other readers in the process keep their own"


def test_folders_that_datasets_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    datasets.disable_progress_bars()
    whole = datasets.Dataset.from_list(ROWS)
    whole.save_to_disk("own", num_shards=2)
    datasets.DatasetDict({"train": whole, "test": whole.select([0])}).save_to_disk("many")
    assert read_rows("own").rows == read_rows("own/").rows == ROWS
    assert read_rows("many").rows == ROWS
    assert read_rows("many", split="test").rows == ROWS[:1]
    with pytest.raises(TaskError, match=r"split: expected one of its splits \(train, test\), got 'dev'"):
        read_rows("many", split="dev")
    with pytest.raises(TaskError, match="split: expected the split 'train', got 'test'"):
        read_rows("own", split="test")
    state = Path("own/state.json")
    for spoilt, words in {
        "[": "expected JSON as save_to_disk writes it",
        "[]": "expected a JSON object",
        '{"_data_files": 1}': "_data_files: expected a list of files",
        '{"_data_files": [{"filename": "../../etc/passwd"}]}': "_data_files.0.filename: expected a file beside it",
        '{"_data_files": [{"filename": "state.json"}]}': "expected files of arrow, got",
    }.items():
        state.write_text(spoilt)
        with pytest.raises(TaskError, match=words):
            read_rows("own")


class TestRows:
    """What a row may hold."""

    @staticmethod
    def refused(tmp_path: Path, rows: list[dict[str, Any]], words: str, **settings: Any) -> None:
        (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        with pytest.raises(TaskError, match=words):
            list(DatasetTask(name="t", scorer=Exact(), path=str(tmp_path / "own.jsonl"), **settings).items())

    def test_halves_of_characters(self, tmp_path: Path) -> None:
        half = {"question": "1 + 1?\ud83d", "answer": "2"}
        self.refused(tmp_path, [*ROWS, half], "prompt: row 6: expected a text that UTF-8 can encode, got '1")
        half = {"question": "1 + 1?", "answer": ["2\udc00"]}  # type: ignore[dict-item]
        self.refused(tmp_path, [*ROWS, half], "answer: row 6: expected a text that UTF-8 can encode, got")

    def test_what_is_no_number(self, tmp_path: Path) -> None:
        self.refused(tmp_path, [*ROWS, {"question": "0 / 0?", "answer": float("nan")}], "row 6: .*'answer', got NaN")

    def test_what_few_placeholders_make_of_a_long_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [{"question": "x" * 100, "answer": "1"}, {"question": "y" * 100, "answer": "1"}]
        monkeypatch.setattr(template, "LONGEST", 1000)
        self.refused(tmp_path, rows, "prompt: row 1: expected a text of at most 1,000", prompt="{question}" * 11)
        monkeypatch.setattr(dataset, "_LARGEST", 1500)
        self.refused(tmp_path, rows, "prompt: row 2: expected questions of at most 1,500", prompt="{question}" * 9)
        monkeypatch.setattr(sourced_task, "LONGEST", 150)
        self.refused(
            tmp_path, rows, r"few_shot\.count: expected examples of at most 150 characters", few_shot=FewShot(count=2)
        )

    def test_keys_that_are_no_option(self, tmp_path: Path) -> None:
        options = {"text": ["this", "that"], "label": ["A", "B"]}
        rows = [
            {"question": "?", "choices": options, "answer": "B"},
            {"question": "?", "choices": options, "answer": "C"},
        ]
        words = "answer: row 2: expected one of the labels A, B of 'choices', got 'C'"
        self.refused(
            tmp_path, rows, words, answer="{answer:letter of choices}", prompt="{question}\n{choices:lettered}"
        )

    def test_empty_answers(self, tmp_path: Path) -> None:
        self.refused(
            tmp_path, [*ROWS, {"question": "?", "answer": " "}], "row 6: expected an answer, got an empty text"
        )

    @pytest.mark.parametrize("levels", [*range(850, 1000, 10), 100_000])
    def test_many_levels(self, tmp_path: Path, levels: int) -> None:
        deep = "[" * levels + "]" * levels
        (tmp_path / "own.jsonl").write_text(f'{{"question": "?", "answer": {deep}}}\n')
        task = DatasetTask(name="t", scorer=Exact(), path=str(tmp_path / "own.jsonl"))
        with suppress(TaskError):  # how deep Python goes is its own business; beyond that it is a sentence
            assert next(iter(task.items())).gold.startswith("[[[")

    def test_integers_that_a_table_made_floats_of_are_told(self, tmp_path: Path) -> None:
        path = tmp_path / "own.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"question": ["1?", "2?"], "answer": [1.0, 2.0]}), path)
        task = DatasetTask(name="t", scorer=Exact(), path=str(path))
        (remark,) = task.remarks
        assert re.search(r"answer: .* such as '[12]\.0' .*\{column:integer\}", remark)
        assert DatasetTask(
            name="t", scorer=ScorerSettings(kind="regex", pattern="[0-9]+").scorer(), path=str(path)
        ).remarks
        assert not DatasetTask(name="t", scorer=Numeric(), path=str(path)).remarks, "to numeric they are the same"
        labels = ScorerSettings(kind="choice", choices=("1", "2")).scorer()
        assert not DatasetTask(name="t", scorer=labels, path=str(path)).remarks, "and to choices"
        asked = DatasetTask(name="t", scorer=Numeric(), path=str(path), prompt="{question} {answer}")
        assert "prompt: all of 'answer' are whole numbers as floats" in asked.remarks[0]
        whole = DatasetTask(name="t", scorer=Exact(), path=str(path), answer="{answer:integer}")
        assert sorted(item.gold for item in whole.items()) == ["1", "2"]
        assert not whole.remarks
        assert [item.key for item in whole.items()] == [item.key for item in task.items()]


def test_keys_stay_what_they_were(tmp_path: Path) -> None:
    """Keys drive splits: a change of the reader may not move an item."""
    (tmp_path / "own.jsonl").write_text(LINES)
    (tmp_path / "own.csv").write_bytes(separated(","))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "own.parquet")
    keys = {
        name: next(DatasetTask(name="t", scorer=Exact(), path=str(tmp_path / name)).items()).key[:8]
        for name in ("own.jsonl", "own.csv", "own.parquet")
    }
    assert keys == {"own.jsonl": "0198ee47", "own.csv": "4c3863b6", "own.parquet": "23a7f52a"}


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and the paths that it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  # the library's name

        def log_message(self, *_: object) -> None:
            pass

    web = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=web.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}", asked
    web.shutdown()
    thread.join()
    web.server_close()


class TestBytes:
    """Columns of images and sound are left where they are."""

    @staticmethod
    def write(path: Path, **columns: dict[str, Any]) -> None:
        """A table of questions with columns that metadata says are to be decoded."""
        kinds = {"question": {"dtype": "string", "_type": "Value"}, "answer": {"dtype": "string", "_type": "Value"}}
        kinds |= {name: {"_type": column["kind"]} for name, column in columns.items()}
        stored = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        table = pyarrow.Table.from_pylist(ROWS)
        for name, column in columns.items():
            table = table.append_column(name, pyarrow.array([column["value"]] * len(ROWS), stored))
        metadata = {"huggingface": json.dumps({"info": {"features": kinds}})}
        pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)

    def test_unused_ones_do_not_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "own.parquet"
        self.write(
            path,
            image={"kind": "Image", "value": {"bytes": b"broken", "path": None}},
            sound={"kind": "Audio", "value": {"bytes": b"RIFF", "path": None}},
        )
        items = list(DatasetTask(name="t", scorer=Exact(), path=str(path)).items())
        assert sorted(item.gold for item in items) == sorted(row["answer"] for row in ROWS)
        with pytest.raises(TaskError, match=r"expected a column of texts or numbers, got bytes .* in 'image'"):
            list(DatasetTask(name="t", scorer=Exact(), path=str(path), prompt="{image}").items())

    def test_nothing_is_fetched(self, tmp_path: Path, server: tuple[str, list[str]]) -> None:
        address, asked = server
        path = tmp_path / "own.parquet"
        self.write(path, image={"kind": "Image", "value": {"bytes": None, "path": f"{address}/a.png"}})
        assert len(list(DatasetTask(name="t", scorer=Exact(), path=str(path)).items())) == len(ROWS)
        with pytest.raises(TaskError, match="got bytes"):
            list(DatasetTask(name="t", scorer=Exact(), path=str(path), prompt="{image.path}").items())
        assert asked == []

    def test_nor_decoded_where_a_data_set_comes_from_the_hub(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, list[str]]
    ) -> None:
        address, asked = server
        path = tmp_path / "own.parquet"
        self.write(path, image={"kind": "Image", "value": {"bytes": None, "path": f"{address}/a.png"}})
        table = datasets.Dataset(datasets.table.InMemoryTable(pyarrow.parquet.read_table(path)))
        assert isinstance(table.features["image"], datasets.Image)
        monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: table)
        assert read_rows("owner/pictures").rows == ROWS
        assert asked == []

    def test_labels_are_their_numbers(self, tmp_path: Path) -> None:
        datasets.disable_progress_bars()
        features = datasets.Features(
            {"question": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
        )
        rows = {"question": ["a", "b"], "label": [0, 1]}
        datasets.Dataset.from_dict(rows, features=features).to_parquet(str(tmp_path / "own.parquet"))
        task = DatasetTask(name="t", scorer=Exact(), path=str(tmp_path / "own.parquet"), answer="{label}")
        assert {item.prompt: item.gold for item in task.items()} == {"a": "0", "b": "1"}


class TestMuchInLittle:
    """Few bytes of arrow that stand for very many."""

    @staticmethod
    def refused(path: Path, table: pyarrow.Table) -> None:
        with pyarrow.OSFile(str(path / "data.arrow"), "wb") as file, pyarrow.ipc.new_stream(file, table.schema) as to:
            to.write_table(table)
        (path / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
        assert (path / "data.arrow").stat().st_size < 1_000_000
        with pytest.raises(TaskError, match="expected at most 9,000,000 bytes of values, got more"):
            read_rows(str(path))

    def test_one_text_many_times(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrow_tables, "_LARGEST", 9_000_000)
        texts = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1000), pyarrow.array(["x" * 50_000]))
        self.refused(tmp_path, pyarrow.table({"question": texts}))

    def test_a_list_of_very_many_nulls(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(arrow_tables, "_LARGEST", 9_000_000)
        nulls = pyarrow.ListArray.from_arrays([0, 2_000_000], pyarrow.nulls(2_000_000))
        self.refused(tmp_path, pyarrow.table({"question": nulls}))

    def test_columns_that_hide_their_size_are_left(self, tmp_path: Path) -> None:
        inner = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * len(ROWS)), pyarrow.array(["x"]))
        hidden = pyarrow.StructArray.from_arrays([inner], ["a"])
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pylist(ROWS).append_column("hidden", hidden), tmp_path / "own.parquet"
        )
        found = read_rows(str(tmp_path / "own.parquet"))
        assert (found.rows, found.unread) == (ROWS, ("hidden",))

    def test_kinds_of_values(self, tmp_path: Path) -> None:
        columns = {
            "category": pyarrow.array(["a", "b", None]).dictionary_encode(),
            "view": pyarrow.array(["a", None, "b"], pyarrow.string_view()),
            "list": pyarrow.array([["a"], None, []], pyarrow.list_(pyarrow.string())),
            "pair": pyarrow.array([[1, 2], [3, 4], [5, 6]], pyarrow.list_(pyarrow.int8(), 2)),
            "map": pyarrow.array([[("k", 1)], [], None], pyarrow.map_(pyarrow.string(), pyarrow.int8())),
            "struct": pyarrow.array([{"a": 1}, None, {"a": None}]),
            "nothing": pyarrow.nulls(3),
            "truth": pyarrow.array([True, None, False]),
            "day": pyarrow.array([0, 1, None], pyarrow.date32()),
        }
        table = pyarrow.table(columns)
        pyarrow.parquet.write_table(table, tmp_path / "own.parquet")
        assert read_rows(str(tmp_path / "own.parquet")).rows == table.to_pylist()
