"""Greedy decoding of a zoo member while it is trained, and the accuracies that its card reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers import MambaForCausalLM, PreTrainedModel

from tools.zoo.batches import Encoder
from tools.zoo.mamba_scan import mamba_logits
from tools.zoo.training_data import Example

Logits = Callable[[Tensor], Tensor]
"""Token ids `[rows, length]` to logits `[rows, length, vocabulary]`."""

MAX_ANSWER_TOKENS = 20


def logits_of(model: PreTrainedModel) -> Logits:
    """Returns the forward of a model over whole sequences; Mamba's by the fast scan.

    No padding mask is needed: rows are padded on the right, and nothing looks to the right.
    """
    if isinstance(model, MambaForCausalLM):
        return lambda token_ids: mamba_logits(model, token_ids)

    def forward(token_ids: Tensor) -> Tensor:
        logits: Tensor = model(input_ids=token_ids, attention_mask=torch.ones_like(token_ids), use_cache=False).logits
        return logits

    return forward


@torch.no_grad()
def greedy_answers(
    logits: Logits, encoder: Encoder, prompts: Sequence[str], ends: list[int], device: str = "cpu", rows: int = 500
) -> list[str]:
    """Returns the greedy answer to each prompt, decoded without any cache.

    Args:
        logits: the forward of the model.
        encoder: of the model's tokenizer.
        prompts: the questions.
        ends: every id that ends an answer.
        device: where the model lies.
        rows: prompts decoded at a time.
    """
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers = [""] * len(prompts)
    for start in range(0, len(order), rows):
        part = order[start : start + rows]
        texts = _greedy_part(logits, encoder, [prompts[index] for index in part], ends, device)
        for index, text in zip(part, texts, strict=True):
            answers[index] = text
    return answers


def _greedy_part(logits: Logits, encoder: Encoder, prompts: list[str], ends: list[int], device: str) -> list[str]:
    sequences = [encoder.prompt(prompt) for prompt in prompts]
    begins = [len(sequence) for sequence in sequences]
    running = list(range(len(sequences)))
    for _ in range(MAX_ANSWER_TOKENS):
        length = max(len(sequences[row]) for row in running)
        token_ids = torch.tensor([sequences[row] + [0] * (length - len(sequences[row])) for row in running])
        last = torch.tensor([len(sequences[row]) - 1 for row in running])
        chosen = logits(token_ids.to(device))[torch.arange(len(running)), last.to(device)].argmax(-1).tolist()
        for row, token in zip(running, chosen, strict=True):
            sequences[row].append(token)
        running = [row for row in running if sequences[row][-1] not in ends]
        if not running:
            break
    return [
        encoder.decode([token for token in sequence[begin:] if token not in ends])
        for sequence, begin in zip(sequences, begins, strict=True)
    ]


def accuracies(family: str, examples: Sequence[Example], answers: Sequence[str]) -> dict[str, float]:
    """Returns the share of exact answers; for `pair` also of its fields, as `pair.sum` and `pair.word`."""
    right = [example.answer == answer for example, answer in zip(examples, answers, strict=True)]
    result = {family: sum(right) / len(right)}
    if family == "pair":
        for position, field in enumerate(("sum", "word")):
            hits = [
                example.answer.split(" ")[position] == [*answer.split(" "), "", ""][position]
                for example, answer in zip(examples, answers, strict=True)
            ]
            result[f"pair.{field}"] = sum(hits) / len(hits)
    return result
