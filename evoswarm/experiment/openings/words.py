"""What a search says of its test items when it begins: who saw them before, and what they can show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evoswarm.certificate.detectable import foreseen_gain
from evoswarm.certificate.verdict import COUNTS, points
from evoswarm.evaluation.ledger import Ledger
from evoswarm.evaluation.openings.book import Seen
from evoswarm.experiment.drawn import Drawn
from evoswarm.experiment.openings.guard import Guard, book_of
from evoswarm.experiment.progress import Progress
from evoswarm.rivals.tuning import to_beat
from evoswarm.space import SearchSpace
from evoswarm.statistics.intervals import strata
from evoswarm.tasks.task import weights_of

DIFFERING = (0.1, 0.5)
"""Shares of the items on which a champion and a rival may differ: champions near a good single member, and far from all
of them, as certificates have shown them."""

_SHOWN = 3  # openings that are named


def foretell(space: SearchSpace, drawn: Drawn, ledger: Path, root: Path, progress: Progress, *, certify: bool) -> None:
    """Say, before a member is loaded, what the test items of a search can still be good for.

    MLflow is asked before they are opened, and not here: it takes seconds to answer.

    Args:
        space: that is searched.
        drawn: its items.
        ledger: the ledger's file.
        root: the directory of all runs.
        progress: told.
        certify: whether they are to be opened at the end; if not, nothing is said of unseen ones.

    Raises:
        RunError: a place that keeps openings cannot be read or was damaged.
    """
    with Ledger(ledger) as store:
        seen = Guard(book_of(store, root), drawn, space).seen()
    if certify or seen.opened:
        for sentence in first_words(space, drawn, seen):
            progress.note(sentence)


def first_words(space: SearchSpace, drawn: Drawn, seen: Seen) -> list[str]:
    """The sentences: who opened the test items before, or that nobody did and what they can show."""
    if not seen.opened:
        shown = _can_show(space, drawn)
        return [
            f"The {seen.items:,} test items are unseen as far as the ledger and the run directories know{shown}; "
            "--no-certify leaves them closed, as it must for several seeds that are to be certified together "
            "(evoswarm certify RUN RUN ...)."
        ]
    return [*opened_by(seen), *_what_then(space, seen)]


def opened_by(seen: Seen) -> Iterator[str]:
    """Who opened them before."""
    yield f"Of the {seen.items:,} test items, {seen.opened:,} have been opened before:"
    for opening in seen.by[:_SHOWN]:
        yield f"  for {opening.described}"
    if len(seen.by) > _SHOWN:
        yield f"  and {len(seen.by) - _SHOWN:,} times more"


def _what_then(space: SearchSpace, seen: Seen) -> Iterator[str]:
    yield (
        "Only a search that ends with the same champion gets its certificate again; with any other, the certificate is "
        "refused (evoswarm certify RUN --force looks all the same, and the certificate says so)."
    )
    seeds = {seed for one in seen.by if one.space == space.name for seed in one.seeds}
    if seeds - {space.seed}:
        yield (
            "Several seeds of a space can be certified together (evoswarm certify RUN RUN ...), but these items are "
            "open already: here it takes --force, and the certificate says so."
        )


def _can_show(space: SearchSpace, drawn: Drawn) -> str:
    """What gain they find with a probability of 80%, by how often champion and rival may differ.

    Whether members can be merged is not known before their files are looked at: then the most rivals are counted.
    """
    weights = weights_of(drawn.tasks)
    parts = strata([item.task for item in drawn.items["test"]], weights)
    mergeable = space.certificate.merged and len(space.pool) > 1
    rivals = to_beat(space, mergeable)
    least, most = (foreseen_gain(share, parts, rivals) for share in DIFFERING)
    few, many = (f"{share:.0%}" for share in DIFFERING)
    everyone = f"{'up to' if mergeable else 'all'} {COUNTS[rivals]} rivals"
    if least is None:
        return f", and too few to find even the greatest gain over {everyone} 80% of the time"
    found = (
        f"; a true gain of about {points(least)} over {everyone} is found 80% of the time where champion and rivals "
        f"differ on {few} of them"
    )
    return found if most is None else f"{found}, of {points(most)} where they differ on {many}"
