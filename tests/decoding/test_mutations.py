"""Whatever a stranger's directory holds, loading it ends in one sentence, and soon."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.decoding.mutations import make_bases, one

CASES, GROUPS = 120, 4


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[Any]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


@pytest.mark.parametrize("group", range(GROUPS))
def test_damage_is_refused_in_one_sentence_or_does_no_harm(bases: Any, tmp_path: Path, group: Any) -> None:
    outcomes = [one(bases, tmp_path, seed) for seed in range(group, CASES, GROUPS)]
    assert [case for case in outcomes if case[1] not in ("fine", "refused")] == []
    counts = Counter(outcome for _, outcome in outcomes)
    assert min(counts["refused"], counts["fine"]) > 0, "damage is done, and not everything is damaged"
