"""Options that were given twice: the parser would take the last without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evoswarm.errors import SpaceError, Where

_SET = "--set"


def require_once(options: Sequence[Any], arguments: Sequence[str]) -> None:
    """Refuse an option that says one thing and was given twice, and two overrides of one value.

    Args:
        options: of the command, as the parser knows them.
        arguments: as typed, behind the command's name.

    Raises:
        SpaceError: names the option.
    """
    takes_value = {
        name: option for option in options for name in option.opts if name.startswith("-") and not option.is_flag
    }
    seen: dict[str, str] = {}
    for name, value in _given(takes_value, arguments):
        option = takes_value[name]
        key, words = option.opts[0], option.opts[0]
        if key == _SET and "=" in value:
            key, words = f"{_SET} {value.partition('=')[0].strip()}", f"a value for {value.partition('=')[0].strip()}"
        elif option.multiple:
            continue
        if key in seen:
            raise SpaceError(
                f"expected {words:.80} once, got {seen[key]!r:.80} and {value!r:.80}", Where(option.opts[0])
            )
        seen[key] = value


def _given(takes_value: Mapping[str, Any], arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The options with a value among what was typed, and their values."""
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            return
        name, equals, value = word.partition("=")
        if name in takes_value:
            yield name, value if equals else next(rest, "")
