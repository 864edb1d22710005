"""What is foretold: between what was seen and what such pools came to, and in words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.experiment.outlook.prediction.forecast import COEFFICIENTS, Forecast, Regression, Signs
from evoswarm.experiment.outlook.prediction.prospect import Prospect

SIGNS = Signs(seen=0.10, error=0.05, soft=0.0, headroom=0.2, correlation=0.5)
HALF = Regression(
    {"constant": 0.0, "headroom": 0.1, "independence": 0.2, "soft": 0.3, "seen": 0.5}, spread=0.05, width=2.0
)
PROSPECT = Prospect(
    items=64,
    seconds=1.5,
    along=True,
    best=0.6,
    uniform=0.65,
    ceiling=0.8,
    correlation=0.3,
    disagreement=0.2,
    over_member=Forecast(0.04, 0.01, 0.08),
    over_router=Forecast(0.04, 0.01, 0.08),
)


def test_what_was_seen_and_what_is_expected_meet_by_their_variances() -> None:
    assert HALF.expected(SIGNS) == pytest.approx(0.1 * 0.2 + 0.2 * 0.2 * 0.5)
    gain = HALF.gain(SIGNS)
    assert gain == pytest.approx((0.10 + 0.04) / 2), "as uncertain the one as the other"
    found = HALF.forecast(SIGNS)
    assert (found.low, found.high) == (pytest.approx(gain - 2 * 0.05), pytest.approx(gain + 2 * 0.05))


def test_a_pool_like_no_other_keeps_what_it_shows() -> None:
    strange = replace(SIGNS, seen=0.9)
    assert HALF.gain(strange) == pytest.approx(0.85), "moved by one standard error, no more"


@given(st.floats(-1, 1), st.floats(0, 0.5), st.one_of(st.none(), st.floats(-1, 1)), st.floats(0, 1), st.floats(-1, 1))
def test_intervals_hold_their_gain_and_stay_within_accuracies(
    seen: float, error: float, soft: float | None, headroom: float, correlation: float
) -> None:
    found = HALF.forecast(Signs(seen, error, soft, headroom, correlation))
    assert -1 <= found.low <= found.gain <= found.high <= 1


def test_by_answers_alone_other_pools_decide() -> None:
    bare = replace(SIGNS, soft=None)
    assert HALF.gain(bare) == pytest.approx(0.1 * 0.2 + 0.2 * 0.2 * 0.5 + 0.5 * 0.10)
    assert HALF.uncertainty(bare) == HALF.spread


def test_fewer_items_say_less() -> None:
    vague = HALF.forecast(replace(SIGNS, error=0.2))
    clear = HALF.forecast(replace(SIGNS, error=0.01))
    assert vague.high - vague.low > clear.high - clear.low


def test_the_numbers_are_those_of_other_pools() -> None:
    data = json.loads(COEFFICIENTS.read_text("utf-8"))
    assert "python -m tests.studies.coefficients" in data["made_by"]
    for rival in ("member", "router"):
        for known in ("leads", "answers"):
            one = data[rival][known]
            assert one["pools"] >= 100
            assert one["spread"] > 0
            assert one["width"] > 1
            assert ("soft" in one["coefficients"]) == (known == "leads")


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (Forecast(0.04, 0.01, 0.08), "mixing will pay"),
        (Forecast(0.04, -0.01, 0.09), "mixing will probably pay"),
        (Forecast(0.01, -0.05, 0.07), "cannot be told from 64 items"),
        (Forecast(-0.03, -0.08, 0.02), "mixing will probably not pay"),
        (Forecast(-0.03, -0.08, 0.001), "not worth a search"),
    ],
)
def test_verdicts(gain: Forecast, said: str) -> None:
    assert replace(PROSPECT, over_member=gain, over_router=gain).verdict == said


def test_who_asks_the_best_member_of_every_task_is_a_rival_of_its_own() -> None:
    routed = replace(PROSPECT, over_router=Forecast(-0.05, -0.08, -0.02))
    assert routed.verdict == "mixing will pay, but less than asking the best member of every task"
    assert "-5.0 points (-8.0 to -2.0) over asking the best one of every task" in routed.lines()[0]
    assert "every task" not in PROSPECT.lines()[0]
    assert "mixing will pay: +4.0 points (+1.0 to +8.0) over the best member" in PROSPECT.lines()[0]


def test_it_says_what_it_rests_on() -> None:
    assert "along right answers; 1.5 s" in PROSPECT.lines()[1]
    assert "by answers alone" in replace(PROSPECT, along=False).lines()[1]
    assert PROSPECT.as_dict()["over_member"] == {"gain": 0.04, "low": 0.01, "high": 0.08}
