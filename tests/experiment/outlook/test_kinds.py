"""What a choice does for single kinds of items, as plans and searches at work foretell it."""

from __future__ import annotations

from collections.abc import Callable

from evoswarm.evaluation.candidate import Candidate
from evoswarm.experiment.composing import told_apart
from evoswarm.experiment.outlook.ahead import Ahead
from evoswarm.experiment.outlook.kinds import Kinds, kinds_of
from evoswarm.experiment.specialists import FITS, RANKED
from evoswarm.experiment.workbench import workbench
from evoswarm.genomes.plain import single
from evoswarm.space import SearchSpace

Micro = Callable[..., SearchSpace]
MANY = ("splits.search=32", "splits.selection=16")


def asked(space: SearchSpace, *, fits: bool = True) -> Kinds:
    with workbench(space, ":memory:") as bench:
        return kinds_of(bench, fits=fits)


def test_every_kind_with_enough_items_is_fitted_to(micro: Micro) -> None:
    found = asked(micro(*MANY))
    assert (found.specialists, found.fitted) == (RANKED + FITS, (16, 16))
    assert found.seconds > 0.0
    without = asked(micro(*MANY), fits=False)
    assert (without.specialists, without.fitted) == (RANKED, ())
    few = asked(micro("splits.search=28", "splits.selection=16"))
    assert (few.specialists, few.fitted) == (RANKED, ()), "specialists all the same"


def test_where_nothing_is_told_apart_there_are_no_kinds(micro: Micro) -> None:
    """Too few items, a search for votes, or no routes wanted."""
    for space in (micro(), micro(*MANY, "genome.kind=vote"), micro(*MANY, "champion.routes=1")):
        assert (one := asked(space)).specialists == 0
        assert one.fitted == ()


def test_of_one_task_the_finest_way_counts(micro: Micro) -> None:
    tasks = "tasks=[{name: spell, source: reasoning_gym, family: spell_backward, max_bytes: 12}]"
    with workbench(micro(tasks, "splits.search=60", "splits.selection=60"), ":memory:") as bench:
        ways = told_apart([item for split in bench.items.values() for item in split])
        cells = max(one.cells for one in ways)
        found = kinds_of(bench, fits=True)
    assert cells > 1
    assert 0 < len(found.fitted) <= cells
    assert sum(found.fitted) <= 60


def test_a_search_at_work_counts_the_fits_to_come_by_those_that_it_has_made(micro: Micro) -> None:
    """However few seconds all else takes: four times as many items took 100."""
    with workbench(micro(*MANY), ":memory:") as bench:
        alone = [Candidate(spec.name, single(bench.space, spec)) for spec in bench.pool]
        unknown = Ahead(bench, patience=0.0).seconds(alone, search=1.0)
        bench.fits_taken.append((64, 100.0))
        known = Ahead(bench, patience=0.0).seconds(alone, search=1.0)
    assert unknown is not None
    assert known is not None
    assert (unknown["choosing"] or 99.0) < 50.0, "nothing was fitted in this sitting"
    assert 100.0 < (known["choosing"] or 0.0) < 150.0, "two kinds, each half as long"
