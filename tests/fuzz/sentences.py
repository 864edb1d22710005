"""What is said of a file that is spoilt."""

from __future__ import annotations

from collections.abc import Callable

from evoswarm.errors import EvoswarmError

LONGEST = 1500


def refusal(read: Callable[[], object], kind: type[EvoswarmError], case: str) -> str | None:
    """The sentence that refuses what is read, None where it is read; whatever else is raised names the case."""
    try:
        read()
    except kind as error:
        said = str(error)
    except BaseException as error:
        error.add_note(case)
        raise
    else:
        return None
    assert "\n" not in said, f"{case}: expected one line, got {said}"
    assert len(said) < LONGEST, f"{case}: expected a sentence, got {len(said)} characters: {said[:200]}"
    assert "expected " in said, f"{case}: {said}"
    assert "got" in said, f"{case}: {said}"
    return said
