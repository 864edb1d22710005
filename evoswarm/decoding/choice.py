"""From what the speakers said to the next symbol, for many streams at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evoswarm.decoding.alphabet import Alphabet, allowed_after, split_character
from evoswarm.decoding.fusion import first_argmax, fuse, margins, prepare
from evoswarm.decoding.noise import gumbel
from evoswarm.decoding.stream import Stream
from evoswarm.decoding.text_memory import Distributions
from evoswarm.recipe import Failure, RuleName

CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """The next symbol of one stream.

    Attributes:
        symbol: its number.
        margin: how far from another choice, nats.
        candidates: the likeliest symbols with their fused probabilities (only where a trace is kept).
        failure: why there is no symbol.
    """

    symbol: int
    margin: float
    candidates: tuple[tuple[int, float], ...] = ()
    failure: Failure | None = None


def choose(streams: Sequence[Stream], distributions: Distributions, alphabet: Alphabet) -> list[Choice]:
    """Choose the next symbol of every stream.

    Where one member speaks, every rule is that member, and greedily its favourite is known. The other streams are
    fused, those of one rule in one batch.
    """
    groups: dict[RuleName, list[int]] = {}
    choices: list[Choice | None] = [None] * len(streams)
    for index, stream in enumerate(streams):
        choices[index] = _favourite(stream)
        if choices[index] is None:
            groups.setdefault(stream.job.plan.recipe.fusion.rule, []).append(index)
    for rule, members in groups.items():
        chosen = _choose_by_rule(rule, [streams[index] for index in members], distributions, alphabet)
        for index, choice in zip(members, chosen, strict=True):
            choices[index] = choice
    return [choice for choice in choices if choice is not None]


def _favourite(stream: Stream) -> Choice | None:
    """The greedy choice where exactly one member speaks."""
    plan = stream.job.plan
    if plan.recipe.samples > 1 or stream.job.request.trace:
        return None
    assert stream.speaks is not None
    only: int | None = None
    for index, (node, speaks) in enumerate(zip(stream.said, stream.speaks, strict=True)):
        if speaks and node is not None and not node.abstains:
            if only is not None:
                return None
            only = index
    node = None if only is None else stream.said[only]
    return None if node is None else Choice(node.favourite, node.gap / float(plan.temperatures[only]))


def _choose_by_rule(
    rule: RuleName, streams: Sequence[Stream], distributions: Distributions, alphabet: Alphabet
) -> list[Choice]:
    log_probs, present = _gather(streams, distributions)
    allowed = _allowed(streams, log_probs, alphabet)
    plans = [stream.job.plan for stream in streams]
    width = len(present)
    alpha, beta, contrast = torch.from_numpy(np.stack([plan.fusion for plan in plans], axis=1))
    speakers = prepare(
        log_probs,
        present,
        allowed,
        weights=torch.from_numpy(np.stack([plan.weights[:width] for plan in plans], axis=1)),
        temperatures=torch.from_numpy(np.stack([plan.temperatures[:width] for plan in plans], axis=1)),
        lead=torch.tensor([plan.lead for plan in plans]),
        alpha=alpha,
        beta=beta,
        contrast=contrast,
    )
    fused = fuse(rule, speakers)
    scores = _perturb(fused, streams)
    symbols = first_argmax(scores).tolist()
    distances = margins(rule, speakers, scores).tolist()
    silent = (~present.any(0)).tolist()
    return [
        Choice(-1, 0.0, (), Failure("no_mass", "no speaker gives mass to any allowed symbol"))
        if silent[index]
        else Choice(symbols[index], distances[index], _candidates(stream, fused, index))
        for index, stream in enumerate(streams)
    ]


def _gather(streams: Sequence[Stream], distributions: Distributions) -> tuple[Tensor, Tensor]:
    """``[speakers, streams, symbols]`` log-probabilities and ``[speakers, streams]`` who really speaks.

    A lead that abstains keeps its (blank) row, so that ties can still be settled; an absent speaker gets row 0.
    """
    width = max(len(stream.said) for stream in streams)
    rows = np.zeros((width, len(streams)), dtype=np.int64)
    present = np.zeros((width, len(streams)), dtype=bool)
    for column, stream in enumerate(streams):
        assert stream.speaks is not None
        for index, (node, speaks) in enumerate(zip(stream.said, stream.speaks, strict=True)):
            if speaks and node is not None:
                rows[index, column] = node.row
                present[index, column] = not node.abstains
    taken = distributions.take(rows.reshape(-1).tolist())
    return taken.reshape(width, len(streams), -1), torch.from_numpy(present)


def _allowed(streams: Sequence[Stream], log_probs: Tensor, alphabet: Alphabet) -> Tensor:
    """``[streams, symbols]``: valid UTF-8 in bytes; in tokens, whatever the shared vocabulary can say."""
    if alphabet.size == 257:
        partial = [split_character(stream.raw)[1] for stream in streams]
        return torch.from_numpy(np.stack([allowed_after(one) for one in partial]))
    lead = torch.tensor([stream.job.plan.lead for stream in streams])
    return torch.isfinite(log_probs[lead, torch.arange(len(streams))])


def _perturb(fused: Tensor, streams: Sequence[Stream]) -> Tensor:
    """Add sampling noise to the streams that sample; float64, so that noise is not rounded away."""
    scores = fused.double()
    sampled = [index for index, stream in enumerate(streams) if stream.job.plan.recipe.samples > 1]
    if sampled:
        chosen = [streams[index] for index in sampled]
        noise = gumbel([one.key for one in chosen], [one.position for one in chosen], fused.shape[-1])
        temperatures = torch.tensor([one.job.plan.recipe.sampling_temperature for one in chosen], dtype=torch.float64)
        scores[sampled] = scores[sampled] / temperatures[:, None] + torch.from_numpy(noise)
    return scores


def _candidates(stream: Stream, fused: Tensor, index: int) -> tuple[tuple[int, float], ...]:
    if not (stream.job.request.trace and stream.number == 0):
        return ()
    best = fused[index].topk(min(CANDIDATES, fused.shape[-1]))
    return tuple(zip(best.indices.tolist(), best.values.exp().tolist(), strict=True))
