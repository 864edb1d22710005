"""The page of a run, written when a search or a certificate ends; what goes wrong with it costs nothing else."""

from __future__ import annotations

from evoswarm.errors import EvoswarmError
from evoswarm.experiment.progress import Progress
from evoswarm.report.page import page_of
from evoswarm.report.run_files import RunFiles
from evoswarm.run_directory import REPORT, RunDirectory
from evoswarm.space import SearchSpace
from evoswarm.tracking import Tracker


def report_written(run: RunDirectory, space: SearchSpace, progress: Progress, tracker: Tracker | None = None) -> None:
    """Write the page of a run from its files; where that fails, a note says why.

    Args:
        run: with all its other files written.
        space: that was searched.
        progress: told of a failure.
        tracker: tells MLflow of the page in place of an earlier one; None where the files of the run are still to be
            logged.
    """
    try:
        run.write(REPORT, page_of([RunFiles(run.path, space)]))
    except Exception as error:  # a page that cannot be drawn must not cost the search that it is of
        said = str(error) if isinstance(error, EvoswarmError) else f"{type(error).__name__}: {error}"
        progress.note(f"{REPORT} could not be written ({said:.300}); evoswarm report {run.path} tries again")
        return
    if tracker is not None:
        tracker.files(run, [REPORT])
