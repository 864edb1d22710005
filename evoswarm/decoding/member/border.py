"""The border at which the libraries beneath read a stranger's files: whatever they raise becomes one sentence."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evoswarm.checkpoint import Unfit
from evoswarm.errors import EvoswarmError, MemberError, OutOfMemory, is_out_of_memory

_HERE = Path(__file__).parents[2]
_BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, NotImplementedError, TypeError)


@contextmanager
def reading(name: str, what: str) -> Iterator[None]:
    """Turn what libraries raise into a ``MemberError``; bugs of our own keep their traceback.

    A file of a stranger can hold anything, and what parsers, validators and model classes raise on it is of every type
    (a panic in Rust is not even an ``Exception``), so all but the requests to end the program are caught here.

    Args:
        name: of the member.
        what: is read, as it is to be called in the message, such as the file.

    Raises:
        MemberError: with the library's exception as its cause.
        OutOfMemory: there was no room for it.
    """
    try:
        yield
    except (EvoswarmError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except Unfit as error:
        raise MemberError(f"member {name!r}: {error}") from None
    except BaseException as error:
        if is_out_of_memory(error):
            raise OutOfMemory(f"to load member {name!r}", error) from error
        if is_own_bug(error):
            raise
        raise MemberError(f"member {name!r}: {what}: {reason(error)}") from error


def is_own_bug(error: BaseException) -> bool:
    """Whether an exception was raised by code of this package, rather than by what it calls.

    Compiled libraries leave no frame of their own, so the last frame does not tell: theirs are errors of their own
    types, plain ``Exception``, and those of the system and its memory.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not Path(frames[-1].filename).is_relative_to(_HERE):
        return False
    if isinstance(error, OverflowError | RecursionError):
        return False
    return isinstance(error, _BUGS) or type(error) is ValueError


def reason(error: BaseException) -> str:
    """What an exception says, on one line of readable length."""
    said = " ".join(str(error).split())
    return f"{said:.240}" if said else type(error).__name__
