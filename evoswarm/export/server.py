"""A server that clients of OpenAI's speak to: nothing is written, a command of its own runs it."""

from __future__ import annotations

from evoswarm.export.target import Target
from evoswarm.serving.place import PACKAGES

SERVER = Target(
    name="server",
    title="an HTTP server that clients of OpenAI's speak to: completions, chats, streams",
    takes="policy",
    command="evoswarm serve RUN|POLICY...",
    extra="serve",
    packages=PACKAGES,
)
