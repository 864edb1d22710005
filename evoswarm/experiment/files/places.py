"""Where the files of searches lie: the directory of all runs, the ledger beside them; and whose a directory is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from evoswarm.errors import RunError, Where
from evoswarm.evaluation.openings.places import OPENINGS
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.run_directory import CALIBRATION as CALIBRATION
from evoswarm.run_directory import CHAMPION
from evoswarm.run_directory import FRONT as FRONT
from evoswarm.run_directory import PAGE as PAGE
from evoswarm.run_directory import RECIPES as RECIPES
from evoswarm.run_directory import SPACE as SPACE
from evoswarm.space import SearchSpace
from evoswarm.user_files import MIB, expanded

LEDGER = "ledger.sqlite"
LEDGER_VARIABLE = "EVOSWARM_LEDGER"
RUNS = "runs"

LARGEST_CERTIFICATE = 64 * MIB
"""Bytes: a larger file is none."""


def ledger_file(runs: Path, ledger: str | Path | None = None) -> Path:
    """Where the ledger lies: where the caller says, else ``EVOSWARM_LEDGER``, else beside the runs.

    It is the caller's to say, never a space's: whoever opens a database may write to it.

    Raises:
        RunError: the path names a variable that is not set.
    """
    named = ledger or os.environ.get(LEDGER_VARIABLE)
    if not named:
        return runs / LEDGER
    try:
        return Path(expanded(str(named)))
    except ValueError as error:
        raise RunError(str(error), Where("--ledger" if ledger else LEDGER_VARIABLE)) from None


def calibration_name(space: SearchSpace, alphabet: AlphabetName) -> str:
    """The file of a run that holds the entropies of its leads in an alphabet."""
    return CALIBRATION if alphabet == space.alphabets[0] else f"calibration-{alphabet}.json"


def root_of(path: Path) -> Path:
    """Where the ledger of a run is: beside it, or where searches keep it.

    Beside it stays right where the ledger was deleted and the file of openings tells that one was there.
    """
    beside = path.resolve().parent
    searched_here = any((beside / name).exists() for name in (LEDGER, OPENINGS))
    return Path(RUNS) if not searched_here and (Path(RUNS) / LEDGER).exists() else beside


def run_of(policy: Path) -> Path | None:
    """The run directory that a policy's file is the champion of, or that was named itself; None where it is of none."""
    folder = policy.parent if policy.name == CHAMPION else policy
    return folder if all((folder / name).is_file() for name in (CHAMPION, SPACE)) else None


def run_identity(space: SearchSpace) -> dict[str, Any]:
    """What makes two searches the same one, as run directories note it."""
    return {"name": space.name, "seed": space.seed, "search": space.continuation_digest}
