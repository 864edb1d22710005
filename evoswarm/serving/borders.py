"""What a request passes before anybody reads it: who counts it, whether it comes by a name of this machine, its key,
its body."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evoswarm.serving.errors import RequestRefused
from evoswarm.serving.exchange import CLIENT_LEFT, TALLY, Tally
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.metrics import Metrics

HEALTH = "/health"
"""The one path that asks for no key."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

_DRAINED = 16
"""So many times its limit of a body is read and thrown away, so that its client hears why it is refused."""


async def refuse(refusal: RequestRefused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with an error."""
    await JSONResponse(refusal.body, refusal.status, refusal.headers)(scope, receive, send)


@dataclass(frozen=True)
class Counted:
    """Counts every request with its status and its time."""

    app: ASGIApp
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, status, tally = time.perf_counter(), CLIENT_LEFT, Tally()
        scope[TALLY] = tally

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            if message["type"] == "http.response.body" and not message.get("more_body"):
                tally.streaming = False
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            status = CLIENT_LEFT if tally.streaming else status
            self.metrics.request(tally.model, status, time.perf_counter() - began)


@dataclass(frozen=True)
class LocalNames:
    """Refuses requests that come by another name than this machine's own, where no key is asked for.

    A page in a browser may give its own name the address of this machine; then it could ask whatever it wanted.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            host = Headers(scope=scope).get("host", "")
            name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
            if name.lower() not in LOOPBACK_NAMES:
                wanted = "expected a request to localhost (no other name is known without --api-key-file)"
                refusal = RequestRefused(421, f"{wanted}, got one to {name!r:.100}", code="unknown_host")
                return await refuse(refusal, scope, receive, send)
        return await self.app(scope, receive, send)


class Keys:
    """Lets requests with one of some keys pass.

    Args:
        app: behind it.
        keys: that are known.
    """

    def __init__(self, app: ASGIApp, keys: Sequence[str]) -> None:
        self._app = app
        self._digests = [_digest(key) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] == HEALTH or self._known(Headers(scope=scope)):
            return await self._app(scope, receive, send)
        refusal = RequestRefused(
            401,
            "expected one of the server's keys (Authorization: Bearer KEY), got none of them",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
        return await refuse(refusal, scope, receive, send)

    def _known(self, headers: Headers) -> bool:
        """Whether a key is known; that takes the same time whichever it is, and however much of it is right."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        given = _digest(key.strip())
        matches = [hmac.compare_digest(given, one) for one in self._digests]
        return scheme.lower() == "bearer" and any(matches)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


@dataclass(frozen=True)
class Bodies:
    """Reads the body of a request, within its limits of size and time, before anybody parses it."""

    app: ASGIApp
    limits: ServingLimits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        try:
            body = await self._read(Headers(scope=scope), receive)
        except RequestRefused as refusal:
            return await refuse(refusal, scope, receive, send)
        if body is None:
            return None  # its client left
        told = False

        async def replayed() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, replayed, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body; None where the client leaves before its end."""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        limit, seconds = self.limits.body_bytes, self.limits.body_seconds
        body, size = bytearray(), 0
        try:
            async with asyncio.timeout(seconds):
                while size <= _DRAINED * limit:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part = message.get("body", b"")
                    size += len(part)
                    if size <= limit:
                        body += part
                    if not message.get("more_body"):
                        break
        except TimeoutError:
            message_text = f"expected all of the body within {seconds:g} seconds, got {size:,} bytes"
            raise RequestRefused(408, message_text, code="body_time", headers={"Connection": "close"}) from None
        if size > limit:
            raise RequestRefused(
                413,
                f"expected a body of at most {limit:,} bytes, got {size:,} or more",
                code="body_too_large",
                headers={"Connection": "close"},
            )
        if kind != "application/json":
            raise RequestRefused(
                415, f"expected a body of application/json, got {kind or 'no content type'!r:.80}", code="no_json"
            )
        return bytes(body)
