"""Exports all policies that a run evaluated as an Optuna study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evoswarm.experiment.files.finished_search import FinishedSearch
from evoswarm.experiment.per_question.asked_policy import asked_policy
from evoswarm.export.target import Options, Target
from evoswarm.genomes.archipelago_settings import objectives_of
from evoswarm.run_directory import BEGAN
from evoswarm.run_directory.directory import events_of

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

    from evoswarm.export.source import Source

_NO_DATE = "1970-01-01"  # of runs of before, whose journal has none


def write_optuna(source: Source, out: Path, options: Options) -> list[str]:
    """Write the study of a run; see `Writer`. Other studies of the storage stay as they are.

    Raises:
        EvoswarmError: the storage has a study of this name, or is none; or a file of the run is damaged.
    """
    from optuna.study import StudyDirection

    from evoswarm.export.optuna_study.storage import require_free, write_study
    from evoswarm.export.optuna_study.trials import trials_of

    run = source.run
    assert run is not None  # no other source gets here
    name = run.resolve().name
    search = FinishedSearch(asked_policy(run, None, options.trust))
    objectives = objectives_of(search.asked.space)
    attributes: dict[str, Any] = {
        "evoswarm": version("evoswarm"),
        "space": search.asked.space.name,
        "seed": search.asked.space.seed,
        "champion": search.asked.policy.digest,
    }
    with _storage(out, options) as storage:
        require_free(storage, name, options.place, overwrite=options.overwrite)
        options.progress.enter("exporting", "writing a trial for every policy")
        count = write_study(
            storage,
            name,
            [one.name for one in objectives],
            [StudyDirection.MAXIMIZE if one.maximise else StudyDirection.MINIMIZE for one in objectives],
            attributes,
            trials_of(search, _date(run), options.progress),
        )
    address = options.place if options.storage else f"sqlite:///{options.out}"
    return [
        f"{count:,} policies as trials of the study {name!r} in {options.place}",
        f"optuna-dashboard {address} shows it",
    ]


@contextmanager
def _storage(part: Path, options: Options) -> Iterator[RDBStorage]:
    """The storage at an address, or the new one in a file, with what the file held before."""
    from evoswarm.export.optuna_study.storage import check_address, copied, opened

    if options.storage is not None:
        check_address(options.storage, options.place)
    with opened(options.storage or copied(options.out, part), options.place) as storage:
        yield storage


def _date(run: Path) -> datetime:
    """The day on which a search began: a lineage has no clock, and all trials are of that day."""
    began = next((event for event in events_of(run) if event["event"] == BEGAN), {})
    try:
        return datetime.fromisoformat(str(began.get("date", _NO_DATE)))
    except ValueError:
        return datetime.fromisoformat(_NO_DATE)


OPTUNA = Target(
    name="optuna",
    title="all evaluated policies as an Optuna study: genes are parameters, objectives are values",
    takes="run",
    command="optuna-dashboard sqlite:///OUT",
    write=write_optuna,
    makes="file",
    joins=True,
    options=("storage",),
    needs_members=False,
)
