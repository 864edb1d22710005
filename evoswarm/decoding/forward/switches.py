"""Finds models whose positions are turned by what else is in a batch: tried out, not taken from a list of families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from evoswarm.decoding.forward.cache_backend import accepts
from evoswarm.errors import MemberError

TRIED = 8  # tokens of each of the two texts that are read side by side
SWITCHING = ("longrope", "su")  # kinds of rope that have one set of frequencies up to a length, and another beyond it
NOTICED = {True: 1e-4, False: 5e-2}  # of a log-probability, in float32 and in half precision: batches have one shape


def switches(model: Any, name: str) -> tuple[int, ...]:
    """The lengths (tokens) up to which a text is read in one way, and beyond which in another.

    Ascending, and only such as the model's context reaches; none for nearly all models.

    Raises:
        MemberError: what it says of a text depends on what else is in the batch, whatever is kept apart. (Dynamic NTK
            scaling changes with every token beyond ``max_position_embeddings``, which is as far as texts are read.)
    """
    config = model.config.get_text_config()
    limit = getattr(config, "max_position_embeddings", None)
    if not accepts(model, "position_ids") or not isinstance(limit, int) or limit <= TRIED:
        return ()
    described = config.to_dict()
    found = sorted({length for kind, length in _lengths(described) if kind in SWITCHING and length < limit})
    if not found and not _depends(model, 1, limit):
        return ()
    found = found or sorted({length for _, length in _lengths(described) if TRIED < length < limit})
    ends = (0, *found, limit)
    if any(_depends(model, low + 1, high) for low, high in pairwise(ends)):
        raise MemberError(
            f"member {name!r}: expected a model that says the same of a text whatever stands beside it in a batch, got"
            " one whose positions are scaled by the longest text there, in a way that cannot be kept apart"
        )
    return tuple(found)


def _lengths(settings: Mapping[str, Any]) -> Iterator[tuple[Any, int]]:
    """What a config calls an original length, each with the kind of rope that stands beside it."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _lengths(value)
            outer = settings.get("original_max_position_embeddings")  # some families name it beside, not within
            if key == "rope_scaling" and isinstance(outer, int):
                yield value.get("rope_type", value.get("type")), outer
        elif key == "original_max_position_embeddings" and isinstance(value, int) and value > 0:
            yield settings.get("rope_type", settings.get("type")), value


def _depends(model: Any, shortest: int, longest: int) -> bool:
    """Whether a text of ``shortest`` tokens or a few more reads otherwise beside one of ``longest``.

    Only their last tokens are read, at the positions where they would stand.
    """
    if longest - shortest < TRIED:
        return False
    at = torch.arange(TRIED, device=model.device)
    short, long = at + max(0, shortest - TRIED), at + longest - TRIED
    alone, beside = (_first_of_two(model, torch.stack([short, other])) for other in (short, long))
    if not (alone.isfinite().all() and beside.isfinite().all()):
        return False  # said elsewhere
    difference = (torch.log_softmax(alone.float(), -1) - torch.log_softmax(beside.float(), -1)).abs().max()
    return bool(difference > NOTICED[alone.dtype == torch.float32])


def _first_of_two(model: Any, positions: Tensor) -> Tensor:
    """``[tokens, columns]`` logits of the first of two texts at ``[2, tokens]`` positions."""
    columns = int(model.config.get_text_config().vocab_size)
    ids = ((7 * torch.arange(positions.shape[1], device=positions.device) + 3) % columns).expand_as(positions)
    with torch.inference_mode():
        logits = model(ids, position_ids=positions, attention_mask=torch.ones_like(positions), use_cache=False).logits
    assert isinstance(logits, Tensor)
    return logits[0]
