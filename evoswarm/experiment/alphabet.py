"""What ``alphabet: auto`` of a space is, before its run directory is chosen: the alphabet is part of what a run is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evoswarm.decoding.decoder import Decoder
from evoswarm.evaluation.ledger import Ledger
from evoswarm.experiment.progress import Progress
from evoswarm.experiment.workbench import find_members, in_its_alphabet
from evoswarm.policies.alphabets import ALPHABETS, automatic
from evoswarm.space import SearchSpace


def with_known_alphabet(
    space: SearchSpace,
    ledger: Path,
    swarm: Decoder | None,
    begun: Callable[[SearchSpace], Path | None],
    progress: Progress,
) -> tuple[SearchSpace, Decoder | None]:
    """The space in the alphabet that its search is in, and its pool where that was needed to know.

    A search that was begun in another alphabet (spaces used to mean ``bytes``) goes on in it.

    Args:
        space: checked already.
        ledger: the ledger's file; where it knows the members, none is loaded.
        swarm: the pool, loaded already; None loads it if need be.
        begun: the run that a space would go on with.
        progress: told what is being done.

    Raises:
        EvoswarmError: a member or the ledger is not what it should be.
    """
    if space.alphabet != "auto":
        return space, swarm
    if space.genome.alphabets is not None or len(space.pool) == 1:
        known = space.resolved(automatic(one_tokenizer=True))
    else:
        if swarm is None:
            with Ledger(ledger) as store:
                swarm = find_members(space, store, progress)
        known = in_its_alphabet(space, swarm)
    for alphabet in [] if begun(known) else ALPHABETS:
        path = begun(other := space.resolved(alphabet))
        if path is not None:
            progress.note(f"going on in {alphabet}, as {path} was begun")
            return other, swarm
    return known, swarm
