"""How a recipe reads: who leads, who speaks when, with what weight, by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from evoswarm.fusion.context import gate_words
from evoswarm.policies.alphabets import alphabet_words
from evoswarm.policies.sampling import answers_words, sampling_words
from evoswarm.policies.shares import percent

if TYPE_CHECKING:
    from evoswarm.policies.mix import Recipe, RecipeMember


def mix_words(recipe: Recipe, spoken: Mapping[str, float] | None) -> list[str]:
    """One sentence per line.

    Args:
        recipe: that is told of.
        spoken: share of all steps at which a member really spoke, by name, where it is known.
    """
    lead, ends = (
        recipe.members[recipe.lead_index],
        [alphabet_words(recipe.alphabet, len(recipe.members)), _sampling(recipe)],
    )
    if len(recipe.members) == 1:
        return [f"{recipe.lead} alone{_temperature(lead)}.", *ends]
    lines = []
    for member in (lead, *(member for member in recipe.members if member is not lead)):
        name = member.spec.name
        who = f"{name} leads: it" if member is lead else name
        when = _when(recipe, member, (spoken or {}).get(name))
        lines.append(f"{who} {when}{_weight(recipe, member)}{_temperature(member)}.")
    if recipe.draws_speaker:
        lines.append("Of those who have a say, each step draws one by weight, and asks no other.")
    return [*lines, f"Fusion: {recipe.fusion.definition.words(recipe.fusion.parameters)}.", *ends]


def _sampling(recipe: Recipe) -> str:
    if recipe.samples == 1:
        return f"{answers_words(recipe).capitalize()}."
    return f"Majority vote over {recipe.samples} answers sampled at {sampling_words(recipe)}."


def _when(recipe: Recipe, member: RecipeMember, share: float | None) -> str:
    """When a member speaks, and at which share of all steps it did, where that is known."""
    seen = "" if share is None else f" ({percent(share)} of steps)"
    if member.threshold == 0.0:  # and it was silent where it gives no symbol any mass
        return "speaks at every step" + (seen if share is not None and share < 1 else "")
    if recipe.gate == "random":
        return f"speaks with probability {max(0.0, 1 - member.threshold):.3g} at each step{seen}"
    bound = "at most" if recipe.gate == "low_entropy" else "at least"
    more = gate_words(recipe.fusion.parameters)
    return f"speaks where the lead's entropy{more} is {bound} {member.threshold:.3g} nats{seen}"


def _weight(recipe: Recipe, member: RecipeMember) -> str:
    rule = recipe.fusion.definition
    counts = rule.uses_weights and (rule.uses_lead_weight or member.spec.name != recipe.lead)
    return f", weight {member.weight:.2f}" if counts else ""


def _temperature(member: RecipeMember) -> str:
    shown = f"{member.temperature:.2f}"
    return "" if shown == "1.00" else f", temperature {shown}"
