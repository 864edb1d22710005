"""Small: every figure is one that the table shows and the record keeps, and the two sides are one distribution."""

from __future__ import annotations

from tests.benchmarks.drawn import MEASUREMENTS
from tests.benchmarks.figures import Options


def test_every_figure_has_its_place_in_the_table() -> None:
    (measurement,) = MEASUREMENTS
    found = measurement.measure(Options(quick=True))
    assert found.keys() == measurement.goals.keys()
    values = {key: reading.value or 0.0 for key, reading in found.items()}
    assert values["drawn_speaker_p"] > 1e-6
    assert 0 < values["drawn_speaker_passes"] < 0.6
