# ruff: noqa: E501
"""Wrong inputs of our own invention, over all commands: what is typed, what the files hold, what must be said of it.

Each begins with the good files of `good_files`, of which one thing is changed: `check space.yaml` takes them as they are.
`test_wrong_inputs` types them all. Whoever meets another one in the wild adds it here.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Change = bytes | str | None | Callable[[bytes], bytes]
"""Of a file: its new content, None where it is taken away, or what becomes of the good one. A name that ends in ``/`` is
a directory."""

MODE = b"!mode "
"""In place of a content: who may do what."""

SPACE = """\
name: good
pool:
  - name: mine
    path: ./model
  - name: other
    path: ./other
tasks:
  - name: own
    source: dataset
    path: own.jsonl
splits: {search: 8, selection: 8, test: 8}
evolution: {generations: 2, islands: 1, population: 4}
tracking: {mlflow: false}
"""
STUDY = """\
name: small
space: space.yaml
settings:
  evolution.mutation: {low: 0.5, high: 1}
"""
SIZES = {"model.embed_tokens.weight": (4, 2), "model.layers.0.mlp.weight": (2, 2), "lm_head.weight": (4, 2)}


def weights(sizes: Mapping[str, tuple[int, int]]) -> bytes:
    """A file of safetensors: a header, and zeros."""
    at, header = 0, {}
    for name, (rows, columns) in sizes.items():
        header[name] = {"dtype": "F16", "shape": [rows, columns], "data_offsets": [at, at + 2 * rows * columns]}
        at += 2 * rows * columns
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(at)


def recipe(*names: str, **changes: object) -> str:
    """A mix of members, as a search writes it."""
    members = [{"spec": {"name": name, "path": f"./{'model' if name == 'mine' else name}"}} for name in names]
    return json.dumps({"version": 1, "members": members, "lead": names[0], **changes})


def good_files() -> dict[str, bytes]:
    """A working directory in which every command could go to work."""
    tokens = {"<eos>": 0, "a": 1, "b": 2, "c": 3}
    rows = "".join(json.dumps({"question": f"{n} + 1?", "answer": str(n + 1)}) + "\n" for n in range(80))
    files = {
        "space.yaml": SPACE,
        "cross.yaml": SPACE.replace("name: good", "name: cross"),
        "study.yaml": STUDY,
        "own.jsonl": rows,
        "ask.jsonl": '{"prompt": "1 + 1?"}\n{"prompt": "2 + 2?"}\n',
        "recipe.json": recipe("mine", "other"),
        "run/space.yaml": SPACE,
        "run/champion.json": recipe("mine", "other"),
    }
    for name in ("model", "other"):
        config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 4, "eos_token_id": 0}
        files[f"{name}/config.json"] = json.dumps(config)
        files[f"{name}/tokenizer.json"] = json.dumps({"model": {"vocab": tokens}, "added_tokens": []})
        files[f"{name}/tokenizer_config.json"] = json.dumps({"eos_token": "<eos>"})
    content = {name: text.encode() for name, text in files.items()}
    return {**content, "model/model.safetensors": weights(SIZES), "other/model.safetensors": weights(SIZES)}


@dataclass(frozen=True)
class Wrong:
    """One wrong input.

    Attributes:
        command: as it is typed.
        needles: what its sentence must hold.
        files: what differs from the good files.
        as_root: whether root makes the same mistake: it may read and write everything.
    """

    command: str
    needles: tuple[str, ...]
    files: Mapping[str, Change] = field(default_factory=dict)
    as_root: bool = True


def edit(old: str, new: str) -> Callable[[bytes], bytes]:
    """The good content with one text for another."""

    def change(content: bytes) -> bytes:
        assert old.encode() in content, old
        return content.replace(old.encode(), new.encode(), 1)

    return change


def changed(**values: object) -> Callable[[bytes], bytes]:
    """The good JSON with other values; None takes a key away."""

    def change(content: bytes) -> bytes:
        new = {**json.loads(content), **values}
        return json.dumps({key: value for key, value in new.items() if value is not None}).encode()

    return change


def ledger(version: int) -> bytes:
    """A ledger that some version wrote."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE version (version INTEGER NOT NULL)")
    base.execute("INSERT INTO version VALUES (?)", (version,))
    base.commit()
    return base.serialize()


def tasks(text: str) -> Callable[[bytes], bytes]:
    """The good space with more keys in its task."""
    return edit("    path: own.jsonl\n", f"    path: own.jsonl\n    {text}\n")


def table(name: str, content: bytes | str) -> dict[str, Change]:
    """The good space over another table."""
    return {"space.yaml": edit("path: own.jsonl", f"path: {name}"), name: content}


def cut(content: bytes) -> bytes:
    """The first half, as a full disk or a broken download leaves it."""
    return content[: len(content) // 2]


BEGAN = json.dumps({"event": "began", "identity": {"name": "another", "seed": 0, "search": "0" * 64}}) + "\n"
ADDED = {"added_tokens": [{"id": 7, "content": "<|im_start|>", "special": True}]}
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 988097824\n"
SHARDS = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

COMMAND_LINE = {
    "no such command": Wrong("serch space.yaml", ("serch", "search")),
    "no such option": Wrong("search space.yaml --sede 3", ("--sede", "--seed")),
    "an option of another command": Wrong("generate recipe.json x --ledger l", ("--ledger",)),
    "no argument": Wrong("search", ("SPACE",)),
    "an argument too many": Wrong("search space.yaml cross.yaml", ("cross.yaml",)),
    "an option without its value": Wrong("search space.yaml --out", ("--out", "argument")),
    "a flag with a value": Wrong("search space.yaml --quiet=yes", ("--quiet", "value")),
    "a seed that is a text": Wrong("search space.yaml --seed one", ("--seed: expected a whole number, got 'one'",)),
    "an option twice": Wrong("search space.yaml --out a --out=b", ("--out", "once", "'a'", "'b'")),
    "a seed below zero": Wrong("search space.yaml --seed=-1", ("--seed: expected a number of at least 0, got '-1'",)),
    "a seed that is no whole number": Wrong("search space.yaml --seed 1.5", ("--seed: expected a whole number, got '1.5'",)),
    "a seed that is huge": Wrong("search space.yaml --seed 99999999999999999999", ("--seed: expected a number of at most 9223372036854775807",)),
    "no bytes of an answer": Wrong("generate recipe.json x --max-bytes 0", ("--max-bytes: expected a number of at least 1, got '0'",)),
    "more bytes than an answer may have": Wrong("generate recipe.json x --max-bytes 99999999999", ("--max-bytes: expected a number of at most 65536, got '99999999999'",)),
    "more jobs than any machine has": Wrong("study study.yaml --jobs 100000000", ("--jobs: expected a number of at most 256",)),
    "more seeds than anybody has time for": Wrong("two-by-two space.yaml cross.yaml --seeds 99999999999", ("--seeds: expected a number of at most 10000",)),
    "an empty path of a space": Wrong("check ''", ("SPACE", "expected a value, got ''")),
    "an empty path of a run": Wrong("certify ''", ("RUN", "expected a value, got ''")),
    "an empty path to write to": Wrong("search space.yaml --out=", ("--out: expected a value, got ''",)),
    "a number of bytes in words": Wrong("generate recipe.json x --max-bytes many", ("--max-bytes: expected a whole number, got 'many'",)),
    "no jobs": Wrong("study study.yaml --jobs 0", ("--jobs: expected a number of at least 1, got '0'",)),
    "an unknown split": Wrong("evaluate recipe.json --space space.yaml --split train", ("--split", "search, selection or test", "'train'")),
    "no space to evaluate on": Wrong("evaluate recipe.json", ("--space",)),
    "neither run nor schema": Wrong("certify", ("RUN",)),
    "an argument of doctor": Wrong("doctor now", ("no further argument, got now",)),
    "a zoo that does something else": Wrong("zoo show", ("show",)),
    "a list of the zoo with a name": Wrong("zoo list llama-a", ("llama-a",)),
    "an empty stop string": Wrong("generate recipe.json x --stop ''", ("--stop", "not empty")),
    "two questions": Wrong("generate recipe.json x --prompts ask.jsonl", ("PROMPT", "two")),
    "no question": Wrong("generate recipe.json", ("PROMPT", "none")),
    "a question with a dash": Wrong("generate recipe.json -5", ("--",)),
    "seeds that are none": Wrong("compare space.yaml --evaluations 100 --seeds a-b", ("--seeds", "0-9", "'a-b'")),
    "seeds backwards": Wrong("compare space.yaml --evaluations 100 --seeds 5-1", ("--seeds", "'5-1'")),
    "a seed twice": Wrong("compare space.yaml --evaluations 100 --seeds 0-2,1", ("--seeds", "differ")),
    "no evaluations": Wrong("compare space.yaml", ("--evaluations",)),
    "too few evaluations": Wrong("compare space.yaml --evaluations 3", ("--evaluations", "at least 32", "got 3")),
    "an unknown algorithm": Wrong("compare space.yaml --evaluations 100 --algorithms island,gradient", ("--algorithms", "'gradient'", "nsga2")),
    "an algorithm twice": Wrong("compare space.yaml --evaluations 100 --algorithms tpe,tpe", ("--algorithms", "'tpe' twice")),
    "an empty name of an algorithm": Wrong("compare space.yaml --evaluations 100 --algorithms tpe,", ("--algorithms", "commas")),
    "no seeds": Wrong("two-by-two space.yaml cross.yaml --seeds 0", ("--seeds: expected a number of at least 1, got '0'",)),
    "one space alone": Wrong("two-by-two space.yaml", ("CROSS",)),
}  # fmt: skip

OVERRIDES = {
    "a value set twice": Wrong("check space.yaml --set seed=1 --set seed=2", ("--set", "seed once", "'seed=1'", "'seed=2'")),
    "a seed set twice": Wrong("search space.yaml --seed 1 --set seed=2", ("--seed", "one seed")),
    "an override without a value": Wrong("check space.yaml --set seed", ("--set seed", "=")),
    "an override of nothing": Wrong("check space.yaml --set =3", ("--set =3",)),
    "an override of an unknown key": Wrong("check space.yaml --set evolution.generation=3", ("did you mean 'generations'?",)),
    "an override beyond the list": Wrong("check space.yaml --set pool.2.path=x", ("--set pool.2.path=x", "from 0 to 1")),
    "an override of a list by name": Wrong("check space.yaml --set pool.mine.path=x", ("from 0 to 1", "'mine'")),
    "an override into a number": Wrong("check space.yaml --set splits.search.size=3", ("splits.search", "got 8")),
    "an override of a wrong type": Wrong("plan space.yaml --set splits.search=many", ("splits.search", "a whole number", "'many'")),
    "an override that is no YAML": Wrong("search space.yaml --set 'objectives=[accuracy'", ("--set objectives", "syntax error")),
    "an override of a study": Wrong("check study.yaml --set seed=1", ("--set", "study")),
    "an override by a member that is not there": Wrong("search space.yaml --set pool.0.path=./modle", ("--set pool.0.path=./modle", "did you mean 'model'?")),
}  # fmt: skip

YAML = {
    "a space that is not there": Wrong("search spcae.yaml", ("spcae.yaml", "No such file", "did you mean 'space.yaml'?")),
    "a directory for a space": Wrong("check model", ("model", "a directory")),
    "an empty space": Wrong("check space.yaml", ("space.yaml", "an empty file"), {"space.yaml": ""}),
    "a space of comments": Wrong("check space.yaml", ("an empty file",), {"space.yaml": "# later\n"}),
    "a list at the top": Wrong("plan space.yaml", ("space.yaml:1:1", "a mapping", "a list"), {"space.yaml": "- name: good\n"}),
    "JSON for YAML with a tab": Wrong("check space.yaml", ("space.yaml:2", "a tab"), {"space.yaml": "splits:\n\tsearch: 8\n"}),
    "UTF-16": Wrong("check space.yaml", ("space.yaml:1", "UTF-8", "UTF-16"), {"space.yaml": SPACE.encode("utf-16")}),
    "a packed space": Wrong("check space.yaml", ("UTF-8", "a gzip file"), {"space.yaml": gzip.compress(SPACE.encode())}),
    "a picture": Wrong("check space.yaml", ("space.yaml", "UTF-8"), {"space.yaml": b"\x89PNG\r\n\x1a\n\xff"}),
    "an alias bomb": Wrong("check space.yaml", ("at most 20,000 values",), {"space.yaml": BOMB + SPACE}),
    "a key twice": Wrong("check space.yaml", ("space.yaml:14", "'name' twice"), {"space.yaml": SPACE + "name: again\n"}),
    "a tag that makes an object": Wrong("check space.yaml", ("the tag",), {"space.yaml": SPACE + "seed: !!python/object:os.system 3\n"}),
    "a misspelt key": Wrong("check space.yaml", ("space.yaml:14", "evolutoin", "did you mean 'evolution'?"), {"space.yaml": SPACE + "evolutoin: {}\n"}),
    "a misspelt key deep inside": Wrong("search space.yaml", ("space.yaml:12", "evolution.generatoins", "did you mean 'generations'?"), {"space.yaml": edit("generations", "generatoins")}),
    "a name with a slash": Wrong("check space.yaml", ("name", "'a/b'"), {"space.yaml": edit("name: good", "name: a/b")}),
    "a name with a blank": Wrong("check space.yaml", ("pool.0.name", "'my own'"), {"space.yaml": edit("name: mine", "name: my own")}),
    "a name that is a number": Wrong("check space.yaml", ("pool.0.name", "into quotes", "7"), {"space.yaml": edit("name: mine", "name: 7")}),
    "a name that is very long": Wrong("check space.yaml", ("name", "at most"), {"space.yaml": edit("name: good", "name: " + 300 * "a")}),
    "two members of one name": Wrong("check space.yaml", ("pool.1.name", "'mine' twice"), {"space.yaml": edit("name: other", "name: mine")}),
    "a share that is nan": Wrong("check space.yaml", ("evolution.mutation", "a finite number", ".nan"), {"space.yaml": edit("population: 4", "population: 4, mutation: .nan")}),
    "a margin of infinity": Wrong("check space.yaml", ("certificate.margin", ".inf"), {"space.yaml": SPACE + "certificate: {margin: .inf}\n"}),
    "a number in words": Wrong("check space.yaml", ("splits.search", "'eight'"), {"space.yaml": edit("search: 8", "search: eight")}),
    "a number below zero": Wrong("check space.yaml", ("splits.search", "at least 1", "-8"), {"space.yaml": edit("search: 8", "search: -8")}),
    "a split of nothing": Wrong("check space.yaml", ("splits.test", "at least 1", "got 0"), {"space.yaml": edit("test: 8", "test: 0")}),
    "a split that is huge": Wrong("check space.yaml", ("splits.test", "at most 10000000"), {"space.yaml": edit("test: 8", "test: 99999999999")}),
    "a space without a pool": Wrong("check space.yaml", ("pool", "a value"), {"space.yaml": "name: good\ntasks: []\n"}),
    "a space of another version": Wrong("check space.yaml", ("version", "expected 1, got 9"), {"space.yaml": SPACE + "version: 9\n"}),
    "an unknown kind of genome": Wrong("plan space.yaml", ("genome.kind", "mix, vote", "'choir'"), {"space.yaml": SPACE + "genome: {kind: choir}\n"}),
    "more generations than time has": Wrong("check space.yaml --set evolution.generations=99999999999999999999", ("evolution.generations", "at most 1000000")),
    "more individuals than memory has": Wrong("check space.yaml --set evolution.population=99999999999", ("evolution.population", "at most 1000000")),
    "an objective of no task": Wrong("check space.yaml", ("objectives.1", "the tasks (own)", "'sums'"), {"space.yaml": SPACE + "objectives: [accuracy, 'accuracy:sums']\n"}),
    "a store of MLflow that nobody trusted": Wrong("search space.yaml", ("tracking.uri", "--trust-tracking"), {"space.yaml": edit("mlflow: false", "uri: 'https://mlflow.example.org'")}),
    "a space for a study": Wrong("study space.yaml", ("space.yaml", "a study", "a search space")),
    "a study for a space": Wrong("search study.yaml", ("study.yaml", "a search space", "a study")),
    "a study to plan": Wrong("plan study.yaml", ("study.yaml", "a study")),
    "a study to compare": Wrong("compare study.yaml --evaluations 100", ("study.yaml", "a study")),
    "a run for a space": Wrong("search run", ("run", "a directory")),
    "a recipe for a space": Wrong("check recipe.json", ("recipe.json", "a recipe")),
    "a table for a space": Wrong("check own.jsonl", ("own.jsonl",)),
    "a space that differs in more than its pool": Wrong("two-by-two space.yaml cross.yaml", ("cross.yaml:11", "splits", "only the pools"), {"cross.yaml": edit("search: 8", "search: 9")}),
    "the same space twice": Wrong("two-by-two space.yaml space.yaml", ("space.yaml:1", "'good' twice")),
    "a space that nobody may read": Wrong("check space.yaml", ("space.yaml", "Permission denied"), {"space.yaml": b"!mode 000"}, as_root=False),
}  # fmt: skip

STUDIES = {
    "a study that is not there": Wrong("study stduy.yaml", ("stduy.yaml", "did you mean 'study.yaml'?")),
    "a study of a space that is not there": Wrong("study study.yaml", ("study.yaml:2", "nowhere.yaml"), {"study.yaml": edit("space.yaml", "nowhere.yaml")}),
    "a study of a study": Wrong("study study.yaml", ("study.yaml:2", "a search space"), {"study.yaml": edit("space.yaml", "study.yaml")}),
    "a study of nothing": Wrong("study study.yaml", ("settings",), {"study.yaml": "name: small\nspace: space.yaml\nsettings: {}\n"}),
    "a setting that no space has": Wrong("check study.yaml", ("study.yaml:4", "did you mean evolution.mutation?"), {"study.yaml": edit("evolution.mutation", "evolution.mutatoin")}),
    "a setting that no study varies": Wrong("study study.yaml", ("seed", "the study's seeds"), {"study.yaml": edit("evolution.mutation: {low: 0.5, high: 1}", "seed: {low: 0, high: 1}")}),
    "a range upside down": Wrong("study study.yaml", ("settings.evolution.mutation.high", "more than low"), {"study.yaml": edit("high: 1", "high: 0.1")}),
    "a range beyond the space's": Wrong("study study.yaml", ("settings.evolution.mutation.high", "at most 1"), {"study.yaml": edit("high: 1", "high: 7")}),
    "too few seeds": Wrong("study study.yaml", ("seeds", "at least 5"), {"study.yaml": STUDY + "seeds: [0, 1]\n"}),
    "seeds of the confirmation among the others": Wrong("study study.yaml", ("confirm_seeds.0", "fresh seeds"), {"study.yaml": STUDY + "confirm_seeds: [0, 11, 12, 13, 14]\n"}),
}  # fmt: skip

MODELS = {
    "a model that is not there": Wrong("check space.yaml", ("space.yaml:4", "pool.0.path", "no such directory"), {"space.yaml": edit("./model", "./nowhere")}),
    "a model's name with a slip": Wrong("check space.yaml", ("'modle'", "did you mean 'model'?"), {"space.yaml": edit("./model", "./modle/")}),
    "a file for a model": Wrong("check space.yaml", ("pool.0.path", "got a file"), {"space.yaml": edit("./model", "./model/config.json")}),
    "a hub id of three parts": Wrong("check space.yaml", ("pool.0.path", "owner/name"), {"space.yaml": edit("./model", "a/b/c")}),
    "no member of the zoo": Wrong("check space.yaml", ("pool.0.path", "llama-a", "'lama'"), {"space.yaml": edit("./model", "zoo:lama")}),
    "an address for a model": Wrong("check space.yaml", ("pool.0.path", "hub id"), {"space.yaml": edit("./model", "https://example.org/model")}),
    "a folder without config": Wrong("search space.yaml", ("pool.0.path", "config.json"), {"model/config.json": None}),
    "an empty folder": Wrong("check space.yaml", ("pool.0.path", "config.json"), {"space.yaml": edit("./model", "./empty"), "empty/": ""}),
    "a folder of checkpoints": Wrong("check space.yaml", ("config.json", "did you mean 'training/checkpoint-500'?"), {"space.yaml": edit("./model", "./training"), "training/checkpoint-500/config.json": "{}"}),
    "a folder of the hub's cache": Wrong("check space.yaml", ("config.json", "did you mean 'models--a--b/snapshots/0f'?"), {"space.yaml": edit("./model", "./models--a--b"), "models--a--b/snapshots/0f/config.json": "{}"}),
    "a config that is cut off": Wrong("check space.yaml", ("JSON", "model/config.json"), {"model/config.json": cut}),
    "an empty config": Wrong("check space.yaml", ("JSON", "model/config.json"), {"model/config.json": ""}),
    "a kind of model that is an object": Wrong("check space.yaml", ("model_type", "model/config.json"), {"model/config.json": changed(model_type={"a": 1})}),
    "an encoder": Wrong("check space.yaml", ("an encoder", "BertForMaskedLM"), {"model/config.json": changed(architectures=["BertForMaskedLM"])}),
    "an embedding model": Wrong("check space.yaml", ("an encoder", "BertModel", "writes no text"), {"model/config.json": changed(model_type="bert", architectures=["BertModel"])}),
    "an encoder with a decoder": Wrong("check space.yaml", ("an encoder with a decoder", "T5"), {"model/config.json": changed(architectures=["T5ForConditionalGeneration"], is_encoder_decoder=True)}),
    "quantised weights": Wrong("check space.yaml", ("quantised by", "GPTQ"), {"model/config.json": changed(quantization_config={"quant_method": "gptq"})}),
    "GGUF alone": Wrong("check space.yaml", ("GGUF", "q4.gguf"), {"model/model.safetensors": None, "model/q4.gguf": "GGUF"}),
    "a file of GGUF": Wrong("check space.yaml", ("GGUF",), {"space.yaml": edit("./model", "./q4.gguf"), "q4.gguf": "GGUF"}),
    "no weights": Wrong("check space.yaml", ("weights", "got none"), {"model/model.safetensors": None}),
    "empty weights": Wrong("check space.yaml", ("weights",), {"model/model.safetensors": ""}),
    "weights that are cut off": Wrong("plan space.yaml", ("model.safetensors", "it is cut off"), {"model/model.safetensors": lambda content: content[:-5]}),
    "weights that are text": Wrong("check space.yaml", ("model.safetensors", "weights"), {"model/model.safetensors": "<html>404</html>"}),
    "a pointer of git-lfs for weights": Wrong("check space.yaml", ("model.safetensors", "git lfs pull"), {"model/model.safetensors": POINTER}),
    "a pointer of git-lfs for pickled weights": Wrong("check space.yaml", ("pytorch_model.bin", "git lfs pull"), {"model/model.safetensors": None, "model/pytorch_model.bin": POINTER}),
    "a pointer of git-lfs for a tokenizer": Wrong("check space.yaml", ("tokenizer.json", "git lfs pull"), {"model/tokenizer.json": POINTER}),
    "a shard that is missing": Wrong("check space.yaml", ("model-00002-of-00002.safetensors", "index"), {"model/model.safetensors": None, "model/model.safetensors.index.json": SHARDS, "model/model-00001-of-00002.safetensors": weights(SIZES)}),
    "an index that is cut off": Wrong("check space.yaml", ("JSON", "index.json"), {"model/model.safetensors": None, "model/model.safetensors.index.json": SHARDS[:40]}),
    "no tokenizer": Wrong("check space.yaml", ("a tokenizer",), {"model/tokenizer.json": None}),
    "the tokenizer of another model": Wrong("check space.yaml", ("tokens below 4", "'d' as 4", "another model"), {"model/tokenizer.json": changed(model={"vocab": {"<eos>": 0, "a": 1, "d": 4, "e": 5}})}),
    "weights of another model": Wrong("check space.yaml", ("expected 8 rows", "got 4"), {"model/config.json": changed(vocab_size=8)}),
    "a template's token that was added without resizing": Wrong("check space.yaml", ("tokens below 4", "'<|im_start|>' as 7", "resize_token_embeddings"), {"space.yaml": edit("./model\n", "./model\n    chat_template: true\n"), "model/tokenizer.json": changed(**ADDED), "model/tokenizer_config.json": changed(chat_template=TEMPLATE)}),
    "an end that was added without resizing": Wrong("check space.yaml", ("an end token below 4", "got 7"), {"model/tokenizer.json": changed(**ADDED), "model/config.json": changed(eos_token_id=7), "model/tokenizer_config.json": changed(eos_token="<|im_start|>")}),
    "no end of answers": Wrong("check space.yaml", ("an end token",), {"model/config.json": changed(eos_token_id=None), "model/tokenizer_config.json": changed(eos_token=None)}),
    "a chat template that is not there": Wrong("check space.yaml", ("chat_template", "none there"), {"space.yaml": edit("./model\n", "./model\n    chat_template: true\n")}),
    "a chat template that is broken": Wrong("check space.yaml", ("chat_template", "template"), {"space.yaml": edit("./model\n", "./model\n    chat_template: true\n"), "model/tokenizer_config.json": changed(chat_template="{% for %}")}),
    "an adapter without weights": Wrong("check space.yaml", ("adapter", "'big/model'", "merge_and_unload"), {"model/model.safetensors": None, "model/adapter_config.json": '{"base_model_name_or_path": "big/model", "peft_type": "LORA"}'}),
    "code of a stranger": Wrong("check space.yaml", ("pool.0", "trust_remote_code", "--trust-remote-code"), {"space.yaml": edit("./model\n", "./model\n    trust_remote_code: true\n")}),
    "different tokenizers in one alphabet": Wrong("check space.yaml", ("alphabet", "the tokens of 'mine'", "common and bytes"), {"space.yaml": SPACE + "alphabet: tokens\n", "other/tokenizer.json": changed(model={"vocab": {"<eos>": 0, "x": 1}})}),
    "a variable that is not set": Wrong("check space.yaml", ("pool.0.path", "$NO_SUCH_VARIABLE_HERE", "not set"), {"space.yaml": edit("./model", "$NO_SUCH_VARIABLE_HERE/x")}),
    "a home that has no such model": Wrong("check space.yaml", ("pool.0.path", "/no-such-model-here", "no such directory"), {"space.yaml": edit("./model", "~/no-such-model-here")}),
    "a folder that nobody may read": Wrong("check space.yaml", ("model", "Permission denied"), {"model/config.json": b"!mode 000"}, as_root=False),
}  # fmt: skip

TABLES = {
    "a table that is not there": Wrong("search space.yaml", ("space.yaml:10", "tasks.0.path", "no such file"), {"own.jsonl": None}),
    "an empty table": Wrong("check space.yaml", ("own.jsonl", "at least one row"), {"own.jsonl": ""}),
    "a table of an unknown kind": Wrong("check space.yaml", ("tasks.0.path", ".jsonl", ".xlsx"), table("./own.xlsx", "PK")),
    "a directory for a table": Wrong("check space.yaml", ("tasks.0.path", "a directory"), {"space.yaml": edit("own.jsonl", "./model")}),
    "a broken line 7": Wrong("check space.yaml", ("own.jsonl:7:", "JSON"), {"own.jsonl": edit('{"question": "6 + 1?"', '{"question": "6 + 1?')}),
    "a list in line 3": Wrong("check space.yaml", ("own.jsonl:3", "an object"), {"own.jsonl": edit('{"question": "2 + 1?", "answer": "3"}', "[2, 3]")}),
    "UTF-16 of a table": Wrong("check space.yaml", ("own.jsonl", "UTF-8", "UTF-16"), {"own.jsonl": lambda content: content.decode().encode("utf-16")}),
    "Latin-1 of a table": Wrong("check space.yaml", ("own.jsonl:1", "UTF-8", "0xe9"), {"own.jsonl": b'{"question": "caf\xe9", "answer": "1"}\n'}),
    "a column that is not there": Wrong("check space.yaml", ("tasks.0.prompt", "'question'", "frage"), {"own.jsonl": lambda content: content.replace(b"question", b"frage")}),
    "a column in one row only": Wrong("check space.yaml", ("row 3", "answer"), {"own.jsonl": edit('"2 + 1?", "answer": "3"', '"2 + 1?", "reply": "3"')}),
    "an answer that is null": Wrong("check space.yaml", ("row 3", "null"), {"own.jsonl": edit('"answer": "3"', '"answer": null')}),
    "splits larger than the table": Wrong("check space.yaml", ("splits.test", "5000"), {"space.yaml": edit("test: 8", "test: 5000")}),
    "the same row again and again": Wrong("check space.yaml", ("splits", "1 distinct"), {"own.jsonl": 90 * '{"question": "1?", "answer": "1"}\n'}),
    "a CSV with an uneven row": Wrong("check space.yaml", ("own.csv:3", "2 fields", "got 3"), table("own.csv", "question,answer\n1?,1\n2?,2,3\n")),
    "a CSV with an open quote": Wrong("check space.yaml", ("own.csv", "quote"), table("own.csv", 'question,answer\n"1?,1\n')),
    "a CSV with a column twice": Wrong("check space.yaml", ("own.csv:1", "'answer' twice"), table("own.csv", "question,answer,answer\n1?,1,2\n")),
    "a JSON of one object": Wrong("check space.yaml", ("own.json", "a list of objects"), table("own.json", '{"question": "1?"}')),
    "a gzip that is cut off": Wrong("check space.yaml", ("own.jsonl.gz", "cut off"), table("own.jsonl.gz", cut(gzip.compress(4000 * b"a" + bytes(range(256)))))),
    "a parquet that is none": Wrong("check space.yaml", ("own.parquet", "parquet"), table("own.parquet", "PAR1")),
    "a pointer of git-lfs for a table": Wrong("check space.yaml", ("git lfs pull",), {"own.jsonl": POINTER}),
    "a template without a column": Wrong("check space.yaml", ("tasks.0.prompt", "a {column}"), {"space.yaml": tasks("prompt: 'Why?'")}),
    "a template with a stray brace": Wrong("check space.yaml", ("tasks.0.prompt", "stray"), {"space.yaml": tasks("prompt: '{question} }'")}),
    "an unknown scorer": Wrong("check space.yaml", ("tasks.0.scorer.kind", "did you mean numeric?"), {"space.yaml": tasks("scorer: {kind: numerik}")}),
    "a scorer that nobody allowed": Wrong("check space.yaml", ("tasks.0.scorer.kind", "--allow-scorer mine"), {"space.yaml": tasks("scorer: {kind: 'mine:score'}")}),
    "a scorer whose file is not there": Wrong("check space.yaml --allow-scorer ./mine.py", ("--allow-scorer: expected a file", "./mine.py"), {"space.yaml": tasks("scorer: {kind: 'mine:score'}")}),
    "a scorer that cannot be imported": Wrong("check space.yaml --allow-scorer mine.py", ("tasks.0.scorer.kind", "mine.py", "SyntaxError"), {"space.yaml": tasks("scorer: {kind: 'mine:score'}"), "mine.py": "def score(:\n"}),
    "a scorer that is no function": Wrong("check space.yaml --allow-scorer mine.py", ("a function 'score'", "no such name"), {"space.yaml": tasks("scorer: {kind: 'mine:score'}"), "mine.py": "def mark(text, item): return 1\n"}),
    "a scorer of one argument": Wrong("check space.yaml --allow-scorer mine.py", ("(text, item)", "mine:score(text)"), {"space.yaml": tasks("scorer: {kind: 'mine:score'}"), "mine.py": "def score(text): return 1\n"}),
    "answers that no number is in": Wrong("check space.yaml", ("row", "a number in the gold"), {"space.yaml": tasks("scorer: {kind: numeric}"), "own.jsonl": lambda content: content.replace(b'"answer": "', b'"answer": "seven"}\n{"question": "')}),
    "a pattern that is none": Wrong("check space.yaml", ("tasks.0.scorer.pattern", "a regular expression"), {"space.yaml": tasks("scorer: {kind: regex, pattern: '(a'}")}),
    "no bytes to answer in": Wrong("check space.yaml", ("tasks.0.max_bytes", "at least 1"), {"space.yaml": tasks("max_bytes: 0")}),
    "an unknown source": Wrong("check space.yaml", ("tasks.0.source", "did you mean dataset?"), {"space.yaml": edit("source: dataset", "source: datasets")}),
    "a harness without a policy": Wrong("lm-eval --tasks gsm8k", ("--model_args: expected policy=RUN",)),
    "a harness with a policy that is not there": Wrong("lm-eval --model_args policy=nowhere.json --tasks gsm8k", ("nowhere.json", "a readable file")),
    "a harness task that nobody allowed": Wrong("check space.yaml", ("tasks.0.benchmark", "--allow-scorer mine.yaml"), {"space.yaml": edit("source: dataset\n    path: own.jsonl", "source: lm_eval\n    benchmark: mine.yaml")}),
    "a harness task that is not there": Wrong("check space.yaml --allow-scorer mine.yaml", ("tasks.0.benchmark", "a file or folder that is there", "mine.yaml"), {"space.yaml": edit("source: dataset\n    path: own.jsonl", "source: lm_eval\n    benchmark: mine.yaml")}),
    "a harness task with a scorer": Wrong("check space.yaml", ("tasks.0.scorer", "expected no scorer"), {"space.yaml": edit("source: dataset\n    path: own.jsonl", "source: lm_eval\n    benchmark: gsm8k\n    scorer: {kind: numeric}")}),
    "a path of no variable": Wrong("check space.yaml", ("tasks.0.path", "$NO_SUCH_VARIABLE_HERE"), {"space.yaml": edit("path: own.jsonl", "path: $NO_SUCH_VARIABLE_HERE/own.jsonl")}),
}  # fmt: skip

RECIPES = {
    "a recipe that is not there": Wrong("generate nowhere.json x", ("nowhere.json", "No such file")),
    "a recipe that is empty": Wrong("generate recipe.json x", ("recipe.json", "an empty file"), {"recipe.json": ""}),
    "a recipe that is cut off": Wrong("evaluate recipe.json --space space.yaml", ("recipe.json", "JSON"), {"recipe.json": cut}),
    "a recipe that is a space": Wrong("generate space.yaml x", ("space.yaml",)),
    "a recipe of a newer version": Wrong("generate recipe.json x", ("recipe.json", "version", "this evoswarm", "9"), {"recipe.json": changed(version=9)}),
    "a recipe with an unknown key": Wrong("generate recipe.json x", ("recipe.json", "a known key, got 'colour'"), {"recipe.json": changed(colour="red")}),
    "a recipe of an unknown kind": Wrong("generate recipe.json x", ("kind", "vote or route", "'choir'"), {"recipe.json": changed(kind="choir")}),
    "a recipe without members": Wrong("generate recipe.json x", ("members", "at least 1 entry"), {"recipe.json": changed(members=[])}),
    "a recipe whose lead is missing": Wrong("generate recipe.json x", ("lead", "'nobody'"), {"recipe.json": changed(lead="nobody")}),
    "a recipe with nan for a weight": Wrong("generate recipe.json x", ("recipe.json", "members.0.weight"), {"recipe.json": edit('"path": "./model"}', '"path": "./model"}, "weight": NaN')}),
    "a recipe with nan for a threshold": Wrong("generate recipe.json x", ("recipe.json", "members.1.threshold"), {"recipe.json": edit('"path": "./other"}', '"path": "./other"}, "threshold": NaN')}),
    "a member of a recipe that is gone": Wrong("generate recipe.json x", ("recipe.json", "members.0", "model-of-yesterday", "beside the file", "from the working directory"), {"recipe.json": edit("./model", "./model-of-yesterday")}),
    "a member of a recipe without weights": Wrong("generate recipe.json x", ("recipe.json", "members.1", "weights"), {"other/model.safetensors": None}),
    "a recipe that runs a stranger's code": Wrong("generate recipe.json x", ("members.0.spec.trust_remote_code", "--trust-remote-code"), {"recipe.json": edit('"path": "./model"', '"path": "./model", "trust_remote_code": true')}),
    "a member that the pool lacks": Wrong("evaluate recipe.json --space space.yaml", ("recipe.json", "members.1.spec.name", "mine, other", "'stranger'"), {"recipe.json": recipe("mine", "stranger")}),
    "a warm start that is not there": Wrong("search space.yaml", ("warm_start.0", "nowhere.json"), {"space.yaml": SPACE + "warm_start: [nowhere.json]\n"}),
    "a warm start of strangers": Wrong("check space.yaml", ("warm_start.0", "'stranger'"), {"space.yaml": SPACE + "warm_start: [recipe.json]\n", "recipe.json": recipe("mine", "stranger")}),
    "a warm start of another kind": Wrong("check space.yaml", ("warm_start.0", "a vote"), {"space.yaml": SPACE + "warm_start: [recipe.json]\ngenome: {kind: vote}\n"}),
    "prompts that are not there": Wrong("generate recipe.json --prompts nowhere.jsonl", ("nowhere.jsonl",)),
    "prompts that are empty": Wrong("generate recipe.json --prompts ask.jsonl", ("ask.jsonl", "at least one"), {"ask.jsonl": "\n"}),
    "a prompt that is a number": Wrong("generate recipe.json --prompts ask.jsonl", ("ask.jsonl", "prompt"), {"ask.jsonl": '{"prompt": 7}\n'}),
    "prompts that are broken": Wrong("generate recipe.json --prompts ask.jsonl", ("ask.jsonl:2",), {"ask.jsonl": '{"prompt": "a"}\n{"prompt"\n'}),
    "a directory for prompts": Wrong("generate recipe.json --prompts model", ("model", "a directory")),
    "answers into a directory": Wrong("generate recipe.json x --out model", ("model", "a directory")),
    "answers into a file's inside": Wrong("generate recipe.json x --out own.jsonl/rows.jsonl", ("own.jsonl",)),
    "answers over the recipe": Wrong("generate recipe.json x --out recipe.json", ("recipe.json", "lost")),
    "answers into a name that is too long": Wrong(f"generate recipe.json x --out {300 * 'a'}.jsonl", ("too long",)),
    "an out of a variable that is not set": Wrong("generate recipe.json x --out '${NO_SUCH_VARIABLE_HERE}/a.jsonl'", ("--out", "${NO_SUCH_VARIABLE_HERE}", "not set")),
    "answers where nobody may write": Wrong("generate recipe.json x --out shut/rows.jsonl", ("shut",), {"shut/": b"!mode 500"}, as_root=False),
}  # fmt: skip

ANSWERS = {
    "answers of nothing": Wrong("answers nope", ("nope", "No such file")),
    "answers of a run with a slip": Wrong("answers ru", ("did you mean 'run'?",)),
    "answers of an unknown split": Wrong("answers run --split train", ("--split", "search, selection or test", "'train'")),
    "answers by a column that is not there": Wrong("answers run --by subject", ("--by", "question, answer", "'subject'")),
    "answers in two forms": Wrong("answers run --csv --json", ("--json", "got both")),
    "answers over a table": Wrong("answers run --csv own.jsonl", ("own.jsonl", "--overwrite")),
    "answers as a table into a directory": Wrong("answers run --csv model", ("model", "a directory")),
    "answers as a table into nothing": Wrong("answers run --csv $NO_SUCH_VARIABLE_HERE/a.csv", ("--csv", "$NO_SUCH_VARIABLE_HERE")),
    "answers of a test split, decoded": Wrong("answers run --split test --decode", ("--decode", "a certificate")),
    "answers out of no ledger": Wrong("answers run --ledger own.jsonl", ("own.jsonl", "a ledger")),
    "answers on a space with a slip": Wrong("answers recipe.json --space spcae.yaml", ("spcae.yaml", "did you mean 'space.yaml'?")),
    "answers of a stranger's recipe": Wrong("answers recipe.json --space space.yaml", ("recipe.json", "'stranger'"), {"recipe.json": recipe("mine", "stranger")}),
}  # fmt: skip

RUNS = {
    "the same run twice": Wrong("certify run run", ("run",)),
    "a run beside nothing": Wrong("certify run nope", ("nope", "nothing there")),
    "two runs of one seed": Wrong("certify run other-run", ("other-run/space.yaml", "different seeds", "seed 0 twice"), {"other-run/space.yaml": SPACE, "other-run/champion.json": recipe("mine", "other")}),
    "runs of two spaces": Wrong("certify run other-run", ("other-run", "one space", "another splits"), {"other-run/space.yaml": SPACE.replace("search: 8", "search: 9") + "seed: 1\n", "other-run/champion.json": recipe("mine", "other")}),
    "a run that is not there": Wrong("certify nope", ("nope", "a run directory", "nothing there")),
    "a run's name with a slip": Wrong("certify ru", ("nothing there", "did you mean 'run'?")),
    "a run of no search": Wrong("certify model", ("model", "space.yaml")),
    "a file for a run": Wrong("certify recipe.json", ("recipe.json", "a file")),
    "a run without a champion": Wrong("certify run", ("run", "champion.json", "its search has ended"), {"run/champion.json": None}),
    "a run without a champion to ask": Wrong("generate run x", ("run", "champion.json"), {"run/champion.json": None}),
    "a champion that is cut off": Wrong("certify run", ("run/champion.json", "JSON"), {"run/champion.json": cut}),
    "a champion of a newer version": Wrong("certify run", ("run/champion.json", "version", "this evoswarm"), {"run/champion.json": changed(version=9)}),
    "a champion of strangers": Wrong("certify run", ("run/champion.json", "'stranger'"), {"run/champion.json": recipe("mine", "stranger")}),
    "a run whose space was changed by hand": Wrong("certify run", ("run/space.yaml", "colour"), {"run/space.yaml": SPACE + "colour: red\n"}),
    "a run whose model has gone": Wrong("certify run", ("run/space.yaml", "pool.0.path"), {"model/config.json": None}),
    "a run whose table has gone": Wrong("certify run", ("run/space.yaml", "own.jsonl"), {"own.jsonl": None}),
    "a name that no file can have": Wrong(f"certify {5000 * 'a'}", ("a run directory",)),
    "a run of another search": Wrong("search space.yaml --out before", ("before", "its name is", "another"), {"before/journal.jsonl": BEGAN}),
    "a directory with other files": Wrong("search space.yaml --out model", ("model", "other files")),
    "a file for a run directory": Wrong("search space.yaml --out own.jsonl", ("own.jsonl", "a file")),
    "a run directory in a file": Wrong("search space.yaml --out own.jsonl/run", ("own.jsonl", "a regular file")),
    "a journal that is damaged": Wrong("search space.yaml --out before", ("before/journal.jsonl:1", "damaged"), {"before/journal.jsonl": "what?\n"}),
    "a comparison in a run": Wrong("compare space.yaml --evaluations 100 --out before", ("before", "a search"), {"before/journal.jsonl": BEGAN}),
    "a comparison of something else": Wrong("compare space.yaml --evaluations 100 --out before", ("comparison.json",), {"before/comparison.json": "{}"}),
    "a record of a comparison that is cut off": Wrong("compare space.yaml --evaluations 100 --out before", ("tpe-seed0.json", "record"), {"before/tpe-seed0.json": '{"algorithm": "tpe"'}),
    "a ledger that is a text": Wrong("search space.yaml --ledger notes.txt", ("notes.txt", "a ledger"), {"notes.txt": 200 * "not a ledger\n"}),
    "a ledger of a newer version": Wrong("certify run --ledger new.sqlite", ("new.sqlite", "version 99"), {"new.sqlite": ledger(99)}),
    "a ledger that is a directory": Wrong("evaluate recipe.json --space space.yaml --ledger model", ("model", "a directory")),
    "a ledger in a file": Wrong("search space.yaml --ledger own.jsonl/ledger.sqlite", ("own.jsonl",)),
    "a damaged ledger beside the runs": Wrong("study study.yaml", ("runs/ledger.sqlite", "a ledger"), {"runs/ledger.sqlite": 200 * "not a ledger\n"}),
    "a run where nobody may write": Wrong("search space.yaml --out shut/run", ("shut",), {"shut/": b"!mode 500"}, as_root=False),
}  # fmt: skip

REPORTS = {
    "no run": Wrong("report", ("RUN",)),
    "a run that is not there": Wrong("report ru", ("ru", "a run directory", "nothing there", "did you mean 'run'?")),
    "a run of no search": Wrong("report model", ("model", "space.yaml")),
    "a file for a run": Wrong("report recipe.json", ("recipe.json", "a file")),
    "the same run twice": Wrong("report run ./run", ("run", "one twice")),
    "runs of two spaces": Wrong("report run other", ("other/space.yaml: splits.search", "one space", "splits.search: 8 -> 9"), {"other/space.yaml": SPACE.replace("search: 8", "search: 9")}),
    "a lineage that is damaged": Wrong("report run", ("run/individuals.jsonl:1", "the file is damaged"), {"run/individuals.jsonl": "one\n"}),
    "individuals of something else": Wrong("report run", ("run/individuals.jsonl", "as a search writes them"), {"run/individuals.jsonl": '{"id": "g00"}\n'}),
    "a certificate that is none": Wrong("report run", ("run/certificate.json", "a certificate"), {"run/certificate.json": "{}"}),
    "a champion that is cut off": Wrong("report run", ("run/champion.json", "JSON"), {"run/champion.json": cut}),
    "a page that is there": Wrong("report run --out own.jsonl", ("own.jsonl", "--overwrite")),
    "a page in place of what is read": Wrong("report run --out run/space.yaml --overwrite", ("run/space.yaml", "would be lost")),
    "a page that is a directory": Wrong("report run --out model", ("model", "a directory")),
    "a page where nobody may write": Wrong("report run --out shut/page.html", ("shut", "may not write"), {"shut/": b"!mode 500"}, as_root=False),
}  # fmt: skip

SHOWN = {
    "nothing to show": Wrong("show", ("RUN|POLICY",)),
    "what is not there": Wrong("show ru", ("ru", "a readable file", "did you mean 'run'?")),
    "a space": Wrong("show space.yaml", ("space.yaml", "JSON")),
    "a model": Wrong("show model", ("model", "champion.json", "or a bundle")),
    "a run that never began": Wrong("show run", ("run/journal.jsonl", "which search began")),
    "a run whose journal is damaged": Wrong("show run", ("run/journal.jsonl:1", "an event"), {"run/journal.jsonl": "began\n"}),
    "a run whose journal holds other events": Wrong("show run", ("run/journal.jsonl:1", "'identity' of the event"), {"run/journal.jsonl": '{"event": "began"}\n'}),
    "contenders of something else": Wrong("show run", ("run/front.json", "contenders as this evoswarm writes them"), {"run/front.json": '{"contenders": [{}]}', "run/journal.jsonl": BEGAN}),
    "contenders that are cut off": Wrong("show run", ("run/front.json", "a JSON object"), {"run/front.json": "{", "run/journal.jsonl": BEGAN}),
    "a champion that is cut off": Wrong("show run", ("run/champion.json", "JSON"), {"run/champion.json": cut, "run/front.json": '{"front": []}'}),
    "a certificate of seeds that is none": Wrong("show seeds", ("seeds/certificate.json", "several seeds"), {"seeds/certificate.json": "{}"}),
    "a policy that is cut off": Wrong("show recipe.json", ("recipe.json", "JSON"), {"recipe.json": cut}),
    "no directory of runs": Wrong("runs ru", ("ru", "a directory of runs", "did you mean 'run'?")),
    "a file for a directory of runs": Wrong("runs space.yaml", ("space.yaml", "a directory of runs, got a file")),
    "a run for a directory of runs": Wrong("runs run", ("run", "a run itself", "evoswarm show run")),
    "a directory of runs that is shut": Wrong("runs shut", ("shut", "can be read"), {"shut/": b"!mode 000"}, as_root=False),
}  # fmt: skip

EXPORTS = {
    "no source": Wrong("export", ("RUN|POLICY", "--list")),
    "no target": Wrong("export run", ("--to", "--list")),
    "no place": Wrong("export run --to bundle", ("OUT",)),
    "an unknown target": Wrong("export run --to bundel out", ("--to", "bundle", "did you mean 'bundle'?")),
    "an option of another target": Wrong("export run --to bundle out --register mine", ("--register", "bundle does not take it")),
    "no student": Wrong("export run --to distilled out", ("--student", "a model to train, or a file of YAML", "got none")),
    "a student that is not there": Wrong("export run --to distilled out --student ./nope", ("--student", "a model directory 'nope'")),
    "a plan that is not there": Wrong("export run --to distilled out --student nope.yaml", ("nope.yaml", "a readable file")),
    "a plan of another kind": Wrong("export run --to distilled out --student space.yaml", ("space.yaml", "a known key")),
    "a student that is a model and is not": Wrong("export run --to distilled out --student s.yaml", ("s.yaml:2", "tokenizer", "beside model"), {"s.yaml": "model: ./model\ntokenizer: mine\n"}),
    "training that never ends": Wrong("export run --to distilled out --student s.yaml", ("s.yaml:2", "training.steps", "at least 1", "got 0"), {"s.yaml": "model: ./model\ntraining: {steps: 0}\n"}),
    "a value of no plan": Wrong("export run --to distilled out --student ./model --set training.stepz=3", ("--set", "training.stepz", "did you mean 'steps'")),
    "a student of a policy alone": Wrong("export recipe.json --to distilled out --student s.yaml", ("recipe.json", "a run directory"), {"s.yaml": "model: ./model\n"}),
    "an address of a target that takes none": Wrong("export run --to bundle sqlite:///out.db", ("OUT", "bundle does not take it")),
    "a registered model of no name": Wrong("export run --to tables out --register a/b", ("--register", "tables does not take it")),
    "tables of a policy alone": Wrong("export recipe.json --to tables out", ("recipe.json", "a run directory", "a policy alone")),
    "a study of a policy alone": Wrong("export recipe.json --to optuna out.db", ("recipe.json", "a run directory", "a policy alone")),
    "a source that is not there": Wrong("export nope --to bundle out", ("nope", "a readable file")),
    "a source that is no policy": Wrong("export space.yaml --to bundle out", ("space.yaml", "JSON")),
    "a run without a champion": Wrong("export run --to bundle out", ("run", "champion.json"), {"run/champion.json": None}),
    "a policy of a newer version": Wrong("export recipe.json --to bundle out", ("recipe.json: version", "this evoswarm"), {"recipe.json": changed(version=9)}),
    "a vote of a newer version": Wrong("export recipe.json --to bundle out", ("recipe.json: version", "this evoswarm"), {"recipe.json": '{"kind": "vote", "version": 2}'}),
    "a kind that nobody knows": Wrong("export recipe.json --to bundle out", ("recipe.json: kind", "vote or route"), {"recipe.json": '{"kind": "graph", "version": 1}'}),
    "a member that has moved": Wrong("export recipe.json --to bundle out", ("recipe.json: members.0.spec.path", "a model directory"), {"recipe.json": recipe("mine").replace("./model", "./moved")}),
    "a member that is no model any more": Wrong("export run --to bundle out", ("run/champion.json: members.0.spec.path", "config.json"), {"run/champion.json": recipe("mine"), "model/config.json": None}),
    "a certificate that is none": Wrong("export run --to bundle out", ("run/certificate.json", "a certificate"), {"run/certificate.json": "{}"}),
    "a certificate of a newer version": Wrong("export run --to bundle out", ("run/certificate.json: version", "got: version 9"), {"run/certificate.json": '{"version": 9}'}),
    "a place that is taken": Wrong("export run --to bundle out", ("out", "not there yet", "something else is"), {"out/notes.txt": "mine"}),
    "a place that holds something else": Wrong("export run --to bundle out --overwrite", ("out", "an earlier export to bundle"), {"out/notes.txt": "mine"}),
    "a place that is a file": Wrong("export run --to bundle own.jsonl --overwrite", ("own.jsonl", "an earlier export to bundle")),
    "a place in a file": Wrong("export run --to bundle own.jsonl/out", ("own.jsonl/out", "can be written")),
    "a place that is read": Wrong("export run --to bundle run --overwrite", ("run", "nothing lies that is read")),
    "a place that is here": Wrong("export run --to bundle . --overwrite", ("holds all of yours",)),
    "a place where nobody may write": Wrong("export run --to bundle shut/out", ("shut/out", "may not write"), {"shut/": b"!mode 500"}, as_root=False),
    "a schema of nothing": Wrong("schema", ("FILE",)),
    "a schema of an unknown kind": Wrong("schema polciy", ("FILE", "space, policy, certificate, study", "did you mean 'policy'?")),
    "a schema of two kinds": Wrong("schema space policy", ("policy",)),
    "a list for what is no policy": Wrong("export space.yaml --list", ("space.yaml", "JSON")),
}  # fmt: skip

SERVING = {
    "no policy": Wrong("serve", ("RUN|POLICY",)),
    "a policy that is not there": Wrong("serve recipe.json nope.json", ("nope.json", "a readable file")),
    "a space for a policy": Wrong("serve space.yaml", ("space.yaml", "JSON")),
    "a run without a champion": Wrong("serve run", ("run", "champion.json"), {"run/champion.json": None}),
    "a member that has moved": Wrong("serve recipe.json", ("recipe.json: members.0.spec.path", "a model directory"), {"recipe.json": recipe("mine").replace("./model", "./moved")}),
    "a policy twice": Wrong("serve recipe.json recipe.json", ("recipe.json", "names that differ", "'recipe' twice")),
    "two policies of one name": Wrong("serve recipe.json other/recipe.json", ("other/recipe.json", "'recipe' twice"), {"other/recipe.json": recipe("mine").replace("./model", "../model")}),
    "all the world without a key": Wrong("serve recipe.json --host 0.0.0.0", ("--host", "--api-key-file", "'0.0.0.0'")),
    "a host that is nowhere": Wrong("serve recipe.json --host nowhere.invalid --api-key-file keys", ("--host", "nowhere.invalid"), {"keys": "secret\n"}),
    "a host that is elsewhere": Wrong("serve recipe.json --host 192.0.2.1 --api-key-file keys", ("--host", "192.0.2.1"), {"keys": "secret\n"}),
    "a port that none has": Wrong("serve recipe.json --port 70000", ("--port: expected a number of at most 65535",)),
    "no keys": Wrong("serve recipe.json --api-key-file keys", ("keys: expected at least one key",), {"keys": "\n \n"}),
    "keys that are not there": Wrong("serve recipe.json --api-key-file keys", ("keys: expected a readable file",)),
    "a key that no header carries": Wrong("serve recipe.json --api-key-file keys", ("keys:2", "visible ASCII"), {"keys": "one\ntwo words\n"}),
    "keys that are no text": Wrong("serve recipe.json --api-key-file keys", ("keys", "UTF-8"), {"keys": b"\xff\xfe\n"}),
    "requests that would never find room": Wrong("serve recipe.json --max-questions 20 --max-streams 4 --max-queue 8", ("--max-questions: expected at most 12", "got 20")),
    "no time": Wrong("serve recipe.json --max-seconds 0", ("--max-seconds: expected a number of at least 0.1",)),
    "a time that is none": Wrong("serve recipe.json --max-seconds nan", ("--max-seconds",)),
}  # fmt: skip

WRONG: dict[str, Wrong] = {
    f"{category}: {name}": one
    for category, group in {
        "command line": COMMAND_LINE,
        "override": OVERRIDES,
        "YAML": YAML,
        "study": STUDIES,
        "model": MODELS,
        "table": TABLES,
        "recipe": RECIPES,
        "answers": ANSWERS,
        "run": RUNS,
        "report": REPORTS,
        "show": SHOWN,
        "export": EXPORTS,
        "serve": SERVING,
    }.items()
    for name, one in group.items()
}
