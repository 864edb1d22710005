"""R5: the best of what was fitted without a search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evoswarm.decoding.request import DoesNotFit
from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.candidate import score
from evoswarm.evaluation.mixes import Stopped
from evoswarm.experiment import fitted
from evoswarm.experiment.fitted import fits_of
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import Workbench, workbench
from evoswarm.genomes.plain import single, uniform
from evoswarm.policies import Recipe
from evoswarm.rivals.fitted import NO_FITS, R5, best_fitted
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
BOTH = f"{SUMS}\n  - {{name: spelling, source: reasoning_gym, family: spell_backward, max_bytes: 12}}"


def space_of(tasks: str = SUMS, genome: str = "{}") -> SearchSpace:
    return SearchSpace.from_text(SPACE.format(tasks=tasks, genome=genome), "fitted")


@pytest.fixture
def of_two_tasks(tmp_path: Path) -> Iterator[Workbench]:
    with workbench(space_of(BOTH), tmp_path / "ledger.sqlite") as made:
        yield made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    with workbench(space_of(), tmp_path / "ledger.sqlite") as made:
        yield made


def test_the_best_on_selection_of_the_fits_is_the_rival(of_two_tasks: Workbench) -> None:
    bench = of_two_tasks
    items = bench.items["selection"]
    fits = fits_of(bench)
    assert len(fits.mixes) > 1
    assert not fits.absent
    assert all(isinstance(one.policy, Recipe) and not one.policy.sampled for one in fits.mixes)
    best = best_fitted(bench.evaluator, items, fits)
    assert best is not None
    scored = score(fits.mixes, bench.evaluator, items)
    (own,) = [one for one in scored if one.policy == best.policy]
    assert own.accuracy == max(one.accuracy for one in scored)
    assert (best.key, best.name) == (R5, "fitted mix")
    assert best.description.endswith(f": {own.accuracy:.1%} on selection.")
    assert best_fitted(bench.evaluator, items, NO_FITS) is None


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


def test_another_space_binds_the_fits_to_its_own_names_and_paths(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fits_of(bench)
    monkeypatch.setattr(fitted, "fitted_mixes", lambda *_, **__: pytest.fail("fitted again"))
    space = space_of()
    other = space.model_copy(
        update={"pool": tuple(one.model_copy(update={"name": f"new-{one.name}"}) for one in space.pool)}
    )
    with workbench(other, tmp_path / "ledger.sqlite") as renamed:
        mixes = fits_of(renamed).mixes
        assert [one.policy.digest for one in mixes] == [one.policy.digest for one in first.mixes]
        assert {spec.name for one in mixes for spec in one.policy.specs} <= {"new-llama-a", "new-llama-b"}
        assert all(spec in renamed.pool for one in mixes for spec in one.policy.specs)


def test_items_that_count_otherwise_are_fitted_to_anew(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits_of(bench)
    monkeypatch.setattr(fitted, "fitted_mixes", lambda *_, **__: pytest.fail("fitted again"))
    heavier = space_of(SUMS.replace("max_bytes: 8", "max_bytes: 8, weight: 3"))
    with (
        workbench(heavier, tmp_path / "ledger.sqlite") as other,
        pytest.raises(pytest.fail.Exception, match="fitted again"),
    ):
        fits_of(other)


def test_that_nothing_can_be_fitted_is_found_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unwritable = space_of(SUMS.replace("chain_sum, max_bytes: 8", "spell_backward, max_bytes: 1"))
    with workbench(unwritable, tmp_path / "ledger.sqlite") as made:
        first = fits_of(made)
    monkeypatch.setattr(Workbench, "gold", lambda *_: pytest.fail("read again"))
    with workbench(unwritable, tmp_path / "ledger.sqlite") as again:
        assert first.absent
        assert fits_of(again) == first


def test_want_of_memory_is_of_the_moment(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DoesNotFit("no room")

    with monkeypatch.context() as short:
        short.setattr(Swarm, "rows_along", full)
        assert fits_of(bench).absent == "There is no fitted mix: there is nothing to fit it to: no room."
    del bench.gold_paths
    assert fits_of(bench).mixes


def test_a_stop_ends_reading_and_fitting(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> None:
        raise Stopped("stopped as asked")

    with monkeypatch.context() as pressed:
        pressed.setattr(bench.evaluator, "go_on", stopped)
        with pytest.raises(Stopped):
            fits_of(bench)
        assert not bench.swarm.counters.forwards
    steps: list[str] = []
    bench.progress = Progress(step=lambda one: steps.append(one.words))
    bench.gold("search")
    monkeypatch.setattr(bench.evaluator, "go_on", stopped)
    with pytest.raises(Stopped):
        fits_of(bench)
    assert list(dict.fromkeys(steps)) == ["reading right answers", "fitting mixes to right answers"]


@pytest.mark.parametrize(
    ("tasks", "genome", "why"),
    [
        (SUMS, "{kind: vote}", "it searches for votes, and only mixes are fitted"),
        (SUMS, "{samples: [3]}", "no recipe answers greedily (genome.samples)"),
        (
            SUMS.replace("chain_sum, max_bytes: 8", "spell_backward, max_bytes: 1"),
            "{}",
            "there is nothing to fit it to: no text is known that is right",
        ),
        (
            SUMS.replace("max_bytes: 8", "max_bytes: 16, scorer: {kind: numeric, behind: ['####']}"),
            "{}",
            "there is nothing to fit it to: answers are free text, and no member writes the right ones as they are "
            "given (sums)",
        ),
    ],
    ids=["votes", "drawn answers", "no right answer can be written", "nobody writes right answers so"],
)
def test_where_nothing_can_be_fitted_the_reason_is_given(tasks: str, genome: str, why: str) -> None:
    with workbench(space_of(tasks, genome), ":memory:") as bench:
        fits = fits_of(bench)
        assert (fits.mixes, fits.absent) == ((), f"There is no fitted mix: {why}.")
        champion = single(bench.space, bench.pool[0])
        rivals = tune(bench.space, bench.pool, champion, bench.evaluator, bench.items["selection"], fits=fits)
        assert rivals.fitted is None
        assert rivals.absent == {R5: fits.absent}


def test_it_stands_beside_the_uniform_mix(bench: Workbench) -> None:
    champion = uniform(bench.space, bench.pool)
    rivals = tune(bench.space, bench.pool, champion, bench.evaluator, bench.items["selection"], fits=fits_of(bench))
    assert [one.key for one in rivals.diagnostics][-2:] == ["uniform_pool", R5]
    assert rivals.fitted == rivals.diagnostics[-1]
    assert R5 not in [one.key for one in rivals.matched]
