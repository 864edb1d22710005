"""What the caller trusts: never what a file says of itself.

A file (a search space, a recipe, a run directory) may *ask* for code to be run: a member's own modelling code, a
scorer's function. Whether it is run is the word of whoever calls: an option of the command line, an argument in Python.
The two must agree; the word is never written into a file that another may read later.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trust:
    """Whose code may run.

    Attributes:
        remote_code: modelling code that a member's own directory or repository brings may run, where its entry says
            ``trust_remote_code``.
        scorers: whose functions may score, where a space names one: modules by their full name (``my_scorer``,
            imported from the working directory or from what is installed), or files (``path/to/my_scorer.py``, which
            then gives the module ``my_scorer``).
    """

    remote_code: bool = False
    scorers: tuple[str, ...] = ()


NOBODY = Trust()
"""Nothing of a stranger's runs."""
