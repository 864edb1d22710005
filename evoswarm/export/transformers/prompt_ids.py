"""Reads token ids of an exported policy back: the conversation that they are, and the answer so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evoswarm.chat import Conversation, Turn
from evoswarm.errors import RunError
from evoswarm.export.transformers.symbol_ids import SymbolIds

ROLES = ("system", "user", "assistant")


class ReadPrompt(NamedTuple):
    """What ids say.

    Attributes:
        asked: the turns; a prompt without marks of turns is one user turn.
        answer: ids of the answer so far; None where nothing says where it begins.
    """

    asked: Conversation
    answer: list[int] | None


def read_prompt(ids: Sequence[int], vocabulary: SymbolIds) -> ReadPrompt:
    """Read ids, filling left out.

    The prompt ends at the first mark of an answer. Where there is none and the last turn is the assistant's, the answer
    begins there: it is to be gone on with.

    Raises:
        RunError: the turns are no conversation, or there are bytes before the first of them.
    """
    roles = {vocabulary.mark(name): name for name in ROLES}
    begins, answer = vocabulary.mark("answer"), None
    said: list[tuple[str, list[int]]] = []
    rest = list(ids)
    if begins in rest:
        place = rest.index(begins)
        rest, answer = rest[:place], rest[place + 1 :]
        while answer and answer[-1] == begins:
            answer.pop()  # a text that ended with the mark was read as one that needs it
    for token in rest:
        if token in roles:
            said.append((roles[token], []))
        elif token == vocabulary.mark("end"):
            continue
        elif said:
            said[-1][1].append(token)
        else:
            said.append(("", [token]))
    if answer is None and said and said[-1][0] == "assistant":
        answer = said.pop()[1]
    turns = [(role, vocabulary.spelled(content).decode("utf-8", "replace")) for role, content in said]
    if not turns:
        return ReadPrompt(Conversation(""), answer)
    if not turns[0][0]:
        if len(turns) > 1:
            raise RunError(f"expected a mark of a turn before the first one, got {turns[0][1]!r:.60}")
        return ReadPrompt(Conversation(turns[0][1]), answer)
    return ReadPrompt(Conversation.of([Turn(role, text) for role, text in turns]), answer)
