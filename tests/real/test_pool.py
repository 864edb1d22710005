"""The real pool, on few questions: from the shipped space to a certificate, and what its alphabet saves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT
from tests.real import pool
from tests.real.conftest import GEMMA3, SMOLLM2, real_spec

FEW = ("splits.search=6", "splits.selection=9", "splits.test=9", "evolution.generations=2", "evolution.population=3")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory from which the shipped space finds its questions; skips where the models are missing."""
    for name in (SMOLLM2, GEMMA3):
        real_spec(name)
    (tmp_path / "search_spaces").symlink_to(ROOT / "search_spaces")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_pool_is_searched_and_certified_and_gone_on_with(here: Path) -> None:
    space, clock = pool.real_space(*FEW), pool.Clock(here / "seconds.json")
    certificate, directory, swarm = pool.run(space, clock)
    assert (directory / pool.PAGE).is_file()
    assert certificate.items.test == 9
    assert certificate.failures == 0
    assert set(clock.parts) == {"loading", "search", "certificate"}
    plain = pool.plain_figures(space, swarm)
    assert [*plain] == [*(spec.name for spec in space.pool), "uniform mix"]
    best = max(one["accuracy"] for name, one in plain.items() if name != "uniform mix")
    oracle = pool.certified_figures(certificate)["compared"]["oracle_router"]["accuracy"]
    assert 0 < best <= oracle, "right where any member is"
    before = swarm.counters.rows_forwarded
    again, same, _ = pool.run(space, clock, swarm)
    assert (again, same) == (certificate, directory)
    assert swarm.counters.rows_forwarded == before, "what is done is not done again"


def test_common_symbols_need_fewer_steps_than_bytes(here: Path) -> None:
    """Not as few as in running text: digits are tokens of their own, and END is a step in both."""
    for name, found in pool.steps_by_alphabet(pool.real_space(*FEW)).items():
        assert found["common"]["steps_per_item"] < 0.7 * found["bytes"]["steps_per_item"], name


def test_the_pages_show_what_was_recorded() -> None:
    record = json.loads(pool.RECORD.read_text("utf-8"))
    text = (DOCS / "results.md").read_text("utf-8")
    certificate = record["certificate"]
    shown = [record["date"], certificate["outcome"], f"{certificate['champion']['accuracy']:.1%}"]
    shown += [f"{one['accuracy']:.1%}" for one in [*certificate["compared"].values(), *record["plain"].values()]]
    assert [figure for figure in shown if figure not in text] == []
    for found in record["alphabets"].values():
        assert found["common"]["steps_per_item"] < 0.7 * found["bytes"]["steps_per_item"]
