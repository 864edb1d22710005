"""Which requests are decoded together: as many as there is room for, those that share most side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evoswarm.decoding.request import Request
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Recipe

ViewKey = tuple[AlphabetName, float]


def view_key(recipe: Recipe) -> ViewKey:
    """What recipes must have in common to share a view of the pool."""
    return recipe.alphabet, recipe.epsilon


def groups(requests: Sequence[Request], streams: int, states: int) -> Iterator[list[int]]:
    """Indices of requests to decode together: of one view, and of one wave.

    Args:
        requests: in any mix.
        streams: so many may run at once.
        states: so many may be kept, of each member.
    """
    for wave in _waves(requests, streams, states):
        by_view: dict[ViewKey, list[int]] = {}
        for number in wave:
            by_view.setdefault(view_key(requests[number].recipe), []).append(number)
        yield from by_view.values()


def _waves(requests: Sequence[Request], most_streams: int, most_states: int) -> Iterator[list[int]]:
    """Requests on one prompt share most and stand next to each other.

    What an answer may grow to is a bound, and most answers share much, so a wave uses less than it is given.
    """
    wave: list[int] = []
    streams = states = 0
    for number in sorted(range(len(requests)), key=lambda number: requests[number].prompt):
        request = requests[number]
        samples, fresh = request.recipe.samples, not wave or requests[wave[-1]].prompt != request.prompt
        need = samples * _longest(request) + (len(request.prompt.encode()) if fresh else 0)
        if wave and (streams + samples > most_streams or states + need > most_states):
            yield wave
            wave, streams, states = [], 0, 0
        wave.append(number)
        streams += samples
        states += need
    if wave:
        yield wave


def _longest(request: Request) -> int:
    """Symbols that an answer may have at most."""
    forced = request.max_bytes if request.forced is None else len(request.forced.encode()) + 1
    return min(request.max_bytes, forced, request.max_bytes if request.max_symbols is None else request.max_symbols)
