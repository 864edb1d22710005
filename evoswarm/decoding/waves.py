"""Which requests are decoded together: as many as there is room for, those that share most side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

from evoswarm.decoding.request import Request
from evoswarm.policies.alphabets import AlphabetName
from evoswarm.policies.mix import Recipe

CAUTION = 2.0  # times what answers were seen to read


class ViewKey(NamedTuple):
    """What recipes must have in common to share a view of the pool.

    Attributes:
        alphabet: ``tokens`` also for recipes in ``common`` whose members share one tokenizer: it is the same there.
        epsilon: share of the mass that may stay unread; 0 where nothing can.
        tokenizers: digests of the members' tokens, sorted; none in ``bytes``, where all members understand each other.
    """

    alphabet: AlphabetName
    epsilon: float
    tokenizers: tuple[str, ...]

    @classmethod
    def of(cls, recipe: Recipe, tokens: Mapping[str, str]) -> Self:
        """The key of a recipe; ``tokens`` are the digests of its members' tokens, by name."""
        if recipe.alphabet == "bytes":
            return cls("bytes", recipe.epsilon, ())
        tokenizers = tuple(sorted({tokens[member.spec.name] for member in recipe.members}))
        return cls("tokens", 0.0, tokenizers) if len(tokenizers) == 1 else cls("common", recipe.epsilon, tokenizers)


class Growth:
    """How much answers read, of what they may grow to: few reach their bound, and many share much."""

    def __init__(self) -> None:
        self._read = self._bound = 0.0

    @property
    def share(self) -> float:
        """Of the bound that a wave is expected to need at most; all of it before the first one."""
        return min(1.0, CAUTION * self._read / self._bound) if self._bound else 1.0

    def note(self, requests: Sequence[Request], read: int) -> None:
        """A wave of these requests has read so many tokens behind its prompts, over all members."""
        self._read += read / max(len(request.recipe.members) for request in requests)
        self._bound += sum(request.recipe.samples * _longest(request) for request in requests)


class Room(NamedTuple):
    """What a wave may take.

    Attributes:
        streams: that run at once.
        rows: distributions over whole tokens: a stream holds one for each speaker where it stands. Those over bytes are
            small, and limit nothing.
        states: kept, of each member.
    """

    streams: int
    rows: int
    states: int

    def holds(self, need: Need) -> bool:
        """Whether so much fits."""
        return need.streams <= self.streams and need.rows <= self.rows and need.states <= self.states


class Need(NamedTuple):
    """What requests take of a room; see there."""

    streams: int = 0
    rows: int = 0
    states: float = 0.0

    def plus(self, other: Need) -> Need:
        """Of both."""
        return Need(self.streams + other.streams, self.rows + other.rows, self.states + other.states)


def need_of(request: Request, share: float, *, fresh: bool = True) -> Need:
    """What one request takes.

    Args:
        request: any.
        share: of the longest answer that is expected at most.
        fresh: nobody else has its prompt.
    """
    samples = request.recipe.samples
    wide = 0 if request.recipe.alphabet == "bytes" else samples * len(request.recipe.members)
    return Need(samples, wide, share * samples * _longest(request) + (request.prompt_bytes if fresh else 0))


def groups(
    requests: Sequence[Request], key: Callable[[Recipe], ViewKey], room: Room, growth: Growth
) -> Iterator[list[int]]:
    """Indices of requests to decode together: of one view, and of one wave.

    Args:
        requests: in any mix.
        key: of the view that a recipe is decoded on.
        room: for a wave; a request that exceeds it alone is a wave of its own.
        growth: of answers so far; looked at before every wave.
    """
    for wave in _waves(requests, room, growth):
        by_view: dict[ViewKey, list[int]] = {}
        for number in wave:
            by_view.setdefault(key(requests[number].recipe), []).append(number)
        yield from by_view.values()


def _waves(requests: Sequence[Request], room: Room, growth: Growth) -> Iterator[list[int]]:
    """Requests on one prompt share most and stand next to each other."""
    wave: list[int] = []
    taken = Need()
    for number in sorted(range(len(requests)), key=lambda number: (requests[number].before, requests[number].prompt)):
        request = requests[number]
        last = requests[wave[-1]] if wave else None
        fresh = last is None or (last.before, last.prompt) != (request.before, request.prompt)
        need = need_of(request, growth.share, fresh=fresh)
        if wave and not room.holds(taken.plus(need)):
            yield wave
            wave, taken = [], Need()
        wave.append(number)
        taken = taken.plus(need)
    if wave:
        yield wave


def _longest(request: Request) -> int:
    """Symbols that an answer may have at most."""
    forced = request.max_bytes if request.forced is None else len(request.forced.encode()) + 1
    return min(request.max_bytes, forced, request.max_bytes if request.max_symbols is None else request.max_symbols)
