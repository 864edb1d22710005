"""What policies wrote, right and wrong, is followed as right answers are."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger
from evoswarm.genomes.plain import single, uniform
from evoswarm.gold.heard import heard_texts
from evoswarm.gold.rows import read_rows
from evoswarm.gold.scores import scores_along, text_log_likelihoods
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
    texts = heard_texts(ready.items, evaluations, ready.tasks, most=len(mixes))
    assert {text.right for text in texts} == {True, False}
    assert len(set(texts)) == len(texts)
    rows = read_rows(ready.swarm, whole, texts, ready.tasks)
    assert rows is not None
    found = scores_along(mixes, rows)
    scores = np.array([[one.score == 1.0 for one in row] for row in evaluations])
    sure = found.closeness >= SURE
    assert found.decided[sure].all()
    assert (found.right == scores)[sure].all()
    likely = text_log_likelihoods([whole], rows)[0]
    answers = {item: one.answer for item, one in zip(ready.items, evaluations[0], strict=True)}
    own = [place for place, text in enumerate(rows.texts) if text.text == answers[text.item]]
    assert likely[own].mean() > likely.mean()


def test_the_commonest_count_and_failures_do_not(shipped: Callable[[str], Ready]) -> None:
    ready = shipped("two-by-two-same")
    mixes = [single(ready.space, spec, "bytes") for spec in ready.swarm.specs]
    with Ledger(":memory:") as ledger:
        first, second = Evaluator(ready.swarm, ready.tasks, ledger).evaluate(mixes, ready.items)
    texts = heard_texts(ready.items, [first, second, second], ready.tasks, most=1)
    for place, item in enumerate(ready.items):
        mine = {text.right: text.text for text in texts if text.item == item}
        assert mine[second[place].score == 1.0] == second[place].answer
        assert len(mine) == len({first[place].score, second[place].score})
