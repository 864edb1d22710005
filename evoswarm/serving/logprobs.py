"""How likely the symbols of an answer were, in both forms that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Iterator

from evoswarm.answering.question import Reply, Symbol
from evoswarm.serving.replies import ChatLogprobs, ChosenSymbol, CompletionLogprobs, LikelySymbol

LEAST = -9999.0
"""The log-probability of what cannot be: JSON has no infinities, and clients of OpenAI's know this one."""


def chat_logprobs(reply: Reply) -> ChatLogprobs:
    """Of a chat: symbols with their bytes."""
    content = []
    for symbol in _within(reply):
        others = [_likely(text, log_prob) for text, log_prob in symbol.alternatives]
        chosen = _likely(symbol.text, symbol.log_prob)
        content.append(ChosenSymbol(**chosen.model_dump(), top_logprobs=others))
    return ChatLogprobs(content=content)


def completion_logprobs(reply: Reply, begin: int = 0) -> CompletionLogprobs:
    """Of a completion: texts alone; what is no whole character is written by its bytes, as ``bytes:\\xe2``.

    Args:
        reply: with its symbols.
        begin: characters of what stands before the answer.
    """
    symbols = list(_within(reply))
    offsets, before = [], b""
    for symbol in symbols:
        offsets.append(begin + len(before.decode(errors="ignore")))
        before += symbol.text
    return CompletionLogprobs(
        tokens=[_written(symbol.text) for symbol in symbols],
        token_logprobs=[max(symbol.log_prob, LEAST) for symbol in symbols],
        top_logprobs=[
            {_written(text): max(log_prob, LEAST) for text, log_prob in symbol.alternatives} for symbol in symbols
        ],
        text_offset=offsets,
    )


def _within(reply: Reply) -> Iterator[Symbol]:
    """The symbols of the text: neither its end nor what was cut off behind it."""
    left = len(reply.text.encode())
    for symbol in reply.trace:
        if left <= 0 or not symbol.text:
            return
        left -= len(symbol.text)
        yield symbol


def _likely(text: bytes, log_prob: float) -> LikelySymbol:
    return LikelySymbol(token=text.decode(errors="replace"), logprob=max(log_prob, LEAST), bytes=list(text))


def _written(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in text)
