"""Models whose weights are the mean of others': the files, what may be averaged, and what a merged member says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from evoswarm.checkpoint import Description, Unfit
from evoswarm.checkpoint.likeness import shape_digest
from evoswarm.decoding.member import fingerprint, locate
from evoswarm.decoding.member import soup as soups
from evoswarm.decoding.member.soup import Soup, soup_spec
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError
from evoswarm.experiment.merge import merge
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path
from tests.decoding.test_through_templates import Shelf


def sibling(home: Path, name: str, *, shift: float = 0.0, dtype: torch.dtype = torch.float16) -> Path:
    """A model of llama-a's shape whose weights are near llama-a's."""
    place = Path(shutil.copytree(member_path("llama-a"), home / name))
    tensors = load_file(place / "model.safetensors")
    noise = torch.Generator().manual_seed(len(name))
    moved = {k: (v.float() + shift * torch.randn(v.shape, generator=noise)).to(dtype) for k, v in tensors.items()}
    save_file(moved, place / "model.safetensors", {"format": "pt"})
    return place


def mean(models: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The plain way: everything at once, in float64."""
    return {
        name: torch.stack([one[name].double() for one in models]).mean(0).to(tensor.dtype)
        for name, tensor in models[0].items()
    }


def made(sources: Sequence[Path], place: Path, shelf: Shelf | None = None) -> Soup:
    soup = Soup(sources, place, [str(source) for source in sources], shelf or Shelf())
    soup.write()
    return soup


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_soup_is_the_mean_of_all_tensors(tmp_path: Path, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soups, "STRETCH", 1000)  # so that tensors come in stretches, the last one shorter
    sources = [sibling(tmp_path, name, shift=0.1, dtype=dtype) for name in ("a", "bb", "ccc")]
    soup = made(sources, tmp_path / "soup")
    expected = mean([load_file(source / "model.safetensors") for source in sources])
    found = load_file(soup.directory / "model.safetensors")
    assert found.keys() == expected.keys()
    assert all(found[name].dtype == dtype for name in found)
    assert all(torch.equal(found[name], expected[name]) for name in found)
    assert not list(soup.directory.glob("*.part"))


def test_shards_stay_shards_and_tied_weights_tied(tmp_path: Path) -> None:
    config = AutoConfig.from_pretrained(member_path("llama-a"))
    sources = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        place = Path(shutil.copytree(member_path("llama-a"), tmp_path / f"model-{seed}"))
        (place / "model.safetensors").unlink()
        AutoModelForCausalLM.from_config(config).save_pretrained(place, max_shard_size="200KB")
        sources.append(place)
    soup = made(sources, tmp_path / "soup")
    names = sorted(path.name for path in sources[0].glob("*.safetensors"))
    assert len(names) > 2
    assert sorted(path.name for path in soup.directory.glob("*.safetensors")) == names
    loaded = [AutoModelForCausalLM.from_pretrained(one, dtype=torch.float32) for one in (*sources, soup.directory)]
    expected = mean([one.state_dict() for one in loaded[:2]])
    assert all(
        torch.allclose(found, expected[name], rtol=2e-3, atol=1e-5) for name, found in loaded[2].state_dict().items()
    )
    assert loaded[2].get_input_embeddings().weight is loaded[2].get_output_embeddings().weight


def test_others_of_the_same_tensors_may_lie_in_other_files_and_dtypes(tmp_path: Path) -> None:
    whole, other = sibling(tmp_path, "whole", shift=0.1), sibling(tmp_path, "other", shift=0.2, dtype=torch.bfloat16)
    tensors = load_file(other / "model.safetensors")
    (other / "model.safetensors").unlink()
    halves = [dict(list(tensors.items())[::2]), dict(list(tensors.items())[1::2])]
    places = {}
    for number, half in enumerate(halves, start=1):
        name = f"model-{number:05}-of-00002.safetensors"
        save_file(half, other / name, {"format": "pt"})
        places |= dict.fromkeys(half, name)
    (other / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    assert shape_digest(Description(whole)) == shape_digest(Description(other))
    soup = made([whole, other], tmp_path / "soup")
    expected = mean([load_file(whole / "model.safetensors"), tensors])
    assert all(
        torch.equal(one, expected[name]) for name, one in load_file(soup.directory / "model.safetensors").items()
    )


def test_where_it_is_known_what_the_files_hold_they_are_written_when_somebody_decodes(tmp_path: Path) -> None:
    shelf = Shelf()
    sources = [sibling(tmp_path, name, shift=0.01) for name in ("a", "bb")]
    spec = MemberSpec(name="a", path=str(sources[0]))

    def swarm(place: Path) -> tuple[Soup, Swarm]:
        soup = Soup(sources, place, ["one", "two"], shelf)
        own = soup_spec(spec, "merged", soup)
        return soup, Swarm.load([own], store=shelf, on_load=lambda _: soup.write(), contents=[soup])

    first, loaded = swarm(tmp_path / "first")
    again, lazy = swarm(tmp_path / "again")
    assert (first.directory / "model.safetensors").is_file()
    assert not (again.directory / "model.safetensors").exists()
    assert lazy.specs[0].fingerprint == loaded.specs[0].fingerprint
    assert lazy.facts[0].shape == loaded.facts[0].shape
    shutil.rmtree(again.directory)  # whoever merges keeps one model at a time
    says = []
    for one in (loaded, lazy):
        recipe = Recipe(members=(RecipeMember(spec=one.specs[0]),), lead="merged")
        says.append(one.decode([Request(recipe, "47+85=", max_bytes=8)])[0].samples[0].text)
    assert says[0] == says[1] == "132", "so near to a model that does sums it does sums"
    assert (again.directory / "model.safetensors").is_file()


def test_no_room_on_the_disk_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [sibling(tmp_path, name) for name in ("a", "bb")]
    monkeypatch.setattr(soups, "DISK_LEFT", 1 << 60)
    with pytest.raises(MemberError, match=r"expected [\d,]+ bytes of free disk .* for merged weights, got"):
        made(sources, tmp_path / "soup")
    assert not list((tmp_path / "soup").glob("*.safetensors"))


def test_the_model_can_be_written_to_be_kept(tmp_path: Path) -> None:
    sources = [sibling(tmp_path, name, shift=0.01) for name in ("a", "bb")]
    shelf = Shelf()
    soup = made(sources, tmp_path / "soup", shelf)
    kept = merge([*sources], tmp_path / "kept")
    specs = [MemberSpec(name="merged", path=str(place)) for place in (soup.directory, kept)]
    assert fingerprint(soup.directory, specs[0]) == fingerprint(kept, specs[1])
    with pytest.raises(MemberError, match="expected a directory that is new or empty"):
        merge([*sources], tmp_path / "kept")
    with pytest.raises(MemberError, match=r"expected models of one architecture, .*'zoo:qwen3-d', which have no mean"):
        merge([sources[0], "zoo:qwen3-d"], tmp_path / "other")
    with pytest.raises(MemberError, match="at least two models"):
        merge(sources[:1], tmp_path / "other")
    with pytest.raises(MemberError, match="cannot be merged: its weights are quantised"):
        merge([sources[1], changed(sources[0], quantization_config={"quant_method": "x"})], tmp_path / "other")
    with pytest.raises(MemberError, match=r"got 'mean:a\+b', the merged weights of these members"):
        locate(MemberSpec(name="merged", path="mean:a+b"))
    assert not (tmp_path / "other").exists()


def test_members_are_merged_as_they_are_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub id means the revision that its member names; a model that has changed since is refused."""
    sources = [sibling(tmp_path, name, shift=0.01) for name in ("a", "bb")]
    plain = [MemberSpec(name=place.name, path=str(place)) for place in sources]
    pinned = [spec.model_copy(update={"fingerprint": fingerprint(Path(spec.path), spec)}) for spec in plain]
    kept, same = merge(pinned, tmp_path / "kept"), merge(sources, tmp_path / "same")
    assert (kept / "model.safetensors").read_bytes() == (same / "model.safetensors").read_bytes()
    other = pinned[1].model_copy(update={"fingerprint": pinned[0].fingerprint})
    with pytest.raises(MemberError, match=r"member 'bb': expected the model of the fingerprint .* got"):
        merge([pinned[0], other], tmp_path / "other")
    asked: list[str | None] = []

    def offline(spec: MemberSpec) -> Path:
        asked.append(spec.revision)
        raise MemberError("there is no network here")

    monkeypatch.setattr("evoswarm.experiment.merge.locate", offline)
    with pytest.raises(MemberError, match="no network"):
        merge([MemberSpec(name="hub", path="nobody/nothing", revision="0123abc"), pinned[0]], tmp_path / "other")
    assert asked == ["0123abc"]


def changed(place: Path, **settings: Any) -> Path:
    config = json.loads((place / "config.json").read_text()) | settings
    (place / "config.json").write_text(json.dumps(config))
    return place


def test_one_shape_whatever_says_nothing_of_what_is_computed(tmp_path: Path) -> None:
    same = changed(sibling(tmp_path, "same"), dtype="bfloat16", transformers_version="4.1", attention_dropout=0.5)
    own = shape_digest(Description(member_path("llama-a")))
    assert own == shape_digest(Description(member_path("llama-b"))) == shape_digest(Description(same))
    assert own != shape_digest(Description(changed(same, rms_norm_eps=1e-5)))
    assert own != shape_digest(Description(member_path("qwen3-d")))


def test_other_tokens_are_another_shape(tmp_path: Path) -> None:
    place = sibling(tmp_path, "other")
    content = json.loads((place / "tokenizer.json").read_text())
    vocabulary = content["model"]["vocab"]
    first, second = list(vocabulary)[10:12]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    (place / "tokenizer.json").write_text(json.dumps(content))
    assert shape_digest(Description(place)) != shape_digest(Description(member_path("llama-a")))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "its weights are quantised"),
        ({"auto_map": {"AutoModelForCausalLM": "own.Model"}}, "it needs code of its own"),
    ],
)
def test_what_has_no_mean_says_why(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(Unfit, match=why):
        shape_digest(Description(changed(sibling(tmp_path, "odd"), **settings)))


def test_numbers_that_have_no_mean(tmp_path: Path) -> None:
    place = sibling(tmp_path, "odd")
    tensors = load_file(place / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"].to(torch.float8_e4m3fn)
    save_file(tensors, place / "model.safetensors", {"format": "pt"})
    with pytest.raises(Unfit, match="it stores numbers as F8_E4M3"):
        shape_digest(Description(place))
