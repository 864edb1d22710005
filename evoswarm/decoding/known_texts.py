"""Texts that are known in advance, read with one mix: wave by wave, as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import torch

from evoswarm.chat import Turn
from evoswarm.decoding.along import TextReader, spellings
from evoswarm.decoding.collector import without_collector
from evoswarm.decoding.forward.threads import threads_for
from evoswarm.decoding.fused import UNSPELLED, FusedAlong, FusedReader, KnownText, nothing_along
from evoswarm.decoding.request import Along, Counters, DoesNotFit, Request, RowsAlong
from evoswarm.decoding.step.streams import DecodeJob
from evoswarm.decoding.text.decomposition import Text
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.decoding.views.pool_views import PoolViews
from evoswarm.decoding.waves import Growth, Room, groups
from evoswarm.policies import Recipe

T = TypeVar("T")


class TextBehind(NamedTuple):
    """A text behind a question.

    Attributes:
        prompt: the raw question; see ``Request.prompt``.
        raw: what was written behind it: UTF-8, which may end inside a character.
        before: turns of a conversation before the question; see ``Request.before``.
    """

    prompt: str
    raw: bytes
    before: tuple[Turn, ...] = ()


class KnownTexts:
    """Reads texts with one mix.

    Args:
        recipe: the mix.
        views: of the pool.
        numbers: of its members, by name.
        room: for a wave.
        parameters: of each member.
        counters: where the work is counted.
    """

    def __init__(
        self,
        recipe: Recipe,
        views: PoolViews,
        numbers: Mapping[str, int],
        room: Room,
        parameters: Iterable[int],
        counters: Counters,
    ) -> None:
        self._recipe, self._views, self._room, self._parameters = recipe, views, room, list(parameters)
        self._pool, self._lead = views.of(recipe), numbers[recipe.lead]
        self._reader = TextReader(self._pool, {spec.name: numbers[spec.name] for spec in recipe.specs}, counters)

    def rows(self, requests: Sequence[Request]) -> Along:
        """What the members say; see ``Decoder.rows_along``."""
        written = [self._symbols((request.forced or "").encode()) for request in requests]

        def read(wave: Sequence[int]) -> list[RowsAlong]:
            some = ((requests[number], written[number]) for number in wave)
            return self._reader.read([DecodeJob(one, 0, self._root(one), text) for one, text in some])

        found = self._by_waves(requests, written, read)
        return Along(self.spellings, tuple(found.get(number) for number in range(len(requests))))

    @property
    def view(self) -> PoolView:
        """The view of the pool on which the mix is decoded: those of one view have the same symbols."""
        return self._pool

    @property
    def spellings(self) -> tuple[bytes, ...]:
        """By symbol its bytes; END, the last, has none."""
        return spellings(self._pool.contexts.alphabet)

    def fused(self, texts: Sequence[TextBehind], *, behind: bool = False) -> list[FusedAlong]:
        """The fused distribution of the mix along texts, each read as one chunk, or behind them.

        It is the one that the mix draws from at every step, at its sampling temperature and before anything is left out
        (top-k, top-p, min-p); of a greedy mix, the one whose likeliest symbol it takes. A text is written in the
        symbols that the lead's tokens for it decompose to, as for ``Request.forced``.

        Args:
            texts: each behind a question.
            behind: what comes next behind each whole text, in place of what stands in it.

        Raises:
            RecipeError: the gate of the mix is drawn.
            DoesNotFit: there is no memory for so many at once.
        """
        reader = FusedReader(self._recipe, self._reader, self._pool.contexts)
        written = [self._symbols(text.raw) for text in texts]
        asked = [Request(self._recipe, one.prompt, max_bytes=len(one.raw) + 1, before=one.before) for one in texts]

        def read(wave: Sequence[int]) -> list[FusedAlong]:
            some = [KnownText(self._root(asked[number]), written[number] or ()) for number in wave]
            return reader.read(some, behind=behind)

        found = self._by_waves(asked, written, read)
        return [found.get(number) or nothing_along(UNSPELLED) for number in range(len(texts))]

    def _by_waves(
        self,
        requests: Sequence[Request],
        written: Sequence[Text | None],
        read: Callable[[Sequence[int]], Sequence[T]],
    ) -> dict[int, T]:
        """What is read, by the numbers of the requests whose texts the lead can spell."""
        known = [number for number, text in enumerate(written) if text is not None]
        found: dict[int, T] = {}
        with threads_for(self._parameters), without_collector():
            for wave in groups([requests[number] for number in known], self._views.key, self._room, Growth()):
                numbers = [known[place] for place in wave]
                try:
                    found.update(zip(numbers, read(numbers), strict=True))
                except torch.OutOfMemoryError as error:
                    raise DoesNotFit(str(error)) from error
                finally:
                    self._views.tidy(self._pool)
        return found

    def _root(self, request: Request) -> int:
        return self._pool.contexts.root(request.asked)

    def _symbols(self, raw: bytes) -> Text | None:
        return symbols_of(raw, self._pool, self._lead)


def symbols_of(raw: bytes, pool: PoolView, lead: int) -> Text | None:
    """A text as the lead's tokens spell it; None where they do not. It may end inside a character."""
    return pool.contexts.alphabet.encode(raw, pool.views[lead].decomposition)
