"""How much a request may ask for, and how much is answered at once."""

from __future__ import annotations

from dataclasses import dataclass

from evoswarm.errors import RunError, Where

MIB = 1 << 20


@dataclass(frozen=True)
class ServingLimits:
    """What one request may take, and all of them together.

    A *question* is one prompt of a request answered once: a request of p prompts and n choices has p times n.

    Attributes:
        body_bytes: of a request's body; more is answered with status 413.
        prompt_bytes: UTF-8 bytes of one prompt, or of all messages of a conversation; more is answered with 413.
        questions: of one request; more is answered with 400.
        tokens: the largest ``max_tokens``; more is answered with 400.
        streams: questions that are decoded at once; others wait.
        queue: questions that may wait; a request that finds no room is answered with 429.
        seconds: from a request's arrival to the end of its answers, waiting included; longer is answered with 504.
        body_seconds: for a client to send its request's body; longer is answered with 408.
        drain_seconds: for what is at work to end once the server is told to stop; what is not done then is answered
            with 503.
    """

    body_bytes: int = 4 * MIB
    prompt_bytes: int = MIB
    questions: int = 64
    tokens: int = 8192
    streams: int = 64
    queue: int = 256
    seconds: float = 600.0
    body_seconds: float = 30.0
    drain_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse limits under which a request that is allowed could never be answered.

        Raises:
            RunError: one request may have more questions than there is room for.
        """
        room = self.streams + self.queue
        if self.questions > room:
            raise RunError(
                f"expected at most {room} (--max-streams and --max-queue together: a larger request would always find "
                f"the queue full), got {self.questions}",
                Where("--max-questions"),
            )
