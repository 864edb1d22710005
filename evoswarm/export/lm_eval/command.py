"""``evoswarm lm-eval``: registers the model type and hands on to the harness's own command line."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evoswarm.errors import EvoswarmError, RunError, Where
from evoswarm.export.lm_eval.target import LM_EVAL
from evoswarm.policies import load_document
from evoswarm.user_files import expanded

COMMANDS = ("run", "ls", "validate")
_POLICY = re.compile(r"""(?:^|[,{ ])["']?policy["']?\s*[=:]\s*["']?([^,"'}]+)""")
_OURS = str(Path(__file__).parents[2])


def register() -> None:
    """Make ``evoswarm`` a model type of the harness in this process.

    Raises:
        RunError: the harness is not installed.

    Example:
        >>> register()
        >>> lm_eval.simple_evaluate(model="evoswarm", model_args="policy=runs/mine", tasks=["arc_easy"])
    """
    check_installed()
    import lm_eval.models  # noqa: F401  # whoever registers first hides the harness's own models
    from lm_eval.api.registry import register_model

    from evoswarm.export.lm_eval.model import registered

    registered(register_model)


def check_installed() -> None:
    """Refuse where the harness is missing.

    Raises:
        RunError: names the extra that brings it.
    """
    if LM_EVAL.missing:
        raise RunError(
            "expected lm_eval to be installed (the evaluation harness), got nothing: pip install 'evoswarm[lm-eval]'"
        )


def run_harness(arguments: Sequence[str], tell: Callable[[str], None] = lambda text: None) -> int:
    """Run the harness's command line; returns its exit code.

    Args:
        arguments: as ``lm-eval`` takes them; ``--model evoswarm`` where they name no model.
        tell: told what is about to take a while, before the harness is imported.

    Raises:
        RunError: the harness is not installed, or refuses something.
        EvoswarmError: the policy cannot be used.
    """
    typed = with_model(arguments)
    check_installed()
    policy = _checked_policy(typed)
    if policy is not None:
        tell(f"lm-eval: {policy}; the harness takes some seconds to look for its tasks, then members are loaded")
    register()
    from lm_eval.__main__ import cli_evaluate

    with _typed(["lm-eval", *typed]):
        try:
            cli_evaluate()
        except SystemExit as end:  # of its parser
            return end.code if isinstance(end.code, int) else 2 if end.code else 0
        except (EvoswarmError, BrokenPipeError):
            raise
        except Exception as error:  # a task's templates, functions and data are anybody's
            if _is_ours(error):
                raise
            said = str(error.args[0] if isinstance(error, KeyError) and error.args else error) or type(error).__name__
            raise RunError(f"expected what lm_eval can run, got: {' '.join(said.split())[:1000]}") from error
    return 0


def with_model(arguments: Sequence[str]) -> list[str]:
    """The arguments with ``--model evoswarm``, where they run something and name no model, nor a file that may."""
    names = {argument.partition("=")[0] for argument in arguments}
    command = arguments[0] if arguments and arguments[0] in COMMANDS else None
    if not arguments or command in ("ls", "validate") or names & {"-h", "--help"}:
        return list(arguments)
    rest = list(arguments[1:] if command else arguments)
    named = names & {"--model", "-M", "--config", "-C"}
    return ["run", *([] if named else ["--model", "evoswarm"]), *rest]


def _checked_policy(typed: Sequence[str]) -> str | None:
    """The policy that is named; None where another model is. One that cannot be read is refused before anything else.

    Raises:
        EvoswarmError: see `load_document`.
    """
    if typed[:3] != ["run", "--model", "evoswarm"]:
        return None
    said: list[str] = []
    taking = False
    for argument in typed:
        name, equals, value = argument.partition("=")
        if argument.startswith("-"):
            taking = name in ("--model_args", "-a")
            said += [value] if taking and equals else []
        elif taking:
            said.append(argument)
    found = _POLICY.search(",".join(said))
    if found is None:
        raise RunError("expected policy=RUN, a recipe's file or a bundle, got none", Where("--model_args"))
    load_document(expanded(found[1]))
    return found[1]


@contextmanager
def _typed(arguments: list[str]) -> Iterator[None]:
    """As if they had been typed: the harness looks there."""
    before, sys.argv = sys.argv, arguments
    try:
        yield
    finally:
        sys.argv = before


def _is_ours(error: BaseException) -> bool:
    """Whether it came out of evoswarm's own code, called by the harness."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return any(frame.filename.startswith(_OURS) for frame in frames)
