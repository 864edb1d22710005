"""Answers as rows of ids, as ``generate`` returns them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def beside(prompts: Tensor, answers: Sequence[Sequence[int]], pad: int) -> Tensor:
    """``[rows, prompt + longest]`` prompts with their answers behind them, filled up on the right.

    Args:
        prompts: ``[rows, prompt]``.
        answers: ids.
        pad: what fills.
    """
    longest = max(map(len, answers), default=0)
    filled = torch.full((len(answers), longest), pad, dtype=prompts.dtype)
    for row, answer in enumerate(answers):
        filled[row, : len(answer)] = torch.tensor(answer, dtype=prompts.dtype)
    return torch.cat([prompts, filled.to(prompts.device)], dim=1)


def cut(
    prompts: Tensor, answers: Sequence[list[int]], pad: int, criteria: Callable[[Tensor, Any], Any] | None
) -> list[list[int]]:
    """Answers, ended where a caller's criteria end them: they are shown every step, as if it had just been taken.

    Args:
        prompts: ``[rows, prompt]``.
        answers: ids.
        pad: what fills.
        criteria: of transformers; None ends nothing.
    """
    if not criteria:
        return list(answers)
    whole, width = beside(prompts, answers, pad), prompts.shape[1]
    ends: list[int | None] = [None] * len(answers)
    for step in range(1, whole.shape[1] - width + 1):
        done = criteria(whole[:, : width + step], None)
        for row, is_done in enumerate(torch.as_tensor(done).expand(len(answers)).tolist()):
            if ends[row] is None and (is_done or step >= len(answers[row])):
                ends[row] = step
        if None not in ends:
            break
    return [answer[:end] for answer, end in zip(answers, ends, strict=True)]
