"""Whether a champion may have its certificate: its test items are unseen, or a second look was asked for."""

from __future__ import annotations

from evoswarm.evaluation.openings.book import OpenedBefore, Seen
from evoswarm.experiment.files.run_history import note_once
from evoswarm.policies import Policy
from evoswarm.run_directory import RunDirectory

FORCED = "forced"
"""Event of the journal: a champion's certificate was asked for though its test items had been seen."""


def permitted(run: RunDirectory, champion: Policy, seen: Seen, force: bool) -> bool:
    """Whether the certificate is a forced one, now or when it was first made.

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
        return False
    if not force and {"event": FORCED, "champion": champion.digest} not in run.events:
        raise OpenedBefore.by(seen)
    note_once(run, FORCED, champion=champion.digest)
    return True
