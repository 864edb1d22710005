"""The bank of fresh members: what its names promise, and that branches part from a common start."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.studies import fresh_members
from tests.studies.fresh_members import Fresh, bank, train
from tools.zoo.training_data import Taught

COUNT_BITS = {"count_bits": Taught(1.0, "true")}


def test_every_member_of_the_bank_is_another_one() -> None:
    members = bank()
    plans = [(one.plan.architecture, one.plan.tokenizer, str(one.plan.mix), one.start) for one in members.values()]
    assert len(set(plans)) == len(members) >= 29
    names = list(members)
    assert all(names.index(one.start) < names.index(name) for name, one in members.items() if one.start)


def test_each_member_of_pool_a_knows_another_family_best() -> None:
    plans = [one.plan for name, one in bank().items() if name.startswith("pool-a")]
    best = {max(plan.mix, key=lambda family: plan.mix[family].share) for plan in plans}
    assert len(plans) == len(best) == len({plan.architecture for plan in plans}) == 5
    assert len({plan.tokenizer for plan in plans}) == 5


def test_branches_go_on_with_the_weights_of_their_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh_members, "CARD_ITEMS", 2)
    monkeypatch.setattr("tools.zoo.train.PROGRESS_ITEMS", 2)
    whole = bank()["branch-a-1"].plan
    start = dataclasses.replace(whole, mix=COUNT_BITS, steps=1, batch=4)
    branch = dataclasses.replace(start, steps=2)
    train("start", Fresh(start), tmp_path)
    train("branch", Fresh(branch, "start"), tmp_path)
    train("straight", Fresh(branch), tmp_path)
    weights = {name: load_file(tmp_path / name / "model.safetensors") for name in ("start", "branch", "straight")}
    embedding = "model.embed_tokens.weight"
    assert not torch.equal(weights["start"][embedding], weights["branch"][embedding])
    assert torch.equal(weights["branch"][embedding], weights["straight"][embedding])
    card = json.loads((tmp_path / "branch" / "card.json").read_text("utf-8"))
    assert card["start"] == "start"
    assert card["accuracy"].keys() == set(fresh_members.FAMILIES)
