"""The planted pools are what they are said to be, and the figures say what the records do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from evoswarm.decoding.swarm import Swarm
from evoswarm.space import check_files, draw_items, make_tasks
from tests.studies import planted, two_by_two


@pytest.mark.parametrize("kind", planted.KINDS)
def test_every_seed_has_test_items_of_its_own(kind: str, tmp_path: Path) -> None:
    """Neighbouring sources would repeat nearly all of them; families are finite, so a few come back."""
    drawn = []
    for seed in (0, 1):
        space = planted.planted(kind, seed, tmp_path)
        check_files(space)
        drawn.append({item.key for item in draw_items(space, make_tasks(space))["test"]})
        assert len(drawn[-1]) == space.splits.test
    assert len(drawn[0] & drawn[1]) < 0.25 * len(drawn[0])


def test_copies_are_one_model_and_noise_is_another(tmp_path: Path) -> None:
    copies = Swarm.load(planted.planted("copies", 0, tmp_path).pool)
    assert len({spec.fingerprint for spec in copies.specs}) == 1
    noisy = Swarm.load(planted.planted("noise", 0, tmp_path).pool)
    assert len({spec.fingerprint for spec in noisy.specs}) == 3


def test_noise_is_the_same_every_time_and_leaves_chance_alone(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    first, second = (planted.noise(tmp_path / name / "noise") for name in ("a", "b"))
    assert torch.equal(torch.random.get_rng_state(), state)
    ours, theirs = (AutoModelForCausalLM.from_pretrained(path).state_dict() for path in (first, second))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    trained = AutoModelForCausalLM.from_pretrained(planted.member_path("llama-a")).state_dict()
    assert not any(torch.equal(ours[name], trained[name].float()) for name in ours if "proj" in name)


def record(outcome: str, gain: float, **members: float) -> dict[str, object]:
    rivals = {"R1": {"difference": {"mean": gain}}, "R2": {"difference": {"mean": gain + 0.1}}}
    return {"seconds": 1.0, "outcome": outcome, "rivals": rivals, "members": members}


def test_figures_count_what_came_out() -> None:
    records = {
        "composite-0": record("adds value", 0.3),
        "composite-1": record("undecided", 0.1),
        "copies-0": record("no value", 0.0),
        "copies-1": record("adds value", 0.0),
        "noise-0": record("adds value", 0.3, noise=0.019),
        "noise-1": record("adds value", 0.3, noise=0.021),
        "noise-2": record("adds value", 0.3),
        "noise-3": record("adds value", 0.3, noise=0.5),
        "branches-0": {**record("no value", -0.4), "rivals": {"R6": {"difference": {"mean": -0.4}}}},
        "branches-1": {**record("undecided", -0.3), "rivals": {"R6": {"difference": {"mean": -0.3}}}},
    }
    values = {key: reading.value for key, reading in planted.figures(records).items()}
    assert values["composite_adds_value"] == 0.5
    assert values["composite_least_gain"] == pytest.approx(0.1)
    assert values["copies_add_value"] == 0.5
    assert values["noise_not_heard"] == 0.5
    assert values["branches_add_value"] == 0.0
    assert values["branches_least_loss"] == pytest.approx(0.3)
    assert set(values) == set(planted.GOALS)
    assert planted.figures({"copies-0": record("no value", 0.0)})["composite_adds_value"].value is None


def test_the_two_by_two_has_a_figure_for_every_key() -> None:
    side = {"words": ["x"], "scores": {"sums": "1010"}, "flops": 1e6, "evaluations": 9}
    other = {**side, "scores": {"sums": "1111"}}
    one = {"members": ["a", "b"], "seed": 0, "items": "x", "weights": {"sums": 1.0}, "mixing": other, "voting": side}
    readings = two_by_two.figures({"seed-0": {"same": one, "cross": {**one, "voting": other}}})
    assert set(readings) == set(two_by_two.GOALS)
    assert readings["same_value"].value == pytest.approx(0.5)
    assert readings["difference"].value == pytest.approx(-0.5)
