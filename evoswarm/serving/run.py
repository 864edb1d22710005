"""Runs the server, up to an end that lets answers end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.worker import EngineThread

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE = 5
"""Seconds behind the last answer for connections to close."""


class Service:
    """A server that runs until it is told to stop.

    In the main thread Ctrl-C and SIGTERM tell it so; a second one ends the process at once.

    Args:
        app: to serve.
        thread: that answers.
        bound: the socket.
        limits: that hold.
        tell: told what happens, in sentences.
    """

    def __init__(
        self,
        app: FastAPI,
        thread: EngineThread,
        bound: socket.socket,
        limits: ServingLimits,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._thread, self._bound, self._limits, self._tell = thread, bound, limits, tell
        grace = int(limits.drain_seconds) + _GRACE
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            ws="none",
            timeout_graceful_shutdown=grace,
        )
        self._server = _Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        """Serve; returns once everything has ended."""
        asyncio.run(self._serve())
        self._thread.join(_GRACE)

    def stop(self) -> None:
        """Take no more requests, and end once those that are at work have answers, or their time is over.

        From any thread.
        """
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stop)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        with self._signals(self._loop):
            await self._server.serve(sockets=[self._bound])

    def _stop(self) -> None:
        """On the event loop."""
        if self._loop is None or self._server.should_exit:
            return
        self._thread.refuse_more()
        self._loop.call_later(self._limits.drain_seconds, self._thread.give_up)
        self._server.should_exit = True

    @contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for one in _SIGNALS:
            loop.add_signal_handler(one, self._signalled, one)
        try:
            yield
        finally:
            for one in _SIGNALS:
                loop.remove_signal_handler(one)

    def _signalled(self, number: signal.Signals) -> None:
        if self._server.should_exit:
            self._tell("ended at once: what was at work is lost")
            os._exit(128 + number)
        left, seconds = self._thread.at_work + self._thread.waiting, self._limits.drain_seconds
        self._tell(f"stopping: questions at work: {left}; they have {seconds:g} seconds; a second signal ends at once")
        self._stop()


class _Server(uvicorn.Server):
    """Leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield
