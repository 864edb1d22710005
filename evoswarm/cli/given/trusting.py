"""The options by which the caller says whose code may run: every command that reads a space or a recipe takes them."""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from evoswarm.cli.given.paths import typed_path
from evoswarm.errors import RunError, Where
from evoswarm.trust import Trust
from evoswarm.user_files import nearby

Scorers = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-scorer",
        metavar="MODULE|FILE.py",
        help="Lets a space's scorer module:function run: by the module's name, or by its file; may be repeated.",
    ),
]


RemoteCode = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code", help="Lets members that need it (trust_remote_code: true) run code of their own."
    ),
]


Tracking = Annotated[
    bool,
    typer.Option(
        "--trust-tracking",
        help="Lets a space name MLflow's store (tracking.uri), which gets your credentials.",
    ),
]
_NAMED = re.compile(r"tracking\s*(\.\s*uri\s*)?=")


def scorer_file(typed: str) -> str:
    """The file of a scorer that was allowed.

    Raises:
        RunError: there is none.
    """
    path = typed_path(typed, "--allow-scorer")
    if not os.path.isfile(path):
        raise RunError(f"expected a file, got none at {path!r:.200}{nearby(path)}", Where("--allow-scorer"))
    return path


def trusting(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes the options of trust, and is given what they say as its argument ``trust``."""
    parameters = inspect.signature(command).parameters
    hints = get_type_hints(command, include_extras=True)
    own = [parameter.replace(annotation=hints[name]) for name, parameter in parameters.items() if name != "trust"]
    options = [
        inspect.Parameter("trust_remote_code", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=RemoteCode),
        inspect.Parameter("trust_tracking", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Tracking),
        inspect.Parameter("allow_scorer", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Scorers),
    ]

    @functools.wraps(command)
    def wrapped(
        *,
        trust_remote_code: bool = False,
        trust_tracking: bool = False,
        allow_scorer: list[str] | None = None,
        **arguments: Any,
    ) -> None:
        own_words = any(_NAMED.match(override) for override in arguments.get("overrides") or ())  # --set tracking.uri=
        scorers = (scorer_file(one) if one.endswith(".py") else one for one in allow_scorer or ())
        trust = Trust(trust_remote_code, tuple(scorers), trust_tracking or own_words)
        command(**arguments, trust=trust)

    signature = inspect.Signature(
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + options
    )
    wrapped.__signature__ = signature  # type: ignore[attr-defined]  # where typer looks
    wrapped.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    del wrapped.__wrapped__  # or inspect looks through
    return wrapped
