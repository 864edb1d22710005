"""The rule of the verdict, case by case, and how often it errs."""

from __future__ import annotations

import numpy as np
import pytest

from evoswarm.certificate.detectable import detectable_gain, items_to_beat, items_to_rule_out
from evoswarm.certificate.verdict import count, decide, listed, points, searching
from evoswarm.statistics.intervals import AdjustedMean, difference_of, discordances, strata

TASKS = tuple(f"t{index % 5}" for index in range(1000))
PARTS = strata(TASKS, dict.fromkeys(TASKS, 1.0))


def drawn(gain: float, differ: float, items: int, generator: np.random.Generator) -> tuple[list[float], list[float]]:
    """Scores of two that differ on a share of the items, the first with a true gain."""
    luck = generator.random(items)
    first, second = luck < (differ + gain) / 2, luck > 1 - (differ - gain) / 2
    return first.astype(float).tolist(), second.astype(float).tolist()


def sample(won: int, lost: int, items: int = 1000) -> AdjustedMean:
    """A paired difference with so many items won and lost, over one task."""
    first = [1.0] * won + [0.0] * (items - won)
    second = [0.0] * won + [1.0] * lost + [0.0] * (items - won - lost)
    return difference_of(first, second, strata(["a"] * items, {"a": 1.0}))


FAR = {"R1": sample(300, 10), "R2": sample(280, 10), "R4": sample(150, 5)}


def test_adds_value_when_all_four_are_beaten() -> None:
    verdict = decide({**FAR, "R3": sample(120, 20)}, speakers=2, items=1000, margin=0.03)
    assert verdict.outcome == "adds value"
    assert verdict.beaten == ("R1", "R2", "R4", "R3")
    assert not verdict.below_margin
    assert "beats all four rivals, the closest, R3, by 10.0 points" in verdict.sentence


def test_a_small_gain_adds_value_by_less_than_the_margin() -> None:
    """Decided first: a gain that is certain and small is not called none."""
    verdict = decide({**FAR, "R3": sample(15, 1)}, speakers=2, items=1000, margin=0.03)
    assert (verdict.outcome, verdict.below_margin) == ("adds value", True)
    assert "adds value, by less than 3 points:" in verdict.sentence


def test_the_level_of_by_less_than_the_margin_is_divided_by_four() -> None:
    close = sample(22, 2)
    assert 0 < close.lower() < close.upper() < 0.03 < close.upper(0.025 / 4) < 0.033
    assert not decide({**FAR, "R3": close}, speakers=2, items=1000, margin=0.03).below_margin
    assert decide({**FAR, "R3": close}, speakers=2, items=1000, margin=0.033).below_margin


def test_gains_of_the_margin_are_seldom_said_to_be_less() -> None:
    """Four rivals, every true gain exactly the margin: one of four bounds is below it far more often than one alone."""
    generator = np.random.default_rng(11)
    said = alone = 0
    for _ in range(400):
        rivals = {f"R{n}": difference_of(*drawn(0.06, 0.10, 1000, generator), PARTS) for n in range(4)}
        verdict = decide(rivals, speakers=2, items=1000, margin=0.06)
        assert verdict.outcome == "adds value"
        said += verdict.below_margin
        alone += any(rival.upper() < 0.06 for rival in rivals.values())
    assert said / 400 < 0.04 < alone / 400  # 2.5%, and what 400 draws may add


def test_no_value_when_the_gain_over_one_rival_is_ruled_out() -> None:
    verdict = decide({**FAR, "R3": sample(10, 8)}, speakers=2, items=1000, margin=0.03)
    assert (verdict.outcome, verdict.beaten) == ("no value", ("R1", "R2", "R4"))
    assert "its gain over R3 is at most 1." in verdict.sentence
    worse = decide({**FAR, "R3": sample(10, 80)}, speakers=2, items=1000, margin=0.03)
    assert "it is worse than R3" in worse.sentence


def test_the_level_of_no_value_is_divided_by_four() -> None:
    close = sample(40, 28)
    assert close.upper() < 0.029 < close.upper(0.025 / 4) < 0.034
    assert decide({**FAR, "R3": close}, speakers=2, items=1000, margin=0.03).outcome == "undecided"
    assert decide({**FAR, "R3": close}, speakers=2, items=1000, margin=0.035).outcome == "no value"


def test_undecided_says_how_many_items_it_takes() -> None:
    verdict = decide({**FAR, "R3": sample(60, 45)}, speakers=2, items=1000, margin=0.03)
    assert verdict.outcome == "undecided"
    assert "was not shown to beat R3" in verdict.sentence
    assert verdict.items_needed is not None
    assert 1000 < verdict.items_needed < 10000
    assert f"about {count(verdict.items_needed)} test items in all would decide it" in verdict.sentence


@pytest.mark.parametrize("speakers", [0, 1])
def test_without_two_speakers_mixing_never_adds_value(speakers: int) -> None:
    """However far the champion is ahead, nothing was mixed."""
    verdict = decide({**FAR, "R3": sample(120, 20)}, speakers=speakers, items=1000, margin=0.03)
    assert verdict.outcome == "undecided"
    assert verdict.items_needed is None  # it beats all already: more items would change nothing
    same = decide({**FAR, "R1": sample(0, 0), "R3": sample(120, 20)}, speakers=speakers, items=1000, margin=0.03)
    assert same.outcome == "no value"
    assert "nothing is mixed" in same.sentence or "No member speaks" in same.sentence


def test_a_champion_of_one_member_on_few_items_is_undecided() -> None:
    verdict = decide({"R1": sample(0, 0, 6)}, speakers=1, items=6, margin=0.03)
    assert verdict.outcome == "undecided"
    assert verdict.items_needed is not None


def test_what_was_foreseen_happens() -> None:
    """A gain as large as the detectable one is proven against all rivals in at least 80% of the cases."""
    generator = np.random.default_rng(1)
    selected = {f"R{n}": drawn(0.05, 0.15 + 0.05 * n, 200, generator) for n in range(1, 5)}
    parts = strata(TASKS[:200], dict.fromkeys(TASKS, 1.0))
    squares = {name: discordances(*pair, parts) for name, pair in selected.items()}
    gain = detectable_gain(squares, parts, 5.0)
    assert gain is not None
    assert 0.04 < gain < 0.09
    share = {name: float(np.mean(values)) for name, values in squares.items()}
    proven = 0
    for _ in range(400):
        rivals = {name: difference_of(*drawn(gain, differ, 1000, generator), PARTS) for name, differ in share.items()}
        proven += decide(rivals, speakers=2, items=1000, margin=0.03).outcome == "adds value"
    assert 0.74 <= proven / 400 <= 0.90


def test_with_few_items_nothing_can_be_proven() -> None:
    parts = strata(["a"] * 6, {"a": 1.0})
    assert detectable_gain({"R1": (0.5,)}, parts, 0.2) is None
    more = detectable_gain({"R1": (0.2,)}, parts, 1000.0)
    fewer = detectable_gain({"R1": (0.2,)}, parts, 100.0)
    assert more is not None
    assert fewer is not None
    assert more < fewer


def test_the_items_asked_for_are_enough() -> None:
    """With so many items as foreseen, the same shares of wins and losses decide in 80% of the cases."""
    generator = np.random.default_rng(2)
    needed = items_to_beat([sample(60, 45)], 1000)
    assert needed is not None
    parts = strata(["a"] * needed, {"a": 1.0})
    won = sum(difference_of(*drawn(0.015, 0.105, needed, generator), parts).lower() > 0 for _ in range(300))
    assert 0.72 <= won / 300 <= 0.88
    needed = items_to_rule_out([sample(40, 35)], 1000, 0.03, 0.025 / 4)
    assert needed is not None
    parts = strata(["a"] * needed, {"a": 1.0})
    ruled = sum(
        difference_of(*drawn(0.005, 0.075, needed, generator), parts).upper(0.025 / 4) < 0.03 for _ in range(300)
    )
    assert 0.72 <= ruled / 300 <= 0.88
    assert items_to_rule_out([sample(40, 35), sample(10, 12)], 1000, 0.03, 0.025 / 4) < needed  # type: ignore[operator]  # one is enough
    assert items_to_beat([sample(60, 45), sample(10, 12)], 1000) is None
    assert items_to_rule_out([sample(200, 10)], 1000, 0.03, 0.025 / 4) is None


def test_the_second_sentence() -> None:
    assert searching(sample(80, 10), same=False).startswith("Searching beat the uniform mix of the pool: +7.0 points")
    assert searching(sample(10, 80), same=False).startswith("Searching lost")
    assert "is undecided" in searching(sample(10, 12), same=False)
    assert "is the uniform mix" in searching(sample(0, 0), same=True)
    assert "one member" in searching(None, same=False)


def test_the_second_sentence_with_a_fitted_mix() -> None:
    better, worse, close = sample(80, 10), sample(10, 80), sample(10, 12)
    both = searching(better, False, better)
    assert both.startswith("Searching beat the uniform mix of the pool: +7.0 points")
    assert "; it beat the fitted mix (R5): +7.0 points" in both
    assert both.endswith(").")
    assert "; whether it beat the fitted mix (R5) is undecided: -0.2 points" in searching(better, False, close)
    assert "; it lost to the fitted mix (R5): -7.0 points" in searching(close, False, worse)
    itself = searching(better, False, close, is_fitted=True)
    assert itself.endswith("; the champion is the fitted mix (R5): searching added nothing to it.")
    uniform = searching(close, True, better)
    assert uniform.startswith("The champion is the uniform mix of the pool: searching added nothing to it; it beat")


def test_who_was_not_searched_for_did_not_win_by_searching() -> None:
    better, close = sample(80, 10), sample(10, 12)
    fitted = searching(better, False, close, origin="fitted")
    assert fitted.startswith("Fitting beat the uniform mix of the pool: +7.0 points")
    assert "; whether it beat the fitted mix (R5) is undecided" in fitted
    assert searching(better, False, origin="plain").startswith("A member alone beat the uniform mix")
    for origin in ("evolved", "composed", None):
        assert searching(better, False, origin=origin).startswith("Searching beat")


def test_numbers_in_words() -> None:
    assert [points(value) for value in (0.03, 0.01, 0.0431, 0.05)] == ["3 points", "1 point", "4.4 points", "5 points"]
    assert [count(items) for items in (7, 99, 101, 1234, 123456)] == ["7", "99", "110", "1,300", "130,000"]
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
