"""What a model's files say, read with limits: odd types, sizes and headers are refused by file and field."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evoswarm.checkpoint import Description, Unfit, Vocabulary, stored_weights
from evoswarm.checkpoint.description import MOST_LAYERS, USUAL_LIMIT, show
from evoswarm.checkpoint.weights import read_header, weight_files


def write(directory: Path, name: str, content: object) -> Description:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    (directory / name).write_bytes(raw)
    return Description(directory)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "expected JSON in"),
        (b"[1]", r"expected an object in .*got \[1\]"),
        (b"{" * 100_000, "expected JSON in"),
        (b'{"vocab_size": ' + b"9" * 6000 + b"}", "expected JSON in"),
        (b'{"a": "\xff"}', "expected JSON in"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, raw: bytes, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        write(tmp_path, "config.json", raw).json("config.json")


def test_sizes_are_bounded_before_anything_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "config.json").touch()
    os.truncate(tmp_path / "config.json", USUAL_LIMIT + 1)  # takes no room on the disk
    with pytest.raises(Unfit, match=f"expected at most {USUAL_LIMIT:,} bytes in .*config.json', got more"):
        Description(tmp_path).json("config.json")


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "many", [], {}])
def test_a_size_of_the_vocabulary_that_is_none(tmp_path: Path, value: object) -> None:
    description = write(tmp_path, "config.json", {"vocab_size": value})
    with pytest.raises(Unfit, match=r"expected a whole number of at least 1 as vocab_size in .*config\.json', got "):
        description.columns()
    assert write(tmp_path, "config.json", {"text_config": {"vocab_size": 7}, "vocab_size": 3}).columns() is not None
    assert Description(tmp_path).columns() == 7


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"num_hidden_layers": MOST_LAYERS + 1}, "num_hidden_layers"),
        ({"n_layer": 1e30}, "n_layer"),
        ({"text_config": {"num_layers": 10**9}}, "text_config.num_layers"),
        ({"attention_types": [[["global"], 10**9]]}, "attention_types"),
    ],
)
def test_layers_are_counted_under_every_name(tmp_path: Path, config: dict[str, object], field: str) -> None:
    with pytest.raises(Unfit, match=f"expected at most 10,000 layers as {field} in"):
        write(tmp_path, "config.json", config).check_layers()
    write(tmp_path, "config.json", {"max_window_layers": 28, "num_hidden_layers": 2}).check_layers(tensors=3)
    with pytest.raises(Unfit, match="at most 1 layers"):
        Description(tmp_path).check_layers(tensors=1)


@pytest.mark.parametrize(
    ("file", "content", "field"),
    [
        ("config.json", {"eos_token_id": "two"}, "eos_token_id"),
        ("generation_config.json", {"eos_token_id": [1, None]}, "eos_token_id"),
        ("generation_config.json", {"eos_token_id": True}, "eos_token_id"),
        ("tokenizer_config.json", {"eos_token": 5}, "eos_token"),
        ("tokenizer_config.json", {"eos_token": {"content": []}}, "eos_token"),
    ],
)
def test_end_tokens_of_odd_types(tmp_path: Path, file: str, content: object, field: str) -> None:
    with pytest.raises(Unfit, match=rf"expected a .* as {field} in .*{file}', got "):
        Vocabulary(write(tmp_path, file, content)).end_tokens()


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"model": 3}, "model"),
        ({"model": {"vocab": [1, 2]}}, "model.vocab"),
        ({"model": {"vocab": "a"}}, "model.vocab"),
        ({"model": {"vocab": {"a": -1}}}, "model.vocab.a"),
        ({"model": {"vocab": {"a": None}}}, "model.vocab.a"),
        ({"added_tokens": 3}, "added_tokens"),
        ({"added_tokens": [None]}, "added_tokens"),
        ({"added_tokens": [{"content": "x"}]}, "added_tokens"),
    ],
)
def test_vocabularies_of_odd_types(tmp_path: Path, content: object, field: str) -> None:
    with pytest.raises(Unfit, match=rf"expected .* as {field} in .*tokenizer\.json', got "):
        Vocabulary(write(tmp_path, "tokenizer.json", content)).tokens()


def header(tensors: dict[str, object], body: bytes = b"") -> bytes:
    raw = json.dumps(tensors).encode()
    return len(raw).to_bytes(8, "little") + raw + body


ONE = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def test_headers_say_what_is_stored(tmp_path: Path) -> None:
    description = write(tmp_path, "model.safetensors", header({"a": ONE, "__metadata__": {"x": "y"}}, bytes(24)))
    stored = stored_weights(description)
    assert (stored.tensors, stored.elements, [file.name for file in stored.files]) == (1, 6, ["model.safetensors"])
    assert weight_files(Description(tmp_path / "nowhere")) == []
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    stored = stored_weights(write(pickled, "pytorch_model.bin", b"12345"))
    assert (stored.tensors, stored.elements) == (None, 5)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"short",
        (10**12).to_bytes(8, "little") + b"{}",
        header({"a": ONE}, bytes(23)),
        header({"a": 3}),
        header({"a": {"data_offsets": [0]}}),
        header({"a": {**ONE, "data_offsets": ["x", "y"]}}, bytes(24)),
        b"\x02" + bytes(7) + b"[]",
    ],
)
def test_headers_that_are_cut_off_or_none(tmp_path: Path, raw: bytes) -> None:
    write(tmp_path, "model.safetensors", raw)
    with pytest.raises(Unfit, match=r"expected .*model\.safetensors'"):
        read_header(tmp_path / "model.safetensors")


@pytest.mark.parametrize("shape", [None, [-1], ["x"], 3, [2.5]])
def test_shapes_that_are_none(tmp_path: Path, shape: object) -> None:
    description = write(tmp_path, "model.safetensors", header({"a": {**ONE, "shape": shape}}, bytes(24)))
    with pytest.raises(Unfit, match="expected a shape of whole numbers for a in"):
        stored_weights(description)


def test_what_is_shown_is_short_and_on_one_line() -> None:
    assert len(show("x" * 10**6)) <= 60
    assert "\n" not in show({"a": ["b\n" * 50]})
