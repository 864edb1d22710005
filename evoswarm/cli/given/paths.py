"""Paths as they are typed: the shell leaves ``--out=~/runs`` and what stands in quotes as it is, so we read them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from evoswarm.errors import RunError, Where
from evoswarm.user_files import expanded


def with_paths(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose arguments that are paths are expanded; see ``evoswarm.user_files.expanded``."""
    names = {name: _spoken(name, hint) for name, hint in get_type_hints(command, include_extras=True).items()}

    @functools.wraps(command)
    def wrapped(**arguments: Any) -> None:
        for name, value in arguments.items():
            if isinstance(value, Path):
                arguments[name] = Path(typed_path(str(value), names[name]))
            elif isinstance(value, list) and any(isinstance(one, Path) for one in value):
                arguments[name] = [Path(typed_path(str(one), names[name])) for one in value]
        command(**arguments)

    return wrapped


def typed_path(path: str, name: str) -> str:
    """A path that was typed, expanded.

    Args:
        path: as typed.
        name: of the option or argument, for errors.

    Raises:
        RunError: it names a variable that is not set.
    """
    try:
        return expanded(path)
    except ValueError as error:
        raise RunError(str(error), Where(name)) from None


def _spoken(name: str, hint: Any) -> str:
    """How the command line calls an argument or an option."""
    said = next(iter(getattr(hint, "__metadata__", ())), None)
    told = [getattr(said, "default", None), *(getattr(said, "param_decls", None) or ())]  # the first stands for both
    options = [one for one in told if isinstance(one, str) and one.startswith("--")]
    return options[0] if options else getattr(said, "metavar", None) or name
