"""What becomes known when test items are opened, or stay closed: in the champion's files, and in MLflow.

A champion has two: its own, and one among the recipes that were tested again.

Both are written anew each time, so that the same certificate again, of a search of long ago too, leaves the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from evoswarm.certificate.document import Certificate
from evoswarm.errors import RecipeError
from evoswarm.evaluation.cost import Cost
from evoswarm.evaluation.openings.book import OpenedBefore
from evoswarm.experiment import mirror
from evoswarm.experiment.files.policy_files import PolicyOrigin, certificate_in
from evoswarm.experiment.files.run_history import expected_of, twin_of
from evoswarm.experiment.openings.guard import OpeningDeclined
from evoswarm.experiment.openings.nothing_scored import NothingScored
from evoswarm.experiment.result import PAGE
from evoswarm.experiment.workbench import Workbench
from evoswarm.policies import Policy, PolicyDocument, load_policy
from evoswarm.run_directory import CERTIFICATE, CHAMPION, RunDirectory
from evoswarm.tracking import Tracker


def write_certified(
    bench: Workbench, run: RunDirectory, champion: Policy, certificate: Certificate, tracker: Tracker | None
) -> None:
    """Have the champion's files say what its certificate does.

    Args:
        bench: with the selection items.
        run: of the champion; the certificate stands there.
        champion: bound to the pool.
        certificate: of it.
        tracker: tells MLflow.

    Raises:
        RunError: it cannot be written.
    """
    document, cost = _document(bench, run, champion, certificate)
    _write(run, document, cost, certificate, tracker, [CHAMPION, CERTIFICATE, PAGE])


def write_refused(bench: Workbench, run: RunDirectory, champion: Policy, why: str, tracker: Tracker | None) -> None:
    """Have the champion's files say that a certificate was refused; one that has a verdict keeps it, and that alone.

    Args:
        bench: with the selection items.
        run: of the champion.
        champion: bound to the pool.
        why: a sentence.
        tracker: tells MLflow.

    Raises:
        RunError: it cannot be written.
    """
    if certificate_in(run, champion) is not None:
        return
    document, cost = _document(bench, run, champion, None)
    if document.about is not None:
        document = PolicyDocument(document.policy, document.about.refused(why))
    _write(run, document, cost, None, tracker, [CHAMPION])


@contextmanager
def refusals_written(bench: Workbench, run: RunDirectory, champion: Policy, tracker: Tracker | None) -> Iterator[None]:
    """See that a refusal within the block is written down; see `write_refused`.

    Raises:
        RunError: the refusal.
    """
    try:
        yield
    except (NothingScored, OpenedBefore, OpeningDeclined) as refusal:
        write_refused(bench, run, champion, refusal.message, tracker)
        raise


def _document(
    bench: Workbench, run: RunDirectory, champion: Policy, certificate: Certificate | None
) -> tuple[PolicyDocument, Cost]:
    """The champion's file, and what it costs on the selection items."""
    selection = bench.evaluator.summaries([champion], bench.items["selection"])[0]
    origin, expected = PolicyOrigin.of(bench, run), expected_of(run, champion)
    return origin.document(_as_it_stands(run, champion), selection, certificate, expected=expected), selection.cost


def _write(
    run: RunDirectory,
    document: PolicyDocument,
    cost: Cost,
    certificate: Certificate | None,
    tracker: Tracker | None,
    files: Sequence[str],
) -> None:
    twin = twin_of(run, document.policy)
    for name in [CHAMPION] if twin is None else [CHAMPION, twin]:
        run.write(name, document.to_json())
    if tracker is not None:
        files = [*files] if twin is None else [*files, twin]
        tracker.outcome(run, mirror.outcome(run.path, document, cost, certificate), files)


def _as_it_stands(run: RunDirectory, champion: Policy) -> Policy:
    """The champion as its file has it: that may know better where its members are than the space does."""
    with suppress(RecipeError):
        found = load_policy(run.path)
        if found.digest == champion.digest:
            return found
    return champion
