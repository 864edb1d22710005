"""The loop a user would write: recipe by recipe, a batch of prompts, every member at every step, fusion in torch.

Padding on the left, position ids, KV caches (or Mamba's state) kept over steps, END summed: right, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from evoswarm import Recipe, Request
from evoswarm.decoding.member import Member


def decode_plainly(
    members: Sequence[Member], models: Mapping[str, Any], asked: Sequence[Request]
) -> tuple[list[str], int]:
    """Greedy mixtures in ``tokens``; returns the answers in order and how many rows the models have forwarded."""
    by_recipe: dict[int, list[int]] = {}
    for number, request in enumerate(asked):
        by_recipe.setdefault(id(request.recipe), []).append(number)
    answers: list[str] = [""] * len(asked)
    rows = 0
    for numbers in by_recipe.values():
        texts, used = _one_recipe(asked[numbers[0]].recipe, members, models, [asked[number] for number in numbers])
        rows += used
        for number, text in zip(numbers, texts, strict=True):
            answers[number] = text
    return answers, rows


@torch.inference_mode()
def _one_recipe(
    recipe: Recipe, members: Sequence[Member], models: Mapping[str, Any], asked: Sequence[Request]
) -> tuple[list[str], int]:
    codec = members[0].codec
    known = {member.spec.name: member for member in members}
    prompts = [known[recipe.lead].render(request.prompt) for request in asked]
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(one)) + list(one) for one in prompts])
    mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in prompts])
    order, ends = torch.from_numpy(codec.order), torch.tensor(codec.end_ids)
    caches = {one.spec.name: DynamicCache(config=models[one.spec.name].config) for one in recipe.members}
    going = [True] * len(asked)
    raw = [b""] * len(asked)
    rows, steps = 0, 0
    while any(going):
        mixed: Tensor | None = None
        for one in recipe.members:
            logits = _forward(models[one.spec.name], ids, mask, caches[one.spec.name], first=steps == 0)
            rows += int(mask.sum()) if steps == 0 else len(asked)
            ended = torch.logsumexp(logits[:, ends], 1, keepdim=True)
            log_probs = torch.log_softmax(torch.cat([logits[:, order], ended], 1), 1)
            weighed = log_probs.clamp_min(-27.631021) + torch.log(torch.tensor(one.weight))
            mixed = weighed if mixed is None else torch.logaddexp(mixed, weighed)
        assert mixed is not None
        best = mixed.argmax(1).tolist()
        steps += 1
        tokens = [0 if column == len(order) else int(order[column]) for column in best]
        for number, column in enumerate(best):
            if going[number] and column == len(order):
                going[number] = False
            elif going[number]:
                raw[number] += codec.token_bytes[tokens[number]] or b""
                limit = asked[number].max_bytes
                if len(raw[number]) >= limit or steps >= (asked[number].max_symbols or steps + 1):
                    raw[number], going[number] = raw[number][:limit], False
        ids = torch.tensor(tokens)[:, None]
        mask = torch.cat([mask, torch.ones((len(asked), 1), dtype=mask.dtype)], 1)
    return [text.decode(errors="ignore") for text in raw], rows


def _forward(model: Any, ids: Tensor, mask: Tensor, cache: DynamicCache, *, first: bool) -> Tensor:
    """Logits behind the last token of every prompt, ``[prompts, columns]``."""
    if model.config.model_type == "mamba":
        extra = {"attention_mask": mask} if first else {}
        logits: Tensor = model(ids, cache_params=cache, use_cache=True, **extra).logits
        return logits[:, -1].float()
    positions = (mask.cumsum(-1) - 1).clamp(0)[:, -ids.shape[1] :]
    logits = model(ids, attention_mask=mask, position_ids=positions, past_key_values=cache).logits
    return logits[:, -1].float()
