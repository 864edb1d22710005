"""What a step works out on a device is one graph: nothing in it asks what is in a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from evoswarm.decoding.step import fusion
from evoswarm.fusion import RULES, AnswerSoFar, parameters_of
from evoswarm.fusion.speakers import BLOCK, LONG_ROW, argmax_and_margin

SPEAKERS, STREAMS = 3, 4


def heard(symbols: int, *, zero: bool) -> fusion.Heard:
    """Random speakers, with all that moves weights at its default or at something else."""
    generator = torch.Generator().manual_seed(symbols)
    log_probs = torch.randn((SPEAKERS, STREAMS, symbols), generator=generator).log_softmax(-1)
    allowed = torch.ones((STREAMS, symbols), dtype=torch.bool)
    allowed[:, 3] = False
    values = {name: one.default if zero else 0.4 for name, one in parameters_of(RULES).items()}
    present = torch.ones((SPEAKERS, STREAMS), dtype=torch.bool)
    present[2, 0] = False
    return fusion.prepare(
        log_probs,
        present,
        fusion.limits_of(allowed),
        weights=torch.rand((SPEAKERS, STREAMS), generator=generator) + 0.1,
        temperatures=torch.full((SPEAKERS, STREAMS), 1.3),
        lead=torch.tensor([0, 1, 2, 0]),
        parameters={name: torch.full((STREAMS,), value) for name, value in values.items()},
        place=AnswerSoFar(
            torch.arange(float(STREAMS)), torch.zeros(STREAMS, dtype=torch.int8), torch.zeros((SPEAKERS, STREAMS))
        ),
    )


def decision(rule: str) -> Callable[[dict[str, Any]], Tensor]:
    """From the fields of what was heard, as `evoswarm.decoding.step.choice` makes it."""

    def decide(told: dict[str, Any]) -> Tensor:
        speakers = fusion.Heard(**told)
        best, margin = argmax_and_margin(fusion.fuse_scores(RULES[rule], speakers))
        return torch.stack([best.double(), fusion.decision_margin(RULES[rule], speakers, margin).double()])

    return decide


@pytest.mark.parametrize("zero", [True, False], ids=["at-rest", "moved"])
@pytest.mark.parametrize("symbols", [50, LONG_ROW + 70], ids=["bytes", "tokens"])
@pytest.mark.parametrize("rule", RULES)
def test_a_decision_is_one_graph(rule: str, symbols: int, zero: bool) -> None:
    """Traced on tensors that hold nothing, so that asking for a number is an error."""
    speakers = heard(symbols, zero=zero)
    told = {one.name: getattr(speakers, one.name) for one in fields(speakers)}
    graph = make_fx(decision(rule), tracing_mode="fake")(told)
    assert torch.equal(graph(told), decision(rule)(told))


def test_asking_for_a_number_is_an_error() -> None:
    with pytest.raises(GuardOnDataDependentSymNode):
        make_fx(lambda scores: scores * bool(scores.any()), tracing_mode="fake")(torch.ones(3))


@pytest.mark.parametrize("width", [3, 63, LONG_ROW - 1, LONG_ROW, LONG_ROW + 1, LONG_ROW + BLOCK])
def test_the_greatest_of_a_long_row_is_found_by_blocks(width: int) -> None:
    """Ties go to the lowest index, wherever the two greatest stand."""
    generator = torch.Generator().manual_seed(width)
    scores = torch.randn((40, width), generator=generator)
    for row, places in enumerate(((0, 1), (width - 2, width - 1), (0, width - 1), (width // 2, width // 2 + 1))):
        scores[row, list(places)] = 9.0
        scores[row + 4, list(places)] = torch.tensor([9.0, 8.5])
    scores[8] = 0.0
    scores[9] = -math.inf
    scores[10, :-1] = -math.inf
    index, margin = argmax_and_margin(scores)
    best = scores.sort(stable=True, dim=-1, descending=True)
    assert torch.equal(index[:9], best.indices[:9, 0])
    assert torch.equal(index[10:], best.indices[10:, 0])
    want = (best.values[:, 0] - best.values[:, 1]).nan_to_num(nan=math.inf, posinf=math.inf)
    assert torch.equal(margin, want)
