"""A recipe in words: who leads, who speaks when, with what weight, by which rule."""

from __future__ import annotations

import math

from evoswarm.evaluation.cost import Cost
from evoswarm.policies.mix import Fusion, Recipe, RecipeMember


def in_words(recipe: Recipe, cost: Cost | None = None) -> list[str]:
    """Describe a recipe, one sentence per line.

    Args:
        recipe: any.
        cost: its mean cost on some items, in the recipe's member order; adds how often each follower really spoke.
    """
    steps = dict.fromkeys((member.spec.name for member in recipe.members), math.nan)
    if cost is not None and cost.members:
        steps.update({member.name: member.steps for member in cost.members})
    lead = recipe.members[recipe.lead_index]
    if len(recipe.members) == 1:
        return [f"{recipe.lead} alone{_temperature(lead)}.", _sampling(recipe)]
    lines = [f"{recipe.lead} leads: it speaks at every step{_weight(recipe, lead)}{_temperature(lead)}."]
    for member in recipe.members:
        if member.spec.name != recipe.lead:
            share = steps[member.spec.name] / steps[recipe.lead] if steps[recipe.lead] else math.nan
            how = f"{_when(recipe, member, share)}{_weight(recipe, member)}{_temperature(member)}"
            lines.append(f"{member.spec.name} {how}.")
    return [*lines, f"Fusion: {_rule(recipe.fusion)}.", _sampling(recipe)]


def _when(recipe: Recipe, member: RecipeMember, share: float) -> str:
    if member.threshold == 0.0:
        return "speaks at every step"
    seen = "" if math.isnan(share) else f" ({share:.0%} of steps)"
    if recipe.gate == "random":
        return f"joins with probability {max(0.0, 1 - member.threshold):.3g}{seen}"
    bound = "at most" if recipe.gate == "low_entropy" else "at least"
    return f"joins where the lead's entropy is {bound} {member.threshold:.3g} nats{seen}"


def _weight(recipe: Recipe, member: RecipeMember) -> str:
    if recipe.fusion.rule == "most_confident":
        return ""
    if recipe.fusion.rule == "contrast" and member.spec.name == recipe.lead:
        return ""
    return f", weight {member.weight:.2f}"


def _temperature(member: RecipeMember) -> str:
    shown = f"{member.temperature:.2f}"
    return "" if shown == "1.00" else f", temperature {shown}"


def _rule(fusion: Fusion) -> str:
    sharpened = f", weights sharpened by confidence (beta {fusion.beta:.2g})" if fusion.beta else ""
    alpha = {math.inf: "max", -math.inf: "min"}.get(fusion.alpha, f"{fusion.alpha:.3g}")
    return {
        "mixture": "mixture (the weighted mean of the speakers' distributions)",
        "product": "product (the weighted geometric mean of the speakers' distributions)",
        "power": f"power mean with alpha {alpha}",
        "most_confident": "most confident (the speaker of least entropy decides)",
        "vote": "vote (each speaker's likeliest symbol counts its weight)",
        "contrast": f"contrast with lambda {fusion.contrast:.2g} (the lead, less what the others would say)",
    }[fusion.rule] + sharpened


def _sampling(recipe: Recipe) -> str:
    if recipe.samples == 1:
        return "One greedy answer."
    return f"Majority vote over {recipe.samples} answers sampled at temperature {recipe.sampling_temperature:.2f}."


def ended_because(reason: str, limit: float | None, generations: int) -> str:
    """Why a search ended, as a sentence.

    Args:
        reason: the name of the setting that ended it.
        limit: its value.
        generations: how many there were.
    """
    asked = f"{generations} generation" + ("" if generations == 1 else "s")
    if reason == "generations":
        return f"The search ended after {asked}, as many as evolution.generations allows."
    why = {
        "stop_at.accuracy": "an accuracy of at least {} was reached on the search split",
        "budget.evaluations": "{} evaluations were asked for",
        "budget.decoded_tokens": "recipes had read {} tokens, each as if deployed alone",
        "budget.flops": "recipes had taken {} FLOPs, each as if deployed alone",
        "budget.seconds": "the time of {} was over",
    }.get(reason, "its limit was reached")
    if limit is None:
        return f"The search ended after {asked}: {reason} said so."
    shown = duration(limit) if reason == "budget.seconds" else f"{limit:g}" if limit < 1e6 else quantity(limit)
    return f"The search ended after {asked}: {why.format(shown)} ({reason})."


def quantity(value: float) -> str:
    """A number with a metric prefix: 1234567 is ``1.23M``."""
    for size, prefix in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """Seconds as people say them: ``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
