"""R5: the best of what was fitted without a search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evoswarm.evaluation.candidate import score
from evoswarm.experiment import fitted
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Recipe
from evoswarm.rivals.fitted import FITTED, best_fitted
from evoswarm.rivals.tuning import tune
from evoswarm.space import SearchSpace

SPACE = """
name: fitted
pool:
  - {{name: llama-a, path: "zoo:llama-a"}}
  - {{name: llama-b, path: "zoo:llama-b"}}
tasks:
{tasks}
genome: {genome}
splits: {{search: 8, selection: 8, test: 8}}
"""
SUMS = "  - {name: sums, source: reasoning_gym, family: chain_sum, max_bytes: 8}"


def space_of(tasks: str = SUMS, genome: str = "{}") -> SearchSpace:
    return SearchSpace.from_text(SPACE.format(tasks=tasks, genome=genome), "fitted")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with workbench(space_of(), tmp_path / "ledger.sqlite") as made:
        yield made


def test_the_best_on_selection_of_the_fits_is_the_rival(bench: Workbench) -> None:
    items = bench.items["selection"]
    fits = fits_of(bench)
    assert len(fits.mixes) > 1
    assert not fits.absent
    assert all(isinstance(one.policy, Recipe) and not one.policy.sampled for one in fits.mixes)
    best = best_fitted(bench.evaluator, items, fits.mixes)
    assert best is not None
    scored = score(fits.mixes, bench.evaluator, items)
    (own,) = [one for one in scored if one.policy == best.policy]
    assert own.accuracy == max(one.accuracy for one in scored)
    assert (best.key, best.name) == (FITTED, "fitted mix")
    assert best.description.endswith(f": {own.accuracy:.1%} on selection.")
    assert best_fitted(bench.evaluator, items, ()) is None


def test_what_was_fitted_once_is_not_fitted_again(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fits_of(bench)
    monkeypatch.setattr(fitted, "fitted_mixes", lambda *_, **__: pytest.fail("fitted again"))
    with workbench(space_of(), tmp_path / "ledger.sqlite") as other:
        assert fits_of(other) == first
    other_space = space_of(genome="{rules: [mixture]}")
    with (
        workbench(other_space, tmp_path / "ledger.sqlite") as changed,
        pytest.raises(pytest.fail.Exception, match="fitted again"),
    ):
        fits_of(changed)


@pytest.mark.parametrize(
    ("tasks", "genome", "why"),
    [
        (SUMS, "{kind: vote}", fitted.NO_MIXES),
        (
            SUMS.replace("chain_sum, max_bytes: 8", "spell_backward, max_bytes: 1"),
            "{}",
            fitted.NO_GOLD.format(why="no text is known that is right"),
        ),
    ],
    ids=["votes", "no right answer can be written"],
)
def test_where_nothing_can_be_fitted_the_reason_is_given(tasks: str, genome: str, why: str) -> None:
    with workbench(space_of(tasks, genome), ":memory:") as bench:
        fits = fits_of(bench)
        assert (fits.mixes, fits.absent) == ((), why)
        champion = single(bench.space, bench.pool[0])
        rivals = tune(bench.space, bench.pool, champion, bench.evaluator, bench.items["selection"], fits=fits)
        assert rivals.fitted is None
        assert rivals.absent == {FITTED: why}


def test_it_stands_beside_the_uniform_mix(bench: Workbench) -> None:
    champion = uniform(bench.space, bench.pool)
    rivals = tune(bench.space, bench.pool, champion, bench.evaluator, bench.items["selection"], fits=fits_of(bench))
    assert [one.key for one in rivals.diagnostics][-2:] == ["uniform_pool", FITTED]
    assert rivals.fitted == rivals.diagnostics[-1]
    assert FITTED not in [one.key for one in rivals.matched]
