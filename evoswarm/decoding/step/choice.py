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

from evoswarm.decoding.compiled.nodes import NO_ROW
from evoswarm.decoding.memory.contexts import ContextTable
from evoswarm.decoding.step.batch import StepBatch
from evoswarm.decoding.step.fusion import Heard, decision_margin, fuse, fuse_scores, fused_at_once, normalise
from evoswarm.decoding.step.noise import gumbel, gumbel_at
from evoswarm.decoding.step.speaking import AnswersSoFar, gains_of, side_by_side
from evoswarm.decoding.step.streams import Streams
from evoswarm.decoding.step.truncation import truncate
from evoswarm.fusion import FusionRule
from evoswarm.fusion.speakers import argmax_and_margin, pick

EVEN_ABOVE = 256  # streams; below that many it costs more to part them by the number of speakers than it saves
NO_MASS = -1


Likeliest = tuple[tuple[int, float], ...]
"""Symbols with their probabilities, the likeliest first; of equals the lowest."""


class Traced(NamedTuple):
    """What a trace keeps of a fused distribution, and of those that it was fused from; see `Step`."""

    candidates: Likeliest
    log_prob: float
    said: tuple[Likeliest, ...]
    moved: float


UNTRACED = Traced((), math.nan, (), math.nan)


@dataclass(frozen=True, slots=True)
class Choices:
    """The next symbols.

    Attributes:
        symbols: ``[n]`` their numbers; NO_MASS where nobody gives mass to any.
        margins: ``[n]`` how far from another choice, nats.
        traced: by position what of the distributions is kept, where a trace is.
        gains: ``[n, width]`` what the choices, or the symbols that must be followed, add to the credibility of members;
            None where no recipe looks at it.
    """

    symbols: NDArray[np.int64]
    margins: NDArray[np.float64]
    traced: dict[int, Traced]
    gains: NDArray[np.float64] | None


def choose(batch: StepBatch, streams: Streams, contexts: ContextTable) -> Choices:
    """Choose the next symbol of every stream.

    Where one member speaks, every rule is that member, and greedily its most likely symbol is known. The other
    streams are fused, those of one rule in one batch.
    """
    symbols = np.full(len(batch), NO_MASS, dtype=np.int64)
    distances = np.zeros(len(batch))
    kept: dict[int, Traced] = {}
    credits = streams.plans.credits[batch.plan]
    gained = np.zeros(batch.members.shape) if credits.any() else None
    alone = np.flatnonzero(batch.alone)
    if len(alone):
        column = batch.present[alone].argmax(1)
        where = batch.context[alone], batch.members[alone, column]
        symbols[alone] = contexts.argmax[where]
        distances[alone] = contexts.margin[where] / streams.plans.temperatures[batch.plan[alone], column]
    decided: list[tuple[NDArray[np.int64], Tensor]] = []
    for group in _groups(batch, streams, contexts):
        part = batch.some(group)
        rule, speakers = _speakers(part, streams, contexts)
        choice = _decide(rule, speakers, part, streams)
        decided.append((group, choice))
        if gained is not None and credits[group].any():
            chosen = choice[0].cpu().numpy().astype(np.int64)
            followed = torch.from_numpy(streams.followed(part.streams, chosen, contexts.alphabet.end))
            gained[group] = gains_of(part.speaks, speakers, followed)
    if decided:  # one transfer for all rules
        every = np.concatenate([group for group, _ in decided])
        found = torch.cat([choice for _, choice in decided], 1).cpu().numpy()
        symbols[every], distances[every] = found[0].astype(np.int64), found[1]
    for group, _ in decided:
        traced = group[streams.traced[batch.streams[group]]]
        if len(traced):
            shown = _traced(batch.some(traced), symbols[traced], streams, contexts)
            kept.update(zip(traced.tolist(), shown, strict=True))
    return Choices(symbols, distances, kept, gained)


def _groups(batch: StepBatch, streams: Streams, contexts: ContextTable) -> Iterator[NDArray[np.int64]]:
    """Positions of streams that are fused together: of one rule, of as many speakers, and not too many."""
    rest = np.flatnonzero(~batch.alone & batch.present.any(1))
    at_once = fused_at_once(contexts.distributions.device) // contexts.alphabet.size
    rules = streams.plans.rule[batch.plan[rest]]
    for rule in np.unique(rules):
        group = rest[rules == rule]
        counts = batch.speaks[group].sum(1)
        even = len(group) > EVEN_ABOVE
        for size in np.unique(counts) if even else [counts.max()]:
            same = group[counts == size] if even else group
            most = max(1, at_once // int(size))
            for start in range(0, len(same), most):
                yield same[start : start + most]


def _decide(rule: FusionRule, speakers: Heard, batch: StepBatch, streams: Streams) -> Tensor:
    """``[2, n]`` symbols and margins of streams of one rule, in float64, where the distributions are."""
    scores = fuse_scores(rule, speakers)
    scores = _perturb(scores, batch.streams, streams.steps[batch.streams], streams)
    best, margins = argmax_and_margin(scores)
    return torch.stack([best.double(), decision_margin(rule, speakers, margins).double()])


def _speakers(batch: StepBatch, streams: Streams, contexts: ContextTable) -> tuple[FusionRule, Heard]:
    """The rule, and what it sees; see `side_by_side`."""

    def rows(order: NDArray[np.int64], present: NDArray[np.bool_]) -> Tensor:
        members = np.take_along_axis(batch.members, order, 1)
        found = np.where(present, contexts.row[batch.context[:, None], members], NO_ROW)
        return contexts.distributions.take(np.ascontiguousarray(found.T))

    limits = contexts.limits(batch.context)
    at = batch.context
    places = AnswersSoFar(contexts.length[at], contexts.inside[at], streams.credibility[batch.streams])
    return side_by_side(streams.plans, batch.plan, batch.speaks, batch.present, places, limits, rows)


def choose_alone(
    streams: NDArray[np.int64],
    ahead: int,
    contexts: NDArray[np.int64],
    leads: NDArray[np.int64],
    table: Streams,
    known: ContextTable,
) -> NDArray[np.int64]:
    """``[n]`` what leads would write by themselves, where rows of them are kept.

    Args:
        streams: ``[n]`` whose leads.
        ahead: steps behind those that the streams have made.
        contexts: ``[n]`` where.
        leads: ``[n]`` indices in the swarm.
        table: of the streams.
        known: what leads say.
    """
    symbols = known.argmax[contexts, leads].astype(np.int64)
    plan, rows = table.plan[streams], known.row[contexts, leads]
    drawn = np.flatnonzero(table.plans.draws[plan] & (rows != NO_ROW))
    if len(drawn):
        who, plan = streams[drawn], plan[drawn]
        said = known.distributions.take(np.ascontiguousarray(rows[drawn]))
        heat = torch.from_numpy(table.plans.temperatures[plan, table.plans.lead[plan]]).to(said.device)
        best, _ = argmax_and_margin(_perturb(said / heat[:, None], who, table.steps[who] + ahead, table))
        symbols[drawn] = best.cpu().numpy()
    return symbols


def _perturb(fused: Tensor, drawing: NDArray[np.int64], positions: NDArray[np.int64], streams: Streams) -> Tensor:
    """Temper, cut and add sampling noise where streams sample; float64, so that noise is not rounded away.

    Args:
        fused: ``[n, symbols]`` scores.
        drawing: ``[n]`` streams.
        positions: ``[n]`` symbols before.
        streams: all.
    """
    plans, device, symbols = streams.plans, fused.device, fused.shape[-1]
    plan_of = streams.plan[drawing]
    sampled = np.flatnonzero(plans.draws[plan_of])
    if not len(sampled):
        return fused
    cuts = plans.truncates[plan_of[sampled]]
    scores = fused.double()
    for some, cut in ((sampled[~cuts], False), (sampled[cuts], True)):
        if not len(some):
            continue
        plan, keys, at = plan_of[some], streams.key[drawing[some]], positions[some]
        where = slice(None) if len(some) == len(scores) else torch.from_numpy(some).to(device)
        heat = torch.from_numpy(plans.sampling_temperature[plan]).to(device)
        tempered = scores[where] / heat[:, None]
        if cut:
            kept = truncate(tempered, *(torch.from_numpy(one[plan]) for one in (plans.top_k, plans.top_p, plans.min_p)))
            noise = gumbel_at(keys, at, kept.symbols)
            blank = torch.full((len(some), symbols), -torch.inf, dtype=scores.dtype, device=device)
            scores[where] = blank.scatter_(1, kept.symbols, kept.scores + noise)
        else:
            scores[where] = tempered + gumbel(keys, at, symbols, device)
    return scores


def _traced(batch: StepBatch, symbols: NDArray[np.int64], streams: Streams, contexts: ContextTable) -> Iterator[Traced]:
    """What traces keep of the distributions of some streams of one rule, which chose these ``[n]`` symbols."""
    rule, speakers = _speakers(batch, streams, contexts)
    fused = fuse(rule, speakers)
    chosen = streams.followed(batch.streams, symbols, contexts.alphabet.end)
    log_probs = fused.gather(1, torch.from_numpy(chosen).to(fused.device)[:, None])[:, 0].tolist()
    counts = np.minimum(streams.candidates[batch.streams], fused.shape[1]).tolist()
    candidates = _likeliest(fused, max(counts))
    quoted = streams.quoted[batch.streams]
    said, moved = _quotes(batch, speakers, fused, max(counts), streams) if quoted.any() else ([], [])
    for place, (count, log_prob) in enumerate(zip(counts, log_probs, strict=True)):
        own = (tuple(one[:count] for one in said[place]), moved[place]) if quoted[place] else ((), math.nan)
        yield Traced(candidates[place][:count], log_prob, *own)


def _quotes(
    batch: StepBatch, speakers: Heard, fused: Tensor, count: int, streams: Streams
) -> tuple[list[list[Likeliest]], list[float]]:
    """Per stream what its speakers said, and how far they moved its lead; see `Step`."""
    lead_speaks = batch.present[np.arange(len(batch)), streams.plans.lead[batch.plan]]
    return _said(batch, speakers, count), np.where(lead_speaks, _moved(fused, speakers), np.nan).tolist()


def _said(batch: StepBatch, speakers: Heard, count: int) -> list[list[Likeliest]]:
    """Per stream and speaker, in the order of the recipe, its own likeliest symbols; none of one that abstains."""
    own = normalise(speakers.untempered, speakers.limits)
    ranked, present = [_likeliest(one, count) for one in own], speakers.present.tolist()
    return [
        [ranked[place][stream] if present[place][stream] else () for place in range(speaking)]
        for stream, speaking in enumerate(batch.speaks.sum(1).tolist())
    ]


def _moved(fused: Tensor, speakers: Heard) -> NDArray[np.float32]:
    """``[n]`` total-variation distances of ``[n, symbols]`` from what the lead alone would have come to."""
    alone = pick(speakers.hidden, speakers.lead)
    distances: NDArray[np.float32] = ((fused.exp() - alone.exp()).abs().sum(1) / 2).cpu().numpy()
    return distances


def _likeliest(log_probs: Tensor, count: int) -> list[Likeliest]:
    """Per stream, so many of the likeliest of ``[n, symbols]``."""
    best = log_probs.topk(count)
    ranked = zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)
    return [tuple(sorted(zip(*one, strict=True), key=lambda it: (-it[1], it[0]))) for one in ranked]
