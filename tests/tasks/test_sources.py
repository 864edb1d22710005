"""Items from real files and from reasoning-gym itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import pytest

from evoswarm.errors import TaskError
from evoswarm.tasks import compact_forms
from evoswarm.tasks.dataset import DatasetTask
from evoswarm.tasks.reasoning_gym import ReasoningGymTask
from evoswarm.tasks.rows import read_rows
from evoswarm.tasks.scorers import Exact, Numeric
from evoswarm.tasks.scorers.settings import ScorerSettings
from evoswarm.tasks.settings import FewShot
from evoswarm.tasks.splits import draw_task

ROWS = [{"question": f"{n} + 1?", "answer": str(n + 1), "id": n} for n in range(20)]

WRITERS: dict[str, Callable[[datasets.Dataset, str], Any]] = {
    "jsonl": lambda table, path: table.to_json(path),
    "json": lambda table, path: table.to_json(path, lines=False),
    "csv": lambda table, path: table.to_csv(path),
    "parquet": lambda table, path: table.to_parquet(path),
}


@pytest.fixture(autouse=True)
def _no_progress_bars() -> Any:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def own(path: Path | str, **settings: Any) -> DatasetTask:
    return DatasetTask(name="own", scorer=settings.pop("scorer", Exact()), path=str(path), **settings)


@pytest.mark.parametrize("ending", WRITERS)
def test_every_kind_of_file_gives_the_same_items(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"own.{ending}"
    WRITERS[ending](datasets.Dataset.from_list(ROWS), str(path))
    items = list(own(path).items())
    assert sorted((item.prompt, item.gold) for item in items) == sorted(
        (row["question"], row["answer"]) for row in ROWS
    )
    assert [item.key for item in items] == sorted(item.key for item in items), "in the order of their keys"
    assert str(items[0].raw["id"]) in {str(row["id"]) for row in ROWS}, "scorers see the whole row"
    assert len({item.key for item in items}) == len(ROWS)


def test_text_stays_what_it_was(tmp_path: Path) -> None:
    odd = ["2026-01-31", "2026-01-31T00:00:00", "007", "NA", "1.0", "true", " x ", ""]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps({"question": text}) + "\n" for text in odd))
    (tmp_path / "own.csv").write_text("question\n" + "".join(f'"{text}"\n' for text in odd))
    for name in ("own.jsonl", "own.csv"):
        assert [row["question"] for row in read_rows(str(tmp_path / name)).rows] == odd


def test_keys_depend_on_what_is_asked_and_answered_only(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    before = [item.key for item in own(path).items()]
    path.write_text("".join(json.dumps({**row, "id": -1, "new": "column"}) + "\n" for row in reversed(ROWS)))
    assert [item.key for item in own(path).items()] == before
    path.write_text("".join(json.dumps({**row, "id": copy}) + "\n" for row in ROWS for copy in range(2)))
    assert [item.key for item in own(path).items()] == before, "rows that ask and answer the same are one item"
    elsewhere = tmp_path / "more" / "own.jsonl"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(path.read_bytes())
    assert [item.key for item in own(elsewhere).items()] == before, "a file may move"


def test_templates_reach_into_rows(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    row = {"stem": "What?", "choices": {"text": ["this", "that"]}, "a.b": 7, "label": "B", "score": 1.5}
    path.write_text(json.dumps([row]))
    task = own(
        path,
        prompt="{stem}\nA. {choices.text.0}\nB. {choices.text.1}\n{{{a.b}}} {score}",
        answer="{label}",
        scorer=ScorerSettings(kind="choice").scorer(),
    )
    (item,) = task.items()
    assert item.prompt == "What?\nA. this\nB. that\n{7} 1.5"
    assert task.score(item, "B) that") == 1.0


def test_few_shot_examples_are_no_items(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    plain = {item.key: item for item in own(path).items()}
    task = own(path, few_shot=FewShot(count=2, between=" ", separator="\n--\n"))
    items = list(task.items())
    assert len(items) == len(ROWS) - 2
    first, second = sorted(plain)[:2]
    preamble = "".join(f"{plain[key].prompt} {plain[key].gold}\n--\n" for key in (first, second))
    for item in items:
        assert item.key not in (first, second)
        assert item.prompt == preamble + plain[item.key].prompt
        assert item.gold == plain[item.key].gold
    assert task.examples == (plain[first], plain[second])


FILES: dict[str, tuple[str, bytes, str]] = {
    "no file": ("own.jsonl", b"", "expected at least one row, got none"),
    "json that is an object": ("own.json", b'{"data": []}', "expected a list of objects"),
    "json of numbers": ("own.json", b"[1]", "row 1: expected an object"),
    "broken json": ("own.json", b'[{"a": 1},\n {"a" 2}]', "own.json:2:7: expected JSON"),
    "deep json": ("own.json", b"[" * 100_000, "of a sensible size"),
    "a header only": ("own.csv", b"question,answer\n", "at least one row"),
    "a column twice": ("own.csv", b"a,a\n1,2\n", "own.csv:1: expected columns of different names"),
    "too many fields": ("own.csv", b"a,b\n1,2\n1,2,3\n", "own.csv:3: expected 2 fields (as the header has), got 3"),
    "too few fields": ("own.csv", b"a,b\n1\n", "own.csv:2: expected 2 fields"),
    "an open quote": ("own.csv", b'a,b\n"1,2\n', "expected CSV"),
    "csv in Latin-1": ("own.csv", b"a,b\n1,\xe9\n", "own.csv:2: expected UTF-8"),
    "a parquet that is none": ("own.parquet", b"PAR", "expected a parquet file"),
    "another kind": ("./own.txt", b"x", "a file that ends in .jsonl, .ndjson, .json, .csv, .tsv, .parquet, .jsonl.gz"),
}


@pytest.mark.parametrize(("name", "content", "words"), FILES.values(), ids=FILES.keys())
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning")
def test_files_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    with pytest.raises(TaskError, match=re.escape(words)) as caught:
        list(own(name).items())
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_a_data_set_of_the_hub_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **settings: Any) -> None:
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'owner/none' doesn't exist\nor is gated")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(TaskError, match="HF_TOKEN") as caught:
        list(own("owner/none", subset="main").items())
    assert "\n" not in str(caught.value)


def test_a_data_set_of_the_hub_is_asked_for_as_the_task_says(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def give(path: str, **settings: Any) -> datasets.Dataset:
        asked.update(settings, path=path)
        return datasets.Dataset.from_list([{"question": "2 + 2?", "answer": "so\n#### 4"}])

    monkeypatch.setattr(datasets, "load_dataset", give)
    task = own("owner/questions", subset="main", split="test", revision="abc", scorer=Numeric())
    (item,) = task.items()
    assert asked == {"path": "owner/questions", "name": "main", "split": "test", "revision": "abc"}
    assert task.score(item, "I think 4.") == 1.0


# reasoning-gym


@pytest.mark.parametrize("family", sorted(compact_forms.FAMILIES))
def test_compact_items(family: str) -> None:
    task = ReasoningGymTask.verified(name="t", family=family)
    items = list(islice(task.items(), 5))
    assert items == list(islice(ReasoningGymTask.verified(name="t", family=family).items(), 5))
    for item in items:
        assert task.score(item, f" {item.gold}") == 1.0
        assert task.score(item, item.gold + item.gold) == 0.0
        assert task.score(item, f"{item.gold} or not") == 0.0, "an answer that contains the answer is not the answer"
        assert task.score(item, "") == 0.0


@pytest.mark.parametrize("family", sorted(set(compact_forms.FAMILIES) - {"pair"}))
def test_compact_answers_are_those_of_the_verifier(family: str) -> None:
    """The compact gold is the entry's own answer, at least up to how it is written down."""
    import reasoning_gym

    dataset = reasoning_gym.create_dataset(family, seed=0, size=1)
    for item in islice(ReasoningGymTask.verified(name="t", family=family).items(), 5):
        own_answer = item.raw["answer"]
        assert dataset.score_answer(own_answer, item.raw) == 1.0
        letters = re.findall(r"\w+", item.gold.lower())
        assert letters == re.findall(r"\w+", own_answer.lower().replace(".0", ""))


def test_equal_questions_are_equal_items() -> None:
    items = list(islice(ReasoningGymTask.verified(name="a", family="gcd", seed=0).items(), 2000))
    others = islice(ReasoningGymTask.verified(name="b", family="gcd", seed=999, config={"max_value": 50}).items(), 2000)
    keys = {item.prompt: item.key for item in items}
    assert len(set(keys.values())) == len(keys)
    shared = [item for item in others if item.prompt in keys]
    assert shared
    assert all(item.key == keys[item.prompt] for item in shared), "whatever seed, settings and name"


def test_questions_in_words_are_judged_by_the_family_s_verifier() -> None:
    task = ReasoningGymTask.verified(name="t", family="number_sorting", form="question")
    item = next(task.items())
    assert len(item.prompt) > 40
    assert task.score(item, item.gold) == 1.0
    assert task.score(item, f"Sorted: <answer>{item.gold}</answer>") == 1.0
    assert task.extract(f"<answer>no</answer> <answer> {item.gold} </answer>") == item.gold
    assert task.score(item, f"I think it is {item.gold}") == 0.0, "partial credit does not count"
    assert "number_sorting" in task.scorer_id


def test_a_verifier_that_raises_has_not_been_given_the_answer() -> None:
    task = ReasoningGymTask.verified(name="t", family="prime_factorization", form="question")
    item = next(task.items())
    assert task.score(item, "nonsense") == 0.0
    assert task.score(item, item.gold) == 1.0


def test_families_that_make_all_their_items_at_once_end() -> None:
    task = ReasoningGymTask.verified(name="t", family="list_functions", form="question")
    assert 1000 <= sum(1 for _ in islice(task.items(), 5000)) < 5000


def test_another_scorer_than_the_verifier() -> None:
    task = ReasoningGymTask(name="t", family="chain_sum", form="question", scorer=Numeric())
    item = next(task.items())
    assert task.score(item, f"It is {item.gold}.") == 1.0
    picky = ReasoningGymTask(name="t", family="spell_backward", scorer=Numeric())
    with pytest.raises(TaskError, match="a number in the gold"):
        next(picky.items())


def test_examples_need_answers() -> None:
    task = ReasoningGymTask.verified(name="t", family="propositional_logic", form="question", few_shot=FewShot(count=1))
    with pytest.raises(TaskError, match="items with an answer"):
        next(task.items())


def test_examples_of_a_procedural_source() -> None:
    plain = list(islice(ReasoningGymTask.verified(name="t", family="gcd").items(), 3))
    item = next(ReasoningGymTask.verified(name="t", family="gcd", few_shot=FewShot(count=2)).items())
    assert item.prompt == "".join(f"{shown.prompt}{shown.gold}\n\n" for shown in plain[:2]) + plain[2].prompt
    assert item.key == plain[2].key


def test_splits_of_a_small_family_end_with_a_clear_error() -> None:
    task = ReasoningGymTask.verified(name="bits", family="count_bits")
    with pytest.raises(TaskError, match="255 distinct items"):
        draw_task(task, {"search": 10, "selection": 10, "test": 1000}, (0.3, 0.2, 0.5))
