"""The simulated rivals are what they are said to be; `make studies` draws tens of thousands of verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from tests.studies import simulated, verdict_errors
from tests.studies.simulated import MARGIN


@pytest.mark.parametrize("likeness", verdict_errors.LIKENESS.values())
def test_rivals_have_the_true_gains_that_are_asked_for(likeness: float) -> None:
    generator = np.random.default_rng(1)
    spread = generator.uniform(1.0, 3.0, simulated.TASKS)
    champion = generator.normal(2.0, 0.5, simulated.TASKS)
    gains = [0.0, MARGIN, 0.15]
    others = verdict_errors.rivals_of(generator, champion, spread, gains, likeness)
    own = simulated.accuracy(champion, spread)
    assert [own - simulated.accuracy(one, spread) for one in others] == pytest.approx(gains, abs=1e-9)


def test_more_rivals_need_a_smaller_level() -> None:
    shares = verdict_errors.verdicts(400, 3, "margin-gain", 5, 0.0)
    assert shares["by their number"] == shares["below"], "a gain over a rival is ruled out at 0.025 / 5"
    assert shares["by their number"] <= shares["by four"] < shares["undivided"]
    assert shares["no value"] <= 0.05  # 2.5%, and what 400 draws may add
    assert verdict_errors.verdicts(400, 4, "no-gain", 5, 2.0)["adds value"] <= 0.05


def test_every_goal_has_a_figure() -> None:
    one = verdict_errors.verdicts(2, 1, "no-gain", 3, 0.0)
    records = dict.fromkeys(verdict_errors.CASES, one)
    figures = verdict_errors.STUDY.figures(records)
    assert set(figures) == set(verdict_errors.STUDY.goals)
    assert all(reading.value is not None for reading in figures.values())
    assert verdict_errors.STUDY.figures({})["false_adds_value_4"].value is None
