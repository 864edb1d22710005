"""What the parser of the command line forgets of what was typed: options given twice, and values that are empty.

It takes the last of two without a word. An empty path, as an unset variable of the shell leaves one, it takes for the
working directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evoswarm.errors import SpaceError, Where

_SET = "--set"
_MAY_BE_EMPTY = frozenset({_SET, "--stop", "prompt"})  # which say themselves what they expect


def check_typed(parameters: Sequence[Any], arguments: Sequence[str]) -> None:
    """Refuse an option that says one thing and was given twice, two overrides of one value, and empty values.

    Args:
        parameters: of the command, as the parser knows them.
        arguments: as typed, behind the command's name.

    Raises:
        SpaceError: names the option or argument.
    """
    options = {name: one for one in parameters if _takes_value(one) for name in one.opts}
    places = [one for one in parameters if not hasattr(one, "is_flag")]
    seen: dict[str, str] = {}
    for name, value in _given(options, arguments):
        option = options.get(name)
        if option is None:
            option, places = (places[0], places if places[0].nargs == -1 else places[1:]) if places else (None, places)
        if option is None:
            return  # the parser says that there are too many
        if not value and option.opts[0] not in _MAY_BE_EMPTY:
            raise SpaceError("expected a value, got ''", Where(name or str(option.metavar or option.name)))
        if name:
            _once(option, value, seen)


def _once(option: Any, value: str, seen: dict[str, str]) -> None:
    key = words = option.opts[0]
    if key == _SET and "=" in value:
        path = value.partition("=")[0].strip()
        key, words = f"{_SET} {path}", f"a value for {path}"
    elif option.multiple:
        return
    if key in seen:
        got = f"{seen[key]!r:.80} and {value!r:.80}"
        raise SpaceError(f"expected {words:.80} once, got {got}", Where(option.opts[0]))
    seen[key] = value


def _takes_value(parameter: Any) -> bool:
    return hasattr(parameter, "is_flag") and not parameter.is_flag


def _given(options: Mapping[str, Any], arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with a value, and their values; what stands alone has no name."""
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            yield from (("", other) for other in rest)
            return
        name, equals, value = word.partition("=")
        if name in options:
            value = value if equals else next(rest, "-")
            yield name, value
        elif not word.startswith("-") or word == "-":
            yield "", word
