"""Fits what a plan's forecast rests on: ``python -m tests.studies.coefficients``, behind the study ``prediction``.

A regression by least squares of pools' true gains on the signs of 64 items. How far gains are spread around it, and how
wide an interval has to be, is told from pools that the regression was not fitted to: pools are left out in parts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evoswarm.durable import write_file
from evoswarm.experiment.outlook.prediction.forecast import COEFFICIENTS, Regression, Signs
from tests.studies.prediction import RIVALS, STUDY
from tests.studies.study import Record

PARTS = 10
LEVEL = 0.95
SEEN = {"leads": "leads 64", "answers": "answers 64"}
DIGITS = 4


def fitted(signs: Sequence[Signs], gains: NDArray[np.float64]) -> Regression:
    """A regression of gains on signs.

    Args:
        signs: per pool.
        gains: ``[pools]`` their true ones.
    """
    number = np.arange(len(gains)) % PARTS
    left_out = [_least_squares(signs, gains, number != part) for part in range(PARTS)]
    expected = np.array([_expected(left_out[part], one) for part, one in zip(number, signs, strict=True)])
    spread = float(np.sqrt(np.mean((gains - expected) ** 2)))
    off = []
    for part, one, truth in zip(number, signs, gains, strict=True):
        gain, deviation = Regression(left_out[part], spread, 1.0).gain(one)
        off.append(abs(gain - truth) / deviation)
    place = min(len(off), math.ceil((len(off) + 1) * LEVEL)) - 1
    every = np.ones(len(gains), dtype=bool)
    return Regression(_least_squares(signs, gains, every), spread, float(np.sort(off)[place]))


def _least_squares(signs: Sequence[Signs], gains: NDArray[np.float64], which: NDArray[np.bool_]) -> Mapping[str, float]:
    rows = np.array([list(one.row.values()) for one in signs])
    found, *_ = np.linalg.lstsq(rows[which], gains[which])
    return dict(zip(signs[0].row, found.tolist(), strict=True))


def _expected(coefficients: Mapping[str, float], signs: Signs) -> float:
    return Regression(coefficients, 0.0, 0.0).expected(signs)


def coefficients(records: Mapping[str, Record]) -> dict[str, Any]:
    """All that a forecast rests on, as JSON data; from the pools of one side alone."""
    own = [record for case, record in records.items() if case.startswith("fit-")]
    found: dict[str, Any] = {"made_by": "python -m tests.studies.coefficients"}
    for rival in RIVALS:
        gains = np.array([record["truth"]["gain"][rival] for record in own])
        found[rival] = {}
        for known, seen in SEEN.items():
            one = fitted([Signs(**record["signs"][seen][rival]) for record in own], gains)
            found[rival][known] = {
                "coefficients": {name: round(value, DIGITS) for name, value in one.coefficients.items()},
                "spread": round(one.spread, DIGITS),
                "width": round(one.width, DIGITS),
                "pools": len(own),
            }
    return found


def main() -> None:
    """Write the file that the package reads."""
    write_file(COEFFICIENTS, json.dumps(coefficients(STUDY.records()), indent=2) + "\n")
    print(COEFFICIENTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
