"""Right answers as policies wrote them are followed as those are that the task gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np

from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.genomes.plain import single, uniform
from evoswarm.gold.heard import heard_texts
from evoswarm.gold.rows import read_rows
from evoswarm.gold.scores import scores_along
from tests.decoding.recipes import SURE
from tests.gold.conftest import Ready
from tests.gold.test_scores import random_mix


def test_along_what_was_written_scores_are_those_that_it_had(shipped: Callable[[str], Ready]) -> None:
    ready, rng = shipped("two-by-two-same"), Random(3)
    whole = uniform(ready.space, ready.swarm.specs, "bytes")
    mixes = [whole, *(single(ready.space, spec, "bytes") for spec in ready.swarm.specs)]
    mixes += [random_mix(rng, ready, "bytes") for _ in range(3)]
    with Ledger(":memory:") as ledger:
        evaluations = Evaluator(ready.swarm, ready.tasks, ledger).evaluate(mixes, ready.items)
    rows = read_rows(ready.swarm, whole, heard_texts(ready.items, evaluations, ready.tasks), ready.tasks)
    assert rows is not None
    scores = np.array([[one.score == 1.0 for one in row] for row in evaluations])
    known = [ready.items.index(item) for item in rows.items]
    assert known == np.flatnonzero(scores.any(0)).tolist()
    found = scores_along(mixes, rows)
    sure = found.closeness >= SURE
    assert found.decided[sure].all()
    assert (found.right == scores[:, known])[sure].all()


def test_the_commonest_right_answer_counts(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("two-by-two-same")
    with Ledger(":memory:") as ledger:
        recipe = single(ready.space, ready.swarm.specs[0], "bytes")
        (row,) = Evaluator(ready.swarm, ready.tasks, ledger).evaluate([recipe], ready.items)
    right = [item for item, one in zip(ready.items, row, strict=True) if one.score == 1.0]
    assert 0 < len(right) < len(right) + 1 <= len(ready.items)
    spelled = [[replace(one, answer=word, ending="end") for one in row] for word in ("once", "twice", "twice")]
    cut = [replace(one, answer="cut", ending="limit") for one in row]
    texts = heard_texts(ready.items, [*spelled, cut, cut, cut], ready.tasks)
    assert [(text.item, text.text) for text in texts] == [(item, "twice") for item in right]
