"""What the caller trusts: never what a file says of itself.

A file (a search space, a recipe, a run directory) may *ask* for code to be run: a member's own modelling code, a
scorer's function. Whether it is run is the word of whoever calls: an option of the command line, an argument in Python.
The two must agree; the word is never written into a file that another may read later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Trust:
    """Whose code may run.

    Attributes:
        remote_code: modelling code that a member's own directory or repository brings may run, where its entry says
            ``trust_remote_code``.
        scorers: whose functions may score, where a space names one: modules by their full name (``my_scorer``,
            imported from the working directory or from what is installed), or files (``path/to/my_scorer.py``, which
            then gives the module ``my_scorer``).
        tracking: the store of MLflow's that a space names may be told everything, with the user's credentials.

    Example:
        >>> Trust(scorers=("my_scorer",))  # for search(space, trust=...)
        Trust(remote_code=False, scorers=('my_scorer',), tracking=False)
    """

    remote_code: bool = False
    scorers: tuple[str, ...] = ()
    tracking: bool = False


NOBODY = Trust()
"""Nothing of a stranger's runs."""


def refused_code(name: str, path: str) -> str:
    """Why a member that brings code of its own is not loaded, what would run, and how its caller allows it.

    Args:
        name: of the member.
        path: its directory or its hub id.
    """
    directory = Path(path)
    files = sorted(file.name for file in directory.glob("*.py")) if directory.is_dir() else []
    shown = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    what = f"{shown} in {path}" if files else f"whatever code {path} brings"
    return (
        f"expected your own word that code of member {name!r} may run ({what}; the file that asks for it does not "
        "decide it), got none: if you trust its author, --trust-remote-code, in Python trust_remote_code=True"
    )
