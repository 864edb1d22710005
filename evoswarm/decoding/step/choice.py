"""From what the speakers said to the next symbol, for many streams at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.step.batch import StepBatch
from evoswarm.decoding.step.fusion import FUSED_AT_ONCE, decision_margin, fuse, fuse_scores, normalise
from evoswarm.decoding.step.noise import gumbel, gumbel_at
from evoswarm.decoding.step.speaking import AnswersSoFar, gains_of, side_by_side
from evoswarm.decoding.step.streams import Streams
from evoswarm.decoding.step.truncation import truncate
from evoswarm.decoding.trees.nodes import NO_ROW
from evoswarm.fusion import FusionRule, Speakers
from evoswarm.fusion.speakers import argmax_and_margin, pick

EVEN_ABOVE = 256  # streams; below that many it costs more to part them by the number of speakers than it saves
NO_MASS = -1


Likeliest = tuple[tuple[int, float], ...]
"""Symbols with their probabilities, the likeliest first; of equals the lowest."""


class Heard(NamedTuple):
    """What a trace keeps of a fused distribution, and of those that it was fused from; see `Step`."""

    candidates: Likeliest
    log_prob: float
    said: tuple[Likeliest, ...]
    moved: float


UNHEARD = Heard((), math.nan, (), math.nan)


@dataclass(frozen=True, slots=True)
class Choices:
    """The next symbols.

    Attributes:
        symbols: ``[n]`` their numbers; NO_MASS where nobody gives mass to any.
        margins: ``[n]`` how far from another choice, nats.
        heard: by position what of the distributions is kept, where a trace is.
        gains: ``[n, width]`` what the choices, or the symbols that must be followed, add to the credibility of members;
            None where no recipe looks at it.
    """

    symbols: NDArray[np.int64]
    margins: NDArray[np.float64]
    heard: dict[int, Heard]
    gains: NDArray[np.float64] | None


def choose(batch: StepBatch, streams: Streams, contexts: ContextTable) -> Choices:
    """Choose the next symbol of every stream.

    Where one member speaks, every rule is that member, and greedily its most likely symbol is known. The other
    streams are fused, those of one rule in one batch.
    """
    symbols = np.full(len(batch), NO_MASS, dtype=np.int64)
    distances = np.zeros(len(batch))
    heard: dict[int, Heard] = {}
    credits = streams.plans.credits[batch.plan]
    gained = np.zeros(batch.members.shape) if credits.any() else None
    alone = np.flatnonzero(batch.alone)
    if len(alone):
        column = batch.present[alone].argmax(1)
        where = batch.context[alone], batch.members[alone, column]
        symbols[alone] = contexts.argmax[where]
        distances[alone] = contexts.margin[where] / streams.plans.temperatures[batch.plan[alone], column]
    for group in _groups(batch, streams, contexts.alphabet.size):
        part = batch.some(group)
        symbols[group], distances[group], of_group = _fuse(part, streams, contexts)
        if gained is not None and of_group is not None:
            gained[group] = of_group
        traced = group[streams.traced[part.streams]]
        if len(traced):
            kept = _heard(batch.some(traced), symbols[traced], streams, contexts)
            heard.update(zip(traced.tolist(), kept, strict=True))
    return Choices(symbols, distances, heard, gained)


def _groups(batch: StepBatch, streams: Streams, symbols: int) -> Iterator[NDArray[np.int64]]:
    """Positions of streams that are fused together: of one rule, of as many speakers, and not too many."""
    rest = np.flatnonzero(~batch.alone & batch.present.any(1))
    rules = streams.plans.rule[batch.plan[rest]]
    for rule in np.unique(rules):
        group = rest[rules == rule]
        counts = batch.speaks[group].sum(1)
        even = len(group) > EVEN_ABOVE
        for size in np.unique(counts) if even else [counts.max()]:
            same = group[counts == size] if even else group
            most = max(1, FUSED_AT_ONCE // (int(size) * symbols))
            for start in range(0, len(same), most):
                yield same[start : start + most]


def _fuse(
    batch: StepBatch, streams: Streams, contexts: ContextTable
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64] | None]:
    """``[n]`` symbols, ``[n]`` margins and ``[n, width]`` gains (or None) of streams of one rule."""
    plans = streams.plans
    rule, speakers = _speakers(batch, streams, contexts)
    scores = fuse_scores(rule, speakers)
    sampled = plans.draws[batch.plan]
    if sampled.any():
        scores = _perturb(scores, batch, streams, np.flatnonzero(sampled))
    best, margins = argmax_and_margin(scores)
    symbols = best.numpy()
    gained = None
    if plans.credits[batch.plan].any():
        followed = torch.from_numpy(streams.followed(batch.streams, symbols, contexts.alphabet.end))
        gained = gains_of(batch.speaks, speakers, followed)
    return symbols, decision_margin(rule, speakers, margins).double().numpy(), gained


def _speakers(batch: StepBatch, streams: Streams, contexts: ContextTable) -> tuple[FusionRule, Speakers]:
    """The rule, and what it sees; see `side_by_side`."""

    def rows(order: NDArray[np.int64], present: NDArray[np.bool_]) -> Tensor:
        members = np.take_along_axis(batch.members, order, 1)
        found = np.where(present, contexts.row[batch.context[:, None], members], NO_ROW)
        return contexts.distributions.take(np.ascontiguousarray(found.T))

    allowed = contexts.allowed(batch.context)
    at = batch.context
    places = AnswersSoFar(contexts.length[at], contexts.inside[at], streams.credibility[batch.streams])
    return side_by_side(streams.plans, batch.plan, batch.speaks, batch.present, places, allowed, rows)


def _perturb(fused: Tensor, batch: StepBatch, streams: Streams, sampled: NDArray[np.int64]) -> Tensor:
    """Temper, cut and add sampling noise where streams sample; float64, so that noise is not rounded away."""
    plans, scores = streams.plans, fused.double()
    scores[sampled] /= torch.from_numpy(plans.sampling_temperature[batch.plan[sampled]])[:, None]
    cuts = plans.truncates[batch.plan[sampled]]
    whole, some = sampled[~cuts], sampled[cuts]
    if len(whole):
        who = batch.streams[whole]
        scores[whole] += torch.from_numpy(gumbel(streams.key[who], streams.steps[who], fused.shape[-1]))
    if len(some):
        who, plan = batch.streams[some], batch.plan[some]
        limits = (torch.from_numpy(limit[plan]) for limit in (plans.top_k, plans.top_p, plans.min_p))
        kept = truncate(scores[some], *limits)
        noise = gumbel_at(streams.key[who], streams.steps[who], kept.symbols.numpy())
        blank = torch.full((len(some), fused.shape[-1]), -torch.inf, dtype=scores.dtype)
        scores[some] = blank.scatter_(1, kept.symbols, kept.scores + torch.from_numpy(noise))
    return scores


def _heard(batch: StepBatch, symbols: NDArray[np.int64], streams: Streams, contexts: ContextTable) -> Iterator[Heard]:
    """What traces keep of the distributions of some streams of one rule, which chose these ``[n]`` symbols."""
    rule, speakers = _speakers(batch, streams, contexts)
    fused = fuse(rule, speakers)
    chosen = streams.followed(batch.streams, symbols, contexts.alphabet.end)
    log_probs = fused.gather(1, torch.from_numpy(chosen)[:, None])[:, 0].tolist()
    counts = np.minimum(streams.candidates[batch.streams], fused.shape[1]).tolist()
    candidates = _likeliest(fused, max(counts))
    quoted = streams.quoted[batch.streams]
    said, moved = _quotes(batch, speakers, fused, max(counts), streams) if quoted.any() else ([], [])
    for place, (count, log_prob) in enumerate(zip(counts, log_probs, strict=True)):
        own = (tuple(one[:count] for one in said[place]), moved[place]) if quoted[place] else ((), math.nan)
        yield Heard(candidates[place][:count], log_prob, *own)


def _quotes(
    batch: StepBatch, speakers: Speakers, fused: Tensor, count: int, streams: Streams
) -> tuple[list[list[Likeliest]], list[float]]:
    """Per stream what its speakers said, and how far they moved its lead; see `Step`."""
    lead_speaks = batch.present[np.arange(len(batch)), streams.plans.lead[batch.plan]]
    return _said(batch, speakers, count), np.where(lead_speaks, _moved(fused, speakers), np.nan).tolist()


def _said(batch: StepBatch, speakers: Speakers, count: int) -> list[list[Likeliest]]:
    """Per stream and speaker, in the order of the recipe, its own likeliest symbols; none of one that abstains."""
    own = normalise(speakers.untempered, speakers.allowed)
    ranked, present = [_likeliest(one, count) for one in own], speakers.present.tolist()
    return [
        [ranked[place][stream] if present[place][stream] else () for place in range(speaking)]
        for stream, speaking in enumerate(batch.speaks.sum(1).tolist())
    ]


def _moved(fused: Tensor, speakers: Speakers) -> NDArray[np.float32]:
    """``[n]`` total-variation distances of ``[n, symbols]`` from what the lead alone would have come to."""
    alone = pick(speakers.hidden, speakers.lead)
    distances: NDArray[np.float32] = ((fused.exp() - alone.exp()).abs().sum(1) / 2).numpy()
    return distances


def _likeliest(log_probs: Tensor, count: int) -> list[Likeliest]:
    """Per stream, so many of the likeliest of ``[n, symbols]``."""
    best = log_probs.topk(count)
    ranked = zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)
    return [tuple(sorted(zip(*one, strict=True), key=lambda it: (-it[1], it[0]))) for one in ranked]
