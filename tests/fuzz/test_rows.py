"""Tables that are spoilt by chance are read or refused in a sentence, whatever their format and whatever is asked."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections import Counter
from pathlib import Path
from random import Random

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from evoswarm.errors import TaskError
from evoswarm.tasks.dataset import DatasetTask
from evoswarm.tasks.scorers.settings import ScorerSettings
from tests.fuzz.mutations import spoil_bytes, spoil_file, spoil_folder, spoil_json_file
from tests.fuzz.sentences import refusal

CASES = 300
ROWS = [
    {
        "question": f"{n}+1",
        "answer": str(n + 1),
        "key": "B",
        "choices": {"text": ["this", "that"], "label": ["A", "B"]},
        "options": ["a", "b", "c"],
        "index": n % 3,
        "number": float(n),
    }
    for n in range(12)
]
PROMPTS = ("{question}=", "{question}\n{options:lettered}", "{choices:lettered} {choices.text.0}", "{number:integer}")
ANSWERS = ("{answer}", "{key:letter of choices}", "{index:letter}", "{number}", "{choices}")
SCORERS = ("exact", "numeric", "choice", "contains")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good tables in every format."""
    folder = tmp_path_factory.mktemp("tables")
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "own.jsonl").write_text(lines)
    (folder / "own.json").write_text(json.dumps(ROWS))
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    for ending, delimiter in ((".csv", ","), (".tsv", "\t")):
        text = io.StringIO()
        table = csv.DictWriter(text, list(ROWS[0]), delimiter=delimiter)
        table.writeheader()
        table.writerows(ROWS)
        (folder / f"own{ending}").write_text(text.getvalue())
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), folder / "own.parquet")
    datasets.disable_progress_bars()
    datasets.Dataset.from_list(ROWS).save_to_disk(str(folder / "saved"), num_shards=2)
    return folder


def spoilt(source: Path, target: Path, chance: Random) -> str:
    """Copy a table, spoil it, and say how."""
    if source.is_dir():
        shutil.copytree(source, target)
        one = chance.choice(sorted(target.iterdir()))
        if chance.random() < 0.2:
            return spoil_folder(target, chance)
        return spoil_json_file(one, chance) if one.suffix == ".json" else spoil_file(one, chance)
    shutil.copyfile(source, target)
    if target.suffix == ".gz" and chance.random() < 0.5:
        content, done = spoil_bytes(gzip.decompress(target.read_bytes()), chance)
        target.write_bytes(gzip.compress(content))
        return done
    return spoil_json_file(target, chance) if target.suffix in (".json", ".jsonl") else spoil_file(target, chance)


def test_every_good_table_is_read(tables: Path) -> None:
    for table in tables.iterdir():
        task = DatasetTask(name="t", scorer=ScorerSettings(kind="exact").scorer(), path=str(table))
        assert len(list(task.items())) == len(ROWS)


@pytest.mark.filterwarnings("ignore:.*:ResourceWarning")
def test_spoilt_tables(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found: Counter[str] = Counter()
    for number in range(CASES):
        chance = Random(f"rows {number}")
        source = chance.choice(sorted(tables.iterdir()))
        target = tmp_path / str(number) / source.name
        target.parent.mkdir()
        done = spoilt(source, target, chance)
        prompt, answer, scorer = chance.choice(PROMPTS), chance.choice(ANSWERS), chance.choice(SCORERS)
        task = DatasetTask(
            name="t", scorer=ScorerSettings(kind=scorer).scorer(), path=str(target), prompt=prompt, answer=answer
        )
        said = refusal(lambda task=task: (list(task.items()), task.remarks), TaskError, f"{number}: {done}")  # type: ignore[misc]
        found["read" if said is None else "refused"] += 1
    assert found["read"] > CASES / 20
    assert found["refused"] > CASES / 3
