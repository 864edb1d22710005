"""Whether a champion may have its certificate: test items are unseen, a second look was asked for, or it has it."""

from __future__ import annotations

from evoswarm.certificate.document import Certificate
from evoswarm.evaluation.openings.book import OpenedBefore, Seen
from evoswarm.experiment.files.policy_files import certificate_in
from evoswarm.experiment.files.run_history import note_once
from evoswarm.policies import Policy
from evoswarm.run_directory import RunDirectory

FORCED = "forced"
"""Event of the journal: a champion's certificate was asked for though its test items had been seen."""


def permitted(run: RunDirectory, champion: Policy, seen: Seen, force: bool) -> None:
    """Refuse a certificate on items that others opened before, unless it is a forced one, now or at first.

    That this champion opened the items already does not permit it: looking at them by hand, with ``evaluate``, is
    recorded as an opening too.

    Args:
        run: of the champion; that it was forced is noted in its journal.
        champion: with its members' fingerprints.
        seen: what is known of the items.
        force: open them whoever opened them before.

    Raises:
        OpenedBefore: another recipe opened some of the items before this one, and nothing was forced.
    """
    if not seen.opened:
        return
    if not force and not _forced_before(run, champion):
        raise OpenedBefore.by(seen)
    note_once(run, FORCED, champion=champion.digest)


def standing(run: RunDirectory, champion: Policy, seen: Seen, force: bool) -> Certificate | None:
    """The certificate that a champion has and that could not be made again; None where that is not so.

    An opening of before that is known only now does not take it away: the same champion again opens nothing.

    Args:
        run: of the champion.
        champion: with its members' fingerprints.
        seen: what is known of the items.
        force: it is to be made again.
    """
    if force or not seen.opened or not seen.again or _forced_before(run, champion):
        return None
    known = certificate_in(run, champion)
    return known if known is not None and known.items.test == seen.items else None


def _forced_before(run: RunDirectory, champion: Policy) -> bool:
    return {"event": FORCED, "champion": champion.digest} in run.events
