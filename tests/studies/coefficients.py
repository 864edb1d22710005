"""Fits what a plan's forecast rests on: ``python -m tests.studies.coefficients``, behind the study ``prediction``.

A regression of pools' true gains on the signs of 64 items, robust against the few pools whose gain is out of the common
(Huber 1964). How far gains are spread around it, and how wide an interval has to be, is told from pools that it was not
fitted to: they are left out in parts. Intervals are as wide as the one of two kinds of pools needs that needs more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import HuberRegressor

from evoswarm.durable import write_file
from evoswarm.experiment.outlook.prediction.forecast import COEFFICIENTS, Regression, Signs
from tests.studies.prediction import RIVALS, STUDY
from tests.studies.study import Record

PARTS = 10
LEVEL = 0.95
SEEN = {"leads": "leads 64", "answers": "answers 64"}
DIGITS = 4
NORMAL = 1.4826
"""A normal distribution's standard deviation in median absolute deviations."""


def fitted(signs: Sequence[Signs], gains: NDArray[np.float64], kinds: Sequence[str]) -> Regression:
    """A regression of gains on signs.

    Args:
        signs: per pool.
        gains: ``[pools]`` their true ones.
        kinds: per pool, of which kind it is.
    """
    number = np.arange(len(gains)) % PARTS
    left_out = [_regression(signs, gains, number != part) for part in range(PARTS)]
    expected = np.array([left_out[part].expected(one) for part, one in zip(number, signs, strict=True)])
    spread = float(NORMAL * np.median(np.abs(gains - expected)))
    trials = [replace(one, spread=spread) for one in left_out]
    off = np.array(
        [
            abs(trials[part].gain(one) - truth) / trials[part].uncertainty(one)
            for part, one, truth in zip(number, signs, gains, strict=True)
        ]
    )
    widths = [_conformal(off[np.array(kinds) == kind]) for kind in sorted(set(kinds))]
    every = np.ones(len(gains), dtype=bool)
    return replace(_regression(signs, gains, every), spread=spread, width=max(widths))


def _regression(signs: Sequence[Signs], gains: NDArray[np.float64], which: NDArray[np.bool_]) -> Regression:
    """Fitted to some of the pools, in points: so the optimiser finds it."""
    names = [name for name in signs[0].row if name != "constant"]
    rows = np.array([[one.row[name] for name in names] for one in signs])
    found = HuberRegressor(alpha=0.0, max_iter=10_000).fit(100 * rows[which], 100 * gains[which])
    numbers = {"constant": float(found.intercept_) / 100, **dict(zip(names, found.coef_.tolist(), strict=True))}
    return Regression({name: round(value, DIGITS) for name, value in numbers.items()}, 0.0, 0.0)


def _conformal(off: NDArray[np.float64]) -> float:
    """The least width that covers so many of the pools, with one more for the pool to come."""
    return float(np.sort(off)[min(len(off), math.ceil((len(off) + 1) * LEVEL)) - 1])


def coefficients(records: Mapping[str, Record]) -> dict[str, Any]:
    """All that a forecast rests on, as JSON data; from pools that it is not judged on."""
    own = {case: record for case, record in records.items() if case.startswith(("fit-", "near-"))}
    kinds = [case.partition("-")[0] for case in own]
    found: dict[str, Any] = {"made_by": "python -m tests.studies.coefficients"}
    for rival in RIVALS:
        gains = np.array([record["truth"]["gain"][rival] for record in own.values()])
        found[rival] = {}
        for known, seen in SEEN.items():
            one = fitted([Signs(**record["signs"][seen][rival]) for record in own.values()], gains, kinds)
            found[rival][known] = {
                "coefficients": one.coefficients,
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
