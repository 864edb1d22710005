"""Batches of a member's data mix: token ids, right-padded, with the loss on the answer and its end only."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tools.zoo.make_tokenizers import continuation_tokenizer
from tools.zoo.training_data import Example, Mix, loss_weights, stream, taught_answer


class Encoder:
    """Encodes prompts and answers exactly as decoding meets them.

    A prompt is what the tokenizer makes of it (begin symbol, dummy prefix or chat template included). An answer
    is a continuation: encoded alone, without any of these.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._continuation = continuation_tokenizer(tokenizer)
        self._answers: dict[str, list[int]] = {}

    def prompt(self, text: str) -> list[int]:
        """Returns the ids of a prompt."""
        if self._tokenizer.chat_template is None:
            return list(self._tokenizer(text)["input_ids"])
        turn = [{"role": "user", "content": text}]
        encoded: Any = self._tokenizer.apply_chat_template(
            turn, add_generation_prompt=True, tokenize=True, return_dict=True
        )
        return list(encoded["input_ids"])

    def answer(self, text: str) -> list[int]:
        """Returns the ids of an answer as a continuation, without end token."""
        if text not in self._answers:
            self._answers[text] = list(self._continuation.encode(text, add_special_tokens=False).ids)
        return self._answers[text]

    def decode(self, ids: list[int]) -> str:
        """Returns the text of generated ids; special tokens are left out."""
        # A leading piece loses its blank in some decoders; no answer starts with one.
        return str(self._tokenizer.decode(ids, skip_special_tokens=True))


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Part of a batch, all `[examples, length]`: token ids, targets and their weights in the loss (0: none)."""

    token_ids: Tensor
    targets: Tensor
    weights: Tensor


@dataclasses.dataclass(frozen=True)
class _Row:
    prompt: list[int]
    answer: list[int]
    weights: list[float]

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


class MixedStream:
    """The endless stream of batches of one member; a batch depends on the seed and its number only."""

    def __init__(self, mix: Mix, encoder: Encoder, ends: list[int], pad: int, seed: int) -> None:
        self._mix = mix
        self._encoder = encoder
        self._ends = ends
        self._pad = pad
        self._seed = seed
        self._examples = {family: stream(family) for family in mix}
        self._prompts: dict[str, list[int]] = {}

    def batch(self, number: int, size: int, chunks: int = 2) -> list[Chunk]:
        """Returns batch `number` in chunks of similar lengths (less padding, the same gradient in sum)."""
        rng = random.Random(f"{self._seed}:{number}")
        families = rng.choices(list(self._mix), [taught.share for taught in self._mix.values()], k=size)
        rows = sorted((self._row(family, rng) for family in families), key=len)
        width = -(-size // chunks)
        return [self._chunk(rows[start : start + width]) for start in range(0, size, width)]

    def _row(self, family: str, rng: random.Random) -> _Row:
        example: Example = rng.choice(self._examples[family])
        if example.prompt not in self._prompts:
            self._prompts[example.prompt] = self._encoder.prompt(example.prompt)
        text = taught_answer(example, self._mix[family], rng)
        answer = [*self._encoder.answer(text), rng.choice(self._ends)]
        first, second = loss_weights(self._mix[family])
        # No token spans two fields: every tokenizer here begins a new word at a blank.
        boundary = len(self._encoder.answer(text.split(" ")[0]))
        weights = [first] * boundary + [second] * (len(answer) - boundary)
        return _Row(self._prompts[example.prompt], answer, weights)

    def _chunk(self, rows: list[_Row]) -> Chunk:
        shape = (len(rows), max(len(row) for row in rows))
        token_ids, targets, weights = torch.full(shape, self._pad), torch.zeros(shape).long(), torch.zeros(shape)
        for index, row in enumerate(rows):
            token_ids[index, : len(row)] = torch.tensor(row.prompt + row.answer)
            # The logits at a position foretell the next token: targets are shifted by one to the left.
            span = slice(len(row.prompt) - 1, len(row) - 1)
            targets[index, span] = torch.tensor(row.answer)
            weights[index, span] = torch.tensor(row.weights)
        return Chunk(token_ids, targets, weights)
