"""Who may open the test items of a space: its first champion, and later ones by force only."""

from __future__ import annotations

from pathlib import Path

from evoswarm.decoding.swarm import Swarm
from evoswarm.evaluation.evaluator import Evaluator
from evoswarm.evaluation.ledger import Ledger, OpenedBefore, Opening
from evoswarm.experiment.past import note_once, retire
from evoswarm.recipe import Recipe
from evoswarm.run_directory import RunDirectory
from evoswarm.space import SearchSpace, draw_items, make_tasks

FORCED = "forced"
"""Event of the journal: a champion's certificate was asked for though its test items had been seen."""


def permitted(run: RunDirectory, champion: Recipe, before: Opening, force: bool) -> bool:
    """Whether the certificate is a forced one, now or when it was first made.

    That this champion opened the items already does not permit it: looking at them by hand, with ``evaluate``, is
    recorded as an opening too.

    Args:
        run: of the champion; that it was forced is noted in its journal.
        champion: with its members' fingerprints.
        before: what the ledger says of the items.
        force: open them whoever opened them before.

    Raises:
        OpenedBefore: another recipe of the space opened the items before this one, and nothing was forced.
    """
    if not before.same_space:
        return False
    if not force and {"event": FORCED, "champion": champion.digest} not in run.events:
        whom = "another recipe" if before.same_space == 1 else f"{before.same_space} other recipes"
        expected = "expected test items of this space that nobody has seen"
        raise OpenedBefore(f"{expected}, got items opened for {whom} before")
    note_once(run, FORCED, champion=champion.digest)
    return True


def refuse_early(run: RunDirectory, space: SearchSpace, champion: Recipe, ledger: Path) -> None:
    """Refuse a champion before a model is loaded, where that is certain, and put an earlier one's certificate aside.

    Args:
        run: of the champion.
        space: of the search.
        champion: as it was read; without its members' fingerprints nobody knows which recipe it is yet.
        ledger: its file.

    Raises:
        EvoswarmError: as `permitted`; or a task or the ledger is not what it should be.
    """
    if not ledger.exists() or any(member.spec.fingerprint is None for member in champion.members):
        return
    retire(run, champion)
    tasks = make_tasks(space)
    items = draw_items(space, tasks)["test"]
    with Ledger(ledger) as known:
        namer = Evaluator(Swarm([]), {task.name: task for task in tasks}, known)  # knows items, and decodes none
        digests = [namer.item_digest(item, champion.prompt_format) for item in items]
        permitted(run, champion, known.opening(space.continuation_digest, champion.digest, digests), force=False)
