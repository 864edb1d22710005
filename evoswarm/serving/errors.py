"""What a request is answered with that is not served: a status, and JSON as OpenAI's clients read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from evoswarm.errors import EvoswarmError, is_out_of_memory

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
    504: "timeout_error",
}
_FAILURES: Mapping[str, tuple[int, str]] = {
    "prompt_too_long": (400, "context_length_exceeded"),
    "prompt_refused": (400, "prompt_refused"),
    "out_of_memory": (503, "out_of_memory"),
    "time_out": (504, "time_out"),
}


class ErrorDetail(BaseModel):
    """What went wrong.

    Attributes:
        message: in one sentence.
        type: of error, in OpenAI's words.
        param: the field of the request that is to blame.
        code: for programs.
    """

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(BaseModel):
    """The JSON of every answer that is an error."""

    error: ErrorDetail


class RequestRefused(EvoswarmError):
    """A request that gets no answer.

    Args:
        status: of HTTP.
        message: why, in one sentence.
        param: the field of the request that is to blame.
        code: for programs.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.param, self.code, self.headers = status, param, code, dict(headers or {})
        super().__init__(message)

    @property
    def body(self) -> dict[str, Any]:
        """As JSON data."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        detail = ErrorDetail(message=self.message, type=kind, param=self.param, code=self.code)
        return ErrorBody(error=detail).model_dump()


def invalid(message: str, param: str | None = None, code: str | None = None) -> RequestRefused:
    """A request that asks for what cannot be done."""
    return RequestRefused(400, message, param=param, code=code)


def queue_full(waiting: int, limit: int) -> RequestRefused:
    """There is no room for a request now."""
    message = f"expected room in the queue (at most {limit} questions wait), got {waiting} that do: try again later"
    return RequestRefused(429, message, code="queue_full", headers={"Retry-After": "1"})


def stopping() -> RequestRefused:
    """The server is told to stop."""
    return RequestRefused(503, "the server is shutting down", code="shutting_down", headers={"Retry-After": "5"})


def out_of_time(seconds: float) -> RequestRefused:
    """A request took longer than it may."""
    return RequestRefused(504, f"expected an answer within {seconds:g} seconds, got none", code="time_limit")


def broken() -> RequestRefused:
    """Something of ours failed; the log has what."""
    return RequestRefused(500, "an error of the server: its log says more", code="internal_error")


def of_failure(failure: str) -> RequestRefused:
    """What a question without an answer is answered with.

    Args:
        failure: its kind (see `evoswarm.failure.FailureKind`), a colon, and a sentence.
    """
    kind, _, sentence = failure.partition(": ")
    status, code = _FAILURES.get(kind, (422, kind))
    return RequestRefused(
        status, sentence or failure, code=code, headers={"Retry-After": "1"} if status == 503 else None
    )


def no_memory() -> RequestRefused:
    """What was at work did not fit."""
    message = "expected memory for all that is at work, got none that was left: ask for less, or later"
    return RequestRefused(503, message, code="out_of_memory", headers={"Retry-After": "1"})


def of_refusal(error: EvoswarmError) -> RequestRefused:
    """What a question is answered with that the engine does not take."""
    if isinstance(error, RequestRefused):
        return error
    if is_out_of_memory(error):
        return no_memory()
    param = None if error.where is None else str(error.where).removeprefix("--")
    return invalid(error.message if param is None else f"{param}: {error.message}", param)
