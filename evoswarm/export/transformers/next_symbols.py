"""What a policy says may come next behind rows of token ids: the logits of ``forward``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from transformers import StoppingCriteria

from evoswarm.answering.engine import Engine
from evoswarm.answering.likelihood import without_distribution
from evoswarm.chat import Conversation, Turn
from evoswarm.errors import RunError
from evoswarm.experiment.asking import Asking
from evoswarm.export.transformers.prompt_ids import read_prompt
from evoswarm.export.transformers.symbol_ids import SymbolIds


class _IdRow(NamedTuple):
    """A row of ids, its filling apart.

    Attributes:
        asked: what its prompt says.
        begun: bytes of the answer that stand in the prompt already.
        answer: ids of the answer behind the prompt.
        first: the column before the first of them.
    """

    asked: Conversation
    begun: bytes
    answer: list[int]
    first: int


class NextSymbols:
    """Asks a policy what may come next.

    Args:
        engine: of one policy with a distribution over next symbols.
        asking: how its questions are worded.
        vocabulary: of the ids.
        raw: questions are worded already.
        task: whose questions they are.
        whole_texts: ids without a mark of an answer may be read as one text, as no member words what it reads.
    """

    def __init__(
        self,
        engine: Engine,
        asking: Asking,
        vocabulary: SymbolIds,
        *,
        raw: bool,
        task: str | None,
        whole_texts: bool,
    ) -> None:
        self._engine, self._asking, self._vocabulary = engine, asking, vocabulary
        self._raw, self._task, self._whole_texts = raw, task, whole_texts

    def logits(self, ids: Tensor, real: Tensor, prompt_length: int | None, keep: range) -> Tensor:
        """``[rows, len(keep), ids]`` log-probabilities, nats; -inf where nothing may come.

        Inside a prompt nothing is said: there all ids are alike. Behind END comes END.

        Args:
            ids: ``[rows, columns]``.
            real: ``[rows, columns]`` what is no filling.
            prompt_length: columns of the prompts; None where ids say themselves where their answers begin.
            keep: columns behind which something is to come.

        Raises:
            RunError: a prompt is none, or a text cannot be gone on from.
        """
        size, end = len(self._vocabulary), self._vocabulary.mark("end")
        found = torch.full((len(ids), len(keep), size), -float(np.log(size)))
        texts: dict[tuple[Conversation, bytes], int] = {}
        places: list[tuple[int, int, int]] = []
        for number in range(len(ids)):
            row = self._row(ids[number], real[number], prompt_length)
            for at, column in enumerate(keep):
                written = row.answer[: max(0, column - row.first)]
                if column < row.first:
                    continue
                if end in written:
                    found[number, at] = -float("inf")
                    found[number, at, end] = 0.0
                    continue
                text = row.asked, row.begun + self._vocabulary.spelled(written)
                places.append((number, at, texts.setdefault(text, len(texts))))
        if places:
            behind = self._behind(list(texts))
            for number, at, text_number in places:
                found[number, at] = behind[text_number]
        return found

    def _behind(self, texts: Sequence[tuple[Conversation, bytes]]) -> Tensor:
        """``[texts, ids]``; symbols of one text are one id, which has what they have together."""
        worded = [(self._context(asked), raw) for asked, raw in texts]
        rows = torch.from_numpy(self._engine.next_symbols(worded, task=self._task))
        first = torch.tensor(self._vocabulary.first)
        found = torch.full((len(rows), len(self._vocabulary)), -float("inf"))
        if len(set(self._vocabulary.first)) == len(first):
            found[:, first] = rows
            return found
        masses = torch.zeros((len(rows), len(self._vocabulary)), dtype=torch.float64)
        return masses.index_add(1, first, rows.double().exp()).log().float()

    def _context(self, asked: Conversation) -> str | tuple[Turn, ...]:
        question = asked.question if self._raw else self._asking.worded(asked.question)
        return (*asked.before, Turn("user", question)) if asked.before else question

    def _row(self, ids: Tensor, real: Tensor, prompt_length: int | None) -> _IdRow:
        columns = [column for column, is_real in enumerate(real.tolist()) if is_real]
        row = ids.tolist()
        width = len(row)
        if prompt_length is not None:
            head = [row[column] for column in columns if column < prompt_length]
            read = read_prompt(head, self._vocabulary)
            begun = self._vocabulary.spelled(read.answer or ())
            return _IdRow(read.asked, begun, row[prompt_length:], prompt_length - 1)
        mark = self._vocabulary.mark("answer")
        found = next((column for column in columns if row[column] == mark), None)
        if found is None:
            if not self._whole_texts:
                raise RunError(
                    "expected ids that the tokenizer made with its special tokens (members word what they are asked, "
                    "and the mark of an answer says where that ends), got ids without"
                )
            start = columns[0] if columns else width
            return _IdRow(Conversation(""), b"", row[start:], start - 1)
        while found + 1 < width and row[found + 1] == mark:
            found += 1
        read = read_prompt([row[column] for column in columns if column <= found], self._vocabulary)
        return _IdRow(read.asked, b"", row[found + 1 :], found)


class AnswerEnds(StoppingCriteria):  # type: ignore[misc]  # transformers has no types
    """Ends answers where a policy would end them: at its task's limit, and behind a stop string.

    Args:
        vocabulary: of the ids.
        prompt_length: columns of the prompts.
        max_bytes: of an answer; None is no limit.
        stop: strings that end it.
    """

    def __init__(self, vocabulary: SymbolIds, prompt_length: int, max_bytes: int | None, stop: Sequence[str]) -> None:
        self._vocabulary, self._start, self._most = vocabulary, prompt_length, max_bytes
        self._stop = [one.encode() for one in stop]

    def __call__(self, input_ids: Tensor, scores: Any, **others: Any) -> Tensor:
        """``[rows]`` which are at their ends."""
        done = []
        for row in input_ids[:, self._start :].tolist():
            raw = self._vocabulary.spelled(row)
            done.append(any(one in raw for one in self._stop) or (self._most is not None and len(raw) >= self._most))
        return torch.tensor(done, device=input_ids.device)


def vocabulary_of(engine: Engine) -> tuple[SymbolIds, str | None]:
    """The token ids of a policy, and why it gives no probabilities of them, as a sentence; None where it does.

    They are its symbols, where it chooses between symbols of one kind; else bytes.
    """
    reason = without_distribution(engine.document().policy)
    if reason is not None:
        return SymbolIds(), reason
    try:
        return SymbolIds(engine.spellings()), None
    except RunError:
        return SymbolIds(), "it is a route between mixes of several alphabets"
