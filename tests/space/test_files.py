# ruff: noqa: E501
"""`check_files`: everything a space names is looked at before a model is loaded."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evoswarm.errors import EvoswarmError, MemberError, RecipeError, TaskError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.space import SearchSpace, check_files, draw_items, make_tasks, told_alphabet
from evoswarm.trust import Trust

SPACE = """\
name: files
pool:
  - name: mine
    path: ./model
    chat_template: true
  - name: other
    path: ./other
tasks:
  - name: sums
    source: reasoning_gym
    family: chain_sum
  - name: own
    source: dataset
    path: own.jsonl
splits: {search: 8, selection: 8, test: 8}
"""


def write_model(directory: Path, *, tokens: tuple[str, ...] = ("<eos>", "a", "b")) -> None:
    """The files of a model as `save_pretrained` writes them; the weights are never read."""
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"model_type": "llama", "eos_token_id": 0}))
    vocabulary = {token: index for index, token in enumerate(tokens)}
    (directory / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}, "added_tokens": []}))
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"eos_token": "<eos>", "chat_template": "{{ messages[0].content }}"})
    )
    (directory / "model.safetensors").write_bytes(weights("model.embed_tokens.weight", "lm_head.weight"))


def weights(*names: str, size: int = 4) -> bytes:
    """A file of safetensors with tensors of two numbers each."""
    place = {name: [at * size, (at + 1) * size] for at, name in enumerate(names)}
    header = json.dumps({name: {"dtype": "F16", "shape": [2], "data_offsets": place[name]} for name in names}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size * len(names))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two models, questions and a space that names them."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "model")
    write_model(tmp_path / "other")
    rows = [{"question": f"{n} + 1?", "answer": str(n + 1)} for n in range(60)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "space.yaml").write_text(SPACE)
    return tmp_path


def test_a_good_space_passes(home: Path) -> None:
    assert check_files(SearchSpace.from_yaml("space.yaml")) == ()


def rewrite(file: str, **changes: object) -> Callable[[Path], None]:
    """Change keys of a JSON file; None removes."""

    def change(home: Path) -> None:
        content = {**json.loads((home / file).read_text()), **changes}
        (home / file).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return change


def text(file: str, content: str | bytes) -> Callable[[Path], None]:
    def write(home: Path) -> None:
        (home / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def sharded(index: str) -> Callable[[Path], None]:
    def write(home: Path) -> None:
        (home / "model/model.safetensors").rename(home / "model/model-0.safetensors")
        (home / "model/model.safetensors.index.json").write_text(index)

    return write


def gone(file: str) -> Callable[[Path], None]:
    def remove(home: Path) -> None:
        path = home / file
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return remove


def edit(old: str, new: str) -> Callable[[Path], None]:
    assert old in SPACE
    return text("space.yaml", SPACE.replace(old, new))


def no_end(home: Path) -> None:
    rewrite("model/config.json", eos_token_id=None)(home)
    rewrite("model/tokenizer_config.json", eos_token=None)(home)


def warm_start(name: str) -> Callable[[Path], None]:
    def write(home: Path) -> None:
        spec = MemberSpec(name=name, path=name)
        Recipe(members=(RecipeMember(spec=spec),), lead=name).save(home / "warm.json")
        (home / "space.yaml").write_text(SPACE + "warm_start: [warm.json]\n")

    return write


def warm_start_of_another_gate(home: Path) -> None:
    members = [RecipeMember(spec=MemberSpec(name=name, path=name), threshold=0.5) for name in ("mine", "other")]
    Recipe(members=tuple(members), lead="mine", gate="random").save(home / "warm.json")
    (home / "space.yaml").write_text(SPACE + "warm_start: [warm.json]\n")


def warm_start_of_a_cut_draw(home: Path) -> None:
    members = (RecipeMember(spec=MemberSpec(name="mine", path="mine")),)
    Recipe(members=members, lead="mine", samples=3, top_p=0.9).save(home / "warm.json")
    (home / "space.yaml").write_text(SPACE + "warm_start: [warm.json]\n")


def numeric(answer: str, kind: str = "numeric") -> Callable[[Path], None]:
    def write(home: Path) -> None:
        edit("own.jsonl", f"own.jsonl\n    scorer: {{kind: {kind}}}")(home)
        text("own.jsonl", row(question="?", answer=answer))(home)

    return write


def row(**values: object) -> str:
    return json.dumps(values) + "\n"


GOOD_ROW = row(question="1?", answer="1")

SPOILT: dict[str, tuple[Callable[[Path], None], type[EvoswarmError], str, int, str]] = {
    # members
    "a model that is not there": (gone("model"), MemberError, "pool.0.path", 4, "no such directory"),
    "a file for a model": (edit("./model", "./own.jsonl"), MemberError, "pool.0.path", 4, "got a file"),
    "an impossible hub id": (edit("./model", "a/b/c"), MemberError, "pool.0.path", 4, "owner/name"),
    "no built-in member": (edit("./model", "zoo:lama"), MemberError, "pool.0.path", 4, "llama-a"),
    "a model without config": (gone("model/config.json"), MemberError, "pool.0.path", 4, "config.json"),
    "a broken config": (text("model/config.json", "{"), MemberError, "pool.0.path", 4, "expected JSON in 'model/con"),
    "a config that is a list": (text("model/config.json", "[]"), MemberError, "pool.0.path", 4, "an object"),
    "a model without tokenizer": (gone("model/tokenizer.json"), MemberError, "pool.0.path", 4, "a tokenizer"),
    "a model without weights": (gone("model/model.safetensors"), MemberError, "pool.0.path", 4, "weights"),
    "empty weights": (text("model/model.safetensors", ""), MemberError, "pool.0.path", 4, "weights"),
    "a missing shard": (
        sharded('{"weight_map": {"x": "model-1.safetensors"}}'),
        MemberError,
        "pool.0.path",
        4,
        "model-1.safetensors",
    ),
    "no end token": (no_end, MemberError, "pool.0.path", 4, "an end token"),
    "samples at no temperature": (
        text("model/generation_config.json", '{"do_sample": true, "temperature": 0.0}'),
        MemberError,
        "pool.0.path",
        4,
        "expected a number above 0 (do_sample is on) as temperature in 'model/generation_config.json', got 0.0",
    ),
    "no chat template": (
        rewrite("model/tokenizer_config.json", chat_template=None),
        MemberError,
        "pool.0.chat_template",
        5,
        "chat template",
    ),
    # recipes to start from
    "a recipe that is not there": (edit("name: files", "name: files\nwarm_start: [x.json]"), RecipeError, "warm_start.0", 2, "x.json"),
    "a recipe of another gate": (warm_start_of_another_gate, RecipeError, "warm_start.0", 16, "expected the gate 'entropy' (searches know no other), got 'random'"),
    "a recipe that cuts its draws": (warm_start_of_a_cut_draw, RecipeError, "warm_start.0", 16, "expected a recipe without top_p (searches know no such thing), got 0.9"),
    "a recipe of strangers": (warm_start("stranger"), RecipeError, "warm_start.0", 16, "members of the pool (mine, other), got 'stranger'"),
    # data sets
    "a data set that is not there": (gone("own.jsonl"), TaskError, "tasks.1.path", 14, "own.jsonl: expected a readable file"),
    "a data set of unknown kind": (edit("own.jsonl", "./own.txt"), TaskError, "tasks.1.path", 14, ".jsonl, .ndjson, .json, .csv, .tsv, .parquet"),
    "an empty data set": (text("own.jsonl", ""), TaskError, "tasks.1.path", 14, "at least one row"),
    "a data set of blank lines": (text("own.jsonl", "\n\n"), TaskError, "tasks.1.path", 14, "at least one row"),
    "a broken line": (text("own.jsonl", GOOD_ROW + "{\n"), TaskError, "tasks.1.path", 14, "own.jsonl:2:2: expected JSON"),
    "a line that is no object": (text("own.jsonl", GOOD_ROW + "3\n"), TaskError, "tasks.1.path", 14, "own.jsonl:2: expected an object"),
    "a data set in Latin-1": (text("own.jsonl", b'\n{"question": "\xe9"}'), TaskError, "tasks.1.path", 14, "own.jsonl:2: expected UTF-8"),
    "a missing column": (text("own.jsonl", row(frage="1?", answer="1")), TaskError, "tasks.1.prompt", 12, "columns frage, answer"),
    "a missing answer": (text("own.jsonl", row(question="1?")), TaskError, "tasks.1.answer", 12, "a column 'answer'"),
    "a row without answer": (text("own.jsonl", GOOD_ROW + row(question="2?")), TaskError, "tasks.1.answer", 12, "row 2: expected a value"),
    "an answer of nothing": (text("own.jsonl", row(question="2?", answer=None)), TaskError, "tasks.1.answer", 12, "got null"),
    "an answer that is no number": (numeric("seven"), TaskError, "tasks.1.answer", 12, "row 1: expected a number in the gold"),
    "an answer that is no choice": (numeric("E", "choice"), TaskError, "tasks.1.answer", 12, "one of the choices A, B, C, D"),
    "too few rows": (text("own.jsonl", GOOD_ROW * 99), TaskError, "splits.search", 15, "1 distinct items"),
    "a split of a local file": (edit("own.jsonl", "own.jsonl\n    split: test"), TaskError, "tasks.1.split", 15, "expected split: 'train'"),
    "a subset of a local file": (edit("own.jsonl", "own.jsonl\n    subset: main"), TaskError, "tasks.1.subset", 15, "expected subset: null"),
    "a revision of a local file": (edit("own.jsonl", "own.jsonl\n    revision: v1"), TaskError, "tasks.1.revision", 15, "expected revision: null"),
    "too few rows for examples": (edit("own.jsonl", "own.jsonl\n    few_shot: {count: 64}"), TaskError, "tasks.1.few_shot.count", 15, "at least 64 items"),
    "a scorer that is not there": (edit("own.jsonl", "own.jsonl\n    scorer: {kind: 'nowhere_at_all:f'}"), TaskError, "tasks.1.scorer.kind", 15, "--allow-scorer nowhere_at_all"),
    "a scorer of a stranger's choice": (edit("own.jsonl", "own.jsonl\n    scorer: {kind: 'shutil:rmtree'}"), TaskError, "tasks.1.scorer.kind", 15, "got 'shutil:rmtree'"),
    "a verifier that runs answers": (edit("chain_sum", "countdown\n    form: question"), TaskError, "tasks.0.family", 11, "evaluates_answers: true"),
    # families
    "an unknown family": (edit("chain_sum", "chain_sun\n    form: question"), TaskError, "tasks.0.family", 11, "did you mean chain_sum"),
    "an unknown setting of a family": (edit("chain_sum", "chain_sum\n    config: {terms: 3}"), TaskError, "tasks.0.config", 12, "got 'terms'"),
    "a setting that a family refuses": (edit("chain_sum", "chain_sum\n    config: {min_terms: 9}"), TaskError, "tasks.0.config", 12, "accepts"),
    "settings refused in words": (edit("chain_sum", "chain_sum\n    form: question\n    config: {min_terms: 9}"), TaskError, "tasks.0.config", 13, "accepts"),
    "a seed among the settings": (edit("chain_sum", "chain_sum\n    form: question\n    config: {seed: 9}"), TaskError, "tasks.0.config", 13, "'seed'"),
    "a family that is too small": (edit("chain_sum", "gcd\n    config: {max_value: 3}"), TaskError, "splits.search", 16, "4 distinct items"),
    "a verifier that accepts nonsense": (edit("chain_sum", "game_of_life_halting\n    form: question"), TaskError, "tasks.0.scorer.kind", 9, "refuses nonsense"),
}  # fmt: skip


@pytest.mark.parametrize("case", SPOILT.values(), ids=SPOILT.keys())
def test_what_is_spoilt_is_named(
    home: Path, case: tuple[Callable[[Path], None], type[EvoswarmError], str, int, str]
) -> None:
    spoil, kind, field, line, words = case
    spoil(home)
    with pytest.raises(kind) as caught:
        check_files(SearchSpace.from_yaml("space.yaml"))
    message = str(caught.value)
    assert message.startswith(f"space.yaml:{line}:")
    assert caught.value.where is not None
    assert caught.value.where.path == field
    assert words in message
    assert "expected " in message
    assert "got" in message
    assert message.count("\n") <= 1


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("generation_config.json", {"eos_token_id": [0, 2]}),
        ("config.json", {"text_config": {"eos_token_id": 0}}),
        ("tokenizer_config.json", {"eos_token": {"content": "<eos>"}, "chat_template": "{{ messages[0].content }}"}),
        ("special_tokens_map.json", {"eos_token": "<eos>"}),
    ],
)
def test_an_end_token_may_be_named_in_any_of_the_files(home: Path, file: str, content: dict[str, object]) -> None:
    no_end(home)
    (home / "model" / file).write_text(json.dumps(content))
    check_files(SearchSpace.from_yaml("space.yaml"))


def test_a_chat_template_may_be_a_file(home: Path) -> None:
    rewrite("model/tokenizer_config.json", chat_template=None)(home)
    (home / "model" / "chat_template.jinja").write_text("{{ messages }}")
    check_files(SearchSpace.from_yaml("space.yaml"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (rewrite("other/tokenizer.json", model={"vocab": {"<eos>": 0, "a": 2, "b": 1}}), "the tokens of 'mine'"),
        (rewrite("other/tokenizer.json", added_tokens=[{"id": 3, "content": "c"}]), "the tokens of 'mine'"),
        (rewrite("other/config.json", eos_token_id=[0, 1]), "the end tokens of 'mine'"),
    ],
)
def test_the_alphabet_of_tokens_needs_one_tokenizer(home: Path, spoil: Callable[[Path], None], words: str) -> None:
    (home / "space.yaml").write_text(SPACE + "alphabet: tokens\n")
    check_files(SearchSpace.from_yaml("space.yaml"))
    spoil(home)
    with pytest.raises(MemberError, match=words) as caught:
        check_files(SearchSpace.from_yaml("space.yaml"))
    assert str(caught.value).startswith("space.yaml:7:")
    for other in ("bytes", "common", "auto"):
        check_files(SearchSpace.from_yaml("space.yaml", (f"alphabet={other}",)))
    with pytest.raises(MemberError, match=r"genome\.alphabets has tokens; common and bytes take any mix"):
        check_files(SearchSpace.from_yaml("space.yaml", ("alphabet=auto", "genome.alphabets=[common, tokens]")))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda home: None, "auto is tokens (the members share one tokenizer)"),
        (
            rewrite("other/tokenizer.json", added_tokens=[{"id": 3, "content": "c"}]),
            "auto is common (the tokens of 'other' differ from those of 'mine')",
        ),
        (
            rewrite("other/config.json", eos_token_id=[0, 1]),
            "auto is common (the end tokens of 'other' differ from those of 'mine')",
        ),
    ],
)
def test_what_auto_takes_is_said_of_files(home: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(home)
    (home / "space.yaml").write_text(SPACE + "alphabet: auto\n")
    space = SearchSpace.from_yaml("space.yaml")
    check_files(space)
    assert told_alphabet(space) == words
    assert told_alphabet(SearchSpace.from_yaml("space.yaml", ("alphabet=bytes",))) is None
    several = SearchSpace.from_yaml("space.yaml", ("genome.alphabets=[common, bytes]",))
    assert told_alphabet(several) == "auto is common, the first of genome.alphabets"


def test_what_auto_takes_shows_later_where_a_member_is_elsewhere(home: Path) -> None:
    (home / "space.yaml").write_text(SPACE.replace("path: ./other", "path: owner/name") + "alphabet: auto\n")
    told = told_alphabet(SearchSpace.from_yaml("space.yaml"))
    assert told == "auto is tokens if all members turn out to share one tokenizer, else common"


def test_unigram_vocabularies_are_lists(home: Path) -> None:
    (home / "space.yaml").write_text(SPACE + "alphabet: tokens\n")
    rewrite("other/tokenizer.json", model={"vocab": [["<eos>", 0.0], ["a", -1.0], ["b", -2.0]]})(home)
    check_files(SearchSpace.from_yaml("space.yaml"))


def test_a_recipe_of_the_pool_is_a_warm_start(home: Path) -> None:
    warm_start("mine")(home)
    check_files(SearchSpace.from_yaml("space.yaml"))


def test_what_is_on_the_hub_is_noted_and_not_fetched(home: Path) -> None:
    text_of_space = SPACE.replace("path: ./other", "path: owner/name").replace("own.jsonl", "owner/questions")
    (home / "space.yaml").write_text(text_of_space)
    notes = check_files(SearchSpace.from_yaml("space.yaml"))
    assert [note.split(":")[0] for note in notes] == ["pool.1", "tasks.1"]


def test_the_user_s_own_scorer_comes_from_the_working_directory(home: Path) -> None:
    (home / "scoring_of_mine.py").write_text("def half(text, item):\n    return 0.5 * (text == item.gold)\n")
    edit("own.jsonl", "own.jsonl\n    scorer: {kind: 'scoring_of_mine:half'}")(home)
    space = SearchSpace.from_yaml("space.yaml", trust=Trust(scorers=("scoring_of_mine",)))
    check_files(space)
    task = make_tasks(space)[1]
    item = next(item for item in draw_items(space, make_tasks(space))["search"] if item.task == "own")
    assert task.score(item, item.gold) == 0.5
    assert task.score(item, "?") == 0.0


def test_a_scorer_is_asked_for_an_item_s_own_answer(home: Path) -> None:
    source = "def half(text, item):\n    return 0.5\ndef broken(text, item):\n    return 1 / 0\n"
    (home / "two_minds.py").write_text(source)

    def checked(name: str) -> tuple[str, ...]:
        kind = f"own.jsonl\n    scorer: {{kind: 'two_minds:{name}'}}"
        (home / "space.yaml").write_text(SPACE.replace("own.jsonl", kind))
        return check_files(SearchSpace.from_yaml("space.yaml", trust=Trust(scorers=("two_minds",))))

    (note,) = checked("half")
    assert note.startswith("space.yaml:15:14: tasks.1.scorer.kind: ")
    assert note.endswith("got 3 of 3 that get less, such as '5', which gets 0.5")
    with pytest.raises(TaskError, match=r"tasks\.1\.scorer\.kind: .*got ZeroDivisionError"):
        checked("broken")


def test_trust_is_the_caller_s_word_and_is_never_written(home: Path) -> None:
    edit("own.jsonl", "own.jsonl\n    scorer: {kind: 'os:getcwd'}")(home)
    trust = Trust(scorers=("os",))
    space = SearchSpace.from_yaml("space.yaml", trust=trust)
    (home / "again.yaml").write_text(space.to_yaml())
    again = SearchSpace.from_yaml("again.yaml")
    assert again.digest == space.digest
    assert again.trust == Trust()
    assert space.model_copy(update={"seed": 3}).trust == trust
    assert pickle.loads(pickle.dumps(space)).trust == trust, "a study's processes are of the same caller"
    with pytest.raises(TaskError, match=r"takes \(text, item\), got 'os:getcwd\(\)'"):
        check_files(space)
    with pytest.raises(TaskError, match="--allow-scorer os "):
        check_files(again)


def test_recipes_to_start_from_are_for_searches_alone(home: Path) -> None:
    warm_start("mine")(home)
    (home / "warm.json").unlink()
    space = SearchSpace.from_yaml(home / "space.yaml")
    with pytest.raises(RecipeError, match=r"warm\.json"):
        check_files(space)
    check_files(space, warm_start=False)
