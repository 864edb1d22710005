"""Requests that get no answer: each has the right status, and an error that OpenAI's clients read."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from tests.serving.conftest import Running, Serving

USER = [{"role": "user", "content": "47+85="}]
NO_CHAT: list[tuple[dict[str, Any], str, str | None]] = [
    ({"top_p": 0.5}, "expected 1 or nothing", "top_p"),
    ({"top_k": 3}, "expected no such field", "top_k"),
    ({"presence_penalty": 1}, "penalties", "presence_penalty"),
    ({"frequency_penalty": False}, "expected 0 or nothing", "frequency_penalty"),
    ({"logit_bias": {"5": 1}}, "tokens of their own", "logit_bias"),
    ({"tools": [{"type": "function"}]}, "call no tools", "tools"),
    ({"response_format": {"type": "json_object"}}, "free text", "response_format"),
    ({"messages": []}, "messages: expected at least 1, got an empty list", "messages"),
    ({"messages": [["user", "x"]]}, "messages.0: expected an object, got ['user', 'x']", "messages.0"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "'user'", "messages.0.role"),
    ({"messages": [{"role": "user", "content": None}]}, "expected a text", "messages.0.content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "image_url", "messages.0.content"),
    ({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}, "ends with", None),
    ({"max_tokens": 0}, "greater than or equal to 1", "max_tokens"),
    ({"max_tokens": 513}, "at most 512", "max_tokens"),
    ({"max_tokens": 5, "max_completion_tokens": 6}, "max_completion_tokens (6)", "max_tokens"),
    ({"max_tokens": 2.5}, "integer", "max_tokens"),
    ({"temperature": -1}, "greater than or equal to 0", "temperature"),
    ({"temperature": "hot"}, "number", "temperature"),
    ({"n": 65}, "at most 64", "n"),
    ({"n": True}, "integer", "n"),
    ({"seed": 2**64}, "less than", "seed"),
    ({"stop": ""}, "not empty", "stop"),
    ({"stop": ["x"] * 17}, "at most 16", "stop"),
    ({"stop": 5}, "a text or a list", "stop"),
    ({"top_logprobs": 3}, "logprobs: true", "top_logprobs"),
    ({"stream_options": {"include_usage": True}}, "stream: true", "stream_options"),
    ({"task": "gcd"}, "sums, spelling", "task"),
    ({"model": 5}, "string", "model"),
]
NO_COMPLETION: list[tuple[dict[str, Any], str, str | None]] = [
    ({"prompt": [1, 2]}, "ids mean nothing", "prompt"),
    ({"prompt": [[1], [2]]}, "ids mean nothing", "prompt"),
    ({"prompt": []}, "a text or a list", "prompt"),
    ({"prompt": None}, "a text or a list", "prompt"),
    ({"prompt": ["x"] * 65}, "at most 64", "prompt"),
    ({"prompt": ["x"] * 33, "n": 2}, "at most 64", "n"),
    ({"suffix": "y"}, "nothing before a text", "suffix"),
    ({"best_of": 2}, "all are returned", "best_of"),
    ({"echo": True, "logprobs": 1}, "prompts have none", "echo"),
    ({"logprobs": 6}, "less than or equal to 5", "logprobs"),
]


def refused(
    response: httpx.Response, status: int, words: str, param: str | None = None, code: str | None = None
) -> None:
    """The status, and JSON with one sentence that has the words."""
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert words in error["message"]
    assert "\n" not in error["message"]
    if param is not None:
        assert error["param"] == param
    if code is not None:
        assert error["code"] == code


@pytest.mark.parametrize(("wrong", "words", "param"), NO_CHAT, ids=lambda case: str(case)[:40])
def test_a_chat_that_cannot_be_followed(served: Running, wrong: dict[str, Any], words: str, param: str | None) -> None:
    refused(served.post("chat/completions", **{"model": "mix", "messages": USER, **wrong}), 400, words, param)


@pytest.mark.parametrize(("wrong", "words", "param"), NO_COMPLETION, ids=lambda case: str(case)[:40])
def test_a_completion_that_cannot_be_followed(
    served: Running, wrong: dict[str, Any], words: str, param: str | None
) -> None:
    refused(served.post("completions", **{"model": "mix", "prompt": "47+85=", **wrong}), 400, words, param)


def test_fields_that_change_nothing_are_allowed(served: Running) -> None:
    harmless: dict[str, Any] = {
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "logit_bias": {},
        "tools": [],
        "n": 1,
        "user": "me",
        "metadata": {"a": "b"},
        "store": False,
        "service_tier": "auto",
        "tool_choice": "none",
        "response_format": {"type": "text"},
        "parallel_tool_calls": True,
        "seed": None,
        "stop": None,
    }
    reply = served.post("chat/completions", model="mix", messages=USER, **harmless)
    assert reply.status_code == 200, reply.text
    assert reply.json()["choices"][0]["message"]["content"] == "132"


def test_what_is_no_request_at_all(served: Running) -> None:
    path, json = "/v1/chat/completions", {"Content-Type": "application/json"}
    http = served.http
    refused(http.post(path, content=b'{"model": "mi', headers=json), 400, "expected JSON", code="no_json")
    refused(http.post(path, content=b"", headers=json), 400, "")
    refused(http.post(path, content=b"[1]", headers=json), 400, "")
    refused(http.post(path, content=b"\xff\xfe", headers=json), 400, "")
    refused(http.post(path, content=b"[" * 60000, headers=json), 400, "")
    refused(http.post(path, content=b'{"n": 1' + b"0" * 9000 + b"}", headers=json), 400, "")
    refused(http.post(path, content=b"a=b", headers={"Content-Type": "text/plain"}), 415, "text/plain")
    refused(http.post(path, content=b"{}"), 415, "no content type")
    surrogate = b'{"model": "mix", "messages": [{"role": "user", "content": "\\ud800"}]}'
    refused(http.post(path, content=surrogate, headers=json), 400, "UTF-8")
    nan = b'{"model": "mix", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}'
    refused(http.post(path, content=nan, headers=json), 400, "finite")
    refused(http.get("/v2/models"), 404, "GET /v2/models")
    refused(http.get("/v1/models/"), 404, "")
    refused(http.get(path), 405, "another method")
    assert http.get(path).headers["allow"] == "POST"
    refused(http.get("/v1/models/nobody"), 404, "expected one of mix", "model", "model_not_found")


def test_the_official_client_raises_its_own_errors(served: Running) -> None:
    client: Any = served.client
    with pytest.raises(openai.NotFoundError, match="expected one of mix, mix/llama-a"):
        client.chat.completions.create(model="gpt-4o", messages=USER)
    with pytest.raises(openai.BadRequestError, match="top_p"):
        client.chat.completions.create(model="mix", messages=USER, top_p=0.5)
    with pytest.raises(openai.BadRequestError, match="task"):
        client.completions.create(model="mix", prompt="x", stream=True, extra_body={"task": "gcd"})


def test_too_long(served: Running) -> None:
    refused(
        served.post("completions", model="mix", prompt="x" * 70000), 413, "at most 65,536 bytes", code="body_too_large"
    )
    refused(served.post("completions", model="mix", prompt="é" * 2049), 413, "got 4,098", "prompt", "prompt_too_long")
    talk = [{"role": "user", "content": "x" * 3000}, {"role": "system", "content": "x" * 3000}]
    refused(served.post("chat/completions", model="mix", messages=talk), 413, "at most 4,096", "messages")
    reply = served.post("completions", model="mix", prompt="x" * 3000)
    refused(reply, 400, "", code="context_length_exceeded")

    def unending() -> Any:
        for _ in range(80):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    refused(served.http.post("/v1/completions", content=unending(), headers=headers), 413, "65,536")


def test_a_name_that_is_not_this_machines_is_refused_where_nobody_asks_for_keys(served: Running) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
        refused(served.http.get("/health", headers={"Host": host}), 421, "localhost", code="unknown_host")
    for host in ("localhost", "localhost:9", "LOCALHOST:1", "[::1]:8000", "127.0.0.1"):
        assert served.http.get("/health", headers={"Host": host}).status_code == 200


def test_keys(serving: Serving) -> None:
    with serving("first-key", "second-key") as running:
        for key in ("first-key", "second-key"):
            found = running.http.get("/v1/models", headers={"Authorization": f"Bearer {key}", "Host": "any.example"})
            assert found.status_code == 200
        for path in ("/v1/models", "/metrics", "/openapi.json", "/nowhere"):
            for given in ("Bearer first-ke", "Bearer first-keyy", "Basic first-key", "first-key", "Bearer", ""):
                response = running.http.get(path, headers={"Authorization": given})
                refused(response, 401, "Authorization: Bearer KEY", code="invalid_api_key")
                assert response.headers["www-authenticate"] == "Bearer"
                assert "first-key" not in response.text
        assert running.http.get("/health", headers={"Authorization": ""}).status_code == 200
        late = running.http.post("/v1/completions", content=b"{", headers={"Authorization": "Bearer x"})
        refused(late, 401, "")  # before anybody looks at what it asks
        with pytest.raises(openai.AuthenticationError):
            running.client.models.list()
