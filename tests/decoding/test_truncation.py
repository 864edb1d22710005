"""What is left out of a draw: as transformers leaves it out, as the judge does, and as often as it should be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import GenerationConfig
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from evoswarm.decoding.forward.torch_reader import TorchReader
from evoswarm.decoding.request import Request
from evoswarm.decoding.step.noise import gumbel, gumbel_at
from evoswarm.decoding.step.truncation import truncate
from evoswarm.decoding.swarm import Swarm
from tests import oracle as judge
from tests.decoding.recipes import PROMPTS, recipe
from tests.oracle_member import OracleMember
from tests.oracle_symbols import view_of

SYMBOLS = 40
CUTS: list[dict[str, Any]] = [
    {"top_k": 5},
    {"top_p": 0.8},
    {"min_p": 0.1},
    {"top_k": 12, "top_p": 0.7, "min_p": 0.02},
    {"top_k": 1},
    {"top_p": 1e-6},
    {"min_p": 1.0},
]


def kept(scores: Tensor, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0) -> Tensor:
    """Scores with -inf where they are cut; one setting for all streams."""
    size = len(scores)
    found = truncate(
        scores,
        torch.full((size,), top_k),
        torch.full((size,), top_p, dtype=torch.float64),
        torch.full((size,), min_p, dtype=torch.float64),
    )
    return torch.full_like(scores, -math.inf).scatter_(1, found.symbols, found.scores)


def warpers(top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0, temperature: float = 1.0) -> LogitsProcessorList:
    """What transformers makes of the same settings, in its order."""
    chain: list[Any] = [TemperatureLogitsWarper(temperature)] if temperature != 1.0 else []
    chain += [TopKLogitsWarper(top_k)] if top_k else []
    chain += [TopPLogitsWarper(top_p)] if top_p < 1 else []
    return LogitsProcessorList([*chain, *([MinPLogitsWarper(min_p)] if min_p else [])])


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    scale=st.floats(0.1, 8),
    temperature=st.floats(0.2, 2.0),
    top_k=st.integers(0, SYMBOLS + 5),
    top_p=st.floats(0.01, 1.0),
    min_p=st.floats(0.0, 1.0),
)
def test_the_distribution_is_that_of_transformers(
    seed: int, scale: float, temperature: float, top_k: int, top_p: float, min_p: float
) -> None:
    logits = scale * torch.randn((6, SYMBOLS), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    theirs = warpers(top_k, top_p, min_p, temperature)(torch.zeros((6, 1), dtype=torch.long), logits.clone())
    ours = kept(logits / temperature, top_k, top_p, min_p)
    assert torch.allclose(torch.softmax(ours, 1), torch.softmax(theirs, 1), atol=1e-12)


def test_the_order_is_that_of_generate(zoo: Swarm) -> None:
    """The list above is what ``generate`` itself puts together."""
    reader = zoo.members[0].reader
    assert isinstance(reader, TorchReader)
    model: Any = reader.model
    config = GenerationConfig(do_sample=True, temperature=0.7, top_k=5, top_p=0.9, min_p=0.05)
    made = model._get_logits_processor(config, input_ids_seq_length=1)
    assert [type(one) for one in made] == [type(one) for one in warpers(5, 0.9, 0.05, 0.7)]


def test_forbidden_symbols_stay_out_and_the_likeliest_stays_in() -> None:
    scores = torch.tensor([[-math.inf, -1.0, -math.inf, -2.0]], dtype=torch.float64)
    for cut in CUTS:
        left = (kept(scores, **cut) > -math.inf)[0].tolist()
        assert left[:3] == [False, True, False], cut
    assert (kept(scores, top_k=3) > -math.inf)[0].tolist() == [False, True, False, True]


def test_equals_at_the_limit() -> None:
    """Top-k keeps all that are as likely as the k-th; top-p counts equals in the order of their numbers."""
    even = torch.zeros((1, 8), dtype=torch.float64)
    assert (kept(even, top_k=3) > -math.inf).sum() == 8
    assert (kept(even, top_p=0.5) > -math.inf)[0].tolist() == [True] * 4 + [False] * 4
    assert (kept(even, min_p=1.0) > -math.inf).sum() == 8


def test_streams_of_other_settings_do_not_meddle() -> None:
    scores = torch.randn((len(CUTS) + 1, SYMBOLS), generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    every = [*CUTS, {}]
    top_p, min_p = (
        torch.tensor([cut.get(name, silent) for cut in every], dtype=torch.float64)
        for name, silent in (("top_p", 1.0), ("min_p", 0.0))
    )
    found = truncate(scores, torch.tensor([cut.get("top_k", 0) for cut in every]), top_p, min_p)
    together = torch.full_like(scores, -math.inf).scatter_(1, found.symbols, found.scores)
    for row, cut in enumerate(every):
        assert torch.equal(together[row], kept(scores[row : row + 1], **cut)[0]), cut


def test_a_vocabulary_of_real_size_is_cut_the_same() -> None:
    """Where all that is unlikely is not even sorted."""
    logits = 3 * torch.randn((2, 150_000), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    cuts: list[dict[str, Any]] = [{"top_p": 0.95}, {"top_p": 0.999, "min_p": 0.001}, {"top_k": 50, "top_p": 0.9}]
    for cut in cuts:
        theirs = warpers(**cut)(torch.zeros((2, 1), dtype=torch.long), logits.clone())
        assert torch.equal(kept(logits, **cut) > -math.inf, theirs > -math.inf), cut


def test_noise_of_some_symbols_is_that_of_all() -> None:
    keys, positions = np.array([7, 2**63 + 5], dtype=np.uint64), np.array([0, 3])
    symbols = torch.tensor([[4, 0, 99], [99, 98, 1]])
    whole = gumbel(keys, positions, 100)
    assert torch.equal(gumbel_at(keys, positions, symbols), whole.gather(1, symbols))


@pytest.mark.parametrize("names", [("llama-a",), ("mamba-b", "llama-a", "opt-g")], ids=["alone", "mixed"])
@pytest.mark.parametrize("cut", [{}, *CUTS[:4]], ids=lambda cut: "-".join(cut) or "whole")
def test_the_judge_draws_the_same(
    zoo: Swarm, oracle: Callable[[str], OracleMember], names: tuple[str, ...], cut: dict[str, Any]
) -> None:
    one = recipe(*names, sampled=True, sampling_temperature=2.5, **cut)
    asked = [Request(one, prompt, f"key of {prompt}", 8) for prompt in PROMPTS[:3]]
    compared = 0
    for request, done in zip(asked, zoo.decode(asked), strict=True):
        want = judge.decode(one, [oracle(name) for name in names], request.prompt, request.key, 8)
        if min(want.margin, done.margin) > 1e-4:
            compared += 1
            assert done.samples[0].text == want.text
            assert done.margin == pytest.approx(want.margin, abs=1e-3)
    assert compared


def drawn(zoo: Swarm, **fields: Any) -> list[str]:
    done = zoo.decode([Request(recipe("llama-a", **fields), "47+85=", "key", 8)])[0]
    return [sample.text for sample in done.samples]


def test_one_answer_can_be_drawn_and_is_the_first_of_several(zoo: Swarm) -> None:
    hot = {"sampling_temperature": 4.0, "top_k": 12}
    several = drawn(zoo, samples=6, **hot)
    assert len(set(several)) > 1
    assert drawn(zoo, sampled=True, **hot) == several[:1]


def test_with_one_symbol_left_a_draw_is_greedy(zoo: Swarm) -> None:
    (greedy,) = drawn(zoo)
    for cut in ({"top_k": 1}, {"top_p": 1e-9}, {"min_p": 1.0}):
        assert set(drawn(zoo, samples=4, sampling_temperature=5.0, **cut)) == {greedy}
    assert set(drawn(zoo, samples=4, sampling_temperature=5.0)) != {greedy}


def test_first_symbols_come_as_often_as_they_should(zoo: Swarm, oracle: Callable[[str], OracleMember]) -> None:
    """The frequencies of 1,024 draws against what transformers leaves of the member's distribution."""
    one = recipe("llama-a", samples=1024, sampling_temperature=8.0, top_k=6, top_p=0.9)
    (done,) = zoo.decode([Request(one, "47+85=", "key", max_bytes=1)])
    member = oracle("llama-a")
    view = view_of(member).next_symbol(member.prompt("47+85="), b"", one.epsilon)
    assert view is not None
    logits = torch.tensor([[math.log(max(p, 1e-12)) for p in view[0]]], dtype=torch.float64)
    want = torch.softmax(warpers(6, 0.9, temperature=8.0)(torch.zeros((1, 1), dtype=torch.long), logits), 1)[0]
    texts = [sample.text for sample in done.samples]
    assert 2 <= int((want > 0).sum()) <= 6
    for byte in range(256):
        seen, share = texts.count(chr(byte)), float(want[byte])
        assert abs(seen - 1024 * share) <= 5 * math.sqrt(1024 * share * (1 - share)), chr(byte)
