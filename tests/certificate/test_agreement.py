"""Sentences of a certificate agree with each other and with the figures beside them, whatever was seen."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evoswarm.certificate.document import Certificate
from evoswarm.certificate.evidence import Evidence, certificate_of
from evoswarm.certificate.page import page, summary
from evoswarm.certificate.power import expected, looking_back
from evoswarm.certificate.verdict import ranged, signed
from tests.certificate.test_evidence import evidence, scored

NUMBER = r"[+-]?\d+(?:\.\d+)?"
SIZES = (6, 40, 1000)


@cache
def base(items: int) -> Evidence:
    """A certificate's evidence on so many items."""
    seen = evidence()
    counts = seen.items.model_copy(update={"test": items})
    speakers = tuple(replace(one, without=None) for one in seen.speakers)
    return replace(seen, items=counts, tasks=seen.tasks[:items], speakers=speakers, diagnostics=(), ceilings=())


def answers(accuracy: float, items: int, luck: int) -> tuple[float, ...]:
    """Scores of somebody; of one luck, one is right wherever a worse one is."""
    return tuple((np.random.default_rng(luck).random(items) < accuracy).astype(float).tolist())


shares = st.floats(0, 1)
players = st.tuples(shares, st.integers(0, 2))


@st.composite
def certificates(draw: st.DrawFn) -> Certificate:
    """Of champions and rivals good and bad, alike and not, on few items and many."""
    items = draw(st.sampled_from(SIZES))
    seen = base(items)
    champion, *rivals = draw(st.lists(players, min_size=5, max_size=5))
    own = answers(*champion[:1], items, champion[1])
    spoken = draw(st.sampled_from((1.0, 0.3, 0.01)))
    gain = draw(st.none() | st.floats(0.001, 1).map(lambda gain: round(gain, 6)))
    said = expected(gain, items, 4)
    return certificate_of(
        replace(
            seen,
            champion=scored("champion", 0, "champion", seen.champion.summary.cost, scores=own, items=items),
            rivals=tuple(
                scored(f"R{place}", 0, scores=answers(share, items, luck), items=items)
                for place, (share, luck) in enumerate(rivals, start=1)
            ),
            speakers=(seen.speakers[0], replace(seen.speakers[1], share_of_steps=spoken)),
            opening=seen.opening.model_copy(
                update={"detectable_gain": gain, "statement": f"{said[0].upper()}{said[1:]}."}
            ),
            margin=draw(st.sampled_from((0.01, 0.03, 0.2))),
        )
    )


@settings(max_examples=100, deadline=None)
@given(certificates())
def test_the_verdict_says_what_the_intervals_say(certificate: Certificate) -> None:
    verdict, rivals = certificate.verdict, certificate.rivals
    beaten = {one.key for one in rivals if one.difference.low > 0}
    assert beaten == set(verdict.beaten)
    closest = min(rivals, key=lambda one: one.difference.mean)
    found = re.findall(rf"(?:at most|below) ({NUMBER}) points? \(a bound", verdict.sentence)
    limits = [float(limit) / 100 for limit in found]
    lowest = min(rivals, key=lambda one: one.most)
    if verdict.outcome == "adds value":
        assert len(beaten) == len(rivals)
        shown = re.search(rf"the closest, {closest.key} .*, by ({NUMBER}) points \((.*?) to (.*?)\)", verdict.sentence)
        assert shown is not None
        told = [float(one) / 100 for one in shown.groups()]
        assert told == pytest.approx(list(closest.difference.model_dump().values()), abs=0.00051)  # what is rounded
        assert all(float(end) > 0 for end in shown.groups())  # rounding hides no sign
        assert ("by less than" in verdict.sentence) == verdict.below_margin == (len(limits) == 1)
    if limits:  # a limit is never below what the interval of the same rival reaches
        assert limits == pytest.approx([lowest.most], abs=0.00101)
        assert limits[0] + 1e-9 >= lowest.difference.high
        assert lowest.most < verdict.margin
    if verdict.outcome == "no value":
        assert lowest.most < verdict.margin
        assert bool(limits) == (lowest.most > 0)
    if verdict.outcome == "undecided":
        assert all(one.most >= verdict.margin for one in rivals)
        missing = [one.key for one in rivals if one.key not in beaten]
        assert all(f"{key} (" in verdict.sentence for key in missing)
        assert verdict.items_needed is None or verdict.items_needed > certificate.items.test


@settings(max_examples=100, deadline=None)
@given(certificates())
def test_power_is_in_words_of_its_own_and_never_finer_than_the_intervals(certificate: Certificate) -> None:
    power, text = certificate.power, " ".join(page(certificate).split())
    assert power is not None
    halves = [(one.difference.high - one.difference.low) / 2 for one in certificate.rivals]
    clamped = any(one.difference.high == 1 or one.difference.low == -1 for one in certificate.rivals)
    assert power.seen is None or clamped or power.seen > max(halves) - 2e-6
    for words in (text, " ".join(summary(certificate))):
        assert looking_back(power) in words
        assert certificate.opening.statement[1:] in words
        assert "cannot be proven" not in words
    if power.seen is not None and certificate.verdict.outcome == "adds value":
        assert "and a smaller one less often" in text


@settings(max_examples=30, deadline=None)
@given(certificates())
def test_the_page_shows_the_figures_of_the_certificate(certificate: Certificate) -> None:
    text = page(certificate)
    for one in certificate.rivals:
        row = next(line for line in text.splitlines() if line.startswith(f"{one.key} ") and "beaten" in line)
        assert ranged(*one.difference.model_dump().values()) in row
        assert row.endswith(" not beaten") != (one.key in certificate.verdict.beaten)


def test_a_sign_is_never_rounded_away() -> None:
    shown = [signed(value) for value in (0.0, -0.0, 0.0004, -0.0004, 0.034, 1.0, 0.00004, -1e-9)]
    assert shown == ["+0.0", "+0.0", "+0.04", "-0.04", "+3.4", "+100.0", "+0.004", "+0.0"]


def test_what_is_said_before_says_that_it_is_a_power() -> None:
    said = "with 1,000 items a true gain of 8.2 points over all four rivals is found 80% of the time"
    assert expected(0.082, 1000, 4) == said
    said = "6 items are too few to find even the greatest gain over all three rivals 80% of the time"
    assert expected(None, 6, 3) == said
