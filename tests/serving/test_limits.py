"""What happens under load, in haste and at the end: queues, time, clients that leave, a server that is told to stop."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import httpx
import pytest

from evoswarm.answering.engine import Engine
from evoswarm.answering.question import Question
from tests.serving.conftest import Running, Serving
from tests.serving.test_refusals import refused

LONG: dict[str, Any] = {"model": "babble", "prompt": "rev stone=", "max_tokens": 60}
"""What takes a while."""


class Panic(BaseException):
    """As a library in another language raises it."""


def begun(running: Running, **fields: Any) -> Any:
    """A stream whose first event has come: its context, to be closed, and the lines that follow."""
    context = running.http.stream("POST", "/v1/completions", json={**LONG, "stream": True, **fields})
    response = context.__enter__()
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = response.iter_lines()
    assert next(lines).startswith("data: {")
    return context, lines


def rest(lines: Any) -> list[Any]:
    """The events that follow, the last one being what ends them."""
    found = [line.removeprefix("data: ") for line in lines if line]
    return [
        *(json.loads(line) for line in found if line != "[DONE]"),
        *(["[DONE]"] if found[-1:] == ["[DONE]"] else []),
    ]


def until(condition: Any) -> None:
    """Wait for what must come."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_a_full_queue_and_clients_that_leave(serving: Serving) -> None:
    """Who leaves makes room at once, whether pieces were coming or a whole answer was waited for."""
    with serving(streams=2, queue=10, questions=12) as running:
        context, _ = begun(running, n=12)
        assert 1 <= running.count("evoswarm_questions_active") <= 2
        assert running.count("evoswarm_questions_waiting") > 2
        full = running.post("completions", **LONG, n=12)
        refused(full, 429, "at most 10", code="queue_full")
        assert full.headers["retry-after"]
        context.__exit__(None, None, None)
        until(lambda: running.count("evoswarm_questions_active") + running.count("evoswarm_questions_waiting") == 0)
        with pytest.raises(httpx.ReadTimeout):
            running.http.post("/v1/completions", json={**LONG, "n": 12}, timeout=0.3)
        until(lambda: running.count("evoswarm_questions_active") + running.count("evoswarm_questions_waiting") == 0)
        assert running.count("evoswarm_requests_total", model="babble", status="499") == 2
        assert running.post("completions", model="mix", prompt="rev stone=").json()["choices"][0]["text"] == "enots"


def test_a_request_has_its_time(serving: Serving) -> None:
    with serving(seconds=0.3, body_seconds=0.3, streams=1) as running:
        refused(running.post("completions", **LONG, n=32), 504, "within 0.3 seconds", code="time_limit")
        context, lines = begun(running, n=32)
        events = rest(lines)
        context.__exit__(None, None, None)
        assert events[-1]["error"]["code"] == "time_limit"
        until(lambda: running.count("evoswarm_questions_active") == 0)
        host, port = running.root.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            head = [
                "POST /v1/completions HTTP/1.1",
                f"Host: {host}",
                "Content-Type: application/json",
                "Content-Length: 9",
            ]
            slow.sendall("\r\n".join([*head, "", "{"]).encode())
            assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_question_that_breaks_something_breaks_no_other(
    serving: Serving, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a question is worded; where all are at work, all hear of it, and the next ones are answered."""
    submit = engine.submit

    def fragile(question: Question) -> int:
        if question.prompt == "break":
            raise Panic
        return submit(question)

    monkeypatch.setattr(engine, "submit", fragile)
    with serving() as running:
        context, lines = begun(running)
        refused(
            running.post("completions", model="mix", prompt="break"), 500, "its log says more", code="internal_error"
        )
        assert rest(lines)[-1] == "[DONE]"
        context.__exit__(None, None, None)
        with monkeypatch.context() as patch:
            patch.setattr(engine, "turn", lambda: (_ for _ in ()).throw(Panic))
            refused(
                running.post("completions", model="mix", prompt="a"), 500, "its log says more", code="internal_error"
            )
        assert running.post("completions", model="mix", prompt="rev stone=").json()["choices"][0]["text"] == "enots"


def test_what_is_at_work_ends_before_the_server_does(serving: Serving) -> None:
    with serving() as running:
        context, lines = begun(running, n=3)
        running.service.stop()
        until(lambda: _refuses(running))
        events = rest(lines)
        context.__exit__(None, None, None)
        assert events[-1] == "[DONE]"
        ended = [one["choices"][0] for one in events[:-1] if one["choices"][0]["finish_reason"]]
        assert sorted(one["index"] for one in ended) == [0, 1, 2]
        running.runner.join(30)
        assert not running.runner.is_alive()


def test_what_is_at_work_is_given_up_once_its_time_is_over(serving: Serving) -> None:
    with serving(drain_seconds=0.0, streams=1) as running:
        context, lines = begun(running, n=8)
        running.service.stop()
        events = rest(lines)
        context.__exit__(None, None, None)
        assert events[-1]["error"]["code"] == "shutting_down"


def _refuses(running: Running) -> bool:
    """Whether nobody new is let in."""
    try:
        with httpx.Client(timeout=5) as other:
            return other.get(f"{running.root}/health").status_code == 503
    except httpx.TransportError:
        return True
