"""Members find a device by what room there is, without asking for one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from evoswarm.decoding.forward import devices
from evoswarm.decoding.forward.devices import place
from evoswarm.decoding.forward.weight_files import weight_bytes
from evoswarm.decoding.member import load_member
from evoswarm.errors import MemberError
from evoswarm.member_spec import MemberSpec
from evoswarm.zoo.catalogue import member_path


def specs(*wanted: Any) -> Any:
    return [MemberSpec(name=f"m{number}", path="x", device=device) for number, device in enumerate(wanted)]


def test_largest_first_onto_the_gpu_with_most_room() -> None:
    room = {"cuda:0": 100, "cuda:1": 80}
    assert place([30, 60, 50, 10], specs(*["auto"] * 4), room) == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    assert place([60, 30], specs("auto", "auto"), room) == ["cuda:0", "cuda:1"]
    assert room == {"cuda:0": 100, "cuda:1": 80}


def test_equal_members_on_equal_gpus_take_turns_in_their_order() -> None:
    room = {f"cuda:{index}": 10 for index in range(3)}
    assert place([2] * 5, specs(*["auto"] * 5), room) == ["cuda:0", "cuda:1", "cuda:2", "cuda:0", "cuda:1"]


def test_a_device_of_their_own_stays_and_takes_room() -> None:
    room = {"cuda:0": 100, "cuda:1": 90}
    wanted = specs("cuda", "auto", "cpu", "cuda:1", "auto")
    assert place([40, 5, 99, 10, 20], wanted, room) == ["cuda", "cuda:0", "cpu", "cuda:1", "cuda:1"]


def test_without_a_gpu_it_is_the_cpu() -> None:
    assert place([5, 7], specs("auto", "cpu"), {}) == ["cpu", "cpu"]
    assert place([], [], {}) == []


def test_one_that_fits_nowhere_still_goes_to_a_gpu() -> None:
    assert place([500], specs("auto"), {"cuda:0": 10, "cuda:1": 20}) == ["cuda:1"]


def test_what_torch_can_see_is_asked_unless_room_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(devices, "free_bytes", lambda name: {"cuda:0": 3, "cuda:1": 4}[name])
    assert place([1], specs("auto")) == ["cuda:1"]


def test_weights_are_measured_by_their_files(tmp_path: Path) -> None:
    save_file(
        {"a": torch.zeros(3, 5, dtype=torch.bfloat16), "b": torch.zeros(7, dtype=torch.int64)},
        tmp_path / "model.safetensors",
    )
    save_file({"a": torch.zeros(3, 5)}, tmp_path / "consolidated.safetensors")
    assert weight_bytes(tmp_path) == 3 * 5 * 2 + 7 * 8
    assert weight_bytes(tmp_path, "float32") == 3 * 5 * 4 + 7 * 8


def test_weights_in_several_files_are_those_of_the_index(tmp_path: Path) -> None:
    for name, size in (("one", 4), ("two", 6), ("other", 100)):
        save_file({name: torch.zeros(size)}, tmp_path / f"{name}.safetensors")
    index = {"weight_map": {"x": "one.safetensors", "y": "two.safetensors", "z": "two.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert weight_bytes(tmp_path) == 4 * 10
    assert weight_bytes(tmp_path, "float16") == 2 * 10


def test_old_weights_count_by_their_size(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"12345")
    assert weight_bytes(tmp_path) == 5
    assert weight_bytes(tmp_path / "empty") == 0


@pytest.mark.parametrize(
    "raw", [b"", b"abc", b"\xff" * 20, (2).to_bytes(8, "little") + b"[]", b"\3" + b"\0" * 7 + b'{"a']
)
def test_what_is_broken_or_missing_is_left_to_those_who_load_it(tmp_path: Path, raw: Any) -> None:
    (tmp_path / "model.safetensors").write_bytes(raw)
    assert weight_bytes(tmp_path, "float32") == len(raw)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "gone.safetensors"}}')
    assert weight_bytes(tmp_path) == 0
    (tmp_path / "model.safetensors.index.json").write_text("{")
    assert weight_bytes(tmp_path) == 0


def test_a_member_is_put_where_it_was_placed() -> None:
    spec = MemberSpec(name="llama-a", path="zoo:llama-a")
    member = load_member(spec, 4096, "cpu")
    assert member.reader.device == "cpu"
    assert member.spec.device == "auto", "where it was put is no part of what it is"
    assert weight_bytes(member_path("llama-a"), "float32") >= member.reader.shape.parameter_bytes


@pytest.mark.parametrize("device", ["cuda:7", "cuda:1"])
def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, device: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(MemberError, match=f"one of 1 GPUs from cuda:0 on, got {device}"):
        load_member(MemberSpec(name="far", path="zoo:llama-a", device=device), 4096)
