"""The outermost border: nothing is imported here that could fail, so that whatever fails ends in our own words.

A mistake of the user's is a sentence (see ``running``). So is memory that ran out, wherever it did, and Ctrl-C, even
while the libraries are being imported. What is left is a bug of ours: it keeps its traceback.
"""

from __future__ import annotations

import contextlib
import sys
import traceback

from evoswarm.errors import OutOfMemory, is_out_of_memory

_BUG = (
    "This is a bug of evoswarm, not a mistake of yours. Please report it on the project's issue tracker: the lines "
    "above, the command as you typed it, what `evoswarm doctor` prints, and the space or recipe if you can share it. "
    "Everything that was written before is kept."
)
_RESERVE = [bytearray(4 << 20)]  # what is given back when memory has run out, so that there is room to say so


def main() -> None:
    """Run the command line; mistakes are one or two lines on stderr and exit code 2, our own bugs have exit code 1."""
    patience = None
    try:
        from evoswarm.cli.patience import Patience

        patience = Patience()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = _say("interrupted", 130)
    except Exception as error:
        _RESERVE.clear()
        code = _out_of_memory(error) if is_out_of_memory(error) else _bug()
    if patience is not None:
        patience.code = code
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    Raises:
        Exception: a bug of ours.
    """
    try:
        from evoswarm.cli.running import run_command

        return run_command(arguments)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except Exception as error:
        _RESERVE.clear()
        if is_out_of_memory(error):
            return _out_of_memory(error)
        raise


def _out_of_memory(error: Exception) -> int:
    return _say(f"error: {OutOfMemory('to go on', error)}", 2)


def _bug() -> int:
    traceback.print_exc()
    return _say(_BUG, 1)


def _say(message: str, code: int) -> int:
    with contextlib.suppress(OSError, AttributeError):  # nobody to tell
        print(message, file=sys.stderr, flush=True)
    return code
