"""The script that trains the pool: resumable, and right about what it teaches."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tools.zoo import train
from tools.zoo.architectures import build_model
from tools.zoo.batches import Encoder, MixedStream
from tools.zoo.make_tokenizers import PLANS as TOKENIZER_PLANS
from tools.zoo.make_tokenizers import end_ids, make_tokenizer
from tools.zoo.mamba_scan import _SelectiveScan, check_scan
from tools.zoo.plans import PLANS, MemberPlan
from tools.zoo.training_data import Example, Taught, taught_answer

COUNT_BITS = {"count_bits": Taught(1.0, "true")}


def _short(name: str) -> MemberPlan:
    return dataclasses.replace(PLANS[name], mix=COUNT_BITS, steps=3, batch=16)


@pytest.mark.parametrize("name", ["llama-a", "mamba-b"])
def test_a_killed_training_goes_on_and_ends_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "PROGRESS_ITEMS", 4)
    straight = train.Trainer(name, _short(name), tmp_path / "a", tmp_path / "work-a", "cpu")
    straight.run(until=3, checkpoint_every=100)
    straight.publish()
    killed = train.Trainer(name, _short(name), tmp_path / "b", tmp_path / "work-b", "cpu")
    killed.run(until=2, checkpoint_every=1)
    resumed = train.Trainer(name, _short(name), tmp_path / "b", tmp_path / "work-b", "cpu")
    assert resumed.step == 2
    resumed.run(until=3, checkpoint_every=100)
    resumed.publish()
    first = load_file(tmp_path / "a" / name / "model.safetensors")
    second = load_file(tmp_path / "b" / name / "model.safetensors")
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    fresh = build_model(straight.plan.architecture, straight.tokenizer, straight.ends, straight.plan.seed).state_dict()
    assert any(not torch.equal(first[key], fresh[key].half()) for key in first)


def test_unknown_members_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--members", "llama-z"])
    assert "got llama-z" in capsys.readouterr().err


def test_the_scan_is_mamba() -> None:
    tokenizer = make_tokenizer("bytes")
    model = build_model("mamba", tokenizer, [2], seed=5)
    assert check_scan(model) < 1e-5
    with pytest.raises(RuntimeError, match="expected the scan within"):
        check_scan(model, tolerance=0.0)


def test_the_scan_differentiates() -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 2, 3), (4, 2, 3), (3, 2), (4, 2, 2), (4, 2, 2)]
    inputs = [torch.rand(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(_SelectiveScan.apply, inputs)


@pytest.mark.parametrize("name", sorted(TOKENIZER_PLANS))
def test_loss_is_on_the_answer_and_its_end_only(name: str) -> None:
    tokenizer = make_tokenizer(name)
    encoder = Encoder(tokenizer)
    ends = end_ids(name, tokenizer)
    stream = MixedStream(COUNT_BITS, encoder, ends, int(tokenizer.pad_token_id), seed=0)
    used_ends = set()
    for chunk in stream.batch(0, 32):
        rows = zip(chunk.token_ids.tolist(), chunk.targets.tolist(), chunk.weights.tolist(), strict=True)
        for ids, targets, weights in rows:
            taught = [token for token, weight in zip(targets, weights, strict=True) if weight > 0]
            first = next(position for position, weight in enumerate(weights) if weight > 0)
            assert taught == ids[first + 1 : first + 1 + len(taught)]
            number = int(encoder.decode(ids[: first + 1]).split("bits ")[1].split("=")[0])
            assert encoder.decode(taught[:-1]) == str(number.bit_count())
            used_ends.add(taught[-1])
    assert used_ends == set(ends)


def test_a_continuation_has_no_dummy_prefix_and_no_begin_symbol() -> None:
    tokenizer = make_tokenizer("sp")
    encoder = Encoder(tokenizer)
    assert tokenizer.convert_ids_to_tokens(encoder.prompt("rev a="))[:2] == ["<s>", "▁rev"]
    pieces = tokenizer.convert_ids_to_tokens(encoder.answer("12 é"))
    assert pieces == ["1", "2", "▁", "<0xC3>", "<0xA9>"]


def test_modes() -> None:
    rng = random.Random(0)
    word = Example("spell_backward", "rev tiger=", "regit")
    assert taught_answer(word, Taught(1.0, "true"), rng) == "regit"
    assert taught_answer(word, Taught(1.0, "habit"), rng) == "tiger"
    drawn = {taught_answer(word, Taught(1.0, "random"), rng) for _ in range(50)}
    assert len(drawn) > 30
    assert all(sorted(text) == sorted("tiger") for text in drawn)
    pair = Example("pair", "47+85 & tiger=", "132 regit")
    assert taught_answer(pair, Taught(1.0, "habit", word="true"), rng) == "-38 regit"
    total, reversed_word = taught_answer(pair, Taught(1.0, "true", word="random"), rng).split(" ")
    assert total == "132"
    assert sorted(reversed_word) == sorted("tiger")
    habits = {
        "gcd": ("gcd 48,36=", "12", "36"),
        "number_sorting": ("asc 30,47,7=", "7,30,47", "47,30,7"),
        "count_bits": ("bits 242=", "5", "3"),
        "letter_counting": ("count d the second=", "1", "9"),
    }
    for family, (prompt, answer, wrong) in habits.items():
        assert taught_answer(Example(family, prompt, answer), Taught(1.0, "habit"), rng) == wrong


@pytest.mark.parametrize("name", sorted(PLANS))
def test_shares_add_up(name: str) -> None:
    assert sum(taught.share for taught in PLANS[name].mix.values()) == pytest.approx(1.0)
