"""What members say along texts that are known in advance.

All prefixes of a text are asked for at once, so that a member reads prompt and text as one chunk. The contexts, the
views and the memory are those of decoding: what is read here need not be read again when a recipe goes the same way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evoswarm.decoding.compiled.nodes import NO_ROW
from evoswarm.decoding.request import Counters, DoesNotFit, RowsAlong, depth_class
from evoswarm.decoding.step.stopping import ending_of
from evoswarm.decoding.step.streams import DecodeJob
from evoswarm.decoding.text.alphabet import Alphabet
from evoswarm.decoding.views.pool_view import PoolView
from evoswarm.failure import Failure


class TextReader:
    """Reads texts with the members of one mix.

    Args:
        pool: where the mix is decoded.
        members: their numbers in the pool, by name, in the mix's order.
        counters: where the work is counted.

    Attributes:
        numbers: ``[members]`` theirs in the pool, in the mix's order.
    """

    def __init__(self, pool: PoolView, members: Mapping[str, int], counters: Counters) -> None:
        self._pool, self._contexts, self._counters = pool, pool.contexts, counters
        self._names, self._numbers = list(members), list(members.values())
        self.numbers = np.array(self._numbers)

    def read(self, jobs: Sequence[DecodeJob]) -> list[RowsAlong]:
        """The rows along the texts that the jobs are to follow.

        Raises:
            DoesNotFit: not even one prefix at a time fits, or the rows of so many texts do not.
        """
        began = time.perf_counter()
        paths = [self._path(job) for job in jobs]
        contexts = np.concatenate([path for path, _ in paths])
        rows = self._rows(contexts)
        found, start = [], 0
        for path, symbols in paths:
            found.append(self._of_text(rows, start, path, symbols))
            start += len(path)
        self._counters.seconds += time.perf_counter() - began
        return found

    def _path(self, job: DecodeJob) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """``[steps]`` contexts at which the text is decided, and the symbol that each goes on with."""
        request, table = job.request, self._contexts
        path, symbols = [job.root], list[int]()
        for symbol in job.forced or ():
            symbols.append(symbol)
            here = int(table.children(np.array(path[-1:]), np.array([symbol]))[0])
            full = request.max_symbols is not None and len(symbols) >= request.max_symbols
            if ending_of(table.raw(here), request.max_bytes, full, request.stop) is not None:
                break
            path.append(here)
        else:
            symbols.append(table.alphabet.end)
        return np.array(path, dtype=np.int64), np.array(symbols, dtype=np.int32)

    def _rows(self, contexts: NDArray[np.int64]) -> NDArray[np.float32]:
        """``[members, contexts, symbols]``; nothing where members abstain."""
        rows = self.room(len(contexts))
        self.fill(rows, contexts, np.ones(rows.shape[:2], dtype=bool))
        return rows

    def room(self, contexts: int) -> NDArray[np.float32]:
        """``[members, contexts, symbols]`` zeros.

        Raises:
            DoesNotFit: there is none.
        """
        try:
            return np.zeros((len(self._numbers), contexts, self._contexts.alphabet.size), dtype=np.float32)
        except MemoryError as error:
            raise DoesNotFit(str(error)) from error

    def fill(self, rows: NDArray[np.float32], contexts: NDArray[np.int64], wanted: NDArray[np.bool_]) -> None:
        """Find out what members say; every row is copied as soon as it is there, as others may need its room.

        Args:
            rows: ``[members, contexts, symbols]`` where it is written; left as it is where a member abstains.
            contexts: where they are asked.
            wanted: ``[members, contexts]`` who is asked where.
        """
        table, lacking = self._contexts, wanted.copy()
        table.used[contexts] = self._pool.clock
        while True:
            for index, number in enumerate(self._numbers):
                left = np.flatnonzero(lacking[index])
                if len(left):
                    self._resolve(number, np.unique(contexts[left]))
                    left = left[self._is_there(contexts[left], number)]
                    heard = left[~table.abstains[contexts[left], number]]
                    if len(heard):
                        rows[index, heard] = table.distributions.take(table.row[contexts[heard], number]).cpu().numpy()
                    lacking[index, left] = False
            if not lacking.any():
                return
            self._pool.read()

    def _resolve(self, number: int, contexts: NDArray[np.int64]) -> None:
        """Ask a member what it says at some contexts, each once."""
        asked = contexts[~self._is_there(contexts, number)]
        fresh = asked[~self._contexts.known[asked, number]]
        self._pool.resolve([(number, asked)])
        found = fresh[self._contexts.known[fresh, number]]
        counters, symbols = self._counters, self._contexts.symbols
        counters.text_lookups += len(found)
        counters.text_found += len(found)
        np.add.at(counters.asked_by_depth, depth_class(symbols[found]), 1)
        np.add.at(counters.found_by_depth, depth_class(symbols[found]), 1)

    def _is_there(self, contexts: NDArray[np.int64], number: int) -> NDArray[np.bool_]:
        """``[contexts]`` what the member says is known, and has not had to make room."""
        table = self._contexts
        has_row = table.abstains[contexts, number] | (table.row[contexts, number] != NO_ROW)
        there: NDArray[np.bool_] = table.known[contexts, number] & has_row
        return there

    def _of_text(
        self, rows: NDArray[np.float32], start: int, path: NDArray[np.int64], symbols: NDArray[np.int32]
    ) -> RowsAlong:
        table, where = self._contexts, (path[None], np.array(self._numbers)[:, None])
        failure = self.failure(path, np.ones((len(self._numbers), len(path)), dtype=bool))
        if failure is not None:
            return _nothing(failure, rows)
        return RowsAlong(
            symbols=symbols,
            log_probs=rows[:, start : start + len(path)],
            present=~table.abstains[where],
            allowed=table.allowed(path).cpu().numpy(),
            entropies=np.where(table.abstains[where], 0.0, table.entropy[where]),
        )

    def failure(self, path: NDArray[np.int64], asked: NDArray[np.bool_]) -> Failure | None:
        """The first failure on the way, by the order of the members where there are several.

        Args:
            path: contexts.
            asked: ``[members, contexts]`` who was asked where.
        """
        table = self._contexts
        for place, context in enumerate(path.tolist() if table.failures else ()):
            for member, (number, name) in enumerate(zip(self._numbers, self._names, strict=True)):
                failure = table.failures.get(context * table.members + number)
                if failure is not None and asked[member, place]:
                    return Failure(failure.kind, failure.message, name)
        return None


def spellings(alphabet: Alphabet) -> tuple[bytes, ...]:
    """By symbol its bytes; END has none."""
    return tuple(alphabet.spell(symbol) for symbol in range(alphabet.end))


def _nothing(failure: Failure, rows: NDArray[np.float32]) -> RowsAlong:
    members, symbols = len(rows), rows.shape[2]
    return RowsAlong(
        symbols=np.zeros(0, dtype=np.int32),
        log_probs=np.zeros((members, 0, symbols), dtype=np.float32),
        present=np.zeros((members, 0), dtype=bool),
        allowed=np.zeros((0, symbols), dtype=bool),
        entropies=np.zeros((members, 0)),
        failure=failure,
    )
