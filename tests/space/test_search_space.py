"""Reading a search space: what is accepted, and what comes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from evoswarm.errors import SpaceError
from evoswarm.space import SearchSpace, check_files, draw_items, make_tasks, small_test_split, unused_gold

SPACES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))

MINIMAL = """\
name: minimal
pool:
  - {name: a, path: "zoo:llama-a"}
  - {name: b, path: "zoo:llama-b"}
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum}
"""


def test_a_minimal_space_has_defaults() -> None:
    space = SearchSpace.from_text(MINIMAL)
    assert [member.name for member in space.pool] == ["a", "b"]
    assert space.alphabet == "auto"
    assert space.objectives == ("accuracy",)
    assert space.evolution.islands == 4
    assert space.tasks[0].scorer.kind == "verifier"
    assert space.splits.shares == (0.3, 0.2, 0.5)


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_shipped_spaces_are_valid_and_survive_a_round_trip(path: Path) -> None:
    space = SearchSpace.from_yaml(path)
    assert space.name == path.stem
    again = SearchSpace.from_text(space.to_yaml())
    assert again == space
    assert again.digest == space.digest


@pytest.mark.parametrize("path", SPACES, ids=lambda path: path.stem)
def test_shipped_spaces_fit_their_json_schema_keys(path: Path) -> None:
    schema = SearchSpace.json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert set(json.loads(json.dumps(SearchSpace.from_yaml(path).model_dump(mode="json", by_alias=True)))) == set(
        schema["properties"]
    )


@pytest.mark.parametrize("name", ["quickstart", "accuracy-cost", "large-pool", "tokens", "small-llms-gsm8k"])
def test_shipped_spaces_pass_the_check_of_files(name: str) -> None:
    space = SearchSpace.from_yaml(Path(__file__).parents[2] / "search_spaces" / f"{name}.yaml")
    notes = check_files(space)
    assert len(notes) == sum("/" in member.path for member in space.pool) + (name == "small-llms-gsm8k")


def test_shipped_procedural_spaces_have_a_thousand_test_items() -> None:
    """All but the one that says why: a family of 255 questions has no more."""
    small = {path.stem for path in SPACES if small_test_split(SearchSpace.from_yaml(path)) is not None}
    assert small == {"accuracy-cost"}
    text = next(path for path in SPACES if path.stem == "accuracy-cost").read_text(encoding="utf-8")
    assert "`bits` has 255 questions in all" in text


def test_the_quickstart_draws_as_many_items_as_it_says() -> None:
    space = SearchSpace.from_yaml(Path(__file__).parents[2] / "search_spaces" / "quickstart.yaml")
    items = draw_items(space, make_tasks(space))
    assert {split: len(drawn) for split, drawn in items.items()} == space.splits.model_dump(exclude={"shares"})
    per_task = {task.name: sum(item.task == task.name for item in items["search"]) for task in space.tasks}
    assert set(per_task.values()) == {space.splits.search // len(space.tasks)}
    first_turn = {item.task for item in items["test"][: len(space.tasks)]}
    assert first_turn == set(per_task), "any beginning of a split is balanced"


def test_anchors_aliases_and_merges_are_plain_data() -> None:
    text = """\
name: merged
pool:
  - &first {name: a, path: "zoo:llama-a", chat_template: false}
  - {<<: *first, name: b}
tasks:
  - {name: sums, source: reasoning_gym, family: chain_sum, config: &config {min_terms: 2, max_terms: 3}}
  - {name: more, source: reasoning_gym, family: chain_sum, config: *config}
genome: {gates: &yes true}
"""
    space = SearchSpace.from_text(text)
    assert space.pool[1].path == "zoo:llama-a"
    assert space.tasks[0] == space.tasks[1].model_copy(update={"name": "sums"})
    assert space.genome.gates is True


def test_yaml_1_2_scalars() -> None:
    text = MINIMAL + "epsilon: 1e-3\ndescription: on\ngenome: {weight: [1, 2]}\n"
    space = SearchSpace.from_text(text)
    assert space.epsilon == 1e-3
    assert space.description == "on"
    assert space.genome.weight == (1.0, 2.0), "whole numbers are numbers"


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert SearchSpace.from_yaml(path).name == "minimal"


def test_infinite_alphas_have_names() -> None:
    space = SearchSpace.from_text(MINIMAL + "genome: {alpha: [min, max]}\n")
    assert space.genome.parameters["alpha"] == (float("-inf"), float("inf"))
    assert "alpha: [min, max]" in space.to_yaml()


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("evolution.generations=3", "evolution.generations", 3),
        ("seed = 7", "seed", 7),
        ("genome.lambda=[0.1, 0.2]", "genome.parameters.contrast", (0.1, 0.2)),
        ("pool.1.name=c", "pool.1.name", "c"),
        ("stop_at.accuracy=0.9", "stop_at.accuracy", 0.9),
        ("name='3'", "name", "3"),
        ("description=a=b: c", "description", None),
        ("stop_at=", "stop_at", None),
        ("tasks.0.config={max_terms: 4}", "tasks.0.config", {"max_terms": 4}),
        ("evolution.islands=[{population: 9}, {}]", "evolution.islands.0.population", 9),
    ],
)
def test_overrides(tmp_path: Path, override: str, path: str, value: Any) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(MINIMAL)
    if value is None and override != "stop_at=":
        with pytest.raises(SpaceError, match="--set description"):
            SearchSpace.from_yaml(file, (override,))
        return
    node: Any = SearchSpace.from_yaml(file, (override,))
    for part in path.split("."):
        node = node[int(part)] if part.isdecimal() else node[part] if isinstance(node, dict) else getattr(node, part)
    assert node == value


def test_later_overrides_win_and_see_earlier_ones(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(MINIMAL)
    space = SearchSpace.from_yaml(file, ("pool=[{name: x, path: y}]", "pool.0.name=z", "seed=1", "seed=2"))
    assert [member.name for member in space.pool] == ["z"]
    assert space.seed == 2


def test_every_value_knows_its_place(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(MINIMAL)
    space = SearchSpace.from_yaml(file, ("seed=1",))
    assert str(space.where("pool", 1, "path")) == f"{file}:4:15: pool.1.path"
    assert str(space.where("tasks", 0, "max_bytes")) == f"{file}:6:5: tasks.0.max_bytes", "the nearest that is there"
    assert str(space.where("seed")) == "--set seed=1: seed"


def test_digests(tmp_path: Path) -> None:
    base = SearchSpace.from_text(MINIMAL)
    longer = SearchSpace.from_text(MINIMAL + "evolution: {generations: 99}\nseed: 4\nbudget: {seconds: 9}\n")
    other = SearchSpace.from_text(MINIMAL + "noise_seed: 1\n")
    assert len({base.digest, longer.digest, other.digest}) == 3
    assert base.continuation_digest == longer.continuation_digest != other.continuation_digest
    spelled_out = SearchSpace.from_text("# a comment\n" + MINIMAL + "alphabet: auto\n")
    assert spelled_out.digest == base.digest, "defaults and comments are no content"


def test_a_resolved_space_is_the_one_that_says_so(tmp_path: Path) -> None:
    auto, said = (SearchSpace.from_text(MINIMAL + f"alphabet: {one}\n") for one in ("auto", "common"))
    known = auto.resolved("common")
    assert (known, known.digest, known.continuation_digest) == (said, said.digest, said.continuation_digest)
    assert SearchSpace.from_text(known.to_yaml()).alphabets == ("common",)
    assert said.resolved("bytes") == said
    assert auto.continuation_digest != known.continuation_digest
    with pytest.raises(ValueError, match="expected a space whose pool is known"):
        _ = auto.alphabets


def test_alphabets_of_the_genome_come_before_the_pools() -> None:
    asked = SearchSpace.from_text(MINIMAL + "alphabet: auto\ngenome: {alphabets: [common, bytes]}\n")
    known = asked.resolved("tokens")
    assert (known.alphabet, known.alphabets) == ("common", ("common", "bytes"))
    assert SearchSpace.from_text(known.to_yaml()) == known
    alike = SearchSpace.from_text(MINIMAL + "alphabet: common\n")
    assert known.digest != alike.digest


def test_a_search_is_thrifty_where_it_minds_cost_or_says_so() -> None:
    space = SearchSpace.from_text(MINIMAL)
    assert space.saving is None
    assert space.model_copy(update={"objectives": ("accuracy", "accuracy:sum")}).saving is None
    assert space.model_copy(update={"objectives": ("accuracy", "flops")}).saving == 0.05
    asked = SearchSpace.from_text(MINIMAL + "champion: {choose: thrifty, saving: 0.2}\n")
    assert asked.saving == 0.2
    assert asked.digest != space.digest
    assert asked.continuation_digest == space.continuation_digest  # it says what becomes of what was found


def test_digests_of_before_stay() -> None:
    """Run directories are known by them; fitted founders came later, and a search that begins with them is another."""
    before = "alphabet: bytes\nevolution: {gold: {founders: false}}\n"
    space = SearchSpace.from_text(MINIMAL + before)
    assert space.continuation_digest[:16] == "977d63a2c814dae4"
    chosen = SearchSpace.from_text(MINIMAL + before + "champion: {choose: thrifty}\n")
    assert SearchSpace.from_text(MINIMAL + "alphabet: bytes\n").continuation_digest != space.continuation_digest
    assert (space.digest[:16], chosen.digest[:16]) == ("f10b82a1395ac1ba", "786f0f8c6062114d")


@pytest.mark.parametrize(
    "more",
    [
        "genome: {routes: 3, kind: mix, gamma: [0, 0], decay: [1, 1]}\n",
        "genome: {kind: vote}\nchampion: {routes: 0}\n",
        "genome: {kind: vote}\nchampion: {routes: 8}\n",
        "genome: {rules: [most_confident, mixture], own_margin: [0, 1]}\n",
        "evolution: {elites: 2, islands: [{algorithm: tpe, population: 2}]}\n",
    ],
)
def test_what_does_no_harm_is_taken(more: str) -> None:
    space = SearchSpace.from_text(MINIMAL + more)
    assert SearchSpace.from_text(space.to_yaml()) == space


@pytest.mark.parametrize(
    ("more", "sentences"),
    [
        ("evolution: {gold: {screen: 4}}\n", []),
        (
            "genome: {kind: vote}\nevolution: {gold: {founders: true, refine: 0.5}}\n",
            ["evolution.gold (refine) is off: it searches for votes, and only mixes are fitted"],
        ),
        (
            "evolution: {algorithm: random, gold: {founders: true, order: true}}\n",
            ["evolution.gold (order) is off: random breeds no children (evolution.algorithm)"],
        ),
        (
            "evolution: {gold: {screen: 4}, islands: [{algorithm: tpe}, {algorithm: particles}, {algorithm: tpe}]}\n",
            [
                "evolution.gold (screen) is off: no island breeds children, only tpe, particles live there "
                "(evolution.islands)"
            ],
        ),
        ("evolution: {gold: {screen: 4}, islands: [{algorithm: tpe}, {}]}\n", []),
    ],
)
def test_uses_of_right_answers_that_a_space_rules_out_itself(more: str, sentences: list[str]) -> None:
    assert unused_gold(SearchSpace.from_text(MINIMAL + more)) == sentences


@pytest.mark.parametrize(
    "section", ["stop_at: {accuracy: 1.0}", "decoding: {batch_tokens: 5}", "tracking: {mlflow: false}"]
)
def test_what_may_change_between_sittings(section: str) -> None:
    base, changed = SearchSpace.from_text(MINIMAL), SearchSpace.from_text(MINIMAL + section)
    assert base.digest != changed.digest
    assert base.continuation_digest == changed.continuation_digest


SPELLED_OUT = SearchSpace.from_text(MINIMAL).model_dump()
_ranges = st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)).map(sorted)


@settings(deadline=None, max_examples=25)
@given(
    description=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    weight=_ranges,
    epsilon=st.floats(0, 0.499),
    seed=st.integers(0, 2**63 - 1),
    stop=st.lists(st.text(st.sampled_from("\n #:-'\"{}[]ab"), min_size=1), max_size=3),
)
def test_a_round_trip_loses_nothing(
    description: str, weight: list[float], epsilon: float, seed: int, stop: list[str]
) -> None:
    base = SPELLED_OUT | {"genome": dict(SPELLED_OUT["genome"]), "tasks": [dict(SPELLED_OUT["tasks"][0])]}
    base.update(description=description, epsilon=epsilon, seed=seed)
    base["genome"]["weight"] = weight
    base["tasks"][0]["stop"] = stop
    space = SearchSpace.model_validate(base)
    again = SearchSpace.from_text(space.to_yaml())
    assert again == space
    assert again.digest == space.digest


def test_spaces_made_in_python_are_checked_too() -> None:
    content = SearchSpace.from_text(MINIMAL).model_dump()
    content["genome"]["leads"] = ["nobody"]
    with pytest.raises(ValidationError, match="expected a member of the pool"):
        SearchSpace.model_validate(content)


def test_spaces_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SearchSpace.from_text(MINIMAL).seed = 3  # type: ignore[misc]


def test_a_bad_space_is_refused_before_heavy_libraries_are_imported(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(MINIMAL + "evolution: {islands: none}\n")
    missing = tmp_path / "missing.yaml"
    missing.write_text(MINIMAL.replace("zoo:llama-b", "./no/such/model"))
    code = f"""
import sys
from evoswarm.errors import EvoswarmError
from evoswarm.space import SearchSpace, check_files
for use in (lambda: SearchSpace.from_yaml({str(bad)!r}), lambda: check_files(SearchSpace.from_yaml({str(missing)!r}))):
    try:
        use()
    except EvoswarmError as error:
        print(error)
    else:
        raise SystemExit("not refused")
heavy = {{"torch", "transformers", "datasets", "mlflow", "optuna", "ray", "reasoning_gym", "deap"}} & set(sys.modules)
raise SystemExit(f"imported: {{heavy}}" if heavy else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "bad.yaml:7:13: evolution.islands" in done.stdout
    assert "missing.yaml:4:15: pool.1.path" in done.stdout


def test_the_check_of_good_files_imports_no_torch(tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    import datasets

    datasets.Dataset.from_list([{"question": f"{n}?", "answer": f"{n}"} for n in range(60)]).to_parquet(str(table))
    file = tmp_path / "space.yaml"
    file.write_text(
        MINIMAL
        + f"  - {{name: own, source: dataset, path: {table}}}\n"
        + "splits: {search: 6, selection: 6, test: 6}\n"
    )
    code = f"""
import sys
from evoswarm.space import SearchSpace, check_files
assert check_files(SearchSpace.from_yaml({str(file)!r})) == ()
raise SystemExit("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
