"""Budgets and splits that cannot show anything are refused, and what would be enough is enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from evoswarm.experiment.drawn import draw
from evoswarm.experiment.outlook.prediction.forecast import Forecast
from evoswarm.experiment.outlook.refusals import Refusal, refusals
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import weights_of
from tests.experiment.outlook.prediction.test_prospect import PROSPECT

Micro = Callable[..., SearchSpace]
LIKELY = Forecast(0.05, 0.0, 0.10)
LARGE = ("splits.search=8", "splits.selection=200", "splits.test=1000")


def refused(space: SearchSpace, gain: Forecast | None = LIKELY) -> dict[str, Refusal]:
    drawn = draw(space)
    prospect = None if gain is None else replace(PROSPECT, over_member=gain)
    found = refusals(space, drawn.items, weights_of(drawn.tasks), prospect, 4)
    return {".".join(one.path): one for one in found}


def wanted(refusal: Refusal) -> int:
    found = re.match(r"expected (?:about|at least) ([\d,]+)", refusal.message)
    assert found is not None, refusal.message
    return int(found[1].replace(",", ""))


def test_splits_that_are_large_enough_are_not_refused(micro: Micro) -> None:
    assert not refused(micro(*LARGE))
    assert not refused(micro(*LARGE), None)


@pytest.mark.parametrize(("split", "size"), [("test", 20), ("selection", 8)])
def test_a_split_that_is_too_small_is_refused_and_what_it_asks_for_is_enough(
    micro: Micro, split: str, size: int
) -> None:
    others = [one for one in LARGE if not one.startswith(f"splits.{split}")]
    found = refused(micro(*others, f"splits.{split}={size}"))
    assert list(found) == [f"splits.{split}"]
    assert found[f"splits.{split}"].message.endswith(f"got {size}")
    enough = wanted(found[f"splits.{split}"])
    assert size < enough < 2000
    assert not refused(micro(*others, f"splits.{split}={enough + enough % 2}"))
    assert refused(micro(*others, f"splits.{split}={2 * round(0.4 * enough)}"))


def test_one_rival_more_takes_more_items(micro: Micro) -> None:
    space = micro(*LARGE[:2], "splits.test=20")
    drawn = draw(space)
    prospect = replace(PROSPECT, over_member=LIKELY)
    four, five = (
        wanted(refusals(space, drawn.items, weights_of(drawn.tasks), prospect, rivals)[0]) for rivals in (4, 5)
    )
    assert four < five


def test_without_a_forecast_only_the_hopeless_is_refused(micro: Micro) -> None:
    (found,) = refused(micro("splits.test=6"), None).values()
    assert "even the greatest gain is not found 80% of the time" in found.message


def test_a_gain_that_is_not_there_is_no_matter_of_items(micro: Micro) -> None:
    assert not refused(micro(), Forecast(-0.05, -0.1, -0.01))


def test_a_budget_has_to_pay_for_the_founders(micro: Micro) -> None:
    (found,) = refused(micro(*LARGE, "budget.evaluations=23")).values()
    assert found.sentence.startswith("budget.evaluations: expected at least 24 (each of 2 members alone")
    assert not refused(micro(*LARGE, "budget.evaluations=24"))
    assert not refused(micro(*LARGE, "budget.evaluations=23", "evolution.generations=1"))
