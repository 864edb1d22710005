"""Greedy mixes along right answers whose rows have been read, against decoding them."""

from __future__ import annotations

import statistics

from evoswarm import Recipe, Swarm
from evoswarm.evaluation.judge import Judge
from evoswarm.genomes.plain import uniform
from evoswarm.gold.forms import gold_texts
from evoswarm.gold.rows import GoldRows, read_rows
from evoswarm.gold.scores import scores_along
from tests.benchmarks.figures import Measurement, Options, Reading, Readings, alternate, at_least, exactly, median_ratio
from tests.benchmarks.figures import spread as spread_of
from tests.benchmarks.quickstart import Quickstart, quickstart, space
from tests.decoding.recipes import SURE

RECIPES, ITEMS = 24, 100
TIMES = 5  # that mixes are followed along texts in one go: once is too short to time


def gold_scores(options: Options) -> Readings:
    """Distinct random recipes, each decoded from an empty memory, against all of them along texts.

    Reading the rows is counted apart, in decodings of the uniform mix of all members from an empty memory. A warm
    memory is one that has decoded the same recipes before: the most that recipes of a population can share.
    """
    ready = quickstart()
    recipes = [one for one in ready.recipes(3 * options.size(RECIPES, 3)) if not one.draws][: options.size(RECIPES, 3)]
    rows = _read(ready, options.size(ITEMS, 10))
    warm = Swarm(ready.members)

    def alone() -> None:
        for recipe in recipes:
            _decode(Swarm(ready.members), ready, [recipe], rows)

    def along() -> None:
        for _ in range(TIMES):
            scores_along(recipes, rows)

    scored = alternate(alone, along, options.pairs)
    together = alternate(lambda: _decode(Swarm(ready.members), ready, recipes, rows), along, options.pairs)
    _decode(warm, ready, recipes, rows)
    again = alternate(lambda: _decode(warm, ready, recipes, rows), along, options.pairs)
    whole = uniform(space(), [member.spec for member in ready.members])
    reading = alternate(
        lambda: _read(ready, len(rows.items)),
        lambda: _decode(Swarm(ready.members), ready, [whole], rows),
        options.pairs,
    )
    rate = TIMES * len(recipes) * len(rows.items) / statistics.median(scored[1])
    note = f"{len(recipes)} recipes, {len(rows.items)} items, {rate:,.0f} evaluations a second"
    return {
        "gold_vs_decoding_alone": _times(scored, note),
        "gold_vs_decoding_together": _times(together, "from an empty memory"),
        "gold_vs_warm_memory": _times(again, "everything has been read before"),
        "gold_reading": Reading(median_ratio(reading), f"decodings of the uniform mix of all; {spread_of(reading)}"),
        **_agreement(ready, recipes, rows),
    }


def _times(pairs: tuple[list[float], list[float]], note: str) -> Reading:
    """By how much one time along texts is faster."""
    return Reading(TIMES * median_ratio(pairs), f"{note}; of {TIMES} times along texts: {spread_of(pairs)}")


def _read(ready: Quickstart, items: int) -> GoldRows:
    """The rows of some items, by a swarm that has read nothing."""
    swarm = Swarm(ready.members)
    whole = uniform(space(), [member.spec for member in ready.members])
    texts = gold_texts(swarm, whole, ready.spread_items(items), ready.tasks)
    rows = None if texts is None else read_rows(swarm, whole, texts, ready.tasks)
    if rows is None:
        raise ValueError("expected rows along the quickstart's right answers, got none")
    return rows


def _decode(swarm: Swarm, ready: Quickstart, recipes: list[Recipe], rows: GoldRows) -> None:
    Judge(swarm, ready.tasks).complete([(recipe, item) for recipe in recipes for item in rows.items])


def _agreement(ready: Quickstart, recipes: list[Recipe], rows: GoldRows) -> Readings:
    """Whether both say the same of every pair that is decided, close decisions apart."""
    found, judge = scores_along(recipes, rows), Judge(Swarm(ready.members), ready.tasks)
    pairs = [(recipe, item) for recipe in recipes for item in rows.items]
    done = judge.complete(pairs)
    same = told = 0
    for place, ((_, item), one) in enumerate(zip(pairs, done, strict=True)):
        where = divmod(place, len(rows.items))
        if found.decided[where] and min(found.closeness[where], one.margin) >= SURE:
            told += 1
            same += found.right[where] == (judge.evaluation(item, one).score == 1.0)
    note = f"{same} of {told} pairs that are decided and not close; {len(pairs)} in all"
    return {"gold_as_decoding": Reading(same / told, note)}


MEASUREMENTS = (
    Measurement(
        {
            "gold_vs_decoding_alone": at_least(100),
            "gold_vs_decoding_together": None,
            "gold_vs_warm_memory": None,
            "gold_reading": None,
            "gold_as_decoding": exactly(1.0),
        },
        gold_scores,
    ),
)
