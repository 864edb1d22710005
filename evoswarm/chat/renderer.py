"""A stranger's template renders in a process that can be killed: it may never end, or want all memory there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evoswarm.confined import CallFailed, ConfinedFunction, ResourceLimits

_LIMITS = ResourceLimits(
    cpu_seconds=1.0, wall_seconds=10.0, memory_bytes=1 << 29
)  # templates take thousandths of a second


class RenderError(Exception):
    """A template could not be rendered; says why.

    Attributes:
        limit: it took more than it may.
    """

    def __init__(self, message: str, limit: bool = False) -> None:
        self.limit = limit
        super().__init__(message)


class Renderer:
    """Renders one template, each time with other messages. Its process takes a tenth of a second to start: keep it.

    Args:
        source: of the template.
        day: what it takes for today, ``YYYY-MM-DD``.
        values: variables that it finds at every rendering, as JSON data.
    """

    def __init__(self, source: str, day: str, values: Mapping[str, Any]) -> None:
        self._call = ConfinedFunction("evoswarm.chat.sandbox:renderer", (source, day, dict(values)), _LIMITS)

    def render(self, messages: list[dict[str, Any]], *, generate: bool) -> str:
        """The template, rendered.

        Args:
            messages: with ``role`` and ``content``.
            generate: behind them the assistant is to speak.

        Raises:
            RenderError: the template is none, raised an error, or took too long or too much memory.
        """
        try:
            kind, text = self._call(messages, generate)
        except CallFailed as error:
            raise RenderError(str(error), error.killed) from None
        if kind != "text":
            raise RenderError(text, kind == "limit")
        return str(text)
