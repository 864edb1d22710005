"""Runs one command: errors become a sentence and an exit code, and output that nobody reads ends nothing."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from typing import Any

import typer

from evoswarm.cli.as_typed import check_typed
from evoswarm.cli.commands import app
from evoswarm.cli.given.parser_words import refusal
from evoswarm.cli.showing.output import ensure_streams, mute, output_fails
from evoswarm.cli.showing.terminal import columns, fitted
from evoswarm.cli.telling.hearing import was_told
from evoswarm.errors import EvoswarmError

_ROWS = frozenset({"answers"})
"""Commands that print rows under ``--json``, and no events."""


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Raises:
        Exception: memory ran out, or a bug of ours.
    """
    ensure_streams()
    _quiet_libraries()
    asked = [*arguments, "--help"] if arguments in ([], ["zoo"]) else arguments
    try:
        command = typer.main.get_command(app)
        _check_typed(command, asked)
        with command.make_context("evoswarm", asked) as context:  # its own `main` would swallow what Ctrl-C says
            code = command.invoke(context)
        sys.stdout.flush()  # what cannot be written shows here, not when the interpreter ends
        return code if isinstance(code, int) else 0
    except typer.Exit as end:
        return _flushed(end.exit_code)
    except EvoswarmError as error:
        return _refuse(_told(str(error), error, arguments))
    except typer.Abort:
        return _refuse("aborted", 1)
    except KeyboardInterrupt as end:  # one of ours says what is kept
        return _refuse(f"{end} when the same command is run again" if end.args else "interrupted", 130)
    except BrokenPipeError:
        mute()  # whoever read our output has gone
        return 1
    except OSError as error:
        if not output_fails(error):
            raise
        return _refuse_output(error)
    except Exception as error:
        if hasattr(error, "format_message"):  # the parser's own errors
            return _refuse(_told(refusal(error, arguments), error, arguments))
        raise


def _check_typed(app: Any, arguments: list[str]) -> None:
    """See ``as_typed``; what is no command the parser refuses."""
    command = getattr(app, "commands", {}).get(arguments[0])
    if command is not None:
        check_typed(command.params, arguments[1:])


def _refuse(message: str, code: int = 2) -> int:
    prefix = "error: " if code == 2 else ""
    with contextlib.suppress(OSError):  # nobody to tell
        print("\n".join(fitted(f"{prefix}{message}", columns(sys.stderr))), file=sys.stderr, flush=True)
    return _flushed(code)


def _told(message: str, error: Exception, arguments: list[str]) -> str:
    """The message of an error, once the machine that asked for events has been told, where no narrator did."""
    if "--json" in arguments and arguments[0] not in _ROWS and not was_told(error):
        from evoswarm.cli.telling.machine import Machine

        with contextlib.suppress(OSError):  # nobody to tell
            Machine().error(message, 2)
    return message


def _refuse_output(error: OSError) -> int:
    mute()
    return _refuse(f"standard output: expected to write to it, got: {error.strerror}")


def _flushed(code: int) -> int:
    """The exit code, once what was printed is written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        mute()
        return code or 1
    except OSError as error:
        return _refuse_output(error)
    return code


def _quiet_libraries() -> None:
    """Other libraries' advice is not for those who use the command line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    logging.getLogger("evoswarm").setLevel(logging.WARNING)
