# ruff: noqa: E501
"""Bad input is refused in one or two lines that name the file, the field and what was expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evoswarm.errors import SpaceError
from evoswarm.space import SearchSpace

GOOD = """\
name: good
pool:
  - name: a
    path: zoo:llama-a
  - name: b
    path: zoo:llama-b
tasks:
  - name: sums
    source: reasoning_gym
    family: chain_sum
  - name: own
    source: dataset
    path: own.jsonl
"""

POOL = GOOD[GOOD.index("pool") : GOOD.index("tasks")]

EDITS: dict[str, tuple[str, str, str, int, str]] = {
    # id: (what is replaced or "" for the end, by what, field, line, words of the message)
    "unknown key at the top": ("", "generations: 3\n", "generations", 14, "did you mean evolution.generations?"),
    "misspelt key at the top": ("", "evolutoin: {}\n", "evolutoin", 14, "did you mean 'evolution'?"),
    "misspelt key inside": ("", "evolution:\n  populaton: 4\n", "evolution.populaton", 15, "did you mean 'population'?"),
    "unlikely key": ("", "splits:\n  foo: 4\n", "splits.foo", 15, "search, selection, test, shares"),
    "misspelt key of a task": ("    family: chain", "    famly: chain", "tasks.0.famly", 10, "did you mean 'family'?"),
    "misspelt key of a scorer": (
        "    path: own.jsonl",
        "    path: own.jsonl\n    scorer: {knd: exact}",
        "tasks.1.scorer.knd",
        14,
        "did you mean 'kind'?",
    ),
    "misspelt key of an island": (
        "",
        "evolution:\n  islands:\n    - {}\n    - populatio: 3\n",
        "evolution.islands.1.populatio",
        17,
        "did you mean 'population'?",
    ),
    "key of another source": ("    path: own.jsonl", "    path: own.jsonl\n    family: gcd", "tasks.1.family", 14, "known key"),
    "a key in another case": ("", "Seed: 3\n", "Seed", 14, "did you mean 'seed'?"),
    "missing name": ("name: good\n", "", "name", 1, "got nothing"),
    "missing pool": (POOL, "", "pool", 1, "a value for 'pool'"),
    "missing path": ("    path: zoo:llama-b\n", "", "pool.1.path", 5, "a value for 'path'"),
    "missing source": ("    source: dataset\n", "", "tasks.1.source", 11, "dataset or lm_eval or reasoning_gym"),
    "missing family": ("    family: chain_sum\n", "", "tasks.0.family", 8, "a value for 'family'"),
    "missing accuracy": ("", "stop_at: {}\n", "stop_at.accuracy", 14, "a value for 'accuracy'"),
    "unknown source": ("source: dataset", "source: datset", "tasks.1.source", 12, "did you mean dataset?"),
    "a text for a number": ("", "seed: '3'\n", "seed", 14, "a whole number, got '3'"),
    "true for a number": ("", "seed: true\n", "seed", 14, "a whole number, got true"),
    "a fraction for a whole number": ("", "seed: 3.0\n", "seed", 14, "a whole number, got 3.0"),
    "nothing for a number": ("", "seed:\n", "seed", 14, "a whole number, got nothing"),
    "a number for a text": ("name: good", "name: 3", "name", 1, "a text"),
    "a date for a text": ("name: good", "name: 2026-01-01", "name", 1, "into quotes"),
    "yes for true": ("", "genome:\n  gates: yes\n", "genome.gates", 15, "true or false, got 'yes'"),
    "1 for true": ("", "tracking:\n  mlflow: 1\n", "tracking.mlflow", 15, "true or false, got 1"),
    "a text for a list": ("", "warm_start: a.json\n", "warm_start", 14, "a list, got 'a.json'"),
    "a mapping for a list": ("", "objectives: {accuracy: 1}\n", "objectives", 14, "a list, got a mapping"),
    "a list for a mapping": ("", "splits: [1, 2, 3]\n", "splits", 14, "a mapping (key: value)"),
    "a number for islands": ("", "evolution:\n  islands: four\n", "evolution.islands", 15, "a whole number, got 'four'"),
    "a list in the config": ("    family: chain_sum", "    family: chain_sum\n    config: [1]", "tasks.0.config", 11, "a mapping"),
    "a negative seed": ("", "seed: -1\n", "seed", 14, "at least 0, got -1"),
    "a huge seed": ("", f"noise_seed: {2**63}\n", "noise_seed", 14, "less than"),
    "no generations": ("", "evolution: {generations: 0}\n", "evolution.generations", 14, "at least 1"),
    "no islands": ("", "evolution: {islands: []}\n", "evolution.islands", 14, "at least 1 entry"),
    "a share above one": ("", "evolution: {crossover: 1.5}\n", "evolution.crossover", 14, "at most 1, got 1.5"),
    "an infinite share": ("", "evolution: {mutation: .inf}\n", "evolution.mutation", 14, "finite number, got .inf"),
    "nan": ("", "epsilon: .nan\n", "epsilon", 14, "finite number, got .nan"),
    "epsilon of a half": ("", "epsilon: 0.5\n", "epsilon", 14, "less than 0.5"),
    "a weight of zero": ("    path: own.jsonl", "    path: own.jsonl\n    weight: 0", "tasks.1.weight", 14, "greater than 0"),
    "an empty pool": (POOL, "pool: []\n", "pool", 2, "at least 1 entry"),
    "no bytes to answer": ("    path: own.jsonl", "    path: own.jsonl\n    max_bytes: 0", "tasks.1.max_bytes", 14, "at least 1"),
    "an empty stop string": ("    path: own.jsonl", "    path: own.jsonl\n    stop: ['']", "tasks.1.stop.0", 14, "at least 1 character"),
    "a share of zero": ("", "splits: {shares: [0, 0.5, 0.5]}\n", "splits.shares.0", 14, "greater than 0"),
    "two shares": ("", "splits: {shares: [0.5, 0.5]}\n", "splits.shares.2", 14, "one more entry"),
    "four shares": ("", "splits: {shares: [0.1, 0.2, 0.3, 0.4]}\n", "splits.shares", 14, "at most 3 entries"),
    "a temperature of zero": ("", "genome: {temperature: [0, 1]}\n", "genome.temperature.0", 14, "greater than 0"),
    "an alpha by a wrong name": ("", "genome: {alpha: [low, max]}\n", "genome.alpha.0", 14, "a number, got 'low'"),
    "an unknown topology": ("", "evolution: {topology: rign}\n", "evolution.topology", 14, "did you mean ring?"),
    "an unknown rule": ("", "genome: {rules: [mixtur]}\n", "genome.rules.0", 14, "did you mean mixture?"),
    "an unknown alphabet": ("", "alphabet: words\n", "alphabet", 14, "one of auto, bytes, common, tokens"),
    "an unknown alphabet of a genome": ("", "genome: {alphabets: [auto]}\n", "genome.alphabets.0", 14, "one of bytes, common, tokens, got 'auto'"),
    "no alphabet of a genome": ("", "genome: {alphabets: []}\n", "genome.alphabets", 14, "at least 1 entry"),
    "an unknown objective": ("", "objectives: [speed]\n", "objectives.0", 14, "flops, weight_reads"),
    "an unknown device": ("    path: zoo:llama-a", "    path: zoo:llama-a\n    device: gpu", "pool.0.device", 5, "cuda:N, got 'gpu'"),
    "a name with a space": ("name: good", "name: too good", "name", 1, "letters, digits"),
    "a member's name with a slash": ("name: b", "name: b/c", "pool.1.name", 5, "letters, digits"),
    "a version of the future": ("", "version: 2\n", "version", 14, "expected 1, got 2"),
    # contradictions
    "two members of one name": ("name: b", "name: a", "pool.1.name", 5, "'a' twice"),
    "two tasks of one name": ("name: own", "name: sums", "tasks.1.name", 11, "'sums' twice"),
    "a lead that is no member": ("", "genome: {leads: [a, c]}\n", "genome.leads.1", 14, "a member of the pool (a, b), got 'c'"),
    "a lead given twice": ("", "genome: {leads: [a, a]}\n", "genome.leads.1", 14, "twice"),
    "an alphabet given twice": ("", "genome: {alphabets: [bytes, bytes]}\n", "genome.alphabets.1", 14, "twice"),
    "an alphabet against the genome's": ("", "genome: {alphabets: [common, bytes]}\nalphabet: bytes\n", "alphabet", 15, "expected auto or common (genome.alphabets says what recipes may be in"),
    "more members than there are": ("", "genome: {max_members: 3}\n", "genome.max_members", 14, "at most 2"),
    "a range upside down": ("", "genome: {weight: [1, 0.5]}\n", "genome.weight", 14, "low <= high, got [1.0, 0.5]"),
    "a lambda upside down": ("", "genome: {lambda: [1, 0]}\n", "genome.lambda", 14, "low <= high"),
    "infinities upside down": ("", "genome: {alpha: [max, min]}\n", "genome.alpha", 14, "low <= high"),
    "routes of a mix": ("", "genome: {routes: 4}\n", "genome.routes", 14, "only kind: route has them"),
    "routes composed of votes": ("", "genome: {kind: vote}\nchampion: {routes: 4}\n", "champion.routes", 15, "only a search for kind: mix"),
    "credibility of votes": ("", "genome: {kind: vote, gamma: [0, 1]}\n", "genome.gamma", 14, "mixes no distributions), got [0.0, 1.0]"),
    "context without weights": ("", "genome: {rules: [most_confident], own_margin: [-1, 1]}\n", "genome.own_margin", 14, "no rule of genome.rules has it: most_confident"),
    "the lead's weight in contrast": ("", "genome: {rules: [contrast], lead_number: [0, 1]}\n", "genome.lead_number", 14, "no rule of genome.rules has it: contrast"),
    "context of gates that are none": ("", "genome: {gates: false, gate_margin: [0, 1]}\n", "genome.gate_margin", 14, "no gates to move"),
    "decay of nothing": ("", "genome: {decay: [0.5, 1]}\n", "genome.decay", 14, "it does nothing without gamma"),
    "shares that sum to more": ("", "splits: {shares: [0.3, 0.3, 0.5]}\n", "splits.shares", 14, "a sum of 1.1"),
    "fewer items than tasks": ("", "splits: {search: 1}\n", "splits.search", 14, "at least 2"),
    "only elites": ("", "evolution: {population: 4, elites: 4}\n", "evolution.elites", 14, "fewer elites"),
    "only elites on an island": (
        "",
        "evolution:\n  islands:\n    - population: 2\n",
        "evolution.islands.0.population",
        16,
        "fewer elites",
    ),
    "more migrants than individuals": ("", "evolution: {migration: {count: 99}}\n", "evolution.migration.count", 14, "at most 12"),
    "edges without their topology": ("", "evolution: {edges: [[0, 1]]}\n", "evolution.edges", 14, "topology: edges"),
    "a topology without edges": ("", "evolution: {topology: edges}\n", "evolution.edges", 14, "a list of [from, to]"),
    "an edge to nowhere": (
        "",
        "evolution: {topology: edges, edges: [[0, 1], [1, 4]]}\n",
        "evolution.edges.1.1",
        14,
        "from 0 to 3, got 4",
    ),
    "an edge in a circle": ("", "evolution: {topology: edges, edges: [[1, 1]]}\n", "evolution.edges.0", 14, "two islands"),
    "an edge of three": ("", "evolution: {topology: edges, edges: [[0, 1, 2]]}\n", "evolution.edges.0", 14, "at most 2"),
    "accuracy of no task": ("", "objectives: ['accuracy:gcd']\n", "objectives.0", 14, "(sums, own), got 'gcd'"),
    "cost as the only objective": ("", "objectives: [flops]\n", "objectives", 14, "an accuracy among"),
    "an objective given twice": ("", "objectives: [flops, accuracy, flops]\n", "objectives.2", 14, "twice"),
    "weights of another objective": (
        "",
        "evolution:\n  islands:\n    - objective_weights: {flops: 1}\n",
        "evolution.islands.0.objective_weights.flops",
        16,
        "one of the objectives (accuracy)",
    ),
    "a prompt format without a prompt": ("", "prompt_format: 'Q:'\n", "prompt_format", 14, "{prompt}"),
    "an unknown compact family": ("chain_sum", "chain_sun", "tasks.0.family", 10, "did you mean chain_sum?"),
    "a composite in words": ("chain_sum", "pair\n    form: question", "tasks.0.form", 11, "expected compact"),
    "an unknown scorer": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: numerc}", "tasks.1.scorer.kind", 14, "did you mean numeric?"),
    "a verifier of a data set": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: verifier}", "tasks.1.scorer.kind", 14, "reasoning_gym"),
    "half a function": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: 'mine:'}", "tasks.1.scorer.kind", 14, "module:function"),
    "a pattern that is none": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: regex, pattern: '(a'}", "tasks.1.scorer.pattern", 14, "a regular expression"),
    "a pattern without end": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: regex, pattern: '" + "a|" * 6000 + "'}", "tasks.1.scorer.pattern", 14, "at most 10000"),
    "regex without a pattern": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: regex}", "tasks.1.scorer.pattern", 14, "got nothing"),
    "a pattern without regex": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {pattern: a}", "tasks.1.scorer.pattern", 14, "only regex use"),
    "a marker that regex does not need": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: regex, pattern: a, behind: ['####']}", "tasks.1.scorer.behind", 14, "expected no behind"),
    "time for a scorer of ours": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {kind: regex, pattern: a, seconds: 9}", "tasks.1.scorer.seconds", 14, "only module:function"),
    "an empty marker": ("    path: own.jsonl", "    path: own.jsonl\n    scorer: {behind: ['']}", "tasks.1.scorer.behind.0", 14, "got ''"),
    "an example's answer that no column has": ("    path: own.jsonl", "    path: own.jsonl\n    few_shot: {count: 1, answer: so}", "tasks.1.few_shot.answer", 14, "a {column} in the template"),
    "an example's answer without columns": ("chain_sum", "chain_sum\n    few_shot: {count: 1, answer: '{x}'}", "tasks.0.few_shot.answer", 11, "only items of a dataset"),
    "a stray brace": ("    path: own.jsonl", "    path: own.jsonl\n    prompt: '{question} {'", "tasks.1.prompt", 14, "stray '{' at character 12"),
    "an empty placeholder": ("    path: own.jsonl", "    path: own.jsonl\n    answer: '{}'", "tasks.1.answer", 14, "stray '{'"),
    "a template of nothing": ("    path: own.jsonl", "    path: own.jsonl\n    prompt: Why?", "tasks.1.prompt", 14, "a {column}"),
    "a revision of a built-in member": ("    path: zoo:llama-a", "    path: zoo:llama-a\n    revision: main", "pool.0.revision", 5, "built-in"),
    # YAML
    "a key given twice": ("", "seed: 1\nseed: 2\n", "seed", 15, "every key once"),
    "a key given twice inside": ("    path: zoo:llama-b", "    path: x\n    path: y", "path", 7, "'path' twice"),
    "a tab": ("", "splits:\n\tsearch: 3\n", "", 15, "a tab"),
    "a list that never ends": ("", "objectives: [accuracy\n", "", 15, "syntax error"),
    "two colons": ("name: good", "name: go: od", "", 1, "syntax error"),
    "an alias of nothing": ("", "seed: *later\n", "", 14, "undefined alias"),
    "a tag": ("", "seed: !!python/name:os.system 3\n", "seed", 14, "the tag"),
    "a number as a key": ("", "3: 4\n", "", 1, "a text as a key, got 3"),
    "two documents": ("", "---\nname: more\n", "", 14, "single document"),
    "a list that holds itself": ("", "warm_start: &a [*a]\n", "warm_start.0", 14, "got nothing"),
}  # fmt: skip


@pytest.mark.parametrize("case", EDITS.values(), ids=EDITS.keys())
def test_an_edit_that_spoils_a_good_space(tmp_path: Path, case: tuple[str, str, str, int, str]) -> None:
    old, new, field, line, words = case
    assert old in GOOD
    file = tmp_path / "space.yaml"
    file.write_text(GOOD.replace(old, new, 1) if old else GOOD + new)
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_yaml(file)
    assert_clear(caught.value, str(file), field, words)
    assert caught.value.where is not None
    assert caught.value.where.line == line
    assert caught.value.where.column is not None


def assert_clear(error: SpaceError, file: str, field: str, words: str) -> None:
    """One or two lines, expected and got, the file first, the field named."""
    text = str(error)
    assert text.startswith(file)
    assert text.count("\n") <= 1
    assert len(text) <= 400 + len(file)
    assert re.search(r"expected .*got ", text)
    assert words in text
    assert error.where is not None
    assert error.where.path == field


FILES: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "an empty file"),
    "only comments": (b"# nothing\n", "an empty file"),
    "a list": (b"- 1\n", "a mapping (key: value)"),
    "a word": (b"hello\n", "a mapping (key: value), got 'hello'"),
    "Latin-1": (GOOD.encode() + b"description: caf\xe9\n", "UTF-8, got the byte 0xe9"),
    "UTF-16": (GOOD.encode("utf-16"), "UTF-8, got UTF-16"),
    "a control character": (GOOD.encode() + b"description: \x07\n", "expected YAML"),
    "no such day": (GOOD.encode() + b"description: 2026-99-99\n", "expected YAML that makes sense"),
    "a number without end": (GOOD.encode() + b"seed: " + b"9" * 5000, "expected YAML that makes sense"),
    "a deep hole": (b"a: " + b"[" * 200 + b"]" * 200, "levels"),
    "a billion values": (
        b"a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b", ".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefgh"),
        "an alias may stand for many",
    ),
    "a list of many": (b"pool: [" + b"1," * 200_001 + b"]", "expected at most 20,000 values and 40 levels"),
    "half a character": (b'name: a\ndescription: "\\ud83d"\n', "description: expected a text that UTF-8 can encode"),
    "half a character in a key": (b'name: a\n"\\ud83d": 1\n', "expected a text that UTF-8 can encode"),
    "many levels": (b"a: " + b"[" * 50_000, "expected at most 20,000 values and 40 levels"),
    "a file of many bytes": (b"#" * (1 << 20) + b"\n", "expected a file of at most 1,048,576 bytes"),
    "a list of many mistakes": (b"name: a\ntasks: []\npool: [" + b"1," * 19_000 + b"]", "pool.0: expected a mapping"),
}


@pytest.mark.parametrize("case", FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_space(tmp_path: Path, case: tuple[bytes, str]) -> None:
    content, words = case
    file = tmp_path / "space.yaml"
    file.write_bytes(content)
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_yaml(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)
    assert words in str(caught.value)
    assert re.search(r"expected .*got", str(caught.value))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SpaceError, match="expected a readable file, got: ") as caught:
            SearchSpace.from_yaml(path)
        assert str(caught.value).startswith(str(path))


OVERRIDES: dict[str, tuple[str, str]] = {
    "evolution": ("", "expected path=value (such as evolution.generations=20), got 'evolution'"),
    "prompt_format={prompt}": ("prompt_format", "expected quotes"),
    "tasks.1.prompt={question} =": ("tasks.1.prompt", "(--set 'tasks.1.prompt=\"{question} =\"')"),
    "tasks.1.prompt=Q: {question}": ("tasks.1.prompt", "expected quotes"),
    "tracking.uri=http://": ("tracking.uri", "expected http(s)://HOST"),
    "tracking.uri=foo": ("tracking.uri", "got 'foo'"),
    f"name={'n' * 101}": ("name", "at most 100 characters, got 101"),
    f"pool.1.name={'n' * 101}": ("pool.1.name", "at most 100 characters, got 101"),
    f"tasks.1.name={'n' * 101}": ("tasks.1.name", "at most 100 characters, got 101"),
    "=3": ("", "expected path=value"),
    "a..b=3": ("", "expected path=value"),
    "evolution.generatons=3": ("evolution.generatons", "did you mean 'generations'?"),
    "evolution.generations=many": ("evolution.generations", "a whole number, got 'many'"),
    "evolution.generations=[1": ("", "syntax error"),
    "evolution.generations={a: 1, a: 2}": ("a", "every key once"),
    "pool.9.name=x": ("pool.9.name", "an index from 0 to 1"),
    "pool.first.name=x": ("pool.first.name", "an index from 0 to 1"),
    "name.first=x": ("name.first", "a mapping or a list at name"),
    "splits.shares=[1, 1, 1]": ("splits.shares", "a sum of 3"),
    "tasks.1.prompt='{'": ("tasks.1.prompt", "stray"),
    "seed=!!str 3": ("seed", "tag"),
}


@pytest.mark.parametrize(("override", "expected"), OVERRIDES.items(), ids=OVERRIDES.keys())
def test_a_bad_override_is_named(tmp_path: Path, override: str, expected: tuple[str, str]) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(GOOD)
    with pytest.raises(SpaceError) as caught:
        SearchSpace.from_yaml(file, (override,))
    field, words = expected
    assert_clear(caught.value, f"--set {override}", field, words)
    assert caught.value.where is not None
    assert caught.value.where.line is None
