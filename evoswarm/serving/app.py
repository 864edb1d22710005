"""The HTTP interface: which paths there are, and in which order a request passes borders and handlers."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from evoswarm import __version__
from evoswarm.serving.borders import HEALTH, Bodies, Counted, Keys, LocalNames
from evoswarm.serving.chat import ChatExchange
from evoswarm.serving.completions import CompletionExchange
from evoswarm.serving.errors import ErrorBody, RequestRefused, broken
from evoswarm.serving.exchange import TALLY, Desk
from evoswarm.serving.limits import ServingLimits
from evoswarm.serving.metrics import MEDIA_TYPE, Metrics
from evoswarm.serving.offered import Offers, offer
from evoswarm.serving.replies import ChatReply, CompletionReply, Health, ModelCard, ModelList
from evoswarm.serving.schema import ChatRequest, CompletionRequest
from evoswarm.serving.worker import EngineThread
from evoswarm.serving.wrong_fields import refusal_of

_NO_ANSWER = {
    400: "the request is malformed, or asks for what cannot be done",
    401: "no key of the server's",
    404: "no such model",
    408: "the body did not come in time",
    413: "body or prompt are too long",
    415: "the body is no JSON",
    421: "not a name of this machine, where no key is asked for",
    422: "the policy has no answer to this prompt",
    429: "the queue is full",
    500: "an error of the server",
    503: "the server is shutting down, or out of memory",
    504: "no answer in time",
}
_WRONG: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": why} for status, why in _NO_ANSWER.items()
}
_EVENT = {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
_EVENTS = {"text/event-stream": {"schema": _EVENT}}
"""Of a stream: ``data`` of each is JSON, and ``[DONE]`` at the end."""


def make_app(thread: EngineThread, offers: Offers, limits: ServingLimits, keys: Sequence[str] = ()) -> FastAPI:
    """The application.

    Args:
        thread: that owns the engine; it is started and stopped with the application.
        offers: what can be asked.
        limits: that hold.
        keys: of which every request needs one, apart from those about its health; none are asked for where there are
            none, and requests have to come by a name of this machine then.
    """

    @asynccontextmanager
    async def alive(_: FastAPI) -> AsyncIterator[None]:
        thread.start()
        yield
        thread.stop()

    app = FastAPI(
        title="evoswarm",
        version=__version__,
        lifespan=alive,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Security(HTTPBearer(auto_error=False))] if keys else [],
    )
    metrics = Metrics(lambda: thread.waiting, lambda: thread.at_work)
    _answering(app, thread, offers, limits, metrics)
    _about(app, thread, offers, metrics)
    _errors(app)
    _describe(app, offers)
    app.add_middleware(Bodies, limits=limits)  # the last one is the first to see a request
    if keys:
        app.add_middleware(Keys, keys=keys)
    else:
        app.add_middleware(LocalNames)
    app.add_middleware(Counted, metrics=metrics)
    return app


def _answering(app: FastAPI, thread: EngineThread, offers: Offers, limits: ServingLimits, metrics: Metrics) -> None:
    """The paths that answer questions."""
    desk = Desk(thread, limits, metrics)

    def stamp(prefix: str) -> dict[str, Any]:
        return {"id": f"{prefix}-{uuid.uuid4().hex}", "created": int(time.time())}

    @app.post("/v1/completions", responses={200: {"model": CompletionReply, "content": _EVENTS}, **_WRONG})
    async def completions(request: CompletionRequest, http: Request) -> Response:
        """Go on with texts that are worded already."""
        offer(offers, request.model)
        http.scope[TALLY].model = request.model
        return await desk.answer(http, request, CompletionExchange(request, limits, stamp(CompletionExchange.prefix)))

    @app.post("/v1/chat/completions", responses={200: {"model": ChatReply, "content": _EVENTS}, **_WRONG})
    async def chat_completions(request: ChatRequest, http: Request) -> Response:
        """Answer a question, or a conversation through the members' own templates."""
        offer(offers, request.model)
        http.scope[TALLY].model = request.model
        return await desk.answer(http, request, ChatExchange(request, limits, stamp(ChatExchange.prefix)))


def _about(app: FastAPI, thread: EngineThread, offers: Offers, metrics: Metrics) -> None:
    """The paths that say what there is and how it stands."""
    cards = {name: ModelCard(id=name, created=one.created, description=one.description) for name, one in offers.items()}
    wrong: dict[int | str, dict[str, Any]] = {status: _WRONG[status] for status in (400, 401, 404, 421)}

    @app.get("/v1/models", responses=wrong)
    async def models() -> ModelList:
        """What can be asked."""
        return ModelList(data=list(cards.values()))

    @app.get("/v1/models/{model:path}", responses=wrong)
    async def model(model: str) -> ModelCard:
        """One thing that can be asked."""
        offer(offers, model)
        return cards[model]

    @app.get(HEALTH, responses={503: {"model": Health, "description": "it answers nothing"}, 421: _WRONG[421]})
    async def health() -> Response:
        """Whether questions are answered; no key is asked for."""
        status = "broken" if not thread.alive else "stopping" if thread.stopping else "ok"
        said = Health(status=status, models=len(offers))
        return JSONResponse(said.model_dump(), 200 if status == "ok" else 503)

    @app.get("/metrics", response_class=PlainTextResponse, responses={401: _WRONG[401], 421: _WRONG[421]})
    async def counted() -> Response:
        """Counts, as Prometheus reads them."""
        return Response(metrics.text(), media_type=MEDIA_TYPE)


def _describe(app: FastAPI, offers: Offers) -> None:
    """The OpenAPI document says which models and tasks there are."""
    plain = app.openapi
    tasks = {task: None for one in offers.values() for task in one.tasks}

    def described() -> dict[str, Any]:
        document = plain()
        (path,) = (one for name, one in document["paths"].items() if "{model}" in name)
        path["get"]["parameters"][0]["schema"]["enum"] = list(offers)
        for request in (CompletionRequest, ChatRequest):
            fields = document["components"]["schemas"][request.__name__]["properties"]
            fields["model"]["enum"] = list(offers)
            fields["task"] = {"enum": [*tasks, None], "description": "of the policy's: whose question it is"}
        return document

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's manual has it


def _errors(app: FastAPI) -> None:
    """Whatever is no answer is JSON as OpenAI's clients read it."""

    def said(refusal: RequestRefused) -> JSONResponse:
        return JSONResponse(refusal.body, refusal.status, refusal.headers)

    @app.exception_handler(RequestRefused)
    async def refused(_: Request, error: RequestRefused) -> Response:
        return said(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        return said(refusal_of(error.errors()))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        where = f"{request.method} {request.url.path}"
        texts = {
            400: "expected JSON, got what cannot be read as such",
            404: f"expected a path of the interface, got {where!r:.200}",
            405: f"expected another method, got {where!r:.200}",
        }
        message = texts.get(error.status_code, str(error.detail))
        return said(RequestRefused(error.status_code, message, headers=error.headers))

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        return said(broken())
