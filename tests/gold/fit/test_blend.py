"""Narrowed rows and blends of them say what the engine's own fusion says on whole rows."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from evoswarm.decoding.step.fusion import fuse, prepare
from evoswarm.fusion import RULES, parameters_of
from evoswarm.gold.fit.blend import Blend, fused, margins, smallest
from evoswarm.gold.fit.outcomes import KEPT, Outcomes
from evoswarm.gold.rows import GoldRows
from evoswarm.gold.scores import scores_along
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember
from tests.gold.conftest import Ready
from tests.gold.test_scores import gold

FITTED = ("mixture", "product", "power")
WEIGHTS, TEMPERATURES, VALUES = (0.5, 0.2, 0.2, 0.05, 0.05), (0.7, 1.0, 1.5, 2.0, 1.0), {"alpha": 0.4, "beta": 0.8}


def blend(rule: str, temperatures: tuple[float, ...] = TEMPERATURES) -> Blend:
    used = {name: torch.tensor(VALUES[name]).double() for name in parameters_of([rule]) if name in VALUES}
    return Blend(torch.tensor(WEIGHTS).double().log(), torch.tensor(temperatures).double().log(), used)


def engine(rule: str, rows: GoldRows, temperatures: tuple[float, ...] = TEMPERATURES) -> Tensor:
    """``[positions, symbols]`` as decoding has it."""
    count = len(rows.targets)
    heard = prepare(
        rows.log_probs.double(),
        rows.present,
        rows.allowed,
        weights=torch.tensor(WEIGHTS).double()[:, None].expand(-1, count),
        temperatures=torch.tensor(temperatures).double()[:, None].expand(-1, count),
        lead=torch.zeros(count, dtype=torch.int64),
        parameters={
            one.name: torch.full((count,), VALUES.get(one.name, one.default)).double() for one in RULES[rule].parameters
        },
    )
    return fuse(RULES[rule], heard)


@pytest.fixture(scope="module")
def rows(shipped: Callable[[str], Ready]) -> GoldRows:
    return gold(shipped("quickstart"), "bytes")


@pytest.mark.parametrize("rule", FITTED)
def test_with_all_symbols_kept_a_blend_is_what_decoding_fuses(rows: GoldRows, rule: str) -> None:
    outcomes = Outcomes.of(rows, kept=rows.log_probs.shape[2])
    whole = engine(rule, rows)
    target = whole.gather(1, rows.targets[:, None])[:, 0]
    assert torch.allclose(outcomes.target(fused(RULES[rule], blend(rule), outcomes)), target, atol=1e-9)
    others = whole.scatter(1, rows.targets[:, None], -torch.inf).amax(1)
    assert torch.allclose(margins(fused(RULES[rule], blend(rule), outcomes), outcomes), target - others, atol=1e-9)


@pytest.mark.parametrize("rule", FITTED)
def test_few_symbols_are_enough(rows: GoldRows, rule: str) -> None:
    exact = engine(rule, rows).gather(1, rows.targets[:, None])[:, 0]
    few = Outcomes.of(rows)
    assert few.log_probs.shape[2] == KEPT + 7  # of 168 others 2, 4, 8, 16, 32, 64, and the rest
    assert torch.equal(few.log_counts.exp().sum(1).round(), rows.allowed.sum(1).double())
    assert torch.allclose(few.target(fused(RULES[rule], blend(rule), few)), exact, atol=0.05, rtol=0.1)


def test_untempered_probabilities_are_exact_however_few_symbols_are_kept(rows: GoldRows) -> None:
    own = rows.log_probs.gather(2, rows.targets[None, :, None].expand(5, -1, 1))[..., 0].double()
    total = rows.log_probs.double().where(rows.allowed, -torch.inf).logsumexp(2)
    few = Outcomes.of(rows, kept=2)
    assert torch.allclose(few.target(few.log_probs), own)
    assert torch.allclose((few.log_probs + few.log_counts).logsumexp(2), total)


@pytest.mark.parametrize("rule", FITTED)
def test_items_are_right_as_scores_along_say(shipped: Callable[[str], Ready], rows: GoldRows, rule: str) -> None:
    specs = shipped("quickstart").swarm.specs
    used = {name: VALUES[name] for name in parameters_of([rule]) if name in VALUES}
    recipe = Recipe(
        members=tuple(
            RecipeMember(spec=spec, weight=weight, temperature=temperature)
            for spec, weight, temperature in zip(specs, WEIGHTS, TEMPERATURES, strict=True)
        ),
        lead=specs[0].name,
        fusion=Fusion(rule=rule, **used),
    )
    outcomes = Outcomes.of(rows)
    scores = fused(RULES[rule], blend(rule), outcomes)
    found = scores_along([recipe], rows)
    assert (smallest(margins(scores, outcomes), outcomes) > 0).tolist() == found.right[0].tolist()
    assert 0 < found.right.mean() < 1
    likely = torch.zeros(len(outcomes.weights)).double().index_add(0, outcomes.item, outcomes.target(scores))
    assert torch.allclose(likely, torch.from_numpy(found.log_likelihood[0]), atol=0.02, rtol=0.01)


def test_some_items_and_members_are_what_they_were(rows: GoldRows) -> None:
    outcomes = Outcomes.of(rows)
    some = outcomes.some([2, 5])
    assert float(some.weights.sum()) == pytest.approx(1.0)
    assert torch.equal(some.log_probs, outcomes.log_probs[:, (outcomes.item == 2) | (outcomes.item == 5)])
    assert sorted(set(some.item.tolist())) == [0, 1]
    assert torch.equal(outcomes.of_members([3]).log_probs[0], outcomes.log_probs[3])


def test_rows_are_narrowed_once_and_kept_by_nobody(rows: GoldRows) -> None:
    own = replace(rows)
    outcomes = Outcomes.of(own)
    assert Outcomes.of(own) is outcomes
    assert Outcomes.of(own, kept=2) is not outcomes
    gone = weakref.ref(own)
    del own
    gc.collect()
    assert gone() is None
