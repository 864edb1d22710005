"""Members are loaded when somebody decodes: until then, what is known of them is enough."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evoswarm.decoding import pool as module
from evoswarm.decoding.forward import threads
from evoswarm.decoding.member import Member
from evoswarm.decoding.member.loading import load_member
from evoswarm.decoding.pool import Loading, Pool
from evoswarm.decoding.request import Request
from evoswarm.decoding.swarm import Swarm
from evoswarm.errors import MemberError, RecipeError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe, RecipeMember
from evoswarm.zoo.catalogue import member_path

NAMES = ("llama-a", "neox-e")


class Shelf(dict[str, str]):
    """Facts, as a ledger keeps them."""

    def facts(self, digests: Sequence[str]) -> dict[str, str]:
        return {digest: self[digest] for digest in digests if digest in self}

    def keep(self, facts: Mapping[str, str]) -> dict[str, str]:
        self.update({**facts, **self})
        return self.facts(list(facts))


@pytest.fixture
def specs(tmp_path: Path) -> list[MemberSpec]:
    """Two members of the built-in pool with other tokenizers, as a user's own directories."""
    return [
        MemberSpec(name=name, path=str(shutil.copytree(member_path(name), tmp_path / name)), device="cpu")
        for name in NAMES
    ]


def mixed(specs: Sequence[MemberSpec], **fields: object) -> Recipe:
    members = tuple(RecipeMember(spec=spec) for spec in specs)
    return Recipe.model_validate({"members": members, "lead": specs[0].name, **fields})


def other_weights(directory: Path) -> None:
    """The same architecture and tokenizer, another model."""
    tensors = load_file(directory / "model.safetensors")
    name = min(tensors)
    tensors[name] = tensors[name] * 2
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})


def test_what_is_known_needs_no_weights(specs: list[MemberSpec], loaded: list[str]) -> None:
    shelf = Shelf()
    first = Swarm.load(specs, store=shelf)
    assert loaded == [*NAMES]
    told: list[Loading] = []
    second = Swarm.load(specs, store=shelf, on_load=told.append)
    for attribute in ("specs", "shapes", "dtypes", "device_kind"):
        assert getattr(second, attribute) == getattr(first, attribute)
    second.check(mixed(second.specs))
    with pytest.raises(RecipeError, match="different tokenizers"):
        second.check(mixed(second.specs, alphabet="tokens"))
    assert (loaded, told) == ([*NAMES], [])


def test_the_first_who_decodes_waits_for_the_members(specs: list[MemberSpec], loaded: list[str]) -> None:
    shelf = Shelf()
    request = Request(mixed(specs), "1+2=", max_bytes=4)
    expected = Swarm.load(specs, store=shelf).decode([request])[0].samples
    told: list[Loading] = []
    swarm = Swarm.load(specs, store=shelf, on_load=told.append)
    assert [swarm.decode([request])[0].samples for _ in range(2)] == [expected] * 2
    assert loaded == [*NAMES] * 2
    assert [(one.name, one.number, one.count) for one in told] == [(name, n, 2) for n, name in enumerate(NAMES, 1)]
    assert all(one.weight_bytes > 0 for one in told)


def test_other_weights_are_another_member(specs: list[MemberSpec], loaded: list[str]) -> None:
    shelf = Shelf()
    known = Swarm.load(specs, store=shelf)
    other_weights(Path(specs[1].path))
    changed = Swarm.load(specs, store=shelf)
    assert loaded == [*NAMES] * 2, "one unknown member, and all are loaded as ever"
    assert changed.specs[0] == known.specs[0]
    assert changed.specs[1].fingerprint != known.specs[1].fingerprint


def test_files_that_change_before_they_are_loaded_are_refused(specs: list[MemberSpec]) -> None:
    shelf = Shelf()
    Swarm.load(specs, store=shelf)
    swarm = Swarm.load(specs, store=shelf)
    other_weights(Path(specs[0].path))
    with pytest.raises(MemberError, match=r"'llama-a': expected .* to stay as it was read at the start"):
        swarm.decode([Request(mixed(specs), "1+2=", max_bytes=4)])


@pytest.mark.parametrize("change", [{"dtype": "bfloat16"}, {"trust_remote_code": True}, {"chat_template": True}])
def test_a_member_that_is_to_be_loaded_otherwise_is_loaded(
    specs: list[MemberSpec], loaded: list[str], change: dict[str, object]
) -> None:
    shelf = Shelf()
    Pool.find(specs[:1], 4096, shelf)
    one = specs[0].model_copy(update=change)
    if "chat_template" in change:
        with pytest.raises(MemberError, match="chat template"):
            Pool.find([one], 4096, shelf)
    else:
        for _ in range(2):
            Pool.find([one], 4096, shelf, trust_remote_code=True)
    always = "trust_remote_code" in change
    assert len(loaded) == (3 if always else 2)


def test_other_libraries_load_anew(specs: list[MemberSpec], loaded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    Pool.find(specs, 4096, shelf)
    monkeypatch.setattr(module, "version", lambda name: "99.0")
    Pool.find(specs, 4096, shelf)
    assert loaded == [*NAMES] * 2


def test_tiny_members_are_loaded_on_one_thread(specs: list[MemberSpec], monkeypatch: pytest.MonkeyPatch) -> None:
    """As they decode: on several, each of the thousands of small products waits for the others."""
    seen: list[int] = []

    def noted(*arguments: Any) -> Member:
        seen.append(torch.get_num_threads())
        return load_member(*arguments)

    monkeypatch.setattr(module, "load_member", noted)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        Pool.find(specs, 4096)
        assert (seen, torch.get_num_threads()) == ([1] * len(specs), 2)
        monkeypatch.setattr(threads, "ONE_THREAD_BELOW", 1)
        Pool.find(specs[:1], 4096)
        assert seen[-1] == 2
    finally:
        torch.set_num_threads(before)


def test_the_date_of_a_template_is_known_before_anything_is_loaded(tmp_path: Path, loaded: list[str]) -> None:
    """So a replay makes the recipes that the run made, whatever day it is."""
    path = Path(shutil.copytree(member_path("qwen3-d"), tmp_path / "dated"))
    template = (path / "chat_template.jinja").read_text()
    (path / "chat_template.jinja").write_text("{{ strftime_now('%d %b %Y') }} " + template)
    asked = MemberSpec(name="dated", path=str(path), chat_template=True, device="cpu")
    shelf = Shelf()
    first = Swarm.load([asked], store=shelf)
    assert loaded == ["dated"]
    assert first.specs[0].template_date == "2026-01-01"
    again = Swarm.load([first.specs[0]], store=shelf)
    assert again.specs == Swarm.load([asked], store=shelf).specs == first.specs
    assert loaded == ["dated"]
    other = Swarm.load([asked.model_copy(update={"template_date": "2024-07-26"})], store=shelf)
    assert loaded == ["dated", "dated"]
    with pytest.raises(RecipeError, match="other weights, tokenizer, template, or words for it"):
        other.check(mixed(first.specs))
    request = [Request(mixed(swarm.specs), "47+85=", max_bytes=4) for swarm in (first, other)]
    assert "01 Jan 2026 <|im_start|>" in first.members[0]._tokenizer.decode(first.members[0].render("x"))
    assert first.decode(request[:1])[0].failure is None
    assert other.decode(request[1:])[0].failure is None
