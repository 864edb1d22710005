"""What a server counts, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from evoswarm.answering.question import Reply

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Metrics:
    """Counts of one server.

    Args:
        waiting: asks how many questions wait.
        at_work: asks how many are decoded.
    """

    def __init__(self, waiting: Callable[[], int], at_work: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "evoswarm_requests",
            "Requests that were answered, by model (empty: of none) and status (499: the client left).",
            ["model", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "evoswarm_request_seconds",
            "From a request's arrival to the end of its answer.",
            ["model"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._first = Histogram(
            "evoswarm_first_text_seconds",
            "From a request's arrival to the first text of an answer.",
            ["model"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._symbols = Counter("evoswarm_symbols", "Symbols of answers, by model.", ["model"], registry=self._registry)
        self._tokens = Counter(
            "evoswarm_member_tokens",
            "Tokens that members read for answers, as if each were answered alone.",
            ["model", "member"],
            registry=self._registry,
        )
        queue = Gauge("evoswarm_questions_waiting", "Questions that wait to be decoded.", registry=self._registry)
        queue.set_function(waiting)
        active = Gauge("evoswarm_questions_active", "Questions that are being decoded.", registry=self._registry)
        active.set_function(at_work)

    def request(self, model: str, status: int, seconds: float) -> None:
        """A request has been answered."""
        self._requests.labels(model, str(status)).inc()
        if model:
            self._seconds.labels(model).observe(seconds)

    def first_text(self, model: str, seconds: float) -> None:
        """The first text of a request's answer has come."""
        self._first.labels(model).observe(seconds)

    def reply(self, model: str, reply: Reply) -> None:
        """A question has been answered."""
        self._symbols.labels(model).inc(reply.symbols)
        for member in reply.cost.members:
            self._tokens.labels(model, member.name).inc(member.tokens)

    def text(self) -> bytes:
        """All of it."""
        return generate_latest(self._registry)
