"""Any policy on a split of a space; the test split only where its opening is allowed, and on record."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from evoswarm.evaluation.evaluation import Summary
from evoswarm.evaluation.openings.book import Seen
from evoswarm.experiment import mirror
from evoswarm.experiment.drawn import draw
from evoswarm.experiment.files.finished_run import check_members
from evoswarm.experiment.files.places import ledger_file, run_of
from evoswarm.experiment.openings.guard import Consent, Guard, book_of, consent_before_loading, require_consent
from evoswarm.experiment.progress import SILENT, Progress
from evoswarm.experiment.workbench import workbench
from evoswarm.policies import Policy, load_policy
from evoswarm.policies.document import naming
from evoswarm.space import SearchSpace
from evoswarm.tasks.task import SplitName
from evoswarm.tracking import Tracker
from evoswarm.trust import Trust

BY_HAND = "evaluate"


@dataclass(frozen=True)
class SplitResult:
    """A policy on one split of a space.

    Attributes:
        asked: the space as it was asked for, its alphabet known.
        policy: as it was decoded.
        split: which items.
        summary: score and cost.
        opening: what was known of the test items before, where these were evaluated.
    """

    asked: SearchSpace
    policy: Policy
    split: SplitName
    summary: Summary
    opening: Seen | None = None


def evaluate(
    policy: Policy | str | Path,
    space: SearchSpace | str | Path,
    split: SplitName = "selection",
    *,
    runs: str | Path = "runs",
    progress: Progress = SILENT,
    trust: Trust | None = None,
    ledger: str | Path | None = None,
    open_test: Consent = False,
    force: bool = False,
) -> SplitResult:
    """Score any policy on a split of a space.

    The test split is held out: it is opened on the caller's word alone, and the opening is on record before it happens.
    The same policy again is the same opening, and needs no word.

    Args:
        policy: the policy, its file, or a run directory with a champion.
        space: the space, or its file.
        split: ``search``, ``selection`` or ``test``.
        runs: the directory of all runs; its ledger is used.
        progress: told what is being done.
        trust: whose code may run where the space asks for it; None is what the space was read with.
        ledger: its file; None is ``EVOSWARM_LEDGER``, or beside the runs.
        open_test: whether the test split may be opened, or whom to ask.
        force: open it also where another policy opened some of its items before; no word where nobody did.

    Raises:
        OpenedBefore: another policy did, and nothing was forced.
        OpeningDeclined: nobody said that the test split may be opened.
        EvoswarmError: the recipe does not fit the pool, or the space is not what it should be.

    Example:
        >>> evaluated = evaluate(result.champion, space, "selection")
        >>> evaluated.split
        'selection'
    """
    checked = space if isinstance(space, SearchSpace) else SearchSpace.from_yaml(space)
    checked = checked if trust is None else checked.trusting(trust)
    asked, file = (load_policy(policy), str(policy)) if isinstance(policy, str | Path) else (policy, "<recipe>")
    check_members(asked, checked, file)
    root, kept = Path(runs), ledger_file(Path(runs), ledger)
    drawn, run = draw(checked, progress), run_of(Path(file))
    with ExitStack() as stack:
        if split == "test":
            open_test = consent_before_loading(asked, checked, drawn, kept, root, open_test, force, run)
        bench = stack.enter_context(workbench(checked, kept, splits=[split], progress=progress, drawn=drawn))
        with naming(file):
            bound = bench.bound(asked)
        items, evaluator = bench.items[split], bench.evaluator
        if split != "test":
            progress.enter("decoding", f"decoding {len(items)} items of the {split} split")
            return SplitResult(bench.asked, bound, split, evaluator.summaries([bound], items)[0])
        tracker = Tracker.of(checked, root)
        stack.callback(mirror.wait, tracker, progress)
        own = [] if run is None else [run]
        guard = Guard(book_of(evaluator.ledger, root, *own), drawn, bench.asked, tracker)
        guard.hear([bound], progress)
        seen = guard.seen(bound)
        require_consent(seen, open_test, force)
        opened = guard.open([bound], BY_HAND, runs=own, force=force or seen.opened > 0)
        progress.enter("decoding", f"decoding {len(items)} items of the test split")
        summary = evaluator.summaries([bound], items)[0]
        guard.tell(opened, bound, seen.others, _metrics(summary))
        return SplitResult(bench.asked, bound, split, summary, seen)


def _metrics(summary: Summary) -> dict[str, float]:
    found = {"flops": summary.cost.flops, "open_share": summary.open_share, "items": float(summary.items)}
    return found if summary.accuracy is None else {**found, "test_accuracy": summary.accuracy}
