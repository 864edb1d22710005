"""An executor behind ``Decoder``: a worker process holds the swarm and answers over a pipe."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any, Self

from evoswarm.decoding.decoder import Decoder, MemberFacts, MemoryKept, OnDone, SymbolFacts
from evoswarm.decoding.request import Along, Completion, Counters, Request
from evoswarm.errors import EvoswarmError
from evoswarm.member_spec import MemberSpec
from evoswarm.policies.mix import Recipe

PATIENCE = 0.05  # seconds between two looks at whether somebody wants an end
STOP = "stop"


class ProcessDecoder(Decoder):
    """Asks a swarm in a process of its own; a context manager."""

    def __init__(self, specs: Iterable[MemberSpec], **settings: Any) -> None:
        """Start the process, which loads the members; ``settings`` are those of ``Swarm.load``."""
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, list(specs), settings), daemon=True)
        self._process.start()
        theirs.close()
        self.counters = Counters()
        self._receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pipe.close()
        self._process.join()

    @cached_property
    def facts(self) -> tuple[MemberFacts, ...]:
        """See ``Decoder``."""
        found: tuple[MemberFacts, ...] = self._ask("facts")
        return found

    def decode(
        self,
        requests: Sequence[Request],
        *,
        stop_after: Callable[[], bool] | None = None,
        on_done: OnDone | None = None,
    ) -> list[Completion]:
        """See ``Decoder``; nobody is told before all is done."""
        self._pipe.send(("decode", (list(requests),)))
        while stop_after is not None and not self._pipe.poll(PATIENCE):
            if stop_after():
                self._pipe.send(STOP)
                break
        found: list[Completion] = self._receive()
        return found

    @cached_property
    def context_lengths(self) -> dict[str, int | None]:
        """See ``Decoder``."""
        found: dict[str, int | None] = self._ask("context_lengths")
        return found

    def prompt_lengths(self, member: str, prompts: Sequence[str]) -> list[int]:
        """See ``Decoder``."""
        found: list[int] = self._ask("prompt_lengths", member, prompts)
        return found

    def rendered(self, member: str, prompts: Sequence[str]) -> list[str]:
        """See ``Decoder``."""
        found: list[str] = self._ask("rendered", member, prompts)
        return found

    def silenced(self, prompts: Sequence[str]) -> dict[str, float]:
        """See ``Decoder``."""
        found: dict[str, float] = self._ask("silenced", prompts)
        return found

    def symbols(self, recipe: Recipe) -> SymbolFacts:
        """See ``Decoder``."""
        found: SymbolFacts = self._ask("symbols", recipe)
        return found

    def rows_along(self, requests: Sequence[Request]) -> Along | None:
        """See ``Decoder``."""
        found: Along | None = self._ask("rows_along", list(requests))
        return found

    @property
    def kept(self) -> Mapping[str, MemoryKept]:
        """See ``Decoder``."""
        found: Mapping[str, MemoryKept] = self._ask("kept")
        return found

    def _ask(self, name: str, *arguments: object) -> Any:
        self._pipe.send((name, arguments))
        return self._receive()

    def _receive(self) -> Any:
        answer, self.counters = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection, specs: list[MemberSpec], settings: dict[str, Any]) -> None:
    """The worker: one answer for every question, until the pipe is closed."""
    from evoswarm.decoding.swarm import Swarm

    swarm: Swarm | None = None
    try:
        swarm = Swarm.load(specs, **settings)
        pipe.send((None, swarm.counters))
        while True:
            question = pipe.recv()
            if question != STOP:  # that one came too late
                pipe.send((_answer(swarm, pipe, *question), swarm.counters))
    except EOFError:
        return
    except EvoswarmError as error:
        pipe.send((error, Counters()))


def _answer(swarm: Any, pipe: Connection, name: str, arguments: tuple[Any, ...]) -> Any:
    try:
        if name == "decode":
            return swarm.decode(*arguments, stop_after=pipe.poll)
        found = getattr(swarm, name)
        return found(*arguments) if callable(found) else found
    except (EvoswarmError, MemoryError) as error:
        return error
