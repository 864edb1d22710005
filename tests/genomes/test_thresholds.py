from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evoswarm.canonical import round_significant
from evoswarm.errors import RunError
from evoswarm.genomes.mix.thresholds import Calibration

ENTROPIES = st.lists(st.floats(0, 6), min_size=1, max_size=40)
SHARES = st.floats(0.005, 1, exclude_max=True)


def table(*values: Any, **tasks: Any) -> Any:
    return Calibration.of({"lead": tasks or {"task": values}})


def test_midpoints_by_hand() -> None:
    ten = table(*[0.1 * step for step in range(10, 0, -1)])
    assert ten.threshold("lead", 0.1) == 0.95
    assert ten.threshold("lead", 0.5) == 0.55
    assert ten.threshold("lead", 0.9) == 0.15
    assert ten.threshold("lead", 0.54) == 0.55  # at most the share, where the steps do not divide
    assert ten.threshold("lead", 0.99) == 0.15
    assert ten.threshold("lead", 0.05) is None  # above the largest entropy


def test_the_ends() -> None:
    for calibration in (table(0.5, 1.0), table(0.5), table(), Calibration.of({})):
        assert calibration.threshold("lead", 1.0) == 0.0
        assert calibration.threshold("lead", 0.0) is None
    assert table(0.7, 0.7, 0.7).threshold("lead", 0.9) is None  # one distinct entropy
    assert table(0.7, 0.7 + 1e-9).threshold("lead", 0.9) is None  # not told apart
    assert table().threshold("lead", 0.9) is None


def test_tasks_count_equally_however_many_steps_they_have() -> None:
    calibration = table(long=[0.1] * 98 + [0.2, 0.3], short=[1.0, 2.0])
    assert calibration.threshold("lead", 0.5) == 0.65  # all of the short task is open, nothing of the long one
    assert calibration.threshold("lead", 0.25) == 1.5
    assert calibration.threshold("lead", 0.505) == 0.25
    assert table(empty=[], short=[1.0, 2.0]).threshold("lead", 0.5) == 1.5


def test_leads_have_their_own_tables() -> None:
    calibration = Calibration.of({"a": {"t": [1, 2]}, "b": {"t": [3, 4]}})
    assert (calibration.threshold("a", 0.5), calibration.threshold("b", 0.5)) == (1.5, 3.5)
    with pytest.raises(RunError, match=r"lead 'c'.*a, b"):
        calibration.threshold("c", 0.5)


@given(tasks=st.lists(ENTROPIES, min_size=1, max_size=3), share=SHARES)
def test_a_threshold_is_strictly_between_observed_entropies_and_opens_at_most_the_share(
    tasks: Any, share: float
) -> None:
    calibration = table(**{f"t{place}": values for place, values in enumerate(tasks)})
    threshold = calibration.threshold("lead", share)
    seen = sorted({value for values in calibration.entropies["lead"].values() for value in values})
    if threshold is None:
        return
    assert threshold == round_significant(threshold)
    assert threshold not in seen
    assert seen[0] < threshold < seen[-1]
    opened = [sum(v >= threshold for v in values) / len(values) for values in calibration.entropies["lead"].values()]
    assert sum(opened) / len(opened) <= share + 1e-6
    assert calibration.share("lead", threshold) == pytest.approx(sum(opened) / len(opened))


@given(values=ENTROPIES, shares=st.tuples(SHARES, SHARES))
def test_more_share_never_means_a_higher_threshold(values: Any, shares: Any) -> None:
    calibration = table(*values)
    less, more = (calibration.threshold("lead", share) for share in sorted(shares))
    assert less is None or (more is not None and more <= less)


@given(values=ENTROPIES, share=SHARES)
def test_the_share_of_a_threshold_gives_the_threshold_back(values: Any, share: float) -> None:
    calibration = table(*values)
    threshold = calibration.threshold("lead", share)
    assert calibration.threshold("lead", calibration.share("lead", threshold)) == threshold


def test_the_shares_of_the_ends() -> None:
    calibration = table(0.5, 1.0)
    assert [calibration.share("lead", t) for t in (None, 0.0, 0.2, 0.5, 0.75, 9.0)] == [0, 1, 1, 1, 0.5, 0]


def test_json_reads_back_exactly_and_says_what_is_wrong() -> None:
    calibration = table(one=[0.123456789, 3e-7, 2], two=[])
    assert Calibration.from_json(calibration.to_json()) == calibration
    for wrong in ("{", "[1]", '{"a": 1}', '{"a": {"t": [-1]}}', '{"a": {"t": ["x"]}}', '{"a": {"t": [NaN]}}'):
        with pytest.raises(RunError, match=r"run/calibration\.json"):
            Calibration.from_json(wrong, "run/calibration.json")
