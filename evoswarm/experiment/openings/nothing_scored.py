"""A champion that is never right has nothing to prove: no test item is opened for it."""

from __future__ import annotations

from evoswarm.errors import RunError, Where
from evoswarm.experiment.first_look.look import FIRST_LOOK
from evoswarm.experiment.workbench import Workbench
from evoswarm.policies import Policy
from evoswarm.run_directory import RunDirectory


class NothingScored(RunError):
    """The champion scored nothing on the selection split; no test item was opened."""


def require_score(bench: Workbench, run: RunDirectory, champion: Policy) -> None:
    """Refuse a champion that scored nothing on the selection split, before anything is opened for it.

    Args:
        bench: with the items of that split.
        run: of the champion.
        champion: bound to the pool as loaded.

    Raises:
        NothingScored: it did.
        Stopped: Ctrl-C.
    """
    items = bench.items["selection"]
    if any(bench.evaluator.summaries([champion], items)[0].scores):
        return
    raise NothingScored(
        "expected a champion that scores something on the selection split (held-out test items are fresh once only, "
        f"and there is nothing to prove with them), got 0 on each of its {len(items):,} items: {FIRST_LOOK} shows what "
        "the members read and answer; mend the prompt, the stop strings or the limits of the space, and search again",
        Where(str(run.path)),
    )
